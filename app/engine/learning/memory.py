"""What simulated clients remember between rounds: rows for each that ever took part, not for each that exists."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.nets import Array


class Memory:
    """Rows float32 of several `widths` for up to `clients` clients; one never seen has zeros."""

    def __init__(self, clients: int, widths: Sequence[int]) -> None:
        self.width = sum(widths)
        self._place = np.full(clients if self.width else 0, -1, np.int64)
        self._rows = [np.zeros((0, width), np.float32) for width in widths]
        self._used = 0

    def take(self, clients: NDArray[np.int64]) -> Array:
        """Return copies of the rows of `clients`, all widths side by side, float32 (len(clients), width)."""
        told = np.zeros((len(clients), self.width), np.float32)
        if self.width:
            place = self._place[clients]
            told[place >= 0] = np.concatenate([rows[place[place >= 0]] for rows in self._rows], axis=1)
        return told

    def hold(self, clients: NDArray[np.int64]) -> list[Array]:
        """Return the rows of `clients`, one array a width, to be changed and given to `keep`: in place where they adjoin."""
        if not self.width:
            return [np.zeros((len(clients), 0), np.float32) for _ in self._rows]
        self._make_room(clients)
        place = self._place[clients]
        where = slice(place[0], place[0] + len(place)) if in_a_row(place) else place
        return [rows[where] for rows in self._rows]

    def keep(self, clients: NDArray[np.int64], held: Sequence[Array]) -> None:
        """Keep rows of `clients`, one array a width."""
        if not self.width:
            return
        self._make_room(clients)
        for rows, some in zip(self._rows, held, strict=True):
            if some.base is not rows:
                rows[self._place[clients]] = some

    def put_back(self, clients: NDArray[np.int64], rows: Array) -> None:
        """Have `clients` remember `rows` again, as `take` gave them."""
        self.keep(clients, np.split(rows, np.cumsum([held.shape[1] for held in self._rows])[:-1], axis=1))

    def _make_room(self, clients: NDArray[np.int64]) -> None:
        fresh = clients[self._place[clients] < 0]
        self._place[fresh] = self._used + np.arange(len(fresh))
        self._used += len(fresh)
        for at, rows in enumerate(self._rows):
            if self._used > len(rows):
                self._rows[at] = np.zeros((max(self._used, 2 * len(rows)), rows.shape[1]), np.float32)
                self._rows[at][: len(rows)] = rows


def in_a_row(places: NDArray[np.int64]) -> bool:
    """Tell whether `places` are one stretch of rising neighbours."""
    return len(places) > 0 and int(places[-1] - places[0]) == len(places) - 1 and bool((np.diff(places) == 1).all())
