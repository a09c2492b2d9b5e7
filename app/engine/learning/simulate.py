"""A federation in one process: rounds of batched local training, aggregation and evaluation, one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.attacks import poison, tamper
from app.engine.learning.batched import CHUNK, Population, Room, Updates, memory_of, train
from app.engine.learning.buffered import Buffer
from app.engine.learning.compress import bytes_of
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.memory import Memory
from app.engine.learning.nets import Array, Params, evaluate, flatten
from app.engine.learning.pace import Pace
from app.engine.learning.records import Round
from app.engine.learning.selection import Seen
from app.engine.learning.strategy import Gathered, Global, Strategy


@dataclass(frozen=True)
class Drill:
    """Who misbehaves: from round `begins` the first `attackers` clients do what `attack` of `attacks.NAMES` says.

    From then on, too, every client is lost in a round with the chance `dropout`.
    """

    attack: str = "none"
    attackers: int = 0
    begins: int = 1
    dropout: float = 0.0


@dataclass(frozen=True)
class Field:
    """How the simulated field behaves: a drill, and whether what stragglers had done by the deadline is kept."""

    drill: Drill = field(default_factory=Drill)
    partial: bool = True
    pace: Pace | None = None


@dataclass(frozen=True)
class Step:
    """A finished round, the state after it, who took part, what they sent, and what clients remember.

    What they sent and remember is there until the next round.
    """

    round: Round
    now: Global
    clients: NDArray[np.int64]
    updates: Updates
    memory: Memory

    @property
    def params(self) -> Params:
        """Return the global model after the round."""
        return self.now.params


def rounds(
    params: Params,
    strategy: Strategy,
    population: Population,
    test: tuple[Array, NDArray[np.int64]],
    cpu_s: Callable[[], float],
    *,
    chunk: int = CHUNK,
    place: Field | None = None,
) -> Iterator[Step]:
    """Yield one `Step` per round, without end.

    `test` is inputs (n, in) and labels (n,); `cpu_s` reads the CPU seconds spent so far. Clients without examples
    have no say. The same seeds give the same models whatever the chunk.
    """
    course = _Course(strategy, population, place or Field(), chunk, int(test[1].max(initial=0)) + 1)
    now = strategy.begin(params)
    course.open(now)
    number = 0
    while True:
        number += 1
        before = cpu_s()
        now, told = course.turn(number, now)
        spent = cpu_s() - before
        accuracy, loss = evaluate(strategy.base.model, now.params, *test)
        moved, took_s = course.cost(told)
        yield Step(Round(number, accuracy, loss, spent, moved, took_s), now, told[0], told[1], course.memory)


_Told = tuple[NDArray[np.int64], Updates, float]


class _Course:
    """What lasts over the rounds of one simulation."""

    def __init__(self, strategy: Strategy, population: Population, place: Field, chunk: int, classes: int) -> None:
        self._strategy, self._place, self._chunk = strategy, place, chunk
        self._population = population
        self._spoilt = poison(place.drill.attack, population, place.drill.attackers, classes)
        self._seen = Seen.nothing(len(population.parts))
        self._count = 0
        self._buffer: Buffer | None = None
        self._room = Room()

    def open(self, now: Global) -> None:
        """Set up memory and times for a model like that of `now`."""
        base = self._strategy.base
        self._count = len(flatten(now.params, base.model))
        self.memory = memory_of(self._population, base, self._count)
        sizes = self._population.sizes()
        self._pace = self._place.pace or Pace.drawn(sizes, 8.0 * self._count, base.seed)
        self._pace = self._pace.moved((self._down_bytes() + self._up_bytes()) / (8.0 * self._count))
        self._seen.round_s[:] = self._pace.round_s(base.epochs)
        if base.algorithm == "fedbuff":
            size = max(1, round(len(sizes) * self._strategy.sample_ratio / 3))
            self._buffer = Buffer(self._strategy, self._population, self._pace, size)

    def turn(self, number: int, now: Global) -> tuple[Global, _Told]:
        """Hold one round and return the state after it."""
        everybody = len(self._population.parts)
        before_s = self._buffer.now_s if self._buffer else 0.0
        drill = self._place.drill
        drilled = number >= drill.begins
        if drilled:
            self._population = self._spoilt
        if self._buffer is not None:
            self._buffer.population = self._population
            clients, updates, answers = self._buffer.turn(number, now)
            took_s = self._buffer.now_s - before_s
        else:
            clients, updates, took_s = self._together(number, now)
            answers = gathered(updates)
        hostile = drill.attackers if drilled else 0
        tamper(drill.attack, updates.matrix, clients < hostile, self._strategy.base.seed, number)
        came = updates.examples > 0
        self._seen.learn(clients[came], updates.losses[came], updates.examples[came])
        if came.any():
            now = self._strategy.step(now, answers, everybody)
        return now, (clients, updates, took_s)

    def cost(self, told: _Told) -> tuple[int, float]:
        """Return the bytes of numbers that moved in a round, and the seconds it took (simulated)."""
        clients, updates, took_s = told
        return len(clients) * self._down_bytes() + int((updates.examples > 0).sum()) * self._up_bytes(), took_s

    def _together(self, number: int, now: Global) -> _Told:
        strategy = self._strategy
        chosen = strategy.select(number, len(self._population.parts), self._seen)
        told = strategy.configure(number, 0)
        took = self._seen.round_s[chosen]
        epochs = None
        if strategy.deadline_s > 0:
            epochs = self._pace.epochs_by(strategy.deadline_s, told.epochs, chosen)
            if not self._place.partial:
                epochs[epochs < told.epochs] = 0
            took = np.minimum(took, strategy.deadline_s)
        drill = self._place.drill
        if drill.dropout > 0 and number >= drill.begins:
            lost = generator(told.seed, Purpose.DROPOUT, number).random(len(chosen)) < drill.dropout
            epochs = np.where(lost, 0, told.epochs if epochs is None else epochs)
        control = now.rows.get("control")
        updates = train(
            now.params, self._population, chosen, told, self._chunk, memory=self.memory, control=control, epochs=epochs,
            room=self._room,
        )  # fmt: skip
        return chosen, updates, float(took.max(initial=0.0))

    def _down_bytes(self) -> int:
        return 4 * self._count * (2 if self._strategy.base.algorithm == "scaffold" else 1)

    def _up_bytes(self) -> int:
        return bytes_of(self._strategy.base.compress, self._count, self._strategy.base.keep_ratio)


def gathered(updates: Updates) -> Gathered:
    """Return the updates of a batch as the server gathers them."""
    return Gathered(updates.matrix, updates.examples.astype(np.float64), updates.steps.astype(np.float64))
