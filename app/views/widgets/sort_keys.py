"""Sorting by several columns: one numeric key per column, kept while its values stay, and numpy's stable sort over them."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.views.widgets.columns import Column

R = TypeVar("R")
Keys = tuple[tuple[int, bool], ...]  # column and whether it descends, the weightiest first


class SortKeys(Generic[R]):
    """The keys of the columns sorted by; a key is as long as the rows, NaN where a value is unknown."""

    def __init__(self, columns: Sequence[Column[R]]) -> None:
        self._columns = columns
        self._kept: dict[int, NDArray[np.float64]] = {}
        self._orders: dict[tuple[int, bool], NDArray[np.intp]] = {}  # by one column alone

    def order(self, rows: Sequence[R], keys: Keys) -> NDArray[np.intp]:
        """Return the stable order of `rows` by `keys`; unknown values come last either way."""
        if len(keys) == 1 and keys[0][0] in self._kept and keys[0] in self._orders:
            return self._orders[keys[0]]
        order: NDArray[np.intp] = np.arange(len(rows))
        for column, descending in reversed(keys):
            key = self.key(column, rows)[order]
            order = order[np.argsort(-key if descending else key, kind="stable")]
        if len(keys) == 1 and keys[0][0] in self._kept:
            self._orders[keys[0]] = order
        return order

    def key(self, column: int, rows: Sequence[R]) -> NDArray[np.float64]:
        """Return the numeric key of one column."""
        if column in self._kept:
            return self._kept[column]
        found = numeric(self._columns[column].get, rows)
        if not self._columns[column].live:  # a value that follows the clock is asked for each time
            self._kept[column] = found
        return found

    def forget(self) -> None:
        """Rows came or went."""
        self._kept.clear()
        self._orders.clear()

    def moved(self, old: R, new: R, keys: Keys) -> bool:
        """Tell whether a change of one record can change the order by `keys`; its columns' keys are forgotten."""
        stale = [at for at in self._kept if self._columns[at].get(old) != self._columns[at].get(new)]
        for at in stale:
            del self._kept[at]
            for descending in (False, True):
                self._orders.pop((at, descending), None)
        return any(self._columns[at].get(old) != self._columns[at].get(new) for at, _ in keys)


def numeric(get: Callable[[R], Any], rows: Sequence[R]) -> NDArray[np.float64]:
    """Return numbers that sort as the values do: numbers as they are, texts by their place without regard to case."""
    values = [get(row) for row in rows]
    kinds = set(map(type, values))
    if all(kind is type(None) or issubclass(kind, (int, float)) for kind in kinds):
        return np.array(values, float)  # None becomes NaN
    texts = [None if value is None else str(value).casefold() for value in values]
    known = {text for text in texts if text is not None}
    places: dict[str | None, float] = dict(zip(sorted(known), map(float, range(len(known))), strict=True))
    places[None] = np.nan
    return np.array([places[text] for text in texts], float)
