"""Best cut in 20 s on two threads: G1, G22, G55, ten seeds each; prints median, lowest, highest and how many reach the gate."""

import argparse
import statistics

from qubo_common import BEST_KNOWN, graph, tell

from app.engine.base.contracts import Budget
from app.engine.qubo.anneal import Annealing, warm_up

GATES = {"G1": 11624, "G22": 13355, "G55": 10290}
GOALS = {"G1": 11624, "G22": 13358, "G55": 10294}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    warm_up()
    for name, best in BEST_KNOWN.items():
        problem = graph(name)
        if problem is None or given.only not in name:
            continue
        cuts = [
            problem.objective(Annealing().solve(problem, Budget(given.seconds, given.threads), seed).sample)
            for seed in range(given.seeds)
        ]
        settings = {
            "graph": name, "best_known": best, "seconds": given.seconds, "seeds": given.seeds, "threads": given.threads,
            "lowest": min(cuts), "highest": max(cuts),
        }  # fmt: skip
        tell(f"{name}: median best cut", statistics.median(cuts), "cut", "", settings)
        tell(f"{name}: runs that reach {GATES[name]}", sum(cut >= GATES[name] for cut in cuts), "runs", "", settings)
        tell(f"{name}: runs that reach {GOALS[name]}", sum(cut >= GOALS[name] for cut in cuts), "runs", "", settings)


if __name__ == "__main__":
    main()
