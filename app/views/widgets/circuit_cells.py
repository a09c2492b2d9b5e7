"""How one operation of a circuit is drawn: its box, controls and lines, from a cell of `app.engine.circuits.picture`."""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.views.shell import theme

LINE_PX: Final = 36  # from wire to wire
BOX_PX: Final = 26  # height of a gate
GAP_PX: Final = 14  # between columns
TOP_PX: Final = 12
MOST_PX: Final = 220  # width of a gate at most
Cell = Mapping[str, Any]


def y_of(wire: int) -> float:
    """Return where a wire runs."""
    return TOP_PX + LINE_PX * (wire + 0.5)


class Cells:
    """Draws cells with a painter whose origin is the top left of the circuit."""

    def draw(self, painter: QPainter, cell: Cell, left: float, width: float, qubit_count: int) -> None:
        """Draw one cell in a column `width` wide; bits follow after `qubit_count` qubits."""
        name = str(cell.get("name", ""))
        qubits = [int(qubit) for qubit in cell.get("qubits", ())]
        bits = [qubit_count + int(bit) for bit in cell.get("clbits", ())]
        middle = left + width / 2
        if name == "barrier":
            self._barrier(painter, qubits, middle)
            return
        wires = [*qubits, *bits]
        if len(wires) > 1:
            painter.setPen(QPen(QColor(theme.now().accent), 1.5))
            painter.drawLine(QPointF(middle, y_of(min(wires))), QPointF(middle, y_of(max(wires))))
        controls = [int(control) for control in cell.get("controls", ())]
        opened = {int(control) for control in cell.get("open_controls", ())}
        for control in controls:
            self._dot(painter, middle, y_of(control), filled=control not in opened)
        targets = [int(target) for target in cell.get("targets", ())] or [one for one in qubits if one not in controls]
        if name.endswith("swap"):
            for target in targets:
                self._cross(painter, middle, y_of(target))
        elif targets:
            self._box(painter, cell, targets, middle)
        if bits:
            self._arrow(painter, middle, y_of(max(bits)))

    def _box(self, painter: QPainter, cell: Cell, targets: list[int], middle: float) -> None:
        tokens = theme.now()
        said = said_of(cell)
        if said == "X" and cell.get("controls"):
            for target in targets:
                self._plus(painter, middle, y_of(target))
            return
        top, bottom = y_of(min(targets)) - BOX_PX / 2, y_of(max(targets)) + BOX_PX / 2
        width = width_of(cell)
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
        half = LINE_PX / 2
        painter.drawLine(QPointF(x, y_of(min(qubits)) - half), QPointF(x, y_of(max(qubits)) + half))


def width_of(cell: Cell) -> float:
    """Return the width of a gate's box."""
    wanted = QFontMetricsF(theme.text_font(theme.TABLE_PX)).horizontalAdvance(said_of(cell)) + 16
    return float(max(BOX_PX, min(wanted, MOST_PX)))


def said_of(cell: Cell) -> str:
    """Return what is written on a gate: its label, parameters and condition."""
    label = str(cell.get("label") or cell.get("name", ""))
    params = cell.get("params") or ()
    said = f"{label}({', '.join(str(param) for param in params)})" if params else label
    return f"{said} if {cell['condition']}" if cell.get("condition") else said
