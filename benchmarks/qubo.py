"""Our annealer beside the annealer of dwave-samplers on published graphs: best cut, and CPU seconds to a 0.3 % gap.

Prints one JSON line per figure. One thread each, all in one run, alternating; budgets and times are CPU seconds. The peer runs
at its default (1000 sweeps a read) and at 3000, 10000 and 30000; "tuned" is the setting with the lowest median time to target.
A run that never reaches the target counts as infinite (null). The peer's times are known to 0.2 s at worst (a chunk of reads),
longer for a single read that takes longer. Graphs are looked for in ../shared/data/maxcut; the bundled one is used when they
are absent.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.engine.base.contracts import Budget
from app.engine.qubo.adapters.dwave import DwaveAnnealing, load
from app.engine.qubo.anneal import ReplicaAnnealing, warm_up
from app.engine.qubo.problem import Qubo
from app.engine.qubo.reader import read_problem
from app.engine.qubo.service import SAMPLE

DATA = Path(__file__).parents[2] / "shared" / "data" / "maxcut"
BEST_KNOWN = {"G1": 11624, "G22": 13359, "G55": 10299, SAMPLE.stem: 1040}
GAP_RATIO = 0.003
OURS, DEFAULT = "anneal", "dwave-sa 1000"
SOLVERS: dict[str, Callable[[], Any]] = {
    OURS: lambda: ReplicaAnnealing(now=time.process_time),
    **{
        f"dwave-sa {sweeps}": lambda sweeps=sweeps: DwaveAnnealing(sweeps=sweeps, now=time.process_time)
        for sweeps in (1000, 3000, 10_000, 30_000)
    },
}


def graphs() -> Iterator[tuple[str, Qubo]]:
    paths = [path for name in BEST_KNOWN if (path := DATA / f"{name}.txt").exists()] or [SAMPLE]
    for path in paths:
        yield path.stem, read_problem(path)


def one_run(problem: Qubo, solver: Any, seconds: float, seed: int, target: float) -> tuple[float, float]:
    """Return (best cut, CPU seconds until `target` was reached or infinity)."""
    began, hit = time.process_time(), math.inf

    def report(_done: float, _total: float, _unit: str = "", partial: dict[str, float] | None = None) -> None:
        nonlocal hit
        if math.isinf(hit) and -(partial or {}).get("best_energy", math.inf) >= target:
            hit = time.process_time() - began

    found = solver.solve(problem, Budget(seconds), seed, report)
    return problem.objective(found.sample), hit


def measure(name: str, problem: Qubo, seconds: float, seeds: int) -> None:
    target = math.ceil(BEST_KNOWN[name] * (1 - GAP_RATIO))
    runs: dict[str, list[tuple[float, float]]] = {solver: [] for solver in SOLVERS}
    for seed in range(seeds):
        for solver, make in SOLVERS.items():
            runs[solver].append(one_run(problem, make(), seconds, seed, target))
    medians = {solver: statistics.median(hit for _, hit in hits) for solver, hits in runs.items()}
    tuned = min((solver for solver in SOLVERS if solver != OURS), key=lambda solver: medians[solver])
    settings = {
        "graph": name,
        "best_known": BEST_KNOWN[name],
        "target": target,
        "seconds": seconds,
        "seeds": seeds,
        "threads": 1,
    }
    for solver, hits in runs.items():
        cuts = [best for best, _ in hits]
        told = {**settings, "solver": solver, "lowest": min(cuts), "highest": max(cuts)}
        tell("median best cut", statistics.median(cuts), "cut", solver if solver != OURS else "", told)
        tell("median time to 0.3 % gap", medians[solver], "CPU s", solver if solver != OURS else "", told)
    for role, peer in (("default", DEFAULT), ("tuned", tuned)):
        tell(f"time to 0.3 % gap, {role} peer over ours", medians[peer] / medians[OURS], "ratio", peer, settings)


def tell(figure: str, value: float, unit: str, peer: str, settings: dict[str, Any]) -> None:
    plain = round(value, 4) if math.isfinite(value) else None
    print(json.dumps({"figure": figure, "value": plain, "unit": unit, "peer": peer, "settings": settings}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    warm_up()
    load()
    for name, problem in graphs():
        measure(name, problem, given.seconds, given.seeds)


if __name__ == "__main__":
    main()
