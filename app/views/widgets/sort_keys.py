"""Sorting by several columns: one numeric key per column, kept while its values stay, and numpy's stable sort over them."""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.views.widgets.columns import Column

R = TypeVar("R")
Keys = tuple[tuple[int, bool], ...]  # column and whether it descends, the weightiest first

_MOST_BYTES: Final = 64


class SortKeys(Generic[R]):
    """The keys of the columns sorted by; a key is as long as the rows, NaN where a value is unknown."""

    def __init__(self, columns: Sequence[Column[R]]) -> None:
        self._columns = columns
        self._kept: dict[int, NDArray[np.float64]] = {}
        self._values: dict[int, list[Any]] = {}  # read so far, of columns being prepared
        self._orders: dict[tuple[int, bool], NDArray[np.intp]] = {}  # by one column alone

    def order(self, rows: Sequence[R], keys: Keys) -> NDArray[np.intp]:
        """Return the stable order of `rows` by `keys`; unknown values come last either way."""
        if len(keys) == 1 and keys[0][0] in self._kept and keys[0] in self._orders:
            return self._orders[keys[0]]
        order: NDArray[np.intp] = np.arange(len(rows))
        for column, descending in reversed(keys):
            key = self.key(column, rows)[order]
            order = order[_stable(-key if descending else key)]
        if len(keys) == 1 and keys[0][0] in self._kept:
            self._orders[keys[0]] = order
        return order

    def key(self, column: int, rows: Sequence[R]) -> NDArray[np.float64]:
        """Return the numeric key of one column."""
        if column in self._kept:
            return self._kept[column]
        found = numeric(list(map(self._columns[column].get, rows)))
        if not self._columns[column].live:  # a value that follows the clock is asked for each time
            self._kept[column] = found
        return found

    def warm(self, column: int, rows: Sequence[R], most: int) -> bool:
        """Read the values of `most` more rows of a column that may be sorted by next; tell whether something is left to do."""
        if self._columns[column].live or (column in self._kept and (column, False) in self._orders):
            return False
        if column in self._kept:
            self.order(rows, ((column, False),))
            return False
        values = self._values.setdefault(column, [])
        values.extend(map(self._columns[column].get, rows[len(values) : len(values) + most]))
        if len(values) >= len(rows):
            self._kept[column] = numeric(self._values.pop(column))
        return True

    def forget(self) -> None:
        """Rows came or went."""
        self._values.clear()
        self._kept.clear()
        self._orders.clear()

    def moved(self, old: R, new: R, keys: Keys) -> bool:
        """Tell whether a change of one record can change the order by `keys`; its columns' keys are forgotten."""
        held = [*self._kept, *self._values]
        for at in [at for at in held if self._columns[at].get(old) != self._columns[at].get(new)]:
            self._kept.pop(at, None)
            self._values.pop(at, None)
            for descending in (False, True):
                self._orders.pop((at, descending), None)
        return any(self._columns[at].get(old) != self._columns[at].get(new) for at, _ in keys)


def weights(keys: Keys, group: int) -> Keys:
    """Return what is sorted by when rows are grouped by a column: the group comes first; -1 for no group."""
    if group < 0:
        return keys
    down = next((descending for column, descending in keys if column == group), False)
    return ((group, down), *(key for key in keys if key[0] != group))


def arrow(keys: Keys, section: int) -> str:
    """Return what is written behind the title of a column that is sorted by, with its place among several."""
    for place, (column, descending) in enumerate(keys, 1):
        if column == section:
            return (" ↓" if descending else " ↑") + (str(place) if len(keys) > 1 else "")
    return ""


def numeric(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return numbers that sort as `values` do: numbers as they are, texts by their place without regard to case."""
    kinds = set(map(type, values))
    if all(kind is type(None) or issubclass(kind, (int, float)) for kind in kinds):
        return np.array(values, float)  # None becomes NaN
    texts = [None if value is None else str(value) for value in values] if kinds != {str} else values
    known: set[str] = set(texts) - {None}
    if kinds == {str} and len(known) > len(texts) // 4:
        packed = _packed(values)
        if packed is not None:
            return packed
    folded = {text: text.casefold() for text in known}
    place = dict(zip(sorted(set(folded.values())), map(float, range(len(known))), strict=False))
    places: dict[str | None, float] = {text: place[fold] for text, fold in folded.items()}
    places[None] = np.nan
    return np.fromiter(map(places.__getitem__, texts), float, len(texts))


def _packed(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the places of many different short texts, eight bytes compared at once; None where a text is no short line.

    The order of UTF-8 bytes is that of code points, by which Python sorts texts too.
    """
    parts = "\n".join(texts).casefold().encode("utf-8", "surrogatepass").split(b"\n")
    longest = max(map(len, parts), default=0)
    if len(parts) != len(texts) or not 0 < longest <= _MOST_BYTES:
        return None
    packed = np.array(parts, f"S{-(-longest // 8) * 8}").view(">u8").reshape(len(texts), -1).astype(np.uint64)
    packed = packed[:, (packed != packed[0]).any(0)]  # a part that all have in common decides nothing
    if not packed.shape[1]:
        return np.zeros(len(texts))
    order = np.lexsort(packed.T[::-1])
    words = packed[order]
    places = np.empty(len(texts))
    places[order] = np.cumsum(np.concatenate([[False], (words[1:] != words[:-1]).any(1)]))
    return places


def _stable(key: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the stable order of `key`, NaN last: numpy's fast sort, then ties put into the order in which they came."""
    order = np.argsort(key)
    placed = key[order]
    same = placed[1:] == placed[:-1]
    same |= np.isnan(placed[1:]) & np.isnan(placed[:-1])
    if same.any():
        heads = np.concatenate([[0], np.flatnonzero(~same) + 1])
        run = np.zeros(len(order), np.int64)
        run[heads[1:]] = 1
        run = np.cumsum(run)
        order = np.sort(run * len(order) + order) - run * len(order)  # one number for run and place: they sort together
    return order.astype(np.intp, copy=False)
