"""First incumbent (warm) for 10,000 variables, and the memory of a sparse problem of 100,000 variables, in this process."""

import argparse
import resource
import sys
import time

from qubo_common import tell

from app.engine.base.contracts import Budget
from app.engine.qubo.anneal import Annealing, warm_up
from app.engine.qubo.planted import torus

_UNIT = 1 if sys.platform == "darwin" else 1024


def first_incumbent(seed: int) -> float:
    problem, _, _ = torus(100, 100, seed)
    began, first = time.perf_counter(), []

    def report(_done: float, _total: float, _unit: str = "", partial: dict[str, float] | None = None) -> None:
        if partial and not first:
            first.append(time.perf_counter() - began)

    Annealing().solve(problem, Budget(0.5), seed, report, lambda: bool(first))
    return first[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    warm_up()
    times = sorted(first_incumbent(seed) for seed in range(9))
    told = {"n": 10_000, "threads": 1, "seeds": 9, "slowest": times[-1]}
    tell("qubo: first incumbent, 10,000 variables", times[4], "s", "", told)
    problem, best, _ = torus(250, 400, 1)
    began = time.process_time()
    found = Annealing().solve(problem, Budget(given.seconds), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    settings = {"n": problem.n, "couplings": problem.couplings, "seconds": given.seconds, "threads": 1}
    tell("qubo: peak memory, 100,000 variables", peak / 2**20, "MiB", "", settings)
    gap = (best + found.energy) / best
    settings |= {"cpu_s": round(time.process_time() - began, 2), "energy": found.energy, "optimum": -best, "class": "easy"}
    tell("qubo: gap to the planted optimum, 100,000 variables", gap, "ratio", "", settings)


if __name__ == "__main__":
    main()
