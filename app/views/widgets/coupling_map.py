"""A device's map: places and couplings in the colour of their error, and where the qubits of a circuit stand on it.

Green to red is a rank among the device's own, so a good device is not all green; the figures are in the table behind.
"""

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing

_LABELLED: Final = 8.0  # radius in pixels from which a place has its number


class CouplingMap(Drawing):
    """Draws `{at, pairs, places, layout}` of a compiled circuit; see `app.engine.circuits.coupling_map`."""

    def said(self) -> str:
        """Return how many places and couplings there are, and how many are in use."""
        places, pairs, used = (len(self._rows(name)) for name in ("places", "pairs", "layout"))
        return ", ".join((
            tr("{count} qubits", count=count_text(places), n=places), tr("{count} couplings", count=count_text(pairs), n=pairs),
            tr("{count} in use", count=count_text(used)),
        ))  # fmt: skip

    def twin(self) -> Twin:
        """Return a row per place, then a row per coupling."""
        standing = self._standing()
        rows: list[Row] = [
            (str(at), standing.get(at, "–"), place[0], place[1]) for at, place in enumerate(self._rows("places"))
        ]
        rows += [
            (f"{pair[0]} – {pair[1]}", tr("out of order") if pair[3] else "–", pair[2], None) for pair in self._rows("pairs")
        ]
        return Twin((tr("Place"), tr("Qubit"), tr("Gate error"), tr("Readout error")), rows)

    def draw(self, painter: QPainter) -> None:
        """Draw couplings below places."""
        at = [(float(x), -float(y)) for x, y in self._rows("at")]
        wide = (max(y for _, y in at) - min(y for _, y in at)) > 1e-9 if at else False
        points = self.fitted(at) if wide else [QPointF(x, self.height() / 2) for x in self._line(len(at))]
        radius = max(2.5, min(13.0, 0.24 * (self.width() * self.height() / max(1, len(points))) ** 0.5))
        self._draw_pairs(painter, points, radius)
        self._draw_places(painter, points, radius)

    def _line(self, count: int) -> list[float]:
        return [self.width() * (at + 0.5) / count for at in range(count)]

    def _rows(self, name: str) -> list[Any]:
        return list(self.picture.get(name, ()))

    def _standing(self) -> dict[int, str]:
        return {int(row["start"]): str(row["qubit"]) for row in self._rows("layout")}

    def _draw_pairs(self, painter: QPainter, points: Sequence[QPointF], radius: float) -> None:
        pairs, standing = self._rows("pairs"), self._standing()
        ranks = _ranks([pair[2] for pair in pairs])
        for (first, second, _error, broken), rank in zip(pairs, ranks, strict=True):
            busy = first in standing and second in standing
            pen = QPen(_shade(rank), (0.5 if busy else 0.22) * radius)
            if broken:
                pen = QPen(theme.now().colour("muted"), 1, Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawLine(points[first], points[second])

    def _draw_places(self, painter: QPainter, points: Sequence[QPointF], radius: float) -> None:
        tokens, standing = theme.now(), self._standing()
        ranks = _ranks([place[1] for place in self._rows("places")])
        for number, (at, rank) in enumerate(zip(points, ranks, strict=True)):
            used = number in standing
            painter.setPen(QPen(_shade(rank), 2 if used else 1.2))
            painter.setBrush(tokens.colour("select" if used else "surface"))
            size = max(radius, min(9.5, 1.5 * radius)) if used else 0.72 * radius
            painter.drawEllipse(at, size, size)
            if used and size >= _LABELLED:
                painter.setPen(tokens.colour("text"))
                box = QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size)
                painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), _short(standing[number]))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _short(label: str) -> str:
    """Return the number within a label such as q[12]."""
    return label.rpartition("[")[2].rstrip("]") or label


def _ranks(values: Sequence[float]) -> list[float]:
    """Return for each value the share of values below it, 0 to 1; equal values stand alike."""
    order = sorted(values)
    first = {value: at for at, value in reversed(list(enumerate(order)))}
    return [first[value] / max(1, len(order) - 1) for value in values]


def _shade(rank: float) -> QColor:
    """Return a colour between good and bad."""
    tokens = theme.now()
    ends = [tokens.colour(name) for name in ("ok", "warn", "bad")]
    low, high = (ends[0], ends[1]) if rank < 0.5 else (ends[1], ends[2])
    share = 2 * rank if rank < 0.5 else 2 * rank - 1
    return QColor.fromRgbF(*(
        a + share * (b - a) for a, b in zip(low.getRgbF()[:3], high.getRgbF()[:3], strict=True)  # type: ignore[index]
    ))  # fmt: skip


def figure(value: float | None) -> str:
    """Return an error as a share with two figures."""
    return "–" if value is None else number_text(value, ".2g")
