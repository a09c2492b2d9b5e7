"""CPU seconds to the best known value of dense problems: Palubeckis p3000.1 and .2, Beasley bqp1000_1; one thread.

The peer is dwave-samplers' tabu search with the same budget. It runs at every tenure of its grid on the first seeds; the one
with the lowest median (the best value decides where none hits) goes on to all seeds. It is told the target, as the sampler
takes a threshold, so that a hit is told when it falls; its matrix and our spin form are laid out before the runs. A miss
counts as null.
"""

import argparse
import statistics
import time
from collections.abc import Iterator

from qubo_common import DATA, TENURES, Run, one_run, tell

from app.engine.qubo.adapters.dwave import DwaveTabu, load
from app.engine.qubo.ising import spin_form
from app.engine.qubo.planted import PALUBECKIS, palubeckis
from app.engine.qubo.problem import Qubo
from app.engine.qubo.reader import read_problem
from app.engine.qubo.tabu import TabuSearch, warm_up


def problems(only: str) -> Iterator[tuple[str, Qubo, float]]:
    beasley = DATA / "qubo" / "bqp1000_1.qubo"
    if beasley.exists() and only in beasley.stem:
        yield beasley.stem, read_problem(beasley), 371_438
    for name in ("p3000.1", "p3000.2"):
        if only in name:
            n, density, seed, best = PALUBECKIS[name]
            yield name, palubeckis(n, density, seed, name), best


def peer(problem: Qubo, tenure: int, best: float, seconds: float, seeds: range) -> list[Run]:
    """Return the runs of the peer at a tenure."""
    solver = DwaveTabu(tenure=tenure, goal=problem.objective_of(best), now=time.process_time)
    return [one_run(problem, solver, seconds, seed, best) for seed in seeds]


def measure_peer(name: str, problem: Qubo, best: float, given: argparse.Namespace) -> None:
    """Tune the peer and tell its time at its best tenure and at the sampler's own."""
    tune = range(min(given.tune_seeds, given.peer_seeds))
    runs = {tenure: peer(problem, tenure, best, given.seconds, tune) for tenure in TENURES}
    order = sorted(runs, key=lambda one: (median_hit(runs[one]), -statistics.median(run.best for run in runs[one])))
    tuned = runs[order[0]] + peer(problem, order[0], best, given.seconds, range(len(tune), given.peer_seeds))
    tried = {f"tenure {tenure}": median_hit(runs[tenure]) for tenure in TENURES}
    told = {"problem": name, "target": best, "seconds": given.seconds, "threads": 1, "seeds": len(tuned), "tenure": order[0],
            "best": max(run.best for run in tuned), "hits": sum(run.hit_s < float("inf") for run in tuned)}  # fmt: skip
    tell(f"{name}: time to best known, dwave-tabu", median_hit(tuned), "CPU s", "dwave-tabu, its best tenure", told | tried)


def median_hit(runs: list[Run]) -> float:
    return statistics.median(run.hit_s for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peer-seeds", type=int, default=10)
    parser.add_argument("--tune-seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    warm_up()
    for name, problem, best in problems(given.only):
        spin_form(problem)
        load(problem, DwaveTabu.name)
        settings = {"problem": name, "target": best, "seconds": given.seconds, "seeds": given.seeds, "threads": 1}
        ours = [one_run(problem, TabuSearch(now=time.process_time), given.seconds, k, best) for k in range(given.seeds)]
        slowest = {"slowest": max(run.hit_s for run in ours)}
        tell(f"{name}: time to best known", median_hit(ours), "CPU s", "", settings | slowest)
        tell(f"{name}: runs that reach best known", sum(run.hit_s < float("inf") for run in ours), "runs", "", settings)
        if given.peer_seeds:
            measure_peer(name, problem, best, given)


if __name__ == "__main__":
    main()
