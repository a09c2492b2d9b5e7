"""The map of nodes: the world's outline or a user's tiles, each node by shape and colour, those that stand close as one.

Wheel, drag, plus and minus move it; arrows pick the next node in their direction, 0 shows all.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.views.shell import theme
from app.views.widgets.explain import name_drawn, say_drawn
from app.views.widgets.map_geo import Mark, Place, marks_of, project
from app.views.widgets.map_layers import View, draw_base
from app.views.widgets.state import shape_of, state_text, token_of
from app.views.widgets.tiles import TileFile

__all__ = ["NodeMap", "Place"]

_EDGE_PX: Final = 44
_LABEL_PX: Final = 60
_REACH_PX: Final = 16
_JOIN_PX: Final = 22
_LEAST_SPAN: Final = 0.5 / 360  # of the world: a place alone is shown with some land around it
_DEEPEST_PX: Final = 256 * 2.0**22
_MOST_LABELS: Final = 150  # above that names would be noise
_WAYS: Final = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


class NodeMap(QWidget):
    """Draws places to fit, until a person moves the map; a click picks the nearest one, or opens a group."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Place, ...] = ()
        self._picked = ""
        self._middle, self._world_px = (0.5, 0.5), 0.0
        self._moved = False
        self._by_site = False
        self._tiles: TileFile | None = None
        self._marks: list[Mark] | None = None
        self._base: tuple[tuple[object, ...], QPixmap] | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self.setMinimumSize(200, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        name_drawn(self, tr("Map of nodes"))

    # what it shows

    def show_places(self, places: Iterable[Place], picked: str) -> None:
        """Show `places`, one of them picked."""
        fresh = tuple(places)
        if (fresh, picked) == (self._places, self._picked):
            return
        elsewhere = {(place.lat, place.lon) for place in fresh} != {(place.lat, place.lon) for place in self._places}
        newly = picked != self._picked
        self._places, self._picked, self._marks = fresh, picked, None
        if elsewhere and not self._moved:
            self._world_px = 0.0
        say_drawn(self, "; ".join(f"{place.name} {state_text(place.state)}" for place in fresh[:50]))
        if newly and self._moved:
            self._reveal()
        self.update()

    def show_tiles(self, tiles: TileFile | None) -> None:
        """Lay the tiles of a file below the nodes, or take them away."""
        self._tiles, self._base = tiles, None
        self.update()

    def group_by_site(self, *, grouped: bool) -> None:
        """Draw one mark per site instead of one per node."""
        self._by_site, self._marks = grouped, None
        self.update()

    def fit(self) -> None:
        """Show all places, and follow them from now on."""
        self._moved, self._world_px, self._marks = False, 0.0, None
        self.update()

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Show the world `factor` times as large, around the middle or a pixel."""
        view = self.view()
        about = about or QPointF(self.width() / 2, self.height() / 2)
        east, south = view.world(about.x(), about.y())
        self._world_px = min(max(view.world_px * factor, self._least_px()), _DEEPEST_PX)
        after = self.view()
        east_now, south_now = after.world(about.x(), about.y())
        self._move_to(view.east + east - east_now, view.south + south - south_now)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(360, 300)

    def point_of(self, lat: float, lon: float) -> QPointF:
        """Return where a position is drawn."""
        east, south = project(lat, lon)
        view = self.view()
        return view.pixel(float(east) + round(view.east - float(east)), float(south))

    def marks(self) -> list[Mark]:
        """Return what is drawn now: single places, and groups of those that stand too close."""
        if self._marks is None:
            view = self.view()
            east, south = project([place.lat for place in self._places], [place.lon for place in self._places])
            points = np.column_stack([east + np.round(view.east - east) - view.east, south - view.south]) * view.world_px
            self._marks = marks_of(self._places, points, _JOIN_PX, by_site=self._by_site)
        return self._marks

    def view(self) -> View:
        """Return what is in sight."""
        if self._world_px <= 0:
            self._fit_to(self._places)
        return View(*self._middle, self._world_px, self.width(), self.height())

    # what Qt tells

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew, unless a person chose what to see."""
        super().resizeEvent(event)
        self._marks = None
        if not self._moved:
            self._world_px = 0.0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, or a click."""
        self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the map."""
        if self._pressed is None:
            return
        step = event.position() - self._pressed
        if self._dragged or math.hypot(step.x(), step.y()) > 5:
            self._dragged, self._pressed = True, event.position()
            self._move_by(-step.x(), -step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pick what is under the pointer."""
        if self._pressed is not None and not self._dragged and event.button() == Qt.MouseButton.LeftButton:
            mark = self._mark_at(event.position())
            if mark is not None:
                self._open(mark)
        self._pressed = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        self.zoom(1.25 ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move and pick without a mouse."""
        way = _WAYS.get(Qt.Key(event.key()))
        if way is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move_by(60.0 * way[0], 60.0 * way[1])
        elif way is not None:
            self._pick_towards(*way)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.5)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(1 / 1.5)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Say what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            mark = self._mark_at(QPointF(event.pos()))
            told = [f"{place.name}  {state_text(place.state)}  {place.site}" for place in mark.places[:12]] if mark else []
            QToolTip.showText(event.globalPos(), "\n".join(told), self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the layers, then the marks with their names."""
        painter = QPainter(self)
        painter.drawPixmap(QPoint(0, 0), self._below())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view = self.view()
        marks = [(mark, at) for mark in self.marks() if self._in_sight(at := self._at(mark, view))]
        taken = [_round(at, mark) for mark, at in marks]
        for mark, at in sorted(marks, key=lambda pair: not self._holds(pair[0])):
            self._draw(painter, mark, at)
            if len(marks) <= _MOST_LABELS or self._holds(mark):
                self._label(painter, mark, at, taken)
        if self._tiles is not None:
            self._credit(painter, self._tiles.trouble or self._tiles.attribution)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.now().accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    # inside

    def _least_px(self) -> float:
        return max(200.0, self.height() * 0.9)

    def _fit_to(self, places: Iterable[Place], least: float = _LEAST_SPAN) -> None:
        world = [tuple(map(float, project(place.lat, place.lon))) for place in places] or [(0.5, 0.45)]
        (left, right), (top, bottom) = ((min(side), max(side)) for side in zip(*world, strict=True))
        self._middle = ((left + right) / 2, (top + bottom) / 2)
        wide = max(self.width() - 2 * _EDGE_PX - _LABEL_PX, 40) / max(right - left, least)
        high = max(self.height() - 2 * _EDGE_PX, 40) / max(bottom - top, least)
        self._world_px = min(max(min(wide, high), 200.0), _DEEPEST_PX) if len(world) > 1 or self._places else self._least_px()
        self._marks = None

    def _move_by(self, x: float, y: float) -> None:
        view = self.view()
        self._move_to(view.east + x / view.world_px, view.south + y / view.world_px)

    def _move_to(self, east: float, south: float) -> None:
        self._middle = (east % 1.0 if not 0 <= east <= 1 else east, min(max(south, 0.0), 1.0))
        self._moved, self._marks = True, None
        self.update()

    def _reveal(self) -> None:
        """Bring the picked place into sight."""
        for place in self._places:
            if place.key == self._picked and not self.rect().contains(self.point_of(place.lat, place.lon).toPoint()):
                east, south = project(place.lat, place.lon)
                self._move_to(float(east), float(south))

    def _holds(self, mark: Mark) -> bool:
        return any(place.key == self._picked for place in mark.places)

    def _xy(self, lat: float, lon: float) -> tuple[float, float]:
        at = self.point_of(lat, lon)
        return at.x(), at.y()

    def _mark_at(self, at: QPointF) -> Mark | None:
        near = sorted(
            (math.dist((at.x(), at.y()), self._xy(mark.lat, mark.lon)), number) for number, mark in enumerate(self.marks())
        )
        return self.marks()[near[0][1]] if near and near[0][0] <= _REACH_PX else None

    def _open(self, mark: Mark) -> None:
        """Pick a place; of a group, come closer until it parts, or pick one after another where it never will."""
        spread = max(
            (math.dist(self._xy(place.lat, place.lon), self._xy(mark.lat, mark.lon)) for place in mark.places), default=0.0
        )
        if len(mark.places) == 1 or spread * (_DEEPEST_PX / self.view().world_px) < _JOIN_PX or self._by_site:
            keys = [place.key for place in mark.places]
            self.picked.emit(keys[(keys.index(self._picked) + 1) % len(keys)] if self._picked in keys else keys[0])
            return
        self._fit_to(mark.places, 1e-9)
        self._moved = True
        self.update()

    def _pick_towards(self, x: int, y: int) -> None:
        """Pick the nearest place in a direction, what lies aside counting double."""
        start = next((place for place in self._places if place.key == self._picked), None)
        sx, sy = self._xy(start.lat, start.lon) if start else (self.width() / 2, self.height() / 2)
        found: list[tuple[float, str]] = []
        for place in self._places:
            dx, dy = (there - here for there, here in zip(self._xy(place.lat, place.lon), (sx, sy), strict=True))
            ahead, aside = dx * x + dy * y, abs(dx * y) + abs(dy * x)
            if place.key != self._picked and ahead > 0:
                found.append((ahead + 2 * aside, place.key))
        if found:
            self.picked.emit(min(found)[1])

    def _below(self) -> QPixmap:
        """Return the layers below the marks; drawn anew only when what is in sight has changed."""
        view, ratio = self.view(), self.devicePixelRatioF()
        key = (view, ratio, theme.now().name, self._tiles)
        if self._base is None or self._base[0] != key:
            picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            picture.setDevicePixelRatio(ratio)
            painter = QPainter(picture)
            draw_base(painter, view, self._tiles)
            painter.end()
            self._base = (key, picture)
        return self._base[1]

    def _at(self, mark: Mark, view: View) -> QPointF:
        return view.pixel(mark.east + round(view.east - mark.east), mark.south)

    def _in_sight(self, at: QPointF) -> bool:
        return -_EDGE_PX < at.x() < self.width() + _EDGE_PX and -_EDGE_PX < at.y() < self.height() + _EDGE_PX

    def _draw(self, painter: QPainter, mark: Mark, at: QPointF) -> None:
        tokens = theme.now()
        colour = QColor(getattr(tokens, token_of(mark.state)))
        several = len(mark.places) > 1
        radius = _radius(mark)
        if self._holds(mark):
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, radius + 3, radius + 3)
        box = QRectF(at.x() - 20, at.y() - 12, 40, 24)
        middle = int(Qt.AlignmentFlag.AlignCenter)
        if several:
            painter.setPen(QPen(colour, 2))
            painter.setBrush(QColor(tokens.surface))
            painter.drawEllipse(at, radius, radius)
            painter.setPen(QColor(tokens.text))
            painter.setFont(theme.text_font(theme.CAPTION_PX))
            painter.drawText(box, middle, count_text(len(mark.places)))
            painter.setPen(colour)
            painter.drawText(box.translated(radius, -radius), middle, shape_of(mark.state))
        else:
            painter.setPen(colour)
            painter.setFont(theme.text_font(16))
            painter.drawText(box, middle, shape_of(mark.state))

    def _label(self, painter: QPainter, mark: Mark, at: QPointF, taken: list[QRectF]) -> None:
        radius = _radius(mark)
        said = mark.places[0].name if len(mark.places) == 1 else mark.site
        font = theme.text_font(theme.CAPTION_PX)
        size = QFontMetricsF(font).size(0, said)
        label = QRectF(at.x() + radius + 4, at.y() - size.height() / 2, size.width() + 4, size.height())
        if label.right() > self.width() - 4:
            label.moveRight(at.x() - radius - 4)
        if said and not any(label.intersects(other) for other in taken):
            taken.append(label)
            painter.setFont(font)
            painter.setPen(QColor(theme.now().text))
            painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), said)

    def _credit(self, painter: QPainter, said: str) -> None:
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.setPen(QColor(theme.now().muted))
        painter.drawText(QRectF(4, 2, self.width() - 8, 16), int(Qt.AlignmentFlag.AlignRight), said)


def _radius(mark: Mark) -> float:
    several = len(mark.places)
    return 10.0 + 2 * min(4, len(str(several))) if several > 1 else 11.0


def _round(at: QPointF, mark: Mark) -> QRectF:
    side = 2 * _radius(mark)
    return QRectF(at.x() - side / 2, at.y() - side / 2, side, side)
