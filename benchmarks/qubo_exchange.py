"""Does replica exchange help? CPU seconds to hard targets by anneals alone, and by anneals and exchange in turns; one thread.

G22 and G55 at the goals of the quality figures, and planted cubes at their optimum. A miss counts as the whole budget: where
the median of anneals alone missed, the ratio is a floor (`at_least`), and where that of both in turns missed, there is none.
"""

import argparse
import math
import statistics
import time

from qubo_common import graph, median_ratio, one_run, tell

from app.engine.qubo.anneal import Annealing, warm_up
from app.engine.qubo.planted import cubes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    warm_up()
    cases = [(name, graph(name), target) for name, target in (("G22", 13_358), ("G55", 10_294))]
    for sides, share in (((10, 10, 20), 0.4), ((10, 10, 50), 0.4), ((8, 8, 10), 0.0)):
        problem, best, _ = cubes(sides, 20_260, share)
        cases.append((f"torus {problem.n}, {share:g} F22", problem, best))
    for name, problem, target in cases:
        if problem is None or given.only not in name:
            continue
        hits: dict[bool, list[float]] = {False: [], True: []}
        for seed in range(given.seeds):
            for exchange, times in hits.items():
                solver = Annealing(exchange=exchange, now=time.process_time)
                times.append(one_run(problem, solver, given.seconds, seed, target).hit_s)
        settings = {"target": target, "seconds": given.seconds, "seeds": given.seeds, "threads": 1}
        for exchange, times in hits.items():
            told = "anneals and exchange" if exchange else "anneals alone"
            reached = sum(math.isfinite(one) for one in times)
            tell(f"{name}: time to {target:g}, {told}", statistics.median(times), "CPU s", "", settings | {"reached": reached})
        ratio, floor = median_ratio(hits[False], hits[True], cap=given.seconds)
        tell(f"{name}: anneals alone over anneals and exchange", ratio, "ratio", "", settings | floor)


if __name__ == "__main__":
    main()
