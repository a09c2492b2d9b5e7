"""A federation in one process: rounds of batched local training, aggregation and evaluation, one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import Conflict
from app.engine.learning.attacks import poison, tamper
from app.engine.learning.batched import CHUNK, Population, Room, Updates, memory_of, train
from app.engine.learning.buffered import Buffer, size_of
from app.engine.learning.compress import bytes_of
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.memory import Memory
from app.engine.learning.nets import Array, Params, flatten, lengths_of
from app.engine.learning.pace import Pace
from app.engine.learning.records import Round
from app.engine.learning.selection import Seen
from app.engine.learning.strategy import Global, Strategy


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
    """A finished round, the state after it, who took part, what they sent, what clients remember, and what came of it.

    What they sent and remember is there until the next round. `rejected` are those whose update was longer than the norm
    bound; a round that did not `stand` had too few sound updates for its aggregator and left the state as it was.
    """

    round: Round
    now: Global
    clients: NDArray[np.int64]
    updates: Updates
    memory: Memory
    rejected: NDArray[np.int64]
    stood: bool

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

    `test` is inputs (n, in) and labels (n,); `cpu_s` reads the CPU seconds spent so far: a round's are those of judging its
    model, too. Clients without examples have no say. The same seeds give the same models whatever the chunk. Raises `Conflict`
    in a round whose model is not finite.
    """
    course = _Course(strategy, population, place or Field(), chunk, int(test[1].max(initial=0)) + 1)
    now = strategy.begin(params)
    course.open(now)
    number = 0
    while True:
        number += 1
        before = cpu_s()
        try:
            now, told = course.turn(number, now)
            accuracy, loss = strategy.judged(now, *test)
            spent = cpu_s() - before
        except Conflict as error:
            raise Conflict("Round {round} cannot stand: {reason}", round=number, reason=error, hint=error.hint) from error
        moved, took_s = course.cost(told)
        rejected = told.clients[told.over]
        done = Round(number, accuracy, loss, spent, moved, took_s)
        yield Step(done, now, told.clients, told.updates, course.memory, rejected, told.stood)


@dataclass
class _Told:
    """What a round brought: who took part, what they sent and how old that is, the seconds it took, what came of it.

    `each_s` is how long each was seen to take, and `before` what each remembered before, where rounds begin and end for all:
    as over nodes, an update that does not count is not remembered.
    """

    clients: NDArray[np.int64]
    updates: Updates
    took_s: float
    ages: NDArray[np.float64] | None = None
    each_s: NDArray[np.float64] | None = None
    before: Array | None = None
    over: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    stood: bool = True


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
        if base.algorithm == "fedbuff":
            size = size_of(len(sizes), self._strategy.sample_ratio)
            self._buffer = Buffer(self._strategy, self._population, self._pace, size, self.memory)

    def turn(self, number: int, now: Global) -> tuple[Global, _Told]:
        """Hold one round and return the state after it."""
        drill = self._place.drill
        drilled = number >= drill.begins
        if drilled:
            self._population = self._spoilt
        told = self._together(number, now) if self._buffer is None else self._buffered(number, now, self._buffer)
        hostile = drill.attackers if drilled else 0
        tamper(drill.attack, told.updates.matrix, told.clients < hostile, self._strategy.base.seed, number)
        return self._stepped(now, told), told

    def _stepped(self, now: Global, told: _Told) -> Global:
        """Return the state after what a round brought: the same one where too few updates are sound."""
        updates, bound = told.updates, self._strategy.norm_bound
        told.over = np.zeros(len(told.clients), np.bool_)
        if bound > 0:
            told.over = lengths_of(updates.matrix) > bound
        examples = np.where(told.over, 0, updates.examples)
        sound = examples > 0
        self._learn(told, sound, examples)
        told.stood = int(sound.sum()) >= max(1, self._strategy.least)
        if told.before is not None:
            vain = told.over if told.stood else np.ones_like(told.over)
            self.memory.put_back(told.clients[vain], told.before[vain])
        if not told.stood:
            return now
        answers = self._strategy.weigh(updates.matrix, examples, updates.steps, told.ages)
        return self._strategy.step(now, answers, len(self._population.parts))

    def _learn(self, told: _Told, sound: NDArray[np.bool_], examples: NDArray[np.int64]) -> None:
        """Take from a round what selection goes by, as it is taken over nodes: nothing is known of who was not asked yet."""
        self._seen.learn(told.clients[sound], told.updates.losses[sound], examples[sound])
        if told.each_s is not None:
            self._seen.round_s[told.clients[sound]] = told.each_s[sound]
        self._seen.miss(told.clients[~sound], self._strategy.deadline_s)
        self._seen.forgive(told.clients)

    def cost(self, told: _Told) -> tuple[int, float]:
        """Return the bytes of numbers that moved in a round, and the seconds it took (simulated)."""
        up = int((told.updates.examples > 0).sum()) * self._up_bytes()
        return len(told.clients) * self._down_bytes() + up, told.took_s

    def _buffered(self, number: int, now: Global, buffer: Buffer) -> _Told:
        before_s, buffer.population = buffer.now_s, self._population
        clients, updates, ages = buffer.turn(number, now)
        return _Told(clients, updates, buffer.now_s - before_s, ages)

    def _together(self, number: int, now: Global) -> _Told:
        strategy = self._strategy
        chosen = strategy.select(number, len(self._population.parts), self._seen)
        told = strategy.configure(number, 0)
        took = self._pace.round_s(told.epochs)[chosen]
        epochs, each_s = None, took
        if strategy.deadline_s > 0:
            epochs = self._pace.epochs_by(strategy.deadline_s, told.epochs, chosen)
            each_s = self._pace.epoch_s[chosen] * epochs + self._pace.link_s[chosen]
            if not self._place.partial:
                epochs[epochs < told.epochs] = 0
            took = np.minimum(took, strategy.deadline_s)
        drill = self._place.drill
        if drill.dropout > 0 and number >= drill.begins:
            lost = generator(told.seed, Purpose.DROPOUT, number).random(len(chosen)) < drill.dropout
            epochs = np.where(lost, 0, told.epochs if epochs is None else epochs)
        control = now.rows.get("control")
        may_fail = strategy.norm_bound > 0 or strategy.least > 1
        before = self.memory.take(chosen) if may_fail and self.memory.width else None
        updates = train(
            now.params, self._population, chosen, told, self._chunk, memory=self.memory, control=control, epochs=epochs,
            room=self._room,
        )  # fmt: skip
        return _Told(chosen, updates, float(took.max(initial=0.0)), each_s=each_s, before=before)

    def _down_bytes(self) -> int:
        return 4 * self._count * (2 if self._strategy.base.algorithm == "scaffold" else 1)

    def _up_bytes(self) -> int:
        return bytes_of(self._strategy.base.compress, self._count, self._strategy.base.keep_ratio)
