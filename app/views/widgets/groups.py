"""Groups of a table: which row begins one, how many it holds, and which of them are folded to their first row. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.intp]


class Groups:
    """Works on an order that keeps equal values together; a group is known by the text of its value."""

    def __init__(self) -> None:
        self.folded: frozenset[str] = frozenset()
        self._counts: Slots | None = None
        self._inside: dict[int, Slots] = {}
        self.hidden = 0  # rows that folded groups keep out of sight

    def forget(self) -> None:
        """The order is another one."""
        self._counts, self.hidden = None, 0
        self._inside = {}

    def fold(self, texts: Iterable[str], *, folded: bool) -> None:
        """Fold the groups called `texts`, or unfold them."""
        self.folded = self.folded | frozenset(texts) if folded else self.folded - frozenset(texts)

    def count_heads(self, values: NDArray[np.float64]) -> None:
        """Learn where groups begin from the sorted `values` of the rows shown, shape (n,)."""
        starts = _starts(values)
        self._counts = np.zeros(len(values), np.intp)
        self._counts[starts] = np.diff(np.append(starts, len(values)))

    def hide(self, order: Slots, values: NDArray[np.float64], text_of: Callable[[int], str]) -> Slots:
        """Return `order` with only the first row of each folded group; `values` are those of its rows, shape (n,)."""
        self.count_heads(values)
        counts = self._counts
        assert counts is not None
        self._inside = {}
        shown = np.ones(len(order), bool)
        for start in np.flatnonzero(counts):
            if text_of(int(order[start])) in self.folded:
                end = start + counts[start]
                shown[start + 1 : end] = False
                self._inside[int(np.count_nonzero(shown[:start]))] = order[start:end]
        self._counts, self.hidden = counts[shown], int(np.count_nonzero(~shown))
        return order[shown]

    @property
    def counted(self) -> bool:
        """Tell whether the counts belong to the order shown."""
        return self._counts is not None

    def count_at(self, row: int) -> int:
        """Return how many rows the group has that begins in `row`; 0 where none begins."""
        return 0 if self._counts is None else int(self._counts[row])

    def inside(self, row: int) -> Slots | None:
        """Return the slots of the folded group that stands in `row`; None for any other row."""
        return self._inside.get(row)

    def slots(self, rows: Iterable[int], order: Slots) -> Iterator[int]:
        """Yield the slots of `rows` of `order`, of a folded group all of them."""
        for row in rows:
            inside = self._inside.get(row)
            yield from order[row : row + 1] if inside is None else inside

    def heads(self) -> list[int]:
        """Return the rows in which groups begin."""
        return [] if self._counts is None else [int(row) for row in np.flatnonzero(self._counts)]


def _starts(values: NDArray[np.float64]) -> Slots:
    fresh = np.ones(len(values), bool)
    fresh[1:] = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return np.flatnonzero(fresh)


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last row of every unbroken run in the sorted `rows`."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
