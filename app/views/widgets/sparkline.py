"""A sparkline: the recent past of one figure with its value now, drawn with a few lines."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.engine.base.rings import Floats, Ring
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.explain import name_drawn, say_drawn


class Sparkline(QWidget):
    """Caption left, value right, the curve of the last `most` samples below; `top` fixes the upper end of the scale."""

    def __init__(
        self, caption: str, text: Callable[[float], str], *, number: int = 0, top: float | None = None, most: int = 240
    ) -> None:
        super().__init__()
        self._most = most
        self._caption, self._text, self._number, self._top = caption, text, number, top
        self._source: Callable[[], Ring | None] = _nothing
        self._seen: tuple[int, int] = (0, -1)
        self._values: Floats = np.empty(0)
        self._stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        name_drawn(self, caption)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(200, 56)

    def follow(self, source: Callable[[], Ring | None]) -> None:
        """Show another series."""
        self._source, self._seen, self._values = source, (0, -1), np.empty(0)
        say_drawn(self, "")
        self.update()

    def show_stale(self, *, stale: bool) -> None:
        """Grey the figure while its node is silent: it is old, not zero."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def draw(self) -> bool:
        """Pull what is new; true when there was anything."""
        ring = self._source()
        if ring is None or (id(ring), ring.count) == self._seen:
            return False
        self._seen = (id(ring), ring.count)
        self._values = ring.tail(self._most)[1]
        say_drawn(self, tr("{what} is {value}", what=self._caption, value=self._said()))
        self.update()
        return True

    def _said(self) -> str:
        known = self._values[np.isfinite(self._values)]
        return self._text(float(known[-1])) if len(known) else "–"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw caption, value and curve."""
        tokens = theme.now()
        painter = QPainter(self)
        line = QRectF(0, 0, self.width(), 18)
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.setPen(QColor(tokens.muted))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self._caption)
        painter.setFont(theme.text_font(theme.TEXT_PX))
        painter.setPen(QColor(tokens.stale if self._stale else tokens.text))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._said())
        area = QRectF(0, 22, self.width() - 1, self.height() - 26)
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        colour = tokens.stale if self._stale else tokens.series[self._number % len(tokens.series)]
        painter.setPen(QPen(QColor(colour), 1))
        for part in _polylines(self._values, area, self._top):
            painter.drawPolyline(part)
        painter.end()


def _nothing() -> None:
    return None


def _polylines(values: Floats, area: QRectF, top: float | None) -> list[QPolygonF]:
    """Return the curve as unbroken pieces: a NaN is a gap, not a zero."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return []
    high = top if top is not None else max(float(values[known].max()) * 1.1, 1e-12)
    x = area.left() + area.width() / (len(values) - 1) * np.arange(len(values))
    y = area.bottom() - area.height() * np.clip(values / high, 0, 1)
    if known.all():
        return [QPolygonF(list(map(QPointF, x.tolist(), y.tolist())))]
    pieces: list[QPolygonF] = []
    for piece in np.split(np.arange(len(values)), np.flatnonzero(~known)):
        kept = piece[known[piece]]
        points = list(map(QPointF, x[kept].tolist(), y[kept].tolist()))
        if len(points) > 1:
            pieces.append(QPolygonF(points))
    return pieces
