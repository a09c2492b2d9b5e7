"""Buffered asynchronous federation in simulation (FedBuff: Nguyen et al., 2022): nobody waits for the slow.

Clients train all the time, from the model that was newest when they began. Whenever `size` updates have come, they are added,
older ones with less weight, and those clients begin anew. A "round" is one such addition; its time is simulated.
"""

import dataclasses
import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.batched import Population, Updates, train
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.memory import Memory
from app.engine.learning.nets import Params
from app.engine.learning.pace import Pace
from app.engine.learning.strategy import Global, Strategy

AT_ONCE_RATIO = 3  # clients under way for each place in the buffer


def size_of(clients: int, ratio: float) -> int:
    """Return how many updates fill the buffer when `ratio` of all are under way at once."""
    return max(1, round(clients * ratio / AT_ONCE_RATIO))


@dataclass
class Buffer:
    """Who is under way since which model, until when (simulated seconds), the models they began from, what they remember."""

    strategy: Strategy
    population: Population
    pace: Pace
    size: int
    memory: Memory
    now_s: float = 0.0
    _going: list[tuple[float, int, int]] = field(default_factory=list)
    _models: dict[int, Params] = field(default_factory=dict)

    def turn(self, number: int, now: Global) -> tuple[NDArray[np.int64], Updates, NDArray[np.float64]]:
        """Return who filled the buffer in round `number`, what they sent, and how old each update is."""
        self._begin(number, now)
        came = [heapq.heappop(self._going) for _ in range(min(self.size, len(self._going)))]
        self.now_s = came[-1][0]
        came.sort(key=lambda one: one[2])
        clients = np.array([client for _, _, client in came], np.int64)
        since = np.array([version for _, version, _ in came], np.int64)
        updates = self._trained(clients, since)
        held = {version for _, version, _ in self._going}
        self._models = {version: model for version, model in self._models.items() if version in held}
        return clients, updates, (number - since).astype(np.float64)

    def _begin(self, number: int, now: Global) -> None:
        """Start as many clients as fit, drawn among those that are idle."""
        everybody = len(self.population.parts)
        busy = {client for _, _, client in self._going}
        idle = np.array([client for client in range(everybody) if client not in busy], np.int64)
        count = min(len(idle), self.size * AT_ONCE_RATIO - len(self._going))
        rng = generator(self.strategy.base.seed, Purpose.SELECT, number)
        took = self.pace.round_s(self.strategy.base.epochs)
        self._models[number] = now.params
        for client in rng.choice(idle, max(count, 0), replace=False).tolist():
            heapq.heappush(self._going, (self.now_s + float(took[client]), number, int(client)))

    def _trained(self, clients: NDArray[np.int64], since: NDArray[np.int64]) -> Updates:
        parts = []
        for version in np.unique(since):
            at = np.flatnonzero(since == version)
            told = self.strategy.configure(int(version), 0)
            parts.append((at, train(self._models[int(version)], self.population, clients[at], told, memory=self.memory)))
        first = parts[0][1]
        whole = Updates(
            *(np.empty((len(clients), *getattr(first, one.name).shape[1:]), getattr(first, one.name).dtype)
              for one in dataclasses.fields(Updates))
        )  # fmt: skip
        for at, some in parts:
            for one in dataclasses.fields(Updates):
                getattr(whole, one.name)[at] = getattr(some, one.name)
        return whole
