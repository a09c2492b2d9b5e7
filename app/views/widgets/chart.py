"""What every chart has: a title, a legend, a table twin, and export as picture and as data.

A chart without a table is closed to a person who cannot see it, and to one who wants the figures; so each has both.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from app.engine.base.errors import Conflict
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.shell.icons import icon, swatch
from app.views.widgets.columns import Column
from app.views.widgets.picture_file import PRINT_RATIO, Whole, save_png, save_svg
from app.views.widgets.table import TablePanel

MOST_ROWS: Final = 5000
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Twin:
    """A chart as a table: headings, and rows of numbers and texts."""

    headings: tuple[str, ...]
    rows: Sequence[Row]


class Chart(QWidget):
    """A picture with its title and its table; `twin` returns what the picture shows as rows."""

    def __init__(self, title: str, picture: QWidget | None = None, twin: Callable[[], Twin] | None = None) -> None:
        super().__init__()
        self.title = title
        self._twin = twin
        self._table: TablePanel[Row] | None = None
        self._rows: Records[Row] = Records(lambda row: str(row[0]), "row")
        self._headings: tuple[str, ...] = ()
        self.setAccessibleName(tr("Chart of {what}", what=title))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.head = QHBoxLayout()
        self.head.setSpacing(2 * theme.SPACE)
        self._heading = QLabel(title)
        self._heading.setProperty("role", "heading")
        self.readout = QLabel()
        self.readout.setProperty("role", "caption")
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(self._heading)
        self.head.addStretch(1)
        self.head.addWidget(self.readout)
        self.tools = self._make_tools()
        self.head.addWidget(self.tools)
        self.legend = QHBoxLayout()
        self.legend.setSpacing(theme.SPACE)
        self.legend.addStretch(1)
        column.addLayout(self.head)
        column.addLayout(self.legend)
        holder = QWidget()
        holder.setProperty("clear", True)
        self._stack = QStackedLayout(holder)
        column.addWidget(holder, 1)
        self.picture: QWidget | None = None
        if picture is not None:
            self.set_picture(picture)

    # what it shows

    @property
    def table_shown(self) -> bool:
        """Tell whether the table stands in the picture's place."""
        return self._table is not None and self._stack.currentWidget() is self._table

    def set_picture(self, picture: QWidget) -> None:
        """Show `picture` from now on."""
        if picture is self.picture:
            return
        self.picture = picture
        if self._stack.indexOf(picture) < 0:
            self._stack.insertWidget(0, picture)
        if not self.table_shown:
            self._stack.setCurrentWidget(picture)

    def twin(self) -> Twin:
        """Return the chart as a table."""
        return self._twin() if self._twin is not None else Twin((), ())

    def show_table(self, *, shown: bool) -> None:
        """Put the table in the picture's place, or take it away."""
        if shown:
            self.tell_table()
            if self._table is not None:
                self._stack.setCurrentWidget(self._table)
        elif self.picture is not None:
            self._stack.setCurrentWidget(self.picture)
        self._as_table.setChecked(self.table_shown)

    def tell_table(self) -> None:
        """Bring the table up to date."""
        twin = self.twin()
        if self._table is None or self._headings != twin.headings:
            self._make_table(twin.headings)
        self._rows.replace_all((at, *row) for at, row in enumerate(twin.rows[-MOST_ROWS:], 1))

    def add_toggle(self, name: str, number: int, toggled: Callable[[bool], None]) -> QToolButton:
        """Add the button of curve `number` to the legend; it hides the curve and shows it again."""
        button = QToolButton()
        button.setText(name)
        button.setIcon(swatch(number))
        button.setCheckable(True)
        button.setChecked(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setProperty("legend", True)
        button.setAccessibleName(tr("Show {curve}", curve=name))
        button.setAccessibleDescription(tr("On: the curve is drawn; off: it is hidden"))
        button.toggled.connect(toggled)
        self.legend.insertWidget(self.legend.count() - 1, button)
        return button

    def drop_toggles(self) -> None:
        """Take every curve's button out of the legend."""
        while self.legend.count() > 1:
            item = self.legend.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()  # until the loop takes it away it would stand under those that come
                widget.deleteLater()

    # what is exported

    def save_png(self, file: Path) -> Path:
        """Save the picture with its title at twice the window's resolution; one larger than its window is saved whole."""
        picture: object = self.picture
        if isinstance(picture, Whole):
            return save_png(picture, file)
        ratio = max(PRINT_RATIO, self.devicePixelRatioF())
        pixels = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        pixels.setDevicePixelRatio(ratio)
        pixels.fill(theme.now().colour("surface"))
        self._print(pixels)
        if not pixels.save(str(file), "PNG"):
            raise Conflict("{file} cannot be written", file=file, hint="Choose a folder you may write to.")
        return file

    def save_svg(self, file: Path) -> Path:
        """Save the picture with its title as lines and text; one larger than its window is saved whole."""
        picture: object = self.picture
        if isinstance(picture, Whole):
            return save_svg(picture, file, self.title)
        drawing = QSvgGenerator()
        drawing.setFileName(str(file))
        drawing.setSize(self.size())
        drawing.setViewBox(QRectF(0, 0, self.width(), self.height()))
        drawing.setTitle(self.title)
        try:
            file.touch()
        except OSError as error:
            raise Conflict(
                "{file} cannot be written: {reason}", file=file, reason=error.strerror, hint="Choose a folder you may write to."
            ) from None
        self._print(drawing)
        return file

    def save_csv(self, file: Path) -> Path:
        """Save every row of the table twin, unrounded."""
        twin = self.twin()
        try:
            with file.open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(twin.headings)
                writer.writerows(twin.rows)
        except OSError as error:
            raise Conflict(
                "{file} cannot be written: {reason}", file=file, reason=error.strerror, hint="Choose a folder you may write to."
            ) from None
        return file

    # inside

    def _print(self, device: QPixmap | QSvgGenerator) -> None:
        buttons = [button for button in self.findChildren(QToolButton) if not button.property("legend") and button.isVisible()]
        for button in buttons:
            button.hide()
        painter = QPainter(device)
        painter.fillRect(self.rect(), theme.now().colour("surface"))
        self.render(painter, QPoint(0, 0), renderFlags=QWidget.RenderFlag.DrawChildren)
        painter.end()
        for button in buttons:
            button.show()

    def set_title(self, title: str) -> None:
        """Call the chart something else: what is shown has another unit."""
        if title != self.title:
            self.title = title
            self._heading.setText(title)

    def _make_table(self, headings: tuple[str, ...]) -> None:
        if self._table is not None:
            self._stack.removeWidget(self._table)
            self._table.deleteLater()
        self._headings = headings
        columns = [
            Column[Row](f"c{at}", heading, lambda row, at=at: row[at], _cell, 130, right=at > 1)  # type: ignore[misc]
            for at, heading in enumerate(headings, 1)
        ]
        self._table = TablePanel(
            self._rows, columns, name=tr("Data of {what}", what=self.title), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        self._stack.addWidget(self._table)

    def _make_tools(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("ellipsis"))
        button.setAccessibleName(tr("More for {what}", what=self.title))
        button.setToolTip(tr("Table, picture and data"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setAccessibleName(button.accessibleName())
        self._as_table = menu.addAction(tr("Show as table"))
        self._as_table.setCheckable(True)
        self._as_table.triggered.connect(lambda checked: self.show_table(shown=checked))
        menu.addSeparator()
        for title, ending, save in (
            (tr("Save picture as PNG…"), "png", self.save_png),
            (tr("Save picture as SVG…"), "svg", self.save_svg),
            (tr("Save data as CSV…"), "csv", self.save_csv),
        ):
            menu.addAction(title).triggered.connect(partial(self._ask_file, ending, save))
        self.menu = menu
        button.setMenu(menu)
        return button

    def _ask_file(self, ending: str, save: Callable[[Path], Path], _checked: bool = False) -> None:
        dialog = QFileDialog(self, tr("Save {what}", what=self.title))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setDefaultSuffix(ending)
        dialog.fileSelected.connect(lambda name: save(Path(name)))
        dialog.open()


def _cell(value: object) -> str:
    return number_text(value, ".6g") if isinstance(value, float) else str(value)
