"""CPU time of one federated round over simulated clients, digits MLP 64-32-10, full participation; prints JSON.

Run as `outpost.py bench learning`. Peer for comparison: Flower 1.41 with Ray needs 8.5 CPU-s per round for the same 1,000
clients (field notes, measured on a machine of this kind); the arithmetic alone is 0.33 GFLOP. CPU time on a busy machine is up
to twice that on a quiet one; `times_products`, a round in multiples of its bare matrix products, hardly moves with the load.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from app.engine.learning import nets
from app.engine.learning.batched import CHUNK, Population
from app.engine.learning.data import load_digits
from app.engine.learning.partition import drawn
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import Step, rounds
from app.engine.learning.strategy import Strategy


def course(clients: int, chunk: int, ratio: float = 1.0, algorithm: str = "fedavg") -> Iterator[Step]:
    """Yield the rounds of a simulation; the data of a client is 16 examples or its part of the digits, whichever is more."""
    split = load_digits()
    people = Population.of(split.train_x, split.train_y, drawn("dirichlet", split.train_y, clients, 0, each=each_of(clients)))
    strategy = Strategy(LocalSpec(algorithm=algorithm), sample_ratio=ratio)
    test = (split.test_x, split.test_y)
    return rounds(nets.initial(nets.DIGITS_MODEL, 0), strategy, people, test, time.process_time, chunk=chunk)


def each_of(clients: int) -> int:
    """Return how many examples each client has."""
    return max(16, len(load_digits().train_y) // clients)


def products(clients: int, chunk: int) -> Callable[[], float]:
    """Return what measures the CPU ms of a round's bare matrix products: same shapes, same chunks, and nothing else."""
    steps = 2 * -(-each_of(clients) // 16)
    layers = [(nets.DIGITS_MODEL, *pair) for pair in nets.pairs_of(nets.DIGITS_MODEL)]
    some, rng = min(clients, chunk), np.random.default_rng(0)
    work = []
    for level, (_, fan_in, fan_out) in enumerate(layers):
        seen, weights, delta, above, grad = (
            rng.random((some, *shape), np.float32)
            for shape in ((16, fan_in + 1), (fan_in + 1, fan_out), (16, fan_out), (16, fan_out), (fan_in + 1, fan_out))
        )
        work.append((seen, weights, above))
        work.append((seen.swapaxes(1, 2), delta, grad))
        if level:
            work.append((delta, weights.swapaxes(1, 2), np.empty_like(seen)))

    def once() -> float:
        began_s = time.process_time()
        for _ in range(steps * -(-clients // some)):
            for left, right, out in work:
                np.matmul(left, right, out=out)
        return 1e3 * (time.process_time() - began_s)

    return once


def measure(clients: int, count: int, chunk: int, *, ratio: float = 1.0) -> dict[str, object]:
    """Return what a round costs, beside its bare matrix products in the same run, which tell how busy the machine was."""
    began_s = time.perf_counter()
    steps = course(clients, chunk, ratio)
    first = next(steps)
    first_s = time.perf_counter() - began_s
    bare, cost, floor = products(round(clients * ratio), chunk), [], []
    for step in itertools.islice(steps, count):
        cost.append(1e3 * step.round.cpu_s)
        floor.append(bare())
    asked = "" if ratio == 1 else f", {100 * ratio:g} % asked"
    return {
        "figure": f"federated round, {clients} clients{asked}",
        "value": round(statistics.median(cost), 2),
        "unit": "CPU ms",
        "best": round(min(cost), 2),
        "products_cpu_ms": round(statistics.median(floor), 2),
        "times_products": round(statistics.median(one / other for one, other in zip(cost, floor, strict=True)), 2),
        "first_round_s": round(first_s, 3),
        "accuracy_ratio": round(step.round.accuracy, 4),
        "settings": {
            "examples_per_client": each_of(clients), "epochs": 2, "batch": 16, "learning_rate": 0.2, "alpha": 0.5,
            "chunk": chunk, "rounds": first.round.round + count, "algorithm": "fedavg",
        },
    }  # fmt: skip


def first_round(clients: int, chunk: int, ratio: float = 1.0) -> dict[str, object]:
    """Return how long it takes from the examples to the end of the first round: sharing them out, the model, the round."""
    load_digits()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    next(course(clients, chunk, ratio))
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    return {
        "figure": f"learning.first_round.{clients}", "value": round(took_s, 3), "unit": "s", "cpu_s": round(cpu_s, 3),
        "settings": {"clients": clients, "asked_ratio": ratio, "chunk": chunk},
    }  # fmt: skip


def dearest(clients: int, count: int, chunk: int) -> dict[str, object]:
    """Return what the slowest of the costlier algorithms takes, in rounds of federated averaging held by turns with it."""
    courses = {name: course(clients, chunk, algorithm=name) for name in COSTLIER}
    for steps in courses.values():
        next(steps)
    cost = {name: [] for name in COSTLIER}  # type: dict[str, list[float]]
    for _ in range(count):
        for name, steps in courses.items():
            cost[name].append(next(steps).round.cpu_s)
    ratios = {
        name: round(statistics.median(one / plain for one, plain in zip(cost[name], cost["fedavg"], strict=True)), 3)
        for name in COSTLIER
    }
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
    for clients, ratio in ((1000, 1.0), (10_000, 1.0), (100_000, 0.01)):
        print(json.dumps(first_round(clients, asked.chunk, ratio)), flush=True)
    for clients in asked.clients:
        print(json.dumps(measure(clients, asked.rounds, asked.chunk)), flush=True)
    print(json.dumps(measure(100_000, asked.rounds, asked.chunk, ratio=0.01)), flush=True)
    print(json.dumps(dearest(1000, asked.rounds, asked.chunk)), flush=True)


COSTLIER = ("fedavg", "scaffold", "fednova", "ditto")


if __name__ == "__main__":
    main()
