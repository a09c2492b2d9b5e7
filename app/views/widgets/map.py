"""The map of nodes: the world's outline or a user's tiles, each node by shape and colour, those that stand close as one.

Wheel, drag, plus and minus move it; arrows pick the next node in their direction, 0 shows all.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
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
from app.views.shell import theme
from app.views.widgets.explain import name_drawn, say_drawn
from app.views.widgets.map_geo import Mark, Marks, Place, by_site, degrees_of, groups, project, world_of
from app.views.widgets.map_layers import View, draw_base
from app.views.widgets.map_marks import MarkPen, draw_name, room_of
from app.views.widgets.state import state_text
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
        self._world = np.empty((0, 2))
        self._marks: tuple[float, NDArray[np.float64], Marks] | None = None
        self._pen = MarkPen()
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
        self._places, self._picked, self._marks, self._world = fresh, picked, None, world_of(fresh)
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
        self._moved, self._world_px = False, 0.0
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
        return QPointF(*self._pixels(np.array([[float(east), float(south)]]))[0])

    def marks(self) -> Marks:
        """Return what is drawn: single places, and groups of those that stand too close.

        They are made anew when the scale or the turn of the world has changed, not when it was moved.
        """
        view = self.view()
        laps = np.round(view.east - self._world[:, 0])
        if self._marks is None or self._marks[0] != view.world_px or not np.array_equal(self._marks[1], laps):
            points = (self._world + np.column_stack([laps, np.zeros(len(laps))])) * view.world_px
            parts = by_site(self._places) if self._by_site else groups(points, _JOIN_PX)
            self._marks = view.world_px, laps, Marks(self._places, degrees_of(self._places), parts)
        return self._marks[2]

    def _pixels(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points of the world (n, 2) are drawn, on the lap of the world that is nearest."""
        view = self.view()
        off = world - (view.east, view.south)
        off[:, 0] -= np.round(off[:, 0])
        return off * view.world_px + (self.width() / 2, self.height() / 2)

    def view(self) -> View:
        """Return what is in sight."""
        if self._world_px <= 0:
            self._fit_to(self._world)
        return View(*self._middle, self._world_px, self.width(), self.height())

    # what Qt tells

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit anew, unless a person chose what to see."""
        super().resizeEvent(event)
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
        self._draw_marks(painter)
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

    def _fit_to(self, world: NDArray[np.float64], least: float = _LEAST_SPAN) -> None:
        shown = world if len(world) else np.array([(0.5, 0.45)])
        (left, top), (right, bottom) = shown.min(axis=0).tolist(), shown.max(axis=0).tolist()
        self._middle = ((left + right) / 2, (top + bottom) / 2)
        wide = max(self.width() - 2 * _EDGE_PX - _LABEL_PX, 40) / max(right - left, least)
        high = max(self.height() - 2 * _EDGE_PX, 40) / max(bottom - top, least)
        self._world_px = min(max(min(wide, high), 200.0), _DEEPEST_PX) if len(world) else self._least_px()

    def _move_by(self, x: float, y: float) -> None:
        view = self.view()
        self._move_to(view.east + x / view.world_px, view.south + y / view.world_px)

    def _move_to(self, east: float, south: float) -> None:
        self._middle = (east % 1.0 if not 0 <= east <= 1 else east, min(max(south, 0.0), 1.0))
        self._moved = True
        self.update()

    def _reveal(self) -> None:
        """Bring the picked place into sight."""
        for place in self._places:
            if place.key == self._picked and not self.rect().contains(self.point_of(place.lat, place.lon).toPoint()):
                east, south = project(place.lat, place.lon)
                self._move_to(float(east), float(south))

    def _mark_at(self, at: QPointF) -> Mark | None:
        marks = self.marks()
        if not marks:
            return None
        away = np.hypot(*(self._pixels(marks.world) - (at.x(), at.y())).T)
        nearest = int(away.argmin())
        return marks[nearest] if away[nearest] <= _REACH_PX else None

    def _open(self, mark: Mark) -> None:
        """Pick a place; of a group, come closer until it parts, or pick one after another where it never will."""
        off = self._pixels(world_of(mark.places)) - self._pixels(np.array([[mark.east, mark.south]]))
        spread = float(np.hypot(*off.T).max())
        if len(mark.places) == 1 or spread * (_DEEPEST_PX / self.view().world_px) < _JOIN_PX or self._by_site:
            keys = [place.key for place in mark.places]
            self.picked.emit(keys[(keys.index(self._picked) + 1) % len(keys)] if self._picked in keys else keys[0])
            return
        self._fit_to(world_of(mark.places), 1e-9)
        self._moved = True
        self.update()

    def _pick_towards(self, x: int, y: int) -> None:
        """Pick the nearest place in a direction, what lies aside counting double."""
        keys = [place.key for place in self._places]
        if not keys:
            return
        at = self._pixels(self._world)
        picked = keys.index(self._picked) if self._picked in keys else -1
        off = at - (at[picked] if picked >= 0 else (self.width() / 2, self.height() / 2))
        ahead, aside = off @ (x, y), np.abs(off @ (y, x))
        if picked >= 0:
            ahead[picked] = -1.0
        if (ahead > 0).any():
            self.picked.emit(keys[int(np.where(ahead > 0, ahead + 2 * aside, np.inf).argmin())])

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

    def _draw_marks(self, painter: QPainter) -> None:
        marks = self.marks()
        at = self._pixels(marks.world)
        inside = ((at > -_EDGE_PX) & (at < (self.width() + _EDGE_PX, self.height() + _EDGE_PX))).all(axis=1)
        seen = [(marks[number], QPointF(*at[number])) for number in np.flatnonzero(inside).tolist()]
        held = next((mark for mark, _ in seen if any(place.key == self._picked for place in mark.places)), None)
        named = [pair for pair in seen if len(seen) <= _MOST_LABELS or pair[0] is held]
        taken = [room_of(mark, at) for mark, at in seen] if named else []
        for mark, spot in sorted(seen, key=lambda pair: pair[0] is held):
            self._pen.draw(painter, mark, spot, held=mark is held)
        for mark, spot in sorted(named, key=lambda pair: pair[0] is not held):
            draw_name(painter, mark, spot, taken, self.width())

    def _credit(self, painter: QPainter, said: str) -> None:
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.setPen(QColor(theme.now().muted))
        painter.drawText(QRectF(4, 2, self.width() - 8, 16), int(Qt.AlignmentFlag.AlignRight), said)
