"""How the marks of the map are drawn: shape and colour of a place, a ring with a count of a group, and their names."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from app.engine.base.units import count_text
from app.views.shell import theme
from app.views.widgets.map_geo import Mark
from app.views.widgets.state import shape_of, token_of

_SIDE_PX: Final = 80  # holds a ring, its shape beside it and the ring of what is picked
_MOST_KEPT: Final = 512
_MIDDLE: Final = int(Qt.AlignmentFlag.AlignCenter)


class MarkPen:
    """Draws marks, each kind once: what looks alike is one picture (a ring with letters takes 0.3 ms, a picture 0.01)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], QPixmap] = {}

    def draw(self, painter: QPainter, mark: Mark, at: QPointF, *, held: bool) -> None:
        """Draw `mark` at a pixel, with a ring around it when it holds what is picked."""
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        key = (theme.now().name, ratio, mark.state, len(mark.places), held)
        picture = self._kept.get(key)
        if picture is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            picture = self._kept[key] = _picture(mark, ratio, held=held)
        painter.drawPixmap(QPointF(round(at.x()) - _SIDE_PX / 2, round(at.y()) - _SIDE_PX / 2), picture)


def draw_name(painter: QPainter, mark: Mark, at: QPointF, taken: list[QRectF], width: int) -> None:
    """Write the name of `mark` beside it where nothing of `taken` is, and add its room to that."""
    radius = _radius(mark)
    said = mark.places[0].name if len(mark.places) == 1 else mark.site
    font = theme.text_font(theme.CAPTION_PX)
    size = QFontMetricsF(font).size(0, said)
    label = QRectF(at.x() + radius + 4, at.y() - size.height() / 2, size.width() + 4, size.height())
    if label.right() > width - 4:
        label.moveRight(at.x() - radius - 4)
    if said and not any(label.intersects(other) for other in taken):
        taken.append(label)
        painter.setFont(font)
        painter.setPen(QColor(theme.now().text))
        painter.drawText(label, _MIDDLE, said)


def room_of(mark: Mark, at: QPointF) -> QRectF:
    """Return the room that `mark` takes at a pixel."""
    side = 2 * _radius(mark)
    return QRectF(at.x() - side / 2, at.y() - side / 2, side, side)


def _radius(mark: Mark) -> float:
    several = len(mark.places)
    return 10.0 + 2 * min(4, len(str(several))) if several > 1 else 11.0


def _picture(mark: Mark, ratio: float, *, held: bool) -> QPixmap:
    picture = QPixmap(round(_SIDE_PX * ratio), round(_SIDE_PX * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    tokens, radius = theme.now(), _radius(mark)
    colour = QColor(getattr(tokens, token_of(mark.state)))
    middle = QPointF(_SIDE_PX / 2, _SIDE_PX / 2)
    box = QRectF(middle.x() - 20, middle.y() - 12, 40, 24)
    if held:
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, radius + 3, radius + 3)
    if len(mark.places) > 1:
        painter.setPen(QPen(colour, 2))
        painter.setBrush(QColor(tokens.surface))
        painter.drawEllipse(middle, radius, radius)
        painter.setPen(QColor(tokens.text))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.drawText(box, _MIDDLE, count_text(len(mark.places)))
        painter.setPen(colour)
        painter.drawText(box.translated(radius, -radius), _MIDDLE, shape_of(mark.state))
    else:
        painter.setPen(colour)
        painter.setFont(theme.text_font(16))
        painter.drawText(box, _MIDDLE, shape_of(mark.state))
    painter.end()
    return picture
