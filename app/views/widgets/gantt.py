"""Bars in named rows over one axis: a schedule, what fills a capacity, which set holds what."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing, series

_NAME_SHARE: Final = 0.3
_AXIS_PX: Final = 20
_STEPS: Final = (1, 2, 5)


class Gantt(Drawing):
    """A bar by colour and its label; a limit as a line across its row."""

    def said(self) -> str:
        """Return how many rows and bars there are."""
        return tr("{rows} rows, {bars} bars", rows=len(self.picture["rows"]), bars=len(self.picture["bars"]))

    def twin(self) -> Twin:
        """Return the bars with row, start and end."""
        names = self.picture.get("rows", ())
        rows: list[Row] = [(bar["label"], names[bar["row"]], bar["start"], bar["end"]) for bar in self.picture.get("bars", ())]
        return Twin((tr("Bar"), tr("Row"), tr("Start"), tr("End")), rows)

    def sizeHint(self) -> QSize:
        """Return a size in which every row can be read."""
        return QSize(420, max(160, 24 * len(self.picture.get("rows", ())) + _AXIS_PX + 12))

    def draw(self, painter: QPainter) -> None:
        """Draw names, bars, limits and the axis."""
        rows, limits = self.picture["rows"], self.picture["limits"] or []
        if not rows:
            return
        metrics = QFontMetricsF(painter.font())
        most_name = max(metrics.horizontalAdvance(name) for name in rows) + 10
        left = 2.0 if self.small else min(most_name, _NAME_SHARE * self.width())
        ends = [float(bar["end"]) for bar in self.picture["bars"]] + [float(limit) for limit in limits]
        low = min([0.0, *(float(bar["end"]) for bar in self.picture["bars"])])
        span = max([*ends, low + 1e-9]) - low
        scale = (self.width() - left - (4 if self.small else 14)) / span
        high = (self.height() - (2 if self.small else _AXIS_PX)) / len(rows)
        for at, name in enumerate(rows):
            if not self.small:
                painter.setPen(QColor(theme.now().muted))
                said = metrics.elidedText(name, Qt.TextElideMode.ElideRight, left - 6)
                flags = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignRight)
                painter.drawText(QRectF(0, at * high, left - 6, high), flags, said)
        self._bars(painter, left - low * scale, scale, high)
        painter.setPen(QPen(QColor(theme.now().warn), 2))
        for at, limit in enumerate(limits):
            x = left + (float(limit) - low) * scale
            painter.drawLine(QPointF(x, at * high + 1), QPointF(x, (at + 1) * high - 1))
        if not self.small:
            self._axis(painter, left, low, span, scale)

    def _bars(self, painter: QPainter, zero: float, scale: float, high: float) -> None:
        metrics = QFontMetricsF(painter.font())
        gap = min(3.0, 0.12 * high)
        for bar in self.picture["bars"]:
            first, last = sorted((zero + bar["start"] * scale, zero + bar["end"] * scale))
            place = QRectF(first, bar["row"] * high + gap, max(1.0, last - first), high - 2 * gap)
            fill = series(bar["series"], 90 if bar["series"] < 0 else 215)
            painter.setPen(QPen(QColor(theme.now().surface), 1))
            painter.setBrush(fill)
            painter.drawRect(place)
            if not self.small and metrics.horizontalAdvance(bar["label"]) + 4 < place.width() and high > metrics.height():
                painter.setPen(QColor("#000000" if fill.lightnessF() > 0.5 else "#ffffff"))
                painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), bar["label"])

    def _axis(self, painter: QPainter, left: float, low: float, span: float, scale: float) -> None:
        step = _step(span, max(2, int(span * scale / 60)))
        painter.setPen(QColor(theme.now().muted))
        mark = -(-low // step) * step
        while mark <= low + span + 1e-9:
            place = QRectF(left + (mark - low) * scale - 30, self.height() - _AXIS_PX + 2, 60, _AXIS_PX - 2)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), number_text(mark, "g"))
            mark += step


def _step(span: float, marks: int) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that gives at most `marks` steps."""
    power = 1e-6
    while True:
        for factor in _STEPS:
            if span / (factor * power) <= marks:
                return factor * power
        power *= 10
