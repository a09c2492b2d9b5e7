"""CPU seconds to the best known value of dense problems: Palubeckis p3000.1 and .2, Beasley bqp1000_1; one thread.

The peer is dwave-samplers' tabu with the same budget; a miss counts as null.
"""

import argparse
import statistics
import time
from collections.abc import Iterator

from qubo_common import DATA, one_run, tell

from app.engine.qubo.adapters.dwave import DwaveTabu, load
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peer-seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    warm_up()
    load()
    for name, problem, best in problems(given.only):
        settings = {"problem": name, "target": best, "seconds": given.seconds, "seeds": given.seeds, "threads": 1}
        ours = [one_run(problem, TabuSearch(now=time.process_time), given.seconds, k, best).hit_s for k in range(given.seeds)]
        tell(f"{name}: time to best known", statistics.median(ours), "CPU s", "", settings | {"slowest": max(ours)})
        tell(f"{name}: runs that reach best known", sum(one < float("inf") for one in ours), "runs", "", settings)
        theirs = [one_run(problem, DwaveTabu(now=time.process_time), given.seconds, k, best) for k in range(given.peer_seeds)]
        if theirs:
            told = settings | {"seeds": given.peer_seeds, "best": max(one.best for one in theirs)}
            median = statistics.median(one.hit_s for one in theirs)
            tell(f"{name}: time to best known, dwave-tabu", median, "CPU s", "dwave-tabu", told)


if __name__ == "__main__":
    main()
