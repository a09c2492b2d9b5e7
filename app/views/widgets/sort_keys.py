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

    def order(self, rows: Sequence[R], keys: Keys) -> NDArray[np.intp]:
        """Return the stable order of `rows` by `keys`; unknown values come last either way."""
        order: NDArray[np.intp] = np.arange(len(rows))
        for column, descending in reversed(keys):
            key = self.key(column, rows)[order]
            order = order[np.argsort(-key if descending else key, kind="stable")]
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

    def moved(self, old: R, new: R, keys: Keys) -> bool:
        """Tell whether a change of one record can change the order by `keys`; its columns' keys are forgotten."""
        stale = [at for at in self._kept if self._columns[at].get(old) != self._columns[at].get(new)]
        for at in stale:
            del self._kept[at]
        return any(self._columns[at].get(old) != self._columns[at].get(new) for at, _ in keys)


def numeric(get: Callable[[R], Any], rows: Sequence[R]) -> NDArray[np.float64]:
    """Return numbers that sort as the values do: numbers as they are, texts by their place without regard to case."""
    values = [get(row) for row in rows]
    kinds = set(map(type, values))
    if all(kind is type(None) or issubclass(kind, (int, float)) for kind in kinds):
        return np.array(values, float)  # None becomes NaN
    texts = [None if value is None else str(value).casefold() for value in values]
    places = {text: float(place) for place, text in enumerate(sorted({text for text in texts if text is not None}))}
    return np.array([np.nan if text is None else places[text] for text in texts], float)
