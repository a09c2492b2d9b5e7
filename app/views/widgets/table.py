"""The table every page uses: a view over `RecordsModel` with a filter field, sorting, copying and the keyboard.

A click on a header sorts by it, Shift+click sorts by it as well; the menu (right button, Menu key, or the button beside the
filter) shows and hides columns, groups, copies and writes files.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QObject, QPersistentModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence, QPalette, QShowEvent
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
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.widgets import table_layout, table_menu
from app.views.widgets.columns import Column
from app.views.widgets.header_warm import HeaderWarm
from app.views.widgets.table_model import RecordsModel

R = TypeVar("R")
_FILTER_WAIT_MS: Final = 120
_WARM_ROWS: Final = 500  # about 3 ms
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
    arranged = Signal()  # columns, widths, sorting or grouping were changed by a person
    told = Signal(str)  # a sentence on what became of a request

    def __init__(self, model: RecordsModel[Any], name: str, *, row_px: int = theme.ROW_PX) -> None:
        super().__init__()
        model.setParent(self)
        self._records_model = model
        self._picked = ""
        self.setModel(model)
        self.setAccessibleName(name)
        self.setAccessibleDescription(tr("Arrows move, Return opens, Ctrl+C copies; the Menu key shows what else can be done"))
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
            self.setColumnHidden(at, column.spare)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorShown(False)  # the title says it, where it cannot cover the title
        header.setSectionsClickable(True)
        header.setSectionsMovable(True)
        header.sectionClicked.connect(self._header_clicked)
        header.sectionResized.connect(lambda *_: self._tell_arranged())
        header.sectionMoved.connect(lambda *_: self._tell_arranged())
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda at: self._menu(header.mapToGlobal(at), header.logicalIndexAt(at)))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu_here)
        for at, column in enumerate(model.columns):
            if column.key in _STATES:  # only there: a delegate in Python costs a call per cell and frame
                self.setItemDelegateForColumn(at, StateDelegate(self))
        model.modelReset.connect(self._restore)
        self.doubleClicked.connect(self._double_clicked)
        self._warm_header = HeaderWarm(self)
        self._arranging = False
        self.shipped = self.arrangement()

    @property
    def picked_key(self) -> str:
        """Return the key of the current record; empty when none is picked."""
        return self._picked

    def picked_keys(self) -> list[str]:
        """Return the keys of all selected rows, from top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        key_of = self._records_model.key_of
        return [key_of(record) for record in self._records_model.members(rows)]

    # columns, sorting, grouping

    @property
    def records_model(self) -> RecordsModel[Any]:
        """Return the model."""
        return self._records_model

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """Return all columns, shown or not."""
        return self._records_model.columns

    def shown_columns(self) -> list[Column[Any]]:
        """Return the columns that are shown, in their order."""
        header = self.horizontalHeader()
        order = [header.logicalIndex(place) for place in range(header.count())]
        return [self.columns[at] for at in order if not header.isSectionHidden(at)]

    def show_column(self, at: int, shown: bool) -> None:
        """Show or hide a column; the last one stays."""
        if shown or len(self.shown_columns()) > 1:
            self.setColumnHidden(at, not shown)
            self._tell_arranged()

    def move_column(self, at: int, by: int) -> None:
        """Move a column by `by` places among those that are shown."""
        table_layout.move(self, at, by)

    def sort_only(self, column: int, *, descending: bool) -> None:
        """Sort by one column."""
        self._records_model.sort_by(((column, descending),))
        self._tell_arranged()

    def sort_also(self, column: int, *, descending: bool) -> None:
        """Sort by what was sorted by, then by `column`."""
        others = tuple(key for key in self._records_model.sort_keys if key[0] != column)
        self._records_model.sort_by((*others, (column, descending)))
        self._tell_arranged()

    def group_by(self, column: int) -> None:
        """Keep rows of one value together; -1 ends it."""
        self._records_model.group_by(column)
        self._tell_arranged()

    def fold(self, row: int, *, folded: bool) -> None:
        """Fold the group that `row` belongs to, or show its rows again; the keyboard stays at its first row."""
        group = self._records_model.group_at(row)
        if group and (group in self._records_model.groups.folded) != folded:
            self.fold_all((group,), folded=folded)
            head = next((at for at in self._records_model.groups.heads() if self._records_model.group_at(at) == group), row)
            self.selectRow(head)

    def fold_all(self, groups: Iterable[str], *, folded: bool) -> None:
        """Fold the groups of these names, or show their rows again."""
        self._records_model.fold(groups, folded=folded)
        self._tell_arranged()

    def _double_clicked(self, index: QModelIndex) -> None:
        model = self._records_model
        if index.column() == model.group and model.groups.count_at(index.row()):
            self.fold(index.row(), folded=model.groups.inside(index.row()) is None)
        else:
            self.opened.emit(model.key_at(index.row()))

    def arrangement(self) -> dict[str, Any]:
        """Return columns, widths, sorting and grouping by the keys of the columns, as plain JSON."""
        return table_layout.arrangement(self)

    def arrange(self, held: Mapping[str, Any]) -> None:
        """Put the columns as `held` says; what it does not know, or says wrongly, stays as it is."""
        self._arranging = True
        table_layout.arrange(self, held)
        self._arranging = False
        self.arranged.emit()

    def _tell_arranged(self) -> None:
        if not self._arranging:
            self.arranged.emit()

    def _header_clicked(self, column: int) -> None:
        """Sort up, down, not at all; with Shift beside what is sorted by already."""
        keys = self._records_model.sort_keys
        shift = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        now = next((descending for at, descending in keys if at == column), None)
        fresh = ((column, now is False),) if now is not True else ()
        if not shift:
            keys = fresh
        elif now is None:
            keys = (*keys, *fresh)
        else:
            keys = tuple(one for key in keys for one in (fresh if key[0] == column else (key,)))
        self._records_model.sort_by(keys)
        self._tell_arranged()

    def _menu_here(self, at: QPoint) -> None:
        self._menu(self.viewport().mapToGlobal(at), self.columnAt(at.x()))

    def _menu(self, at: QPoint, column: int) -> None:
        self._warm_header.begin(column)
        table_menu.show(self, at, column)

    # selection

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
        """Copy with Ctrl+C, open with Return, ask to remove with Delete; fold a group with Left, unfold it with Right."""
        row = self.currentIndex().row()
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._picked:
            self.opened.emit(self._picked)
        elif event.key() == Qt.Key.Key_Delete and self._picked:
            self.pressed_delete.emit(self._picked)
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._records_model.group >= 0 and row >= 0:
            self.fold(row, folded=event.key() == Qt.Key.Key_Left)
        else:
            super().keyPressEvent(event)

    def flush(self) -> None:
        """Show what changed, without waiting."""
        self._records_model.flush()

    def as_text(self) -> str:
        """Return the selected rows with their header as tab-separated lines."""
        model = self._records_model
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        columns = self.shown_columns()
        lines = ["\t".join(column.title for column in columns)]
        lines += ["\t".join(column.write(record) for column in columns) for record in model.members(rows)]
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
        body = QWidget()
        self.field = QLineEdit(body)
        self.count = QLabel(body)
        self._make_field(name, filterable=filterable)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.SPACE)
        if filterable:
            bar = QHBoxLayout()
            bar.addWidget(self.field, 1)
            bar.addWidget(self.count)
            bar.addWidget(self._more(name))
            column.addLayout(bar)
        else:  # unseen, and gone with the table
            self.field.hide()
            self.count.hide()
        column.addWidget(self.view, 1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(body)
        if empty is not None:
            self._pages.addWidget(empty)
        self.model.counted.connect(self._tell)
        self.view.told.connect(self._told)
        self._tell()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Hand the keyboard to the rows; a proxy would do so too, but Tab would then skip the filter before them."""
        super().focusInEvent(event)
        self.view.setFocus(event.reason())

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

    def _make_field(self, name: str, *, filterable: bool) -> None:
        self.field.setPlaceholderText(tr("Filter… words, or column==value"))
        self.field.setAccessibleName(tr("Filter {table}", table=name))
        self.field.setAccessibleDescription(self.field.placeholderText())
        if filterable:
            self.field.setClearButtonEnabled(True)
            self.field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.count.setProperty("role", "caption")
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_FILTER_WAIT_MS)
        self._wait.timeout.connect(self._filter)
        self.field.textChanged.connect(lambda _text: self._wait.start())
        self.field.returnPressed.connect(self._filter)
        self._warm = QTimer(self)
        self._warm.setInterval(0)
        self._warm.timeout.connect(self._warm_some)
        self.field.installEventFilter(self)

    def _more(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("ellipsis"))
        button.setAccessibleName(tr("Columns, grouping and files of {table}", table=name))
        button.setToolTip(tr("Columns, grouping, copy, write to a file"))
        button.clicked.connect(
            lambda _on=False: table_menu.show(self.view, button.mapToGlobal(button.rect().bottomLeft()), self._column())
        )
        return button

    def _column(self) -> int:
        current = self.view.currentIndex()
        return current.column() if current.isValid() else -1

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Prepare the filter while the person begins to type."""
        if watched is self.field and event.type() == QEvent.Type.FocusIn:
            self._warm.start()
        return super().eventFilter(watched, event)

    def _warm_some(self) -> None:
        if not self.model.warm(_WARM_ROWS):
            self._warm.stop()

    def _told(self, sentence: str) -> None:
        self.count.setText(sentence)

    def _filter(self) -> None:
        self._wait.stop()
        self.model.set_filter(self.field.text())

    def _tell(self) -> None:
        shown, total = self.model.matching, self.model.total
        self.count.setText(
            tr("{shown} of {total}", shown=count_text(shown), total=count_text(total))
            if self.model.needle
            else count_text(total)
        )
        if self._pages.count() > 1:
            self._pages.setCurrentIndex(1 if total == 0 else 0)
