"""The one table model: any observable collection, sorted and filtered through a numpy index, never through a proxy.

Changes are gathered for 100 ms and told as one ranged signal (a proxy over a Python model costs about 800 times as much).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont

from app.engine.base.records import Change, Records
from app.views.shell import theme
from app.views.shell.later import Later
from app.views.widgets.columns import Column, matches
from app.views.widgets.groups import Groups, runs
from app.views.widgets.haystack import Haystack
from app.views.widgets.sort_keys import Keys, SortKeys, arrow, weights

R = TypeVar("R")
Index = QModelIndex | QPersistentModelIndex
FLUSH_MS: Final = 100
_MOST_RANGES: Final = 32  # more separate removals than this are told as one reset

_DISPLAY: Final = int(Qt.ItemDataRole.DisplayRole)
_ALIGN: Final = int(Qt.ItemDataRole.TextAlignmentRole)
_COLOUR: Final = int(Qt.ItemDataRole.ForegroundRole)
_FONT: Final = int(Qt.ItemDataRole.FontRole)
_TIP: Final = int(Qt.ItemDataRole.ToolTipRole)
_USED: Final = frozenset({_DISPLAY, _ALIGN, _COLOUR, _FONT, _TIP})
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_ROOT: Final = QModelIndex()


@lru_cache(maxsize=1)
def _mono() -> QFont:
    return theme.mono_font(theme.TABLE_PX)


class RecordsModel(QAbstractTableModel, Generic[R]):
    """Shows `records` through `columns`; `sort`, `set_filter`, `key_at` and `row_of` work on what is shown."""

    counted = Signal()  # how many are shown, or are there, may have changed

    def __init__(self, records: Records[R], columns: Sequence[Column[R]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.key_of, self._source = records.key_of, records
        self._rows: list[R] = list(records)
        self._hay = Haystack(len(self._rows), self._text_at)
        self._slot = {records.key_of(record): at for at, record in enumerate(self._rows)}
        self._order: NDArray[np.intp] = np.arange(len(self._rows))
        self._place: NDArray[np.intp] | None = None
        self._sort: Keys = ()
        self._group = -1
        self._groups = Groups()
        self._keys = SortKeys(self.columns)
        self._needle = ""
        self.reader: Callable[[str], Callable[[R], bool] | None] | None = None
        self._match: Callable[[R], bool] | None = None
        self._added: dict[str, R] = {}
        self._changed: dict[str, R] = {}
        self._removed: set[str] = set()
        self._later = Later(self.flush, FLUSH_MS, self)
        undo = records.watch(self._take)
        self.destroyed.connect(lambda *_: undo())

    # what Qt asks

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return the rows shown."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return the columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Return a column's title, side and explanation."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == _DISPLAY:
            return column.title + arrow(self._sort, section)
        if role == _TIP:
            return column.hint or None
        if role == _ALIGN:
            return _RIGHT if column.right else _LEFT
        return None

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """Return text, side, colour or font of one cell."""
        if role not in _USED or not index.isValid():
            return None
        column = self.columns[index.column()]
        if role == _ALIGN:
            return _RIGHT if column.right else _LEFT
        if role == _FONT:
            return _mono() if column.mono else None
        record = self._rows[self._order[index.row()]]
        if role == _COLOUR:
            return QColor(getattr(theme.now(), column.token(record))) if column.token else None
        return self._written(index.row(), index.column(), column.write(record))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by `column`; -1 restores the order in which records came."""
        self.sort_by(((column, order == Qt.SortOrder.DescendingOrder),) if 0 <= column < len(self.columns) else ())

    def sort_by(self, keys: Keys) -> None:
        """Sort by several columns, the weightiest first."""
        self._sort = keys
        self._rearrange()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def group_by(self, column: int) -> None:
        """Keep the rows of one value of `column` together, its first row naming it with their number; -1 ends it."""
        self._group = column if 0 <= column < len(self.columns) else -1
        if self._groups.folded:
            self.fold(self._groups.folded, folded=False)
        self.sort_by(self._sort)

    def fold(self, texts: Iterable[str], *, folded: bool) -> None:
        """Show only the first row of the groups whose value reads as one of `texts`, or all their rows again."""
        self.beginResetModel()
        self._groups.fold(texts, folded=folded)
        self._arrange()
        self.endResetModel()

    # what the view asks

    @property
    def sort_keys(self) -> Keys:
        """Return the columns sorted by, and which of them descend."""
        return self._sort

    @property
    def group(self) -> int:
        """Return the column grouped by, or -1."""
        return self._group

    @property
    def groups(self) -> Groups:
        """Return where groups begin in what is shown, and which are folded."""
        if not self._groups.counted and self._group >= 0:
            self._groups.count_heads(self._keys.key(self._group, self._rows)[self._order])
        return self._groups

    def group_at(self, row: int) -> str:
        """Return the text of the value by which the row is grouped; empty when nothing is grouped."""
        return self.columns[self._group].write(self.record_at(row)) if self._group >= 0 else ""

    @property
    def matching(self) -> int:
        """Return how many records the filter lets through, those of folded groups too."""
        return len(self._order) + self._groups.hidden

    @property
    def total(self) -> int:
        """Return how many records there are, shown or not."""
        return len(self._rows)

    @property
    def needle(self) -> str:
        """Return the filter in use."""
        return self._needle

    def set_filter(self, needle: str) -> None:
        """Show only records whose texts hold every word of `needle`; `column==value` asks for an equal text.

        Where a `reader` makes a rule of the needle, that rule decides instead.
        """
        needle = needle.strip()
        if needle == self._needle:
            return
        self.beginResetModel()
        self._needle = needle
        self._match = self.reader(needle) if self.reader is not None and needle else None
        self._arrange()
        self.endResetModel()
        self.counted.emit()

    def record_at(self, row: int) -> R:
        """Return the record shown in `row`."""
        record: R = self._rows[self._order[row]]
        return record

    def members(self, rows: Iterable[int]) -> list[R]:
        """Return the records of `rows`, and for a folded group all its records."""
        return [self._rows[slot] for slot in self._groups.slots(rows, self._order)]

    def key_at(self, row: int) -> str:
        """Return the key of the record shown in `row`."""
        return self.key_of(self.record_at(row))

    def row_of(self, key: str) -> int:
        """Return the row that shows `key`, or -1."""
        slot = self._slot.get(key)
        return -1 if slot is None else int(self._places()[slot])

    def tell_live(self) -> None:
        """Draw the columns again whose text depends on the time of day."""
        live = [at for at, column in enumerate(self.columns) if column.live]
        if live and len(self._order):
            self.dataChanged.emit(self.index(0, live[0]), self.index(len(self._order) - 1, live[-1]), [_DISPLAY, _COLOUR])

    # changes

    def _take(self, change: Change[R]) -> None:
        for key in change.removed:
            self._added.pop(key, None)
            self._changed.pop(key, None)
            self._removed.add(key)
        for record in change.added:
            key = self._source.key_of(record)
            if key in self._slot:  # removed and added again before it was told: the same row, changed
                self._removed.discard(key)
                self._changed[key] = record
            else:
                self._added[key] = record
        for record in change.changed:
            key = self._source.key_of(record)
            (self._added if key in self._added else self._changed)[key] = record
        self._later.ask()

    def flush(self) -> None:
        """Tell the view what changed since the last time."""
        removed, self._removed = self._removed & self._slot.keys(), set()
        changed, self._changed = self._changed, {}
        added, self._added = self._added, {}
        if self._groups.folded and (removed or changed or added):
            self._renew(removed, changed, added)
            return
        if removed:
            self._remove(removed)
        if changed:
            self._change(changed)
        if added:
            self._add(added)
        if removed or changed or added:
            self._regroup()
            self.counted.emit()

    def _renew(self, removed: set[str], changed: dict[str, R], added: dict[str, R]) -> None:
        """Take all changes at once; where groups are folded, rows come and go with them."""
        self.beginResetModel()
        if removed:
            self._compact(removed)
        for key, record in changed.items():
            self._keys.moved(self._rows[self._slot[key]], record, ())
            self._rows[self._slot[key]] = record
            self._hay.forget(self._slot[key])
        if added:
            self._append(added)
        self._arrange()
        self.endResetModel()
        self.counted.emit()

    def _remove(self, keys: set[str]) -> None:
        places = self._places()
        shown = sorted(int(places[self._slot[key]]) for key in keys if places[self._slot[key]] >= 0)
        ranges = runs(shown)
        if len(ranges) > _MOST_RANGES:
            self.beginResetModel()
            self._compact(keys)
            self._arrange()
            self.endResetModel()
            return
        for first, last in reversed(ranges):
            self.beginRemoveRows(QModelIndex(), first, last)
            self._order = np.delete(self._order, np.s_[first : last + 1])
            self._place = None
            self.endRemoveRows()
        self._compact(keys)

    def _compact(self, keys: set[str]) -> None:
        self._keys.forget()
        keep = np.ones(len(self._rows), bool)
        keep[[self._slot[key] for key in keys]] = False
        self._order = (np.cumsum(keep) - 1)[self._order[keep[self._order]]]
        self._rows = [row for row, kept in zip(self._rows, keep, strict=True) if kept]
        self._hay.compact(keep)
        self._slot = {self._source.key_of(record): at for at, record in enumerate(self._rows)}
        self._place = None

    def _change(self, changed: dict[str, R]) -> None:
        slots = []
        moved = False
        for key, record in changed.items():
            slot = self._slot[key]
            moved = self._keys.moved(self._rows[slot], record, weights(self._sort, self._group)) or moved
            self._rows[slot] = record
            self._hay.forget(slot)
            slots.append(slot)
        if self._needle and any(self._wanted(slot) != (self._places()[slot] >= 0) for slot in slots):
            self.beginResetModel()
            self._arrange()
            self.endResetModel()
            return
        if moved:
            self._rearrange()
        rows = self._places()[slots]
        rows = rows[rows >= 0]
        if len(rows):
            self.dataChanged.emit(self.index(int(rows.min()), 0), self.index(int(rows.max()), len(self.columns) - 1))

    def _add(self, added: dict[str, R]) -> None:
        first = len(self._rows)
        self._append(added)
        fresh = np.array([slot for slot in range(first, len(self._rows)) if self._wanted(slot)], np.intp)
        self._place = None
        if not len(fresh):
            return
        shown = len(self._order)
        self.beginInsertRows(QModelIndex(), shown, shown + len(fresh) - 1)
        self._order = np.concatenate([self._order, fresh])
        self._place = None
        self.endInsertRows()
        if weights(self._sort, self._group):
            self._rearrange()

    def _append(self, added: dict[str, R]) -> None:
        first = len(self._rows)
        self._rows.extend(added.values())
        self._hay.extend(len(added))
        for at, key in enumerate(added, first):
            self._slot[key] = at
        self._keys.forget()

    # order

    def _rearrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        slots = [self._order[index.row()] for index in before]
        self._arrange()
        places = self._places()
        after = [self.index(int(places[slot]), index.column()) for slot, index in zip(slots, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        order = self._keys.order(self._rows, weights(self._sort, self._group))
        if self._needle:
            wanted = self._matching()
            order = order[wanted[order]]
        self._groups.forget()
        if self._groups.folded and self._group >= 0 and len(order):
            write, values = self.columns[self._group].write, self._keys.key(self._group, self._rows)[order]
            order = self._groups.hide(order, values, lambda slot: write(self._rows[slot]))
        self._order, self._place = order, None

    def _matching(self) -> NDArray[np.bool_]:
        """Tell of every row whether the filter wants it."""
        if "==" in self._needle or self._match is not None:
            return np.fromiter((self._wanted(slot) for slot in range(len(self._rows))), bool, len(self._rows))
        return self._hay.holding(self._needle.casefold().split())

    def warm(self, most: int = 0) -> bool:
        """Prepare the texts a filter searches, of `most` rows now (0: of all); tell whether some are left."""
        return self._hay.warm(most)

    def warm_key(self, column: int, most: int) -> bool:
        """Prepare the sort by `column`, reading `most` rows more; tell whether something is left to do."""
        return self._keys.warm(column, self._rows, most)

    def _text_at(self, slot: int) -> str:
        return "\n".join(column.write(self._rows[slot]) for column in self.columns if not column.live).casefold() or "\n"

    def _written(self, row: int, column: int, text: str) -> str:
        folded = self._groups.inside(row) is not None
        if column != self._group:
            return "" if folded else text  # a folded group has no figures of its own
        count = self.groups.count_at(row)
        return f"{'▸' if folded else '▾'} {text} ({count})" if count else ""

    def _regroup(self) -> None:
        self._groups.forget()
        if self._group >= 0 and len(self._order):
            self.dataChanged.emit(self.index(0, self._group), self.index(len(self._order) - 1, self._group), [_DISPLAY])

    def _places(self) -> NDArray[np.intp]:
        if self._place is None:
            self._place = np.full(len(self._rows), -1, np.intp)
            self._place[self._order] = np.arange(len(self._order))
        return self._place

    def _wanted(self, slot: int) -> bool:
        if self._match is not None:
            return self._match(self._rows[slot])
        if not self._needle:
            return True
        record = self._rows[slot]
        return matches(self._needle, self._hay.text(slot), lambda name: self._text_of(record, name))

    def _text_of(self, record: R, name: str) -> str | None:
        return next((column.write(record) for column in self.columns if column.key == name), None)
