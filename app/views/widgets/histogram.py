"""A histogram of measured bit strings: the most frequent outcomes as bars with their counts, the rest told in words.

The outcomes of a second run can stand beside them, as a second bar of each outcome; lengths are then shares, not counts.
"""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text
from app.views.shell import theme
from app.views.widgets.chart import Twin
from app.views.widgets.explain import name_drawn, say_drawn

MOST_BARS: Final = 24
_ROW_PX: Final = 22
_PAIR_PX: Final = 32


class Histogram(QWidget):
    """Horizontal bars, most frequent first; ties keep the order of the outcome."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}
        self._others: dict[str, int] = {}
        self._rows: list[tuple[str, int]] = []
        self._all: list[tuple[str, int]] = []
        self._total = self._other_total = self._hidden = 0
        self._names: tuple[str, ...] = ()
        name_drawn(self, name)

    def show_counts(
        self, counts: Mapping[str, int], beside: Mapping[str, int] | None = None, names: tuple[str, ...] = ()
    ) -> None:
        """Show `counts` by outcome, and those of another run `beside` them; `names` tell both bars apart."""
        self._names = names if beside else ()
        self._counts, self._others = dict(counts), dict(beside or {})
        self._total, self._other_total = sum(self._counts.values()), sum(self._others.values())
        known = self._counts | {name: 0 for name in self._others if name not in self._counts}
        rows = sorted(known.items(), key=lambda row: (-self._most(row[0]), row[0]))
        self._all = rows
        self._rows, self._hidden = rows[:MOST_BARS], max(0, len(rows) - MOST_BARS)
        say_drawn(self, "; ".join(self._said(name, count) for name, count in self._rows[:8]))
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def twin(self) -> Twin:
        """Return a row per outcome, also of those that are not drawn."""
        total, others = self._total or 1, self._other_total or 1
        if not self._others:
            return Twin((tr("Outcome"), tr("Count"), tr("Share")), [(name, count, count / total) for name, count in self._all])
        headings = (tr("Outcome"), tr("Count"), tr("Share"), tr("Count beside"), tr("Share beside"))
        beside = [(name, count, self._others.get(name, 0)) for name, count in self._all]
        return Twin(headings, [(name, count, count / total, other, other / others) for name, count, other in beside])

    def sizeHint(self) -> QSize:
        """Return the size that shows every bar."""
        return QSize(280, self._head_px + self._row_px * len(self._rows) + _ROW_PX * bool(self._hidden) + 8)

    @property
    def _head_px(self) -> int:
        return _ROW_PX if self._names else 0

    @property
    def _row_px(self) -> int:
        return _PAIR_PX if self._others else _ROW_PX

    def _shares(self, name: str) -> list[float]:
        """Return the share of an outcome in each run that is shown."""
        first = self._counts.get(name, 0) / (self._total or 1)
        return [first, self._others.get(name, 0) / (self._other_total or 1)] if self._others else [first]

    def _most(self, name: str) -> float:
        return max(self._shares(name))

    def _said(self, name: str, count: int) -> str:
        return f"{name} {count} / {self._others.get(name, 0)}" if self._others else f"{name} {count}"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a row per outcome: its name, its bar, its count and share; with another run, both bars and both shares."""
        if not self._rows:
            return
        painter = QPainter(self)
        mono, row_px, top = theme.mono_font(theme.TABLE_PX), self._row_px, self._head_px + 4
        self._draw_names(painter)
        left = min(max(QFontMetricsF(mono).horizontalAdvance(name) for name, _ in self._rows) + 8, 0.45 * self.width())
        right = 92.0
        room = max(20.0, self.width() - left - right)
        most = max(self._most(name) for name, _ in self._rows) or 1.0
        for at, (name, count) in enumerate(self._rows):
            self._draw(painter, QRectF(left, row_px * at + top, room, row_px), (name, count), most, right)
        if self._hidden:
            below = QRectF(0, row_px * len(self._rows) + top, self.width(), _ROW_PX)
            painter.setPen(QColor(theme.now().muted))
            painter.drawText(below, int(Qt.AlignmentFlag.AlignVCenter), tr("and {count} rarer outcomes", count=self._hidden))
        painter.end()

    def _draw_names(self, painter: QPainter) -> None:
        """Draw which colour is which run."""
        tokens, x, room = theme.now(), 0.0, self.width() / (len(self._names) or 1)
        font = theme.text_font(theme.CAPTION_PX)
        painter.setFont(font)
        for at, name in enumerate(self._names):
            painter.fillRect(QRectF(x, 6, 10, 10), QColor(tokens.series[at]))
            painter.setPen(QColor(tokens.muted))
            said = QFontMetricsF(font).elidedText(name, Qt.TextElideMode.ElideRight, room - 24)
            painter.drawText(QRectF(x + 16, 0, room - 16, _ROW_PX), int(Qt.AlignmentFlag.AlignVCenter), said)
            x += min(room, QFontMetricsF(font).horizontalAdvance(said) + 40)

    def _draw(self, painter: QPainter, bar: QRectF, row: tuple[str, int], most: float, right: float) -> None:
        """Draw one outcome: `bar` is the room of its bars."""
        tokens, (name, count), shares = theme.now(), row, self._shares(row[0])
        mono, text = theme.mono_font(theme.TABLE_PX), theme.text_font(theme.CAPTION_PX)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(mono)
        painter.setPen(QColor(tokens.text))
        said = QFontMetricsF(mono).elidedText(name, Qt.TextElideMode.ElideMiddle, bar.left() - 8)
        label = QRectF(0, bar.top(), bar.left() - 8, bar.height())
        painter.drawText(label, middle | int(Qt.AlignmentFlag.AlignRight), said)
        painter.setFont(text)
        high = (bar.height() - 10) / len(shares)
        for at, share in enumerate(shares):
            y = bar.top() + 5 + at * high
            painter.fillRect(QRectF(bar.left(), y, bar.width() * share / most, high - at), QColor(tokens.series[at]))
            told = number_text(share, ".1%")
            if len(shares) == 1:
                told = f"{count_text(count)}  {told}"
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QRectF(bar.right() + 6, y - 2, right - 6, high + 4), middle, told)
