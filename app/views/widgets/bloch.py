"""Bloch spheres side by side: where each qubit points, and how pure it is by itself."""

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.explain import name_drawn, say_drawn

Vector = Sequence[float]
_CELL_PX: Final = 132
_TURN, _TILT = math.radians(25), math.radians(18)  # how the sphere is looked at: from the front, a little right and above


class BlochSpheres(QWidget):
    """A sphere per qubit, as many as fit; x comes forward, y goes right, z up (0 at the top, 1 below)."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._labels: list[str] = []
        self._vectors: list[tuple[float, float, float]] = []
        name_drawn(self, name)
        self.setMinimumSize(_CELL_PX, _CELL_PX)

    def show_vectors(self, labels: Sequence[str], vectors: Sequence[Vector]) -> None:
        """Show a vector (x, y, z) per label."""
        self._labels = [str(label) for label in labels]
        self._vectors = [(float(x), float(y), float(z)) for x, y, z in vectors]
        said = [
            f"{label} ({'; '.join(number_text(part, '.2f') for part in vector)})"
            for label, vector in zip(self._labels, self._vectors, strict=True)
        ]
        say_drawn(self, "; ".join(said[:16]))
        rows = -(-len(said) // max(1, self.width() // _CELL_PX))
        self.setMinimumHeight(max(1, rows) * _CELL_PX)
        self.update()

    def twin(self) -> Twin:
        """Return a row per qubit."""
        rows: list[Row] = [
            (label, x, y, z, math.hypot(x, y, z), (1 - z) / 2)
            for label, (x, y, z) in zip(self._labels, self._vectors, strict=True)
        ]
        return Twin((tr("Qubit"), "x", "y", "z", tr("Length"), tr("Probability of 1")), rows)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(2 * _CELL_PX, _CELL_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the spheres row by row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns = max(1, self.width() // _CELL_PX)
        for at, vector in enumerate(self._vectors):
            corner = QPointF(at % columns * _CELL_PX, at // columns * _CELL_PX)
            if corner.y() > self.height():
                break
            self._sphere(painter, corner, self._labels[at], vector)
        painter.end()

    def _sphere(self, painter: QPainter, corner: QPointF, label: str, vector: tuple[float, float, float]) -> None:
        tokens = theme.now()
        centre, radius = corner + QPointF(_CELL_PX / 2, _CELL_PX / 2 - 4), _CELL_PX / 2 - 26

        def at(x: float, y: float, z: float) -> QPointF:
            right, up = seen(x, y, z)
            return QPointF(centre.x() + radius * right, centre.y() - radius * up)

        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawEllipse(centre, radius, radius)
        turn = [math.tau * k / 48 for k in range(49)]
        painter.drawPolyline([at(math.cos(a), math.sin(a), 0) for a in turn])
        painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DotLine))
        for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
            painter.drawLine(at(*(-one for one in axis)), at(*axis))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.setPen(QColor(tokens.muted))
        for ket, z in (("|0⟩", 1.18), ("|1⟩", -1.18)):
            spot = at(0, 0, z)
            painter.drawText(QRectF(spot.x() - 20, spot.y() - 8, 40, 16), int(Qt.AlignmentFlag.AlignCenter), ket)
        length = math.hypot(*vector)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(QColor(tokens.accent))
        painter.drawLine(centre, at(*vector))
        painter.drawEllipse(at(*vector), 3.5, 3.5)
        said = label if length > 0.995 else tr("{qubit}, length {length}", qubit=label, length=number_text(length, ".2f"))
        painter.setPen(QColor(tokens.text))
        painter.drawText(QRectF(corner.x(), corner.y() + _CELL_PX - 16, _CELL_PX, 16), int(Qt.AlignmentFlag.AlignCenter), said)


def seen(x: float, y: float, z: float) -> tuple[float, float]:
    """Return where (x, y, z) is seen: right and up, -1 to 1."""
    forward = x * math.cos(_TURN) + y * math.sin(_TURN)
    right = y * math.cos(_TURN) - x * math.sin(_TURN)
    return right, z * math.cos(_TILT) - forward * math.sin(_TILT)
