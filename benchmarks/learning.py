"""CPU time of one federated round over simulated clients, digits MLP 64-32-10, full participation; prints JSON.

Run as `outpost.py bench learning`. Peer for comparison: Flower 1.41 with Ray needs 8.5 CPU-s per round for the same 1,000
clients (field notes, measured on a machine of this kind); the arithmetic alone is 0.46 GFLOP.
"""

import argparse
import itertools
import json
import statistics
import time

from app.engine.learning import nets
from app.engine.learning.batched import CHUNK, Population
from app.engine.learning.data import load_digits
from app.engine.learning.partition import drawn
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy


def measure(clients: int, count: int, chunk: int, *, ratio: float = 1.0, algorithm: str = "fedavg") -> dict[str, object]:
    split = load_digits()
    each = max(16, len(split.train_y) // clients)
    people = Population.of(split.train_x, split.train_y, drawn("dirichlet", split.train_y, clients, 0, each=each))
    began_s = time.perf_counter()
    steps = rounds(
        nets.initial(nets.DIGITS_MODEL, 0),
        Strategy(LocalSpec(algorithm=algorithm), sample_ratio=ratio),
        people,
        (split.test_x, split.test_y),
        time.process_time,
        chunk=chunk,
    )
    first = next(steps)
    first_s = time.perf_counter() - began_s
    later = list(itertools.islice(steps, count))
    cost = [1e3 * step.round.cpu_s for step in later]
    asked = "" if ratio == 1 else f", {100 * ratio:g} % asked"
    return {
        "figure": f"federated round, {clients} clients{asked}",
        "value": round(statistics.median(cost), 2),
        "unit": "CPU ms",
        "best": round(min(cost), 2),
        "first_round_s": round(first_s, 3),
        "accuracy_ratio": round(later[-1].round.accuracy, 4),
        "settings": {
            "examples_per_client": each, "epochs": 2, "batch": 16, "learning_rate": 0.2, "alpha": 0.5, "chunk": chunk,
            "rounds": first.round.round + count, "algorithm": algorithm,
        },
    }  # fmt: skip


def dearest(clients: int, count: int, chunk: int) -> dict[str, object]:
    """Return what the slowest of the costlier algorithms takes, in rounds of federated averaging."""
    cost = {name: float(str(measure(clients, count, chunk, algorithm=name)["best"])) for name in COSTLIER}
    ratios = {name: round(cost[name] / cost["fedavg"], 3) for name in COSTLIER}
    return {
        "figure": "learning.algorithms.cost", "value": max(ratios.values()), "unit": "times FedAvg", "ratios": ratios,
        "settings": {"clients": clients, "rounds": count},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--chunk", type=int, default=CHUNK)
    asked = parser.parse_args()
    told = [measure(clients, asked.rounds, asked.chunk) for clients in asked.clients]
    told.append(measure(100_000, asked.rounds, asked.chunk, ratio=0.01))
    told.append(dearest(1000, asked.rounds, asked.chunk))
    for figure in told:
        print(json.dumps(figure))


COSTLIER = ("fedavg", "scaffold", "fednova", "ditto")


if __name__ == "__main__":
    main()
