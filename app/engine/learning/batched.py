"""All sampled clients of a round as one tensor program, in chunks that fit the processor's cache.

The result for a client depends on its data, the seed, the round and its place in the fixed order; never on the
chunk it stood in. It is bit-equal to `local.train` on the same machine (see `sgd`).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.mlp import Array, Params, flatten
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import Cohort, Stack, descend

CHUNK = 64


@dataclass(frozen=True)
class Population:
    """Examples `x` float32 (n, in), `y` int64 (n,), and which rows of them each client owns."""

    x: Array
    y: NDArray[np.int64]
    parts: tuple[NDArray[np.int64], ...]

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
    matrix = np.empty((len(clients), len(old)), np.float32)
    losses = np.empty(len(clients))
    by_size = np.argsort(-sizes, kind="stable")
    at = 0
    while at < len(clients):
        take = by_size[at : at + chunk]
        if spec.batch == 0:
            take = take[sizes[take] == sizes[take[0]]]
        stack = Stack.of(params, len(take))
        losses[take] = descend(stack, _cohort(population, clients[take]), dataclasses.replace(spec, client=0))
        matrix[take] = stack.rows() - old
        at += len(take)
    return Updates(matrix, sizes, losses)


def _cohort(population: Population, clients: NDArray[np.int64]) -> Cohort:
    parts = [population.parts[client] for client in clients]
    sizes = np.array([len(part) for part in parts], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
    return Cohort(population.x, population.y, np.concatenate(parts), starts, sizes, clients)
