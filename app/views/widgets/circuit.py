"""The circuit canvas: wires left to right, drawn from the layout document of `app.engine.circuits.picture`.

Only the columns in view are painted, so a circuit of twenty thousand operations scrolls like one of ten.
"""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.circuit_cells import BOX_PX, GAP_PX, LINE_PX, TOP_PX, Cell, Cells, said_of, width_of, y_of
from app.views.widgets.explain import name_drawn, say_drawn


class CircuitCanvas(QAbstractScrollArea):
    """Shows one circuit; scrolls both ways, arrow keys included."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._qubits: list[str] = []
        self._clbits: list[str] = []
        self._columns: list[list[Cell]] = []
        self._left: list[float] = []
        self._widths: list[float] = []
        self._label_px = 0.0
        self._cells = Cells()
        self.setFrameShape(self.Shape.NoFrame)
        name_drawn(self, tr("Circuit diagram"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show the layout document, or nothing."""
        picture = picture or {}
        self._qubits = [str(label) for label in picture.get("qubits", ())]
        self._clbits = [str(label) for label in picture.get("clbits", ())]
        self._columns = [list(column) for column in picture.get("columns", ())]
        say_drawn(self, tr("{qubits} qubits, {columns} columns", qubits=len(self._qubits), columns=len(self._columns)))
        self._measure()
        self.horizontalScrollBar().setValue(0)
        self.verticalScrollBar().setValue(0)
        self._fit()
        self.viewport().update()

    def drawn_size(self) -> QSize:
        """Return the size of the whole drawing."""
        right = self._left[-1] + self._widths[-1] if self._left else self._label_px
        return QSize(int(right + 24), int(2 * TOP_PX + LINE_PX * (len(self._qubits) + len(self._clbits))))

    def draw_whole(self, painter: QPainter) -> None:
        """Draw all of it, however little of it is in view, from the origin of `painter`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._wires(painter)
        for at, column in enumerate(self._columns):
            for cell in column:
                self._cells.draw(painter, cell, self._left[at], self._widths[at], len(self._qubits))
        self._labels(painter, 0.0)

    def twin(self) -> Twin:
        """Return a row per operation, in the order of its column."""
        rows: list[Row] = [
            (at, said_of(cell), ", ".join(self._qubits[wire] for wire in cell.get("qubits", ())),
             ", ".join(self._clbits[bit] for bit in cell.get("clbits", ())))
            for at, column in enumerate(self._columns, 1) for cell in column
        ]  # fmt: skip
        return Twin((tr("Column"), tr("Operation"), tr("Qubits"), tr("Bits")), rows)

    def sizeHint(self) -> QSize:
        """Return a size that shows a small circuit whole."""
        size = self.drawn_size()
        return QSize(min(max(size.width(), 320), 900), min(max(size.height() + 16, 140), 480))

    def resizeEvent(self, _event: Any) -> None:
        """Fit the scroll bars."""
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll with the arrow keys, Home and End."""
        bar = self.horizontalScrollBar()
        steps = {Qt.Key.Key_Left: -60, Qt.Key.Key_Right: 60, Qt.Key.Key_Home: -bar.maximum(), Qt.Key.Key_End: bar.maximum()}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            bar.setValue(bar.value() + step)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the columns in view."""
        if not self._qubits:
            return
        view = self.viewport()
        painter = QPainter(view)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(view.rect(), QColor(theme.now().surface))
        shift = self.horizontalScrollBar().value()
        painter.translate(-shift, -self.verticalScrollBar().value())
        self._wires(painter)
        for at, column in enumerate(self._columns):
            left, right = self._left[at], self._left[at] + self._widths[at]
            if right < shift or left > shift + view.width():
                continue
            for cell in column:
                self._cells.draw(painter, cell, left, self._widths[at], len(self._qubits))
        self._labels(painter, float(shift))
        painter.end()

    # layout

    def _measure(self) -> None:
        mono = QFontMetricsF(theme.mono_font(theme.TABLE_PX))
        self._label_px = max((mono.horizontalAdvance(label) for label in (*self._qubits, *self._clbits)), default=0.0) + 20
        self._left, self._widths = [], []
        x = self._label_px + GAP_PX
        for column in self._columns:
            width = max((width_of(cell) for cell in column), default=float(BOX_PX))
            self._left.append(x)
            self._widths.append(width)
            x += width + GAP_PX

    def _fit(self) -> None:
        size, view = self.drawn_size(), self.viewport().size()
        for bar, whole, part in (
            (self.horizontalScrollBar(), size.width(), view.width()),
            (self.verticalScrollBar(), size.height(), view.height()),
        ):
            bar.setRange(0, max(0, whole - part))
            bar.setPageStep(part)
            bar.setSingleStep(40)

    # drawing

    def _wires(self, painter: QPainter) -> None:
        tokens = theme.now()
        right = float(self.drawn_size().width() - 12)
        for wire in range(len(self._qubits) + len(self._clbits)):
            y = y_of(wire)
            painter.setPen(QPen(QColor(tokens.muted if wire < len(self._qubits) else tokens.border), 1))
            if wire < len(self._qubits):
                painter.drawLine(QPointF(self._label_px, y), QPointF(right, y))
            else:
                painter.drawLine(QPointF(self._label_px, y - 1.5), QPointF(right, y - 1.5))
                painter.drawLine(QPointF(self._label_px, y + 1.5), QPointF(right, y + 1.5))

    def _labels(self, painter: QPainter, shift: float) -> None:
        tokens = theme.now()
        painter.fillRect(QRectF(shift, 0, self._label_px, self.drawn_size().height()), QColor(tokens.surface))
        painter.setFont(theme.mono_font(theme.TABLE_PX))
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for wire, label in enumerate((*self._qubits, *self._clbits)):
            painter.setPen(QColor(tokens.text if wire < len(self._qubits) else tokens.muted))
            painter.drawText(QRectF(shift, y_of(wire) - 12, self._label_px - 8, 24), side, label)
