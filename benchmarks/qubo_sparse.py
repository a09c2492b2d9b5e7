"""CPU seconds to a 0.3 % gap on sparse problems: ours beside dwave-samplers' annealer at every sweep setting of its grid.

G22 and G55 (best known values), and planted ±1 toruses whose optimum is known by construction. One thread each, alternating
in one run; both clocks are CPU seconds. A run ends at the target; one that misses it counts as its whole budget in the ratio
(so the ratio is a lower bound) and as null in the median. "tuned" is the peer's setting with the lowest median.

These toruses are an easy class: at 10,000 nodes the peer reaches the optimum within 100 sweeps, which its grid does not offer,
so their ratios say how costly one anneal of the grid is, and little of who searches better. G22 and G55 are the hard ones.
"""

import argparse
import math
import statistics
import time
from collections.abc import Iterator

from qubo_common import BEST_KNOWN, graph, lower_ratio, one_run, tell

from app.engine.qubo.adapters.dwave import DwaveAnnealing, load
from app.engine.qubo.anneal import Annealing, warm_up
from app.engine.qubo.planted import torus
from app.engine.qubo.problem import Qubo

GRID = (1000, 3000, 10_000, 30_000)
SIDES = ((40, 50), (50, 100), (100, 100), (100, 200))
GAP_RATIO = 0.003


def problems() -> Iterator[tuple[str, Qubo, float]]:
    for name in ("G22", "G55"):
        problem = graph(name)
        if problem is not None:
            yield name, problem, BEST_KNOWN[name]
    for rows, cols in SIDES:
        problem, best, _ = torus(rows, cols, 20_260)
        yield f"torus {rows * cols}", problem, best


def measure(name: str, problem: Qubo, best: float, seconds: float, seeds: int) -> None:
    target = math.ceil(best - abs(best) * GAP_RATIO)
    makers = {"anneal": lambda: Annealing(now=time.process_time)}
    for sweeps in GRID:
        makers[f"dwave-sa {sweeps}"] = lambda sweeps=sweeps: DwaveAnnealing(sweeps=sweeps, now=time.process_time)
    hits: dict[str, list[float]] = {label: [] for label in makers}
    for seed in range(seeds):
        for label, make in makers.items():
            hits[label].append(one_run(problem, make(), seconds, seed, target)[1])
    settings = {"problem": name, "n": problem.n, "target": target, "seconds": seconds, "seeds": seeds, "threads": 1}
    medians = {label: statistics.median(times) for label, times in hits.items()}
    for label, value in medians.items():
        tell(f"{name}: time to 0.3 % gap, {label}", value, "CPU s", "" if label == "anneal" else label, settings)
    tuned = min((label for label in makers if label != "anneal"), key=lambda label: min(medians[label], 1e9))
    for role, peer in (("tuned", tuned), ("default", "dwave-sa 1000")):
        ratio = min(medians[peer], seconds) / medians["anneal"]
        tell(f"{name}: time to 0.3 % gap, {role} peer over ours", ratio, "ratio", peer, settings)
        low = lower_ratio(hits[peer], hits["anneal"], cap=seconds)
        tell(f"{name}: time to 0.3 % gap, {role} peer over ours, lower 95 % bound", low, "ratio", peer, settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="part of a problem's name")
    given = parser.parse_args()
    warm_up()
    load()
    for name, problem, best in problems():
        if given.only in name:
            measure(name, problem, best, given.seconds, given.seeds)


if __name__ == "__main__":
    main()
