"""What the pictures of problems share: a plain document, a plane fitted to the widget, colours by number, a table twin."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.chart import Twin
from app.views.widgets.explain import name_drawn, say_drawn

MARGIN_PX: Final = 18
THUMB_PX: Final = 150  # below this width a picture has no words


class Drawing(QWidget):
    """Draws one document of `app.engine.qubo.problems.pictures`; a kind of picture fills in `draw` and `twin`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.picture: Mapping[str, Any] = {}
        name_drawn(self, name)

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show a document, or nothing."""
        self.picture = picture or {}
        say_drawn(self, self.said() if self.picture else "")
        self.update()

    def said(self) -> str:
        """Return the picture in a sentence."""
        return ""

    def twin(self) -> Twin:
        """Return the picture as a table."""
        return Twin((tr("Name"),), [])

    def draw(self, painter: QPainter) -> None:
        """Draw the document."""

    @property
    def small(self) -> bool:
        """Tell whether the picture is too small for words."""
        return self.width() < THUMB_PX

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(420, 300)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw on the surface."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.now().colour("surface"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        if self.picture:
            self.draw(painter)
        painter.end()

    def fitted(self, points: Sequence[tuple[float, float]], *, square: bool = True) -> list[QPointF]:
        """Return where points (x to the right, y upwards) are drawn so that all fit; `square` keeps the shape."""
        if not points:
            return []
        margin = 6 if self.small else MARGIN_PX
        xs, ys = [x for x, _ in points], [y for _, y in points]
        span_x, span_y = max(max(xs) - min(xs), 1e-12), max(max(ys) - min(ys), 1e-12)
        wide, high = max(1.0, self.width() - 2.0 * margin), max(1.0, self.height() - 2.0 * margin)
        scale_x, scale_y = wide / span_x, high / span_y
        if square:
            scale_x = scale_y = min(scale_x, scale_y)
        left, top = (self.width() - scale_x * span_x) / 2, (self.height() - scale_y * span_y) / 2
        return [QPointF(left + (x - min(xs)) * scale_x, self.height() - top - (y - min(ys)) * scale_y) for x, y in points]


def series(number: int, alpha: int = 255) -> QColor:
    """Return the colour of a series, muted for a negative number."""
    tokens = theme.now()
    colour = QColor(tokens.stale if number < 0 else tokens.series[number % len(tokens.series)])
    colour.setAlpha(alpha)
    return colour


def label(painter: QPainter, at: QPointF, text: str, taken: list[QRectF]) -> None:
    """Write `text` beside a point unless it would cover another label."""
    size = QFontMetricsF(painter.font()).size(0, text)
    place = QRectF(at.x() + 8, at.y() - size.height() / 2, size.width() + 2, size.height())
    if place.right() > painter.device().width() / painter.device().devicePixelRatio():
        place.moveRight(at.x() - 8)
    if not any(place.intersects(other) for other in taken):
        taken.append(place)
        painter.setPen(QColor(theme.now().text))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), text)
