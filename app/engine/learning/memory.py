"""What simulated clients remember between rounds: a row for each that ever took part, not one for each that exists."""

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.nets import Array


class Memory:
    """Rows float32 (width,) of up to `clients` clients; a client never seen has zeros."""

    def __init__(self, clients: int, width: int) -> None:
        self.width = width
        self._place = np.full(clients if width else 0, -1, np.int64)
        self._rows = np.zeros((0, width), np.float32)
        self._used = 0

    def take(self, clients: NDArray[np.int64]) -> Array:
        """Return copies of the rows of `clients`, float32 (len(clients), width)."""
        rows = np.zeros((len(clients), self.width), np.float32)
        if self.width:
            place = self._place[clients]
            rows[place >= 0] = self._rows[place[place >= 0]]
        return rows

    def keep(self, clients: NDArray[np.int64], rows: Array) -> None:
        """Keep the rows of `clients`."""
        if not self.width:
            return
        fresh = clients[self._place[clients] < 0]
        self._place[fresh] = self._used + np.arange(len(fresh))
        self._used += len(fresh)
        if self._used > len(self._rows):
            grown = np.zeros((max(self._used, 2 * len(self._rows)), self.width), np.float32)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        self._rows[self._place[clients]] = rows
