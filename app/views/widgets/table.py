"""The table every page uses: a view over `RecordsModel` with a filter field, sorting, copying and the keyboard."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.widgets.columns import Column
from app.views.widgets.table_model import RecordsModel

R = TypeVar("R")
_FILTER_WAIT_MS: Final = 120
_STATES: Final = frozenset({"state", "outcome"})


class StateDelegate(QStyledItemDelegate):
    """Keeps the colour of a state in a selected row."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Let the model's colour win over the selection's."""
        super().initStyleOption(option, index)
        colour = index.data(Qt.ItemDataRole.ForegroundRole)
        if isinstance(colour, QColor):
            option.palette.setColor(QPalette.ColorRole.HighlightedText, colour)


class TableView(QTableView):
    """A quiet table: whole rows, fixed heights, sort by header, copy with Ctrl+C; keeps its selection by key."""

    picked = Signal(str)
    opened = Signal(str)
    pressed_delete = Signal(str)

    def __init__(self, model: RecordsModel[Any], name: str, *, row_px: int = theme.ROW_PX) -> None:
        super().__init__()
        model.setParent(self)
        self._records_model = model
        self._picked = ""
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        theme.set_rows(self, row_px)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(40)
        header.setFixedHeight(row_px)
        for at, column in enumerate(model.columns):
            header.resizeSection(at, column.width)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        header.setSortIndicatorShown(False)  # the title says it, where it cannot cover the title
        for at, column in enumerate(model.columns):
            if column.key in _STATES:  # only there: a delegate in Python costs a call per cell and frame
                self.setItemDelegateForColumn(at, StateDelegate(self))
        model.modelReset.connect(self._restore)
        self.doubleClicked.connect(lambda index: self.opened.emit(model.key_at(index.row())))

    @property
    def picked_key(self) -> str:
        """Return the key of the current record; empty when none is picked."""
        return self._picked

    def picked_keys(self) -> list[str]:
        """Return the keys of all selected rows, from top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._records_model.key_at(row) for row in rows]

    def pick(self, key: str) -> None:
        """Select the row that shows `key`; an unknown key clears the selection."""
        row = self._records_model.row_of(key)
        if row < 0:
            self.clearSelection()
            return
        self.selectRow(row)
        self.scrollTo(self._records_model.index(row, 0))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell which record is picked."""
        super().selectionChanged(selected, deselected)
        keys = self.selectionModel().selectedRows()
        current = self.currentIndex()
        row = current.row() if current.isValid() and self.selectionModel().isSelected(current) else -1
        if row < 0 and keys:
            row = keys[0].row()
        key = self._records_model.key_at(row) if 0 <= row < self._records_model.rowCount() else ""
        if key != self._picked:
            self._picked = key
            self.picked.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy with Ctrl+C, open with Return, ask to remove with Delete."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._picked:
            self.opened.emit(self._picked)
        elif event.key() == Qt.Key.Key_Delete and self._picked:
            self.pressed_delete.emit(self._picked)
        else:
            super().keyPressEvent(event)

    def flush(self) -> None:
        """Show what changed, without waiting."""
        self._records_model.flush()

    def as_text(self) -> str:
        """Return the selected rows with their header as tab-separated lines."""
        model = self._records_model
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        lines = ["\t".join(column.title for column in model.columns)]
        lines += ["\t".join(column.write(model.record_at(row)) for column in model.columns) for row in rows]
        return "\n".join(lines)

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the ages up to date when the table comes into view."""
        super().showEvent(event)
        self._records_model.tell_live()

    def _restore(self) -> None:
        row = self._records_model.row_of(self._picked) if self._picked else -1
        if row >= 0:
            self.selectRow(row)
        elif self._picked:
            self._picked = ""
            self.picked.emit("")


class TablePanel(QWidget, Generic[R]):
    """A table with its filter field and count, or the empty state while there are no records at all."""

    def __init__(
        self, records: Records[R], columns: Sequence[Column[R]], *, name: str, empty: QWidget | None = None,
        row_px: int = theme.ROW_PX, filterable: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.model = RecordsModel(records, columns)
        self.view = TableView(self.model, name, row_px=row_px)
        self.field = QLineEdit()
        self.count = QLabel()
        self._make_field(name)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.SPACE)
        bar = QHBoxLayout()
        bar.addWidget(self.field, 1)
        bar.addWidget(self.count)
        if filterable:
            column.addLayout(bar)
        column.addWidget(self.view, 1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(body)
        if empty is not None:
            self._pages.addWidget(empty)
        self.setFocusProxy(self.view)
        self.model.counted.connect(self._tell)
        self._tell()

    @property
    def empty_shown(self) -> bool:
        """Tell whether the empty state stands in the table's place."""
        return self._pages.currentIndex() == 1

    def on_picked(self, act: Callable[[str], None]) -> None:
        """Call `act` with the key of each record that is picked ("" for none)."""
        self.view.picked.connect(act)

    def focus_filter(self) -> None:
        """Put the keyboard into the filter field."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def _make_field(self, name: str) -> None:
        self.field.setPlaceholderText(tr("Filter… words, or column==value"))
        self.field.setAccessibleName(tr("Filter {table}", table=name))
        self.field.setClearButtonEnabled(True)
        self.field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.count.setProperty("role", "caption")
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_FILTER_WAIT_MS)
        self._wait.timeout.connect(self._filter)
        self.field.textChanged.connect(lambda _text: self._wait.start())
        self.field.returnPressed.connect(self._filter)

    def _filter(self) -> None:
        self._wait.stop()
        self.model.set_filter(self.field.text())

    def _tell(self) -> None:
        shown, total = self.model.rowCount(), self.model.total
        self.count.setText(
            tr("{shown} of {total}", shown=f"{shown:,}", total=f"{total:,}") if self.model.needle else f"{total:,}"
        )
        if self._pages.count() > 1:
            self._pages.setCurrentIndex(1 if total == 0 else 0)
