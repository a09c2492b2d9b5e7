"""The circuit canvas: wires left to right, drawn from the layout document of `app.engine.circuits.picture`.

Only the columns in view are painted, so a circuit of twenty thousand operations scrolls like one of ten.
"""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from app.engine.base.text import tr
from app.views.shell import theme

_LINE_PX: Final = 36  # from wire to wire
_BOX_PX: Final = 26  # height of a gate
_GAP_PX: Final = 14  # between columns
_TOP_PX: Final = 12
_MOST_PX: Final = 220  # width of a gate at most
Cell = Mapping[str, Any]


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
        self.setFrameShape(self.Shape.NoFrame)
        self.setAccessibleName(tr("Circuit diagram"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show the layout document, or nothing."""
        picture = picture or {}
        self._qubits = [str(label) for label in picture.get("qubits", ())]
        self._clbits = [str(label) for label in picture.get("clbits", ())]
        self._columns = [list(column) for column in picture.get("columns", ())]
        self.setAccessibleDescription(
            tr("{qubits} qubits, {columns} columns", qubits=len(self._qubits), columns=len(self._columns))
        )
        self._measure()
        self.horizontalScrollBar().setValue(0)
        self.verticalScrollBar().setValue(0)
        self._fit()
        self.viewport().update()

    def drawn_size(self) -> QSize:
        """Return the size of the whole drawing."""
        right = self._left[-1] + self._widths[-1] if self._left else self._label_px
        return QSize(int(right + 24), int(2 * _TOP_PX + _LINE_PX * (len(self._qubits) + len(self._clbits))))

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
                self._cell(painter, cell, left, self._widths[at])
        self._labels(painter, float(shift))
        painter.end()

    # layout

    def _measure(self) -> None:
        mono = QFontMetricsF(theme.mono_font(theme.TABLE_PX))
        self._label_px = max((mono.horizontalAdvance(label) for label in (*self._qubits, *self._clbits)), default=0.0) + 20
        self._left, self._widths = [], []
        x = self._label_px + _GAP_PX
        for column in self._columns:
            width = max((_width_of(cell) for cell in column), default=float(_BOX_PX))
            self._left.append(x)
            self._widths.append(width)
            x += width + _GAP_PX

    def _fit(self) -> None:
        size, view = self.drawn_size(), self.viewport().size()
        for bar, whole, part in (
            (self.horizontalScrollBar(), size.width(), view.width()),
            (self.verticalScrollBar(), size.height(), view.height()),
        ):
            bar.setRange(0, max(0, whole - part))
            bar.setPageStep(part)
            bar.setSingleStep(40)

    def _y(self, wire: int) -> float:
        return _TOP_PX + _LINE_PX * (wire + 0.5)

    # drawing

    def _wires(self, painter: QPainter) -> None:
        tokens = theme.now()
        right = float(self.drawn_size().width() - 12)
        for wire in range(len(self._qubits) + len(self._clbits)):
            y = self._y(wire)
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
            painter.drawText(QRectF(shift, self._y(wire) - 12, self._label_px - 8, 24), side, label)

    def _cell(self, painter: QPainter, cell: Cell, left: float, width: float) -> None:
        name = str(cell.get("name", ""))
        qubits = [int(qubit) for qubit in cell.get("qubits", ())]
        bits = [len(self._qubits) + int(bit) for bit in cell.get("clbits", ())]
        middle = left + width / 2
        if name == "barrier":
            self._barrier(painter, qubits, middle)
            return
        wires = [*qubits, *bits]
        if len(wires) > 1:
            painter.setPen(QPen(QColor(theme.now().accent), 1.5))
            painter.drawLine(QPointF(middle, self._y(min(wires))), QPointF(middle, self._y(max(wires))))
        controls = [int(control) for control in cell.get("controls", ())]
        opened = {int(control) for control in cell.get("open_controls", ())}
        for control in controls:
            self._dot(painter, middle, self._y(control), filled=control not in opened)
        targets = [int(target) for target in cell.get("targets", ())] or [one for one in qubits if one not in controls]
        if name.endswith("swap"):
            for target in targets:
                self._cross(painter, middle, self._y(target))
        elif targets:
            self._box(painter, cell, targets, middle)
        if bits:
            self._arrow(painter, middle, self._y(max(bits)))

    def _box(self, painter: QPainter, cell: Cell, targets: list[int], middle: float) -> None:
        tokens = theme.now()
        said = _said(cell)
        if said == "X" and cell.get("controls"):
            for target in targets:
                self._plus(painter, middle, self._y(target))
            return
        top, bottom = self._y(min(targets)) - _BOX_PX / 2, self._y(max(targets)) + _BOX_PX / 2
        width = _width_of(cell)
        box = QRectF(middle - width / 2, top, width, bottom - top)
        colour = tokens.muted if cell.get("name") in ("measure", "reset") else tokens.accent
        painter.setPen(QPen(QColor(colour), 1))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(tokens.text))
        font = theme.text_font(theme.TABLE_PX)
        painter.setFont(font)
        fitted = QFontMetricsF(font).elidedText(said, Qt.TextElideMode.ElideRight, width - 8)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), fitted)

    def _dot(self, painter: QPainter, x: float, y: float, *, filled: bool) -> None:
        tokens = theme.now()
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.setBrush(QColor(tokens.accent if filled else tokens.surface))
        painter.drawEllipse(QPointF(x, y), 4, 4)

    def _plus(self, painter: QPainter, x: float, y: float) -> None:
        tokens = theme.now()
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.setBrush(QColor(tokens.surface))
        painter.drawEllipse(QPointF(x, y), 9, 9)
        painter.drawLine(QPointF(x - 9, y), QPointF(x + 9, y))
        painter.drawLine(QPointF(x, y - 9), QPointF(x, y + 9))

    def _cross(self, painter: QPainter, x: float, y: float) -> None:
        painter.setPen(QPen(QColor(theme.now().accent), 1.5))
        painter.drawLine(QPointF(x - 5, y - 5), QPointF(x + 5, y + 5))
        painter.drawLine(QPointF(x - 5, y + 5), QPointF(x + 5, y - 5))

    def _arrow(self, painter: QPainter, x: float, y: float) -> None:
        painter.setPen(QPen(QColor(theme.now().accent), 1.5))
        painter.drawLine(QPointF(x - 4, y - 6), QPointF(x, y))
        painter.drawLine(QPointF(x + 4, y - 6), QPointF(x, y))

    def _barrier(self, painter: QPainter, qubits: list[int], x: float) -> None:
        if not qubits:
            return
        painter.setPen(QPen(QColor(theme.now().stale), 1, Qt.PenStyle.DashLine))
        half = _LINE_PX / 2
        painter.drawLine(QPointF(x, self._y(min(qubits)) - half), QPointF(x, self._y(max(qubits)) + half))


def _width_of(cell: Cell) -> float:
    """Return the width of a gate's box."""
    wanted = QFontMetricsF(theme.text_font(theme.TABLE_PX)).horizontalAdvance(_said(cell)) + 16
    return float(max(_BOX_PX, min(wanted, _MOST_PX)))


def _said(cell: Cell) -> str:
    """Return what is written on a gate: its label, parameters and condition."""
    label = str(cell.get("label") or cell.get("name", ""))
    params = cell.get("params") or ()
    said = f"{label}({', '.join(str(param) for param in params)})" if params else label
    return f"{said} if {cell['condition']}" if cell.get("condition") else said
