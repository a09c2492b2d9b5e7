"""All sampled clients of a round as one tensor program, in chunks that fit the processor's cache.

The result for a client depends on its data, the seed, the round and its place in the fixed order; never on the
chunk it stood in. It is bit-equal to `local.train` on the same machine (see `sgd`).
"""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.clients import Turn, memory_widths, steps_of, work
from app.engine.learning.front import most_together
from app.engine.learning.memory import Memory, in_a_row
from app.engine.learning.nets import Array, Params, flatten, front_of, head_of
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import Bench, Cohort, all_orders, with_ones

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

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Return the parts one after the other, int64 (total,)."""
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.int64)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Return where each client's part begins in `rows`, and at last where all end, int64 (clients + 1,)."""
        return np.cumsum([0, *map(len, self.parts)])

    def sizes(self, clients: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the number of examples of each of `clients`, or of all, int64 (clients,)."""
        sizes = np.diff(self.ends)
        return sizes if clients is None else sizes[clients]

    def cohort(self, clients: NDArray[np.int64]) -> Cohort:
        """Return the data of some clients."""
        starts = self.ends[clients]
        return Cohort(self.x, self.y, self.rows, starts, self.ends[clients + 1] - starts, clients)


@dataclass(frozen=True)
class Updates:
    """Updates of some clients, in the order asked for: float32 (clients, params); examples, losses, steps (clients,)."""

    matrix: Array
    examples: NDArray[np.int64]
    losses: NDArray[np.float64]
    steps: NDArray[np.int64]


@dataclass
class Room:
    """Working memory that `train` may use again: what a round left in it is gone with the next."""

    bench: Bench | None = None
    matrix: Array = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def desk(self, model: str, clients: int, width: int) -> Bench:
        """Return a bench for `clients` clients and batches of `width`."""
        bench = self.bench
        if bench is None or (bench.model, bench.clients, bench.width) != (model, clients, width):
            bench = self.bench = Bench(model, clients, width)
        return bench

    def rows(self, clients: int, count: int) -> Array:
        """Return room for the updates of `clients` clients, (clients, count)."""
        if self.matrix.shape[1] != count or len(self.matrix) < clients:
            self.matrix = np.empty((clients, count), np.float32)
        return self.matrix[:clients]


def memory_of(population: Population, spec: LocalSpec, count: int) -> Memory:
    """Return an empty memory for the clients of `population`, for a model of `count` parameters."""
    return Memory(len(population.parts), memory_widths(spec, count, head_of(spec.model)))


def train(
    params: Params, population: Population, clients: NDArray[np.int64], spec: LocalSpec, chunk: int = CHUNK,
    *, memory: Memory | None = None, control: Array | None = None, epochs: NDArray[np.int64] | None = None,
    room: Room | None = None,
) -> Updates:  # fmt: skip
    """Train every client in `clients` from `params` under `spec` (whose own client number is not used).

    `memory` is what clients remember, changed in place; `control` (params,) is what the server sends besides the model;
    `epochs` (clients,) is how far each came where that is not `spec.epochs`. With a `room`, updates stand in it.
    """
    if epochs is not None and (epochs != spec.epochs).any():
        count = len(flatten(params, spec.model))
        return _by_epochs(count, clients, epochs, lambda some, far: train(
            params, population, some, dataclasses.replace(spec, epochs=far), chunk, memory=memory, control=control
        ))  # fmt: skip
    sizes = population.sizes(clients)
    front = front_of(spec.model)
    if front is not None:
        chunk = min(chunk, most_together(front, spec.batch or int(sizes.max(initial=1))))
    old = flatten(params, spec.model)
    memory = memory_of(population, spec, len(old)) if memory is None else memory
    room = room or Room()
    updates = Updates(room.rows(len(clients), len(old)), sizes, np.empty(len(clients)), steps_of(spec, sizes))
    by_size = np.argsort(-sizes, kind="stable")
    for together in _runs(sizes[by_size], chunk * _ORDERED, by_size=spec.batch == 0):
        cohort = population.cohort(clients[by_size[together]])
        order = all_orders(cohort, spec)
        for at in range(0, len(cohort.sizes), chunk):
            part = slice(at, at + chunk)
            take = by_size[together][part]
            width = spec.batch or int(max(cohort.sizes[0], 1))
            bench = room.desk(spec.model, min(chunk, len(clients)), width)
            straight = in_a_row(take)
            theta = updates.matrix[take[0] : take[0] + len(take)] if straight else bench.theta[: len(take)]
            held = memory.hold(clients[take])
            turn = Turn(bench, theta, _cut(cohort, part), [epoch[part] for epoch in order], spec, old, control, *held)
            updates.losses[take] = work(turn)
            if not straight:
                updates.matrix[take] = theta
            memory.keep(clients[take], held)
    return updates


def _by_epochs(
    count: int, clients: NDArray[np.int64], epochs: NDArray[np.int64], train_some: Callable[[NDArray[np.int64], int], Updates]
) -> Updates:
    """Train those that came equally far together; a client that came nowhere sends zeros, of no examples."""
    zero = np.zeros(len(clients), np.int64)
    whole = Updates(np.zeros((len(clients), count), np.float32), zero, np.zeros(len(clients)), zero.copy())
    for far in np.unique(epochs[epochs > 0]):
        at = np.flatnonzero(epochs == far)
        some = train_some(clients[at], int(far))
        whole.matrix[at], whole.examples[at], whole.losses[at], whole.steps[at] = (
            some.matrix, some.examples, some.losses, some.steps,
        )  # fmt: skip
    return whole


def _runs(falling: NDArray[np.int64], most: int, *, by_size: bool) -> list[slice]:
    """Return slices of at most `most` clients each; with `by_size`, all clients of a slice have one size."""
    edges = [0, *(np.flatnonzero(np.diff(falling)) + 1), len(falling)] if by_size else [0, len(falling)]
    return [
        slice(at, min(at + most, stop))
        for start, stop in itertools.pairwise(edges)
        for at in range(int(start), int(stop), most)
    ]


def _cut(cohort: Cohort, part: slice) -> Cohort:
    return dataclasses.replace(cohort, starts=cohort.starts[part], sizes=cohort.sizes[part], clients=cohort.clients[part])
