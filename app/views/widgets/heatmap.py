"""A heatmap of a matrix in blocks: however large the matrix, only as many cells are drawn as there are blocks."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.explain import name_drawn, say_drawn

_SHADES: Final = 127
_SCALE_PX: Final = 96
_NUMBER_PX: Final = 68
_STEPS: Final = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class Heatmap(QWidget):
    """Shows blocks (k, k) of a matrix of `n` rows: blue above zero, orange below, the strongest entry of each block."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._blocks: NDArray[np.float64] = np.zeros((0, 0))
        self._n = 0
        self._most = 1.0
        self._cell: tuple[int, int] | None = None
        self._image: tuple[str, QImage] | None = None
        name_drawn(self, name)
        self.setMinimumSize(160, 140)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_blocks(self, blocks: Sequence[Sequence[float]] | NDArray[np.float64], n: int) -> None:
        """Show the blocks of a matrix with `n` rows; an empty list shows nothing."""
        array = np.asarray(blocks, float)
        self._blocks = array if array.ndim == 2 else np.zeros((0, 0))
        self._n, self._image, self._cell = n, None, None
        self._most = float(np.abs(self._blocks).max()) if self._blocks.size else 1.0
        self._most = self._most or 1.0
        say_drawn(self, tr("{n} by {n}, entries up to {most} in size", n=count_text(n), most=number_text(self._most, "g")))
        self.update()

    def twin(self) -> Twin:
        """Return the blocks that are not zero, the strongest first."""
        rows, columns = np.nonzero(self._blocks)
        order = np.argsort(-np.abs(self._blocks[rows, columns]), kind="stable")
        out: list[Row] = [
            (self._range(int(r)), self._range(int(c)), float(self._blocks[r, c]))
            for r, c in zip(rows[order], columns[order], strict=True)
        ]
        return Twin((tr("Rows"), tr("Columns"), tr("Strongest entry")), out)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(360, 300)

    def event(self, event: QEvent) -> bool:
        """Say the block under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._cell = self._cell_at(event.pos())
            QToolTip.showText(event.globalPos(), self._said(), self)
            self.update()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Read block by block with the arrows."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self._blocks.size:
            super().keyPressEvent(event)
            return
        side = len(self._blocks)
        row, column = self._cell or (0, 0)
        self._cell = (min(max(row + step[0], 0), side - 1), min(max(column + step[1], 0), side - 1))
        say_drawn(self, self._said())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the blocks, their frame and the scale."""
        tokens = theme.now()
        painter = QPainter(self)
        area = self._area()
        if self._blocks.size:
            painter.drawImage(area, self._picture())
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawRect(area)
        if self._blocks.size:
            self._draw_scale(painter, area)
        if self._cell is not None:
            side = area.width() / len(self._blocks)
            at = QRectF(area.left() + self._cell[1] * side, area.top() + self._cell[0] * side, side, side)
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawRect(at.adjusted(-2, -2, 2, 2))
            painter.setFont(theme.text_font(theme.CAPTION_PX))
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, area.bottom() + 2, self.width(), 16), int(Qt.AlignmentFlag.AlignLeft), self._said())
        painter.end()

    # inside

    def _area(self) -> QRectF:
        side = max(20.0, min(self.width() - _SCALE_PX, self.height() - 20) - 1.0)
        return QRectF(0.5, 0.5, side, side)

    def _range(self, at: int) -> str:
        side = len(self._blocks)
        first, last = at * self._n // side, max((at + 1) * self._n // side - 1, at * self._n // side)
        return str(first) if first == last else f"{first}–{last}"

    def _said(self) -> str:
        if self._cell is None:
            return ""
        row, column = self._cell
        return tr(
            "rows {rows}, columns {columns}: {value}",
            rows=self._range(row), columns=self._range(column), value=number_text(self._blocks[row, column], "g"),
        )  # fmt: skip

    def _cell_at(self, at: QPoint) -> tuple[int, int] | None:
        area, side = self._area(), len(self._blocks)
        if not side or not area.contains(at):
            return None
        return int((at.y() - area.top()) / area.height() * side), int((at.x() - area.left()) / area.width() * side)

    def _picture(self) -> QImage:
        tokens = theme.now()
        if self._image is None or self._image[0] != tokens.name:
            side = len(self._blocks)
            shade = np.sign(self._blocks) * np.ceil(np.abs(self._blocks) / self._most * _SHADES)
            index = np.ascontiguousarray(np.pad((shade + _SHADES).astype(np.uint8), ((0, 0), (0, -side % 4))))
            image = QImage(index.data, side, side, index.shape[1], QImage.Format.Format_Indexed8)
            image.setColorTable(colours())
            self._image = (tokens.name, image.copy())
        return self._image[1]

    def _draw_scale(self, painter: QPainter, area: QRectF) -> None:
        tokens = theme.now()
        bar = QRectF(area.right() + 12, area.top() + 8, 10, max(20.0, area.height() - 16))
        table = colours()
        for at in range(int(bar.height())):
            shade = table[round((1 - at / bar.height()) * 2 * _SHADES)]
            painter.fillRect(QRectF(bar.left(), bar.top() + at, bar.width(), 1), QColor.fromRgb(shade))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.setPen(QColor(tokens.muted))
        for share, value in ((0.0, self._most), (0.5, 0.0), (1.0, -self._most)):
            level = bar.top() + share * bar.height()
            place = QRectF(bar.right() + 6, level - 8, _NUMBER_PX, 16)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), level_text(value))


def level_text(value: float) -> str:
    """Return a level of the scale: four figures, larger ones up to seven digits whole, so that it is short and plain."""
    return number_text(value, ",.0f" if 1e4 <= abs(value) < 1e7 else ".4g")


def colours() -> list[int]:
    """Return the 255 shades from the most negative to the most positive; the middle one is the ground."""
    tokens = theme.now()
    ground = np.array(_rgb(tokens.surface), float)
    table: list[Any] = []
    for at in range(2 * _SHADES + 1):
        share = (at - _SHADES) / _SHADES
        strong = np.array(_rgb(tokens.series[0] if share > 0 else tokens.series[1]), float)
        weight = 0.0 if share == 0 else 0.25 + 0.75 * abs(share)
        red, green, blue = (int(part) for part in np.round(ground + weight * (strong - ground)))
        table.append(QColor(red, green, blue).rgb())
    return table


def _rgb(colour: str) -> tuple[int, int, int]:
    shade = QColor(colour)
    return shade.red(), shade.green(), shade.blue()
