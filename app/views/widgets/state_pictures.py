"""Pictures of a quantum state from the document of `app.engine.circuits.look`: bars with phase, q-sphere, city, Hinton, map.

The phase of an amplitude is a hue; it is also told as an angle in the table behind each picture.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.circuits.angles import angle_text
from app.views.shell import theme
from app.views.widgets.bloch import seen
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing

MOST_BARS: Final = 32


def hue(phase: float) -> QColor:
    """Return the colour of a phase in radians."""
    return QColor.fromHsvF((phase / math.tau) % 1.0, 0.62, 0.88 if theme.now().name != "light" else 0.72)


class _State(Drawing):
    """A picture of amplitudes."""

    @property
    def rows(self) -> list[Sequence[float]]:
        """Return [number, probability, phase] of each drawn amplitude."""
        return list(self.picture.get("amplitudes", ()))

    def ket(self, number: float) -> str:
        """Return an outcome as bits."""
        return f"{int(number):0{max(1, len(self.picture.get('qubits', ())))}b}"

    def said(self) -> str:
        """Return the most probable outcomes."""
        most = sorted(self.rows, key=lambda row: -row[1])[:8]
        return "; ".join(f"{self.ket(row[0])} {number_text(row[1], '.3f')}" for row in most)

    def twin(self) -> Twin:
        """Return a row per amplitude."""
        rows: list[Row] = [(self.ket(row[0]), row[1], math.sqrt(row[1]), row[2]) for row in self.rows]
        return Twin((tr("Outcome"), tr("Probability"), tr("Amplitude"), tr("Phase (rad)")), rows)


class StateBars(_State):
    """Probabilities as bars in the colour of their phase."""

    def draw(self, painter: QPainter) -> None:
        """Draw the most probable outcomes from left to right."""
        most = sorted(sorted(self.rows, key=lambda row: -row[1])[:MOST_BARS], key=lambda row: row[0])
        if not most:
            return
        top, floor = 18.0, self.height() - 16 - 7.0 * len(self.ket(0))
        step = (self.width() - 40) / len(most)
        for share in (0.0, 0.5, 1.0):
            y = floor - share * (floor - top)
            painter.setPen(QPen(QColor(theme.now().border), 1))
            painter.drawLine(QPointF(36, y), QPointF(self.width(), y))
            painter.setPen(QColor(theme.now().muted))
            painter.drawText(QRectF(0, y - 8, 32, 16), int(Qt.AlignmentFlag.AlignRight), number_text(share, ".1f"))
        for at, (number, chance, phase) in enumerate(most):
            x = 40 + at * step
            painter.fillRect(QRectF(x + 1, floor - chance * (floor - top), max(2.0, min(step - 2, 40)), chance * (floor - top)),
                             hue(phase))  # fmt: skip
            painter.save()
            painter.translate(x + min(step, 40) / 2 + 4, floor + 6)
            painter.rotate(90)
            painter.setPen(QColor(theme.now().text))
            painter.drawText(QPointF(0, 4), self.ket(number))
            painter.restore()


class QSphere(_State):
    """All amplitudes on one sphere: 0…0 on top, as many ones as a place is low, the size a probability, the hue a phase."""

    def draw(self, painter: QPainter) -> None:
        """Draw the sphere and a stalk to each amplitude."""
        tokens = theme.now()
        centre, radius = QPointF(self.width() / 2, self.height() / 2), min(self.width(), self.height()) / 2 - 24
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawEllipse(centre, radius, radius)
        bits = max(1, len(self.picture.get("qubits", ())))
        for number, chance, phase in self.rows:
            x, y, z = place_on_sphere(int(number), bits)
            right, up = seen(x, y, z)
            at = QPointF(centre.x() + radius * right, centre.y() - radius * up)
            painter.setPen(QPen(hue(phase), 1.5))
            painter.drawLine(centre, at)
            painter.setBrush(hue(phase))
            size = 3 + 12 * math.sqrt(chance)
            painter.drawEllipse(at, size, size)
            if len(self.rows) <= 16 and not self.small:
                painter.setPen(QColor(tokens.text))
                painter.drawText(at + QPointF(size + 2, 4), f"|{self.ket(number)}⟩")


def place_on_sphere(number: int, bits: int) -> tuple[float, float, float]:
    """Return where an outcome stands on the q-sphere: its height by its ones, its longitude by its rank among them."""
    ones = number.bit_count()
    z = 1 - 2 * ones / bits
    rank, rest, left = 0, number, ones
    for place in range(bits - 1, -1, -1):
        if rest >> place & 1:
            rank += math.comb(place, left)
            left -= 1
    turn = math.tau * rank / math.comb(bits, ones)
    ring = math.sqrt(max(0.0, 1 - z * z))
    return ring * math.cos(turn), ring * math.sin(turn), z


class _Matrix(Drawing):
    """A picture of the density matrix of a few qubits."""

    @property
    def entries(self) -> tuple[list[list[float]], list[list[float]]]:
        """Return real and imaginary parts."""
        found: dict[str, Any] = self.picture.get("density", {})
        return list(found.get("real", ())), list(found.get("imag", ()))

    def said(self) -> str:
        """Return which qubits are drawn and how pure they are."""
        kept = ", ".join(str(self.picture["qubits"][at]) for at in self.picture.get("density", {}).get("qubits", ()))
        purity = number_text(float(self.picture.get("measures", {}).get("purity", 0.0)), ".3f")
        return tr("Density matrix of {qubits}; purity {purity}", qubits=kept, purity=purity)

    def twin(self) -> Twin:
        """Return a row per entry."""
        real, imag = self.entries
        rows: list[Row] = [(r, c, real[r][c], imag[r][c]) for r in range(len(real)) for c in range(len(real))]
        return Twin((tr("Row"), tr("Column"), tr("Real part"), tr("Imaginary part")), rows)


class Hinton(_Matrix):
    """Squares as large as an entry's size, in the colour of its phase."""

    def draw(self, painter: QPainter) -> None:
        """Draw a square per entry."""
        real, imag = self.entries
        side = min(self.width(), self.height() - 4) / max(1, len(real))
        most = max((math.hypot(a, b) for x, y in zip(real, imag, strict=True) for a, b in zip(x, y, strict=True)), default=1.0)
        for row in range(len(real)):
            for column in range(len(real)):
                size = math.hypot(real[row][column], imag[row][column]) / (most or 1.0)
                width = side * 0.92 * math.sqrt(size)
                middle = QPointF((column + 0.5) * side, (row + 0.5) * side + 2)
                box = QRectF(middle.x() - width / 2, middle.y() - width / 2, width, width)
                painter.fillRect(box, hue(math.atan2(imag[row][column], real[row][column])))


class City(_Matrix):
    """Columns as high as an entry's size, in the colour of its phase, seen from above at a slant."""

    def draw(self, painter: QPainter) -> None:
        """Draw the columns from the back to the front."""
        real, imag = self.entries
        size = max(1, len(real))
        wide, high = self.width() / (2 * size + 1), self.height() / (4 * size) * 0.62
        painter.setPen(QPen(QColor(theme.now().surface), 0.5))
        for row in range(len(real)):
            for column in range(len(real)):
                level = math.hypot(real[row][column], imag[row][column]) * self.height() * 0.5
                left = self.width() / 2 + (column - row) * wide
                ground = self.height() * 0.5 + (column + row) * high
                self._column(painter, left, ground, (wide, high, level), hue(math.atan2(imag[row][column], real[row][column])))

    def _column(self, painter: QPainter, x: float, y: float, size: tuple[float, float, float], colour: QColor) -> None:
        wide, high, level = size[0] * 0.8, size[1] * 0.8, size[2]
        top = y - level
        faces = (
            ([(x - wide, top), (x, top + high), (x, y + high), (x - wide, y)], colour.darker(125)),
            ([(x + wide, top), (x, top + high), (x, y + high), (x + wide, y)], colour.darker(160)),
            ([(x, top - high), (x + wide, top), (x, top + high), (x - wide, top)], colour),
        )
        for corners, shade in faces if level > 0.5 else faces[2:]:
            painter.setBrush(shade if level > 0.5 else QColor(theme.now().raised))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))


class EntanglementMap(Drawing):
    """Qubits in a ring; a line as strong as the mutual information of two, a ring as strong as a qubit's own entropy."""

    def said(self) -> str:
        """Return the strongest ties."""
        return "; ".join(f"{a} – {b} {number_text(value, '.2f')}" for a, b, value in self._ties()[:6])

    def twin(self) -> Twin:
        """Return a row per two qubits that share something."""
        return Twin((tr("Qubit"), tr("Qubit"), tr("Mutual information (bits)")), self._ties())

    def _ties(self) -> list[tuple[str, str, float]]:
        table, names = self.picture.get("information", ()), self.picture.get("qubits", ())
        found = [(names[b], names[a], table[a][b]) for a in range(len(names)) for b in range(a) if table[a][b] > 1e-6]
        return sorted(found, key=lambda tie: -tie[2])

    def draw(self, painter: QPainter) -> None:
        """Draw the ring."""
        tokens, names, table = theme.now(), self.picture["qubits"], self.picture["information"]
        radius = min(self.width(), self.height()) / 2 - 30
        turn = [math.tau * at / len(names) - math.pi / 2 for at in range(len(names))]
        spots = [QPointF(self.width() / 2 + radius * math.cos(a), self.height() / 2 + radius * math.sin(a)) for a in turn]
        colour = QColor(tokens.accent)
        for row in range(len(names)):
            for column in range(row):
                if table[row][column] > 1e-6:
                    colour.setAlphaF(min(1.0, 0.15 + table[row][column] / 2))
                    painter.setPen(QPen(colour, 1 + 3 * table[row][column]))
                    painter.drawLine(spots[row], spots[column])
        for at, spot in enumerate(spots):
            painter.setPen(QPen(QColor(tokens.accent), 1 + 3 * table[at][at]))
            painter.setBrush(QColor(tokens.raised))
            painter.drawEllipse(spot, 13, 13)
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(spot.x() - 26, spot.y() - 8, 52, 16), int(Qt.AlignmentFlag.AlignCenter), str(at))


def measures_text(values: dict[str, float]) -> str:
    """Return the measures of a state in a sentence."""
    names = {
        "purity": tr("purity"), "entropy_bits": tr("entropy (bits)"), "concurrence": tr("concurrence"),
        "negativity": tr("negativity"), "cut_entropy_bits": tr("entropy across the middle (bits)"), "fidelity": tr("fidelity"),
        "trace_distance": tr("trace distance"),
    }  # fmt: skip
    return " · ".join(f"{names.get(name, name)} {number_text(value, '.4g')}" for name, value in values.items())


def angles_text(params: Sequence[float | str]) -> str:
    """Return the angles of a gate as a person edits them."""
    return ", ".join(angle_text(value) for value in params)
