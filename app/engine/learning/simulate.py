"""A federation in one process: rounds of batched local training, aggregation and evaluation, one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.attacks import tamper
from app.engine.learning.batched import CHUNK, Population, train
from app.engine.learning.mlp import Array, Params, evaluate
from app.engine.learning.records import Round
from app.engine.learning.strategy import FedAvg


@dataclass(frozen=True)
class Step:
    """A finished round and the global model after it."""

    round: Round
    params: dict[str, Array]
    clients: NDArray[np.int64]


def rounds(
    params: Params,
    strategy: FedAvg,
    population: Population,
    test: tuple[Array, NDArray[np.int64]],
    cpu_s: Callable[[], float],
    *,
    chunk: int = CHUNK,
    attack: str = "none",
    attackers: int = 0,
) -> Iterator[Step]:
    """Yield one `Step` per round, without end.

    `test` is inputs (n, in) and labels (n,); `cpu_s` reads the CPU seconds spent so far. Clients without examples
    have no say. The first `attackers` clients send what `attack` of `attacks.NAMES` says.
    The same seeds give the same models whatever the chunk.
    """
    now = dict(params)
    number = 0
    while True:
        number += 1
        before = cpu_s()
        chosen = strategy.select(number, len(population.parts))
        updates = train(now, population, chosen, strategy.configure(number, 0), chunk)
        tamper(attack, updates.matrix, chosen < attackers)
        now = strategy.combine(now, updates.matrix, updates.examples.astype(np.float64))
        spent = cpu_s() - before
        accuracy, loss = evaluate(now, *test)
        yield Step(Round(number, accuracy, loss, spent), now, chosen)
