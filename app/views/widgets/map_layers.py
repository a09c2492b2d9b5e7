"""What lies below the nodes of the map: the land of the world, a grid of degrees, and a user's tiles when there are some."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.widgets.map_geo import MOST_LAT, degrees, project
from app.views.widgets.tiles import TileFile

_STEPS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30)
_TILE_PX: Final = 256
_MOST_TILES: Final = 400
_PER_DEGREE: Final = 50
# A kilometre or so across the window: places closer than that would stand on bare ground.
_MOST_WORLD_PX: Final = 256 * 2.0**16


@dataclass(frozen=True)
class View:
    """What is in sight: the middle in world units, and how many pixels the world is wide; `width` and `height` in pixels."""

    east: float
    south: float
    world_px: float
    width: int
    height: int

    def pixel(self, east: float, south: float) -> QPointF:
        """Return where a point of the world is drawn."""
        return QPointF(
            self.width / 2 + (east - self.east) * self.world_px, self.height / 2 + (south - self.south) * self.world_px
        )

    def world(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the world under a pixel."""
        return self.east + (x - self.width / 2) / self.world_px, self.south + (y - self.height / 2) / self.world_px

    def laps(self) -> range:
        """Return how often the world is drawn side by side, as offsets in worlds."""
        left, right = self.world(0, 0)[0], self.world(self.width, 0)[0]
        return range(math.floor(left - 0.1), math.ceil(right + 0.1) + 1)


def view_of(places: Sequence[tuple[float, float]], size: tuple[int, int], edge_px: int) -> tuple[View, list[QPointF]]:
    """Return a view of `size` that shows all `places` (degrees east and north), and where each is drawn.

    Places on both sides of the 180th meridian are brought together when they are nearer that way.
    """
    lons = np.array([lon for lon, _ in places])
    if lons.max() - lons.min() > 180:
        lons = np.where(lons < 0, lons + 360, lons)
    east, south = project([lat for _, lat in places], lons)
    span = max(float(np.ptp(east)), 1e-9), max(float(np.ptp(south)), 1e-9)
    world_px = min(max(1, pixels - 2 * edge_px) / one for pixels, one in zip(size, span, strict=True))
    middle = [float(side.min() + side.max()) / 2 for side in (east, south)]
    view = View(middle[0], middle[1], min(world_px, _MOST_WORLD_PX), size[0], size[1])
    return view, [view.pixel(float(x), float(y)) for x, y in zip(east, south, strict=True)]


@lru_cache(maxsize=1)
def land() -> QPainterPath:
    """Return the land of the world in world units."""
    with np.load(theme.RESOURCES / "map" / "land.npz") as kept:
        points, sizes = kept["points"].astype(float) / _PER_DEGREE, kept["sizes"]
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for ring in np.split(points, np.cumsum(sizes)[:-1]):
        east, south = project(ring[:, 1], ring[:, 0])
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in zip(east.tolist(), south.tolist(), strict=True)]))
    return path


def draw_base(painter: QPainter, view: View, tiles: TileFile | None, *, grid: bool = True) -> None:
    """Draw sea and land, or tiles where there are some, and the grid."""
    tokens = theme.now()
    painter.fillRect(0, 0, view.width, view.height, QColor(tokens.bg))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    coast = QPen(QColor(tokens.border), 1)
    coast.setCosmetic(True)
    painter.setPen(coast)
    painter.setBrush(QColor(tokens.raised))
    for lap in view.laps():
        painter.save()
        corner = view.pixel(lap, 0.0)
        painter.setTransform(QTransform(view.world_px, 0, 0, view.world_px, corner.x(), corner.y()), combine=True)
        painter.drawPath(land())
        painter.restore()
    if tiles is not None:
        _draw_tiles(painter, view, tiles)
    if grid:
        _draw_grid(painter, view)


def _draw_tiles(painter: QPainter, view: View, tiles: TileFile) -> None:
    zoom = min(max(round(math.log2(max(view.world_px, 1) / _TILE_PX)), tiles.zooms[0]), tiles.zooms[1])
    side = 1 << zoom
    (left, top), (right, bottom) = view.world(0, 0), view.world(view.width, view.height)
    columns = range(math.floor(left * side), math.floor(right * side) + 1)
    rows = range(max(0, math.floor(top * side)), min(side - 1, math.floor(bottom * side)) + 1)
    if len(columns) * len(rows) > _MOST_TILES:
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for column in columns:
        for row in rows:
            image = tiles.tile(zoom, column, row)
            if image is not None:
                corner, far = view.pixel(column / side, row / side), view.pixel((column + 1) / side, (row + 1) / side)
                painter.drawImage(QRectF(corner, far), image)


def _draw_grid(painter: QPainter, view: View) -> None:
    tokens = theme.now()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.setFont(theme.text_font(theme.CAPTION_PX))
    step = next((one for one in _STEPS if one * view.world_px / 360 >= 72), _STEPS[-1])
    (top, left), (bottom, right) = degrees(*view.world(0, 0)), degrees(*view.world(view.width, view.height))
    pale = QColor(tokens.border)
    pale.setAlpha(150)
    line = QPen(pale, 1, Qt.PenStyle.DotLine)
    for lat in lines(max(bottom, -MOST_LAT), min(top, MOST_LAT), step):
        y = view.pixel(0.5, float(project(lat, 0.0)[1])).y()
        painter.setPen(line)
        painter.drawLine(QPointF(0, y), QPointF(view.width, y))
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(4, y - 3), _latitude(lat))
    for lon in lines(left, right, step):
        x = view.pixel(lon / 360 + 0.5, 0.5).x()
        shown = (lon + 180) % 360 - 180
        painter.setPen(line)
        painter.drawLine(QPointF(x, 0), QPointF(x, view.height))
        if x > view.width - 40:
            continue
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(x + 3, view.height - 4), _longitude(shown))


def _latitude(lat: float) -> str:
    told = number_text(abs(lat), "g")
    return tr("{degrees}° N", degrees=told) if lat >= 0 else tr("{degrees}° S", degrees=told)


def _longitude(lon: float) -> str:
    told = number_text(abs(lon), "g")
    return tr("{degrees}° E", degrees=told) if lon >= 0 else tr("{degrees}° W", degrees=told)


def lines(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of `step` from `low` to `high`, sixty at most."""
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(number * step, 6) for number in range(first, min(last, first + 60) + 1)]
