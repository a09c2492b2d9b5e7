"""What can be done with a table besides reading it: columns, sorting, grouping, copying, writing to a file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from app.engine.base.errors import OutpostError
from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.views.widgets import table_export

if TYPE_CHECKING:
    from app.views.widgets.table import TableView


def show(view: "TableView", at: QPoint, column: int) -> None:
    """Open the menu of `view` at a point of the screen; `column` is the one it was asked for on."""
    menu = build(view, column)
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(at)


def build(view: "TableView", column: int) -> QMenu:
    """Return the menu; everything in it works by keyboard."""
    menu = QMenu(view)
    menu.setAccessibleName(tr("What to do with this table"))
    if 0 <= column < len(view.columns):
        _of_column(view, menu, column)
    shown = menu.addMenu(tr("Columns"))
    for at, one in enumerate(view.columns):
        action = shown.addAction(one.title or one.key)
        action.setCheckable(True)
        action.setChecked(not view.isColumnHidden(at))
        action.toggled.connect(partial(view.show_column, at))
    if view.records_model.group >= 0:
        model = view.records_model
        names = [model.group_at(row) for row in model.groups.heads()]
        for text, folded in ((tr("Fold all groups"), True), (tr("Unfold all groups"), False)):
            menu.addAction(text).triggered.connect(partial(_fold, view, names, folded))
        menu.addAction(tr("Do not group")).triggered.connect(partial(_group, view, -1))
    menu.addAction(tr("Columns as shipped")).triggered.connect(lambda _on=False: view.arrange(view.shipped))
    menu.addSeparator()
    menu.addAction(tr("Select all")).triggered.connect(lambda _on=False: view.selectAll())
    copy = menu.addAction(tr("Copy selected rows"))
    copy.setEnabled(bool(view.picked_keys()))
    copy.triggered.connect(lambda _on=False: QGuiApplication.clipboard().setText(view.as_text()))
    menu.addAction(tr("Write {count} rows to a file…", count=count_text(view.records_model.matching))).triggered.connect(
        lambda _on=False: ask_file(view)
    )
    return menu


def _of_column(view: "TableView", menu: QMenu, column: int) -> None:
    title = view.columns[column].title
    for text, descending, more in (
        (tr("Sort by {column}, up", column=title), False, False),
        (tr("Sort by {column}, down", column=title), True, False),
        (tr("Then by {column}, up", column=title), False, True),
        (tr("Then by {column}, down", column=title), True, True),
    ):
        if not more or view.records_model.sort_keys:
            menu.addAction(text).triggered.connect(partial(_sort, view, column, descending, more))
    menu.addAction(tr("Group by {column}", column=title)).triggered.connect(partial(_group, view, column))
    menu.addAction(tr("Hide {column}", column=title)).triggered.connect(lambda _on=False: view.show_column(column, shown=False))
    for text, act in (
        (tr("Move {column} to the left", column=title), lambda _on=False: view.move_column(column, -1)),
        (tr("Move {column} to the right", column=title), lambda _on=False: view.move_column(column, 1)),
        (tr("As wide as what is in {column}", column=title), lambda _on=False: view.resizeColumnToContents(column)),
    ):
        menu.addAction(text).triggered.connect(act)
    menu.addSeparator()


def _sort(view: "TableView", column: int, descending: bool, more: bool, _on: bool = False) -> None:
    view.sort_also(column, descending=descending) if more else view.sort_only(column, descending=descending)


def _group(view: "TableView", column: int, _on: bool = False) -> None:
    view.group_by(column)


def _fold(view: "TableView", groups: list[str], folded: bool, _on: bool = False) -> None:
    view.fold_all(groups, folded=folded)


def ask_file(view: "TableView") -> QFileDialog:
    """Ask for a file and write what is shown into it."""
    dialog = QFileDialog(view, tr("Write the table to a file"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([f"{kind.upper()} (*.{kind})" for kind in table_export.formats()])
    dialog.setDefaultSuffix("csv")
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(chosen.split()[0].lower()))
    dialog.fileSelected.connect(lambda file: write(view, Path(file)))
    dialog.open()
    return dialog


def write(view: "TableView", path: Path) -> None:
    """Write the rows and columns shown, in their order; tell what came of it."""
    model = view.records_model
    records = model.members(range(model.rowCount()))
    try:
        table_export.write(path, table_export.cells(view.shown_columns(), records))
    except (OutpostError, OSError) as error:
        view.told.emit(str(error))
        return
    view.told.emit(tr("{count} rows written to {file}", count=count_text(len(records)), file=path))
