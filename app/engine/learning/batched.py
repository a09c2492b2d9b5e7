"""All sampled clients of a round as one tensor program, in chunks that fit the processor's cache.

The result for a client depends on its data, the seed, the round and its place in the fixed order; never on the
chunk it stood in. It is bit-equal to `local.train` on the same machine (see `sgd`).
"""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.mlp import Array, Params, flatten, sizes_of
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import Bench, Cohort, all_orders, descend, with_ones

CHUNK = 128
_ORDERED = 8  # chunks whose orders are drawn together


@dataclass(frozen=True)
class Population:
    """Examples of all clients (`x` float32 (n, in + 1), last column 1; `y` int64 (n,)) and the rows each client owns."""

    x: Array
    y: NDArray[np.int64]
    parts: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, x: Array, y: NDArray[np.integer], parts: Sequence[NDArray[np.int64]]) -> "Population":
        """Return the population of clients that own `parts` of inputs (n, in) and labels (n,)."""
        return cls(with_ones(x), y.astype(np.int64), tuple(parts))

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of examples of each client, int64 (clients,)."""
        return np.array([len(part) for part in self.parts], np.int64)


@dataclass(frozen=True)
class Updates:
    """Updates of some clients, in the order asked for: float32 (clients, params), examples and losses (clients,)."""

    matrix: Array
    examples: NDArray[np.int64]
    losses: NDArray[np.float64]


def train(params: Params, population: Population, clients: NDArray[np.int64], spec: LocalSpec, chunk: int = CHUNK) -> Updates:
    """Train every client in `clients` from `params` under `spec` (whose own client number is not used)."""
    sizes = population.sizes()[clients]
    old = flatten(params, spec.model)
    updates = Updates(np.empty((len(clients), len(old)), np.float32), sizes, np.empty(len(clients)))
    by_size = np.argsort(-sizes, kind="stable")
    bench: Bench | None = None
    for together in _runs(sizes[by_size], chunk * _ORDERED, by_size=spec.batch == 0):
        cohort = _cohort(population, clients[by_size[together]])
        order = all_orders(cohort, spec)
        for at in range(0, len(cohort.sizes), chunk):
            part = slice(at, at + chunk)
            take = by_size[together][part]
            width = spec.batch or int(max(cohort.sizes[0], 1))
            if bench is None or bench.width != width:
                bench = Bench(sizes_of(spec.model), min(chunk, len(clients)), width)
            bench.theta[: len(take)] = old
            updates.losses[take] = descend(bench, _cut(cohort, part), [epoch[part] for epoch in order], spec)
            np.subtract(bench.theta[: len(take)], old, out=bench.theta[: len(take)])
            updates.matrix[take] = bench.theta[: len(take)]
    return updates


def _runs(falling: NDArray[np.int64], most: int, *, by_size: bool) -> list[slice]:
    """Return slices of at most `most` clients each; with `by_size`, all clients of a slice have one size."""
    edges = [0, *(np.flatnonzero(np.diff(falling)) + 1), len(falling)] if by_size else [0, len(falling)]
    return [
        slice(at, min(at + most, stop))
        for start, stop in itertools.pairwise(edges)
        for at in range(int(start), int(stop), most)
    ]


def _cohort(population: Population, clients: NDArray[np.int64]) -> Cohort:
    parts = [population.parts[client] for client in clients]
    sizes = np.array([len(part) for part in parts], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
    return Cohort(population.x, population.y, np.concatenate(parts), starts, sizes, clients)


def _cut(cohort: Cohort, part: slice) -> Cohort:
    return dataclasses.replace(cohort, starts=cohort.starts[part], sizes=cohort.sizes[part], clients=cohort.clients[part])
