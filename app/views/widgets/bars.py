"""Bars: named rows with a figure each (nodes of a round), and a histogram of numbers in even bins (energies)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.explain import name_drawn, say_drawn
from app.views.widgets.state import shape_of, token_of

MOST_BARS: Final = 40
_ROW_PX: Final = 22
_BINS: Final = 30


@dataclass(frozen=True)
class Bar:
    """One row: its name, its figure (None when it is not known), and a state that gives it shape and colour."""

    name: str
    value: float | None
    state: str = ""


class Bars(QWidget):
    """Horizontal bars from zero, in the order given; a negative figure runs to the left."""

    def __init__(self, name: str, heading: str, text: Callable[[float], str]) -> None:
        super().__init__()
        self._heading, self._text = heading, text
        self._bars: list[Bar] = []
        name_drawn(self, name)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show `bars`, forty at most."""
        self._bars = list(bars)
        say_drawn(self, "; ".join(f"{bar.name} {self._said(bar)}" for bar in self._bars[:12]))
        self.setMinimumHeight(_ROW_PX * min(4, max(1, len(self._bars))) + 4)
        self.updateGeometry()
        self.update()

    def twin(self) -> Twin:
        """Return a row per bar."""
        rows: list[Row] = [(bar.name, bar.state, "" if bar.value is None else bar.value) for bar in self._bars]
        return Twin((tr("Name"), tr("State"), self._heading), rows)

    def sizeHint(self) -> QSize:
        """Return the size that shows every bar."""
        return QSize(260, _ROW_PX * min(len(self._bars), MOST_BARS) + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a row per bar: shape and name, bar, figure."""
        if not self._bars:
            return
        tokens = theme.now()
        painter = QPainter(self)
        font = theme.text_font(theme.CAPTION_PX)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        left = min(max(metrics.horizontalAdvance(bar.name) for bar in self._bars) + 26, 0.4 * self.width())
        right = max(metrics.horizontalAdvance(self._said(bar)) for bar in self._bars) + 8
        values = [bar.value for bar in self._bars if bar.value is not None]
        low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
        room = max(10.0, self.width() - left - right)
        unit = room / ((high - low) or 1.0)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        fits = max(1, min(MOST_BARS, int(self.height() // _ROW_PX)))
        for at, bar in enumerate(self._bars[:fits]):
            y = float(_ROW_PX * at)
            if bar.state:
                painter.setPen(QColor(getattr(tokens, token_of(bar.state))))
                painter.drawText(QRectF(0, y, 16, _ROW_PX), middle, shape_of(bar.state))
            painter.setPen(QColor(tokens.text))
            said = metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, left - 24)
            painter.drawText(QRectF(16, y, left - 20, _ROW_PX), middle, said)
            if bar.value is not None:
                start = left - low * unit + min(0.0, bar.value) * unit
                painter.fillRect(QRectF(start, y + 5, max(1.0, abs(bar.value) * unit), _ROW_PX - 10), QColor(tokens.series[0]))
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QRectF(left + room + 6, y, right, _ROW_PX), middle, self._said(bar))
        painter.end()

    def _said(self, bar: Bar) -> str:
        return "–" if bar.value is None else self._text(bar.value)


class BinChart(QWidget):
    """A histogram of numbers, each counted as often as it was found; its bins are even between least and greatest."""

    def __init__(self, name: str, heading: str) -> None:
        super().__init__()
        self._heading = heading
        self._edges, self._counts = np.zeros(1), np.zeros(0)
        name_drawn(self, name)
        self.setMinimumSize(160, 120)

    def show_values(self, values: Sequence[float], counts: Sequence[int]) -> None:
        """Show `values`, each `counts` times."""
        numbers = np.asarray(values, float)
        self._edges, self._counts = np.zeros(1), np.zeros(0)
        if len(numbers):
            bins = 1 if np.ptp(numbers) == 0 else min(_BINS, max(1, len(np.unique(numbers))))
            self._counts, self._edges = np.histogram(numbers, bins, weights=np.asarray(counts, float))
            span = tr("from {low} to {high}", low=number_text(numbers.min(), ",.6g"), high=number_text(numbers.max(), ",.6g"))
            say_drawn(self, span)
        self.update()

    def twin(self) -> Twin:
        """Return a row per bin."""
        rows: list[Row] = [
            (float(low), float(high), int(count))
            for low, high, count in zip(self._edges[:-1], self._edges[1:], self._counts, strict=True)
        ]
        return Twin((tr("From"), tr("To"), tr("Times found")), rows)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(320, 200)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw bars upwards, the axis below them and the highest count."""
        if not len(self._counts):
            return
        tokens = theme.now()
        painter = QPainter(self)
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        area = QRectF(44, 6, self.width() - 52, self.height() - 40)
        most = float(self._counts.max()) or 1.0
        wide = area.width() / len(self._counts)
        for at, count in enumerate(self._counts.tolist()):
            high = area.height() * count / most
            bar = QRectF(area.left() + at * wide + 0.5, area.bottom() - high, max(1.0, wide - 1), high)
            painter.fillRect(bar, QColor(tokens.series[0]))
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QColor(tokens.muted))
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(0, area.top() - 4, 38, 16), side, number_text(most, ",.0f"))
        painter.drawText(QRectF(0, area.bottom() - 10, 38, 16), side, "0")
        ends = ((Qt.AlignmentFlag.AlignLeft, self._edges[0]), (Qt.AlignmentFlag.AlignRight, self._edges[-1]))
        below = QRectF(area.left(), area.bottom() + 2, area.width(), 16)
        for where, value in ends:
            painter.drawText(below, int(where), number_text(value, ",.6g"))
        painter.drawText(below.translated(0, 15), int(Qt.AlignmentFlag.AlignHCenter), self._heading)
        painter.end()
