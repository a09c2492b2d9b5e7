"""A map of nodes without tiles: degrees north and east on a plain grid, each node by shape and colour.

The projection is equirectangular, stretched by the cosine of the middle latitude so that distances look right there.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.state import shape_of, state_text, token_of

_EDGE_PX: Final = 40
_STEPS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30)
_REACH_PX: Final = 14


@dataclass(frozen=True)
class Place:
    """One dot: degrees north and east, and what is said of it."""

    key: str
    name: str
    lat: float
    lon: float
    state: str


class NodeMap(QWidget):
    """Draws places to fit; a click picks the nearest one."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Place, ...] = ()
        self._picked = ""
        self._centre = (0.0, 0.0)
        self._spans = (1.0, 1.0)
        self.setMinimumSize(200, 160)
        self.setAccessibleName(tr("Map of nodes"))

    def show_places(self, places: Iterable[Place], picked: str) -> None:
        """Show `places`, one of them picked."""
        fresh = tuple(places)
        if (fresh, picked) == (self._places, self._picked):
            return
        self._places, self._picked = fresh, picked
        if fresh:
            lats, lons = [place.lat for place in fresh], [place.lon for place in fresh]
            self._centre = ((min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2)
            self._spans = (max(max(lats) - min(lats), 0.5), max(max(lons) - min(lons), 0.5))
        self.setAccessibleDescription("; ".join(f"{place.name} {state_text(place.state)}" for place in fresh[:50]))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(360, 300)

    def point_of(self, lat: float, lon: float) -> QPointF:
        """Return where a position is drawn."""
        pixels = self._pixels_per_degree()
        narrow = max(0.05, math.cos(math.radians(self._centre[0])))
        x = self.width() / 2 + (lon - self._centre[1]) * narrow * pixels
        return QPointF(x, self.height() / 2 - (lat - self._centre[0]) * pixels)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the place under the pointer."""
        at = event.position()
        near = sorted((_apart(at, self.point_of(place.lat, place.lon)), place.key) for place in self._places)
        if near and near[0][0] <= _REACH_PX:
            self.picked.emit(near[0][1])

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the grid, then the places with their names."""
        tokens = theme.now()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.surface))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        if self._places:
            self._grid(painter)
        taken: list[QRectF] = []
        for place in sorted(self._places, key=lambda place: place.key != self._picked):
            self._place(painter, place, taken)
        painter.end()

    def _pixels_per_degree(self) -> float:
        narrow = max(0.05, math.cos(math.radians(self._centre[0])))
        high = (self.height() - 2 * _EDGE_PX) / self._spans[0]
        wide = (self.width() - 2 * _EDGE_PX - 60) / (self._spans[1] * narrow)
        return max(0.5, min(high, wide))

    def _grid(self, painter: QPainter) -> None:
        tokens = theme.now()
        pixels = self._pixels_per_degree()
        step = next((one for one in _STEPS if one * pixels >= 56), _STEPS[-1])
        narrow = max(0.05, math.cos(math.radians(self._centre[0])))
        half_lat, half_lon = self.height() / 2 / pixels, self.width() / 2 / pixels / narrow
        for lat in _grid_lines(self._centre[0] - half_lat, self._centre[0] + half_lat, step, 85):
            y = self.point_of(lat, self._centre[1]).y()
            painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(0, y), QPointF(self.width(), y))
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(4, y - 3), f"{abs(lat):g}° {'N' if lat >= 0 else 'S'}")
        for lon in _grid_lines(self._centre[1] - half_lon, self._centre[1] + half_lon, step, 180):
            x = self.point_of(self._centre[0], lon).x()
            painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(x + 3, self.height() - 4), f"{abs(lon):g}° {'E' if lon >= 0 else 'W'}")

    def _place(self, painter: QPainter, place: Place, taken: list[QRectF]) -> None:
        tokens = theme.now()
        at = self.point_of(place.lat, place.lon)
        if place.key == self._picked:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawEllipse(at, 11, 11)
        painter.setPen(QColor(getattr(tokens, token_of(place.state))))
        painter.setFont(theme.text_font(16))
        painter.drawText(QRectF(at.x() - 12, at.y() - 12, 24, 24), int(Qt.AlignmentFlag.AlignCenter), shape_of(place.state))
        font = theme.text_font(theme.CAPTION_PX)
        painter.setFont(font)
        size = QFontMetricsF(font).size(0, place.name)
        label = QRectF(at.x() + 13, at.y() - size.height() / 2, size.width() + 4, size.height())
        if label.right() > self.width() - 4:
            label.moveRight(at.x() - 13)
        if not any(label.intersects(other) for other in taken):
            taken.append(label)
            painter.setPen(QColor(tokens.text))
            painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), place.name)


def _grid_lines(low: float, high: float, step: float, most: float) -> list[float]:
    first, last = math.ceil(low / step), math.floor(high / step)
    lines = [round(number * step, 6) for number in range(first, min(last, first + 60) + 1)]
    return [line for line in lines if abs(line) <= most]


def _apart(first: QPointF, second: QPointF) -> float:
    return math.hypot(first.x() - second.x(), first.y() - second.y())
