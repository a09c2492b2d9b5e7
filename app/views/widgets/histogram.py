"""A histogram of measured bit strings: the most frequent outcomes as bars with their counts, the rest told in words."""

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


class Histogram(QWidget):
    """Horizontal bars, most frequent first; ties keep the order of the outcome."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._rows: list[tuple[str, int]] = []
        self._all: list[tuple[str, int]] = []
        self._total = self._hidden = 0
        name_drawn(self, name)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show `counts` by outcome."""
        rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        self._all = rows
        self._rows, self._hidden = rows[:MOST_BARS], max(0, len(rows) - MOST_BARS)
        self._total = sum(counts.values())
        say_drawn(self, "; ".join(f"{name} {count}" for name, count in self._rows[:8]))
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def twin(self) -> Twin:
        """Return a row per outcome, also of those that are not drawn."""
        total = self._total or 1
        return Twin((tr("Outcome"), tr("Count"), tr("Share")), [(name, count, count / total) for name, count in self._all])

    def sizeHint(self) -> QSize:
        """Return the size that shows every bar."""
        return QSize(280, _ROW_PX * (len(self._rows) + bool(self._hidden)) + 8)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a row per outcome: its name, its bar, its count and share."""
        if not self._rows:
            return
        tokens = theme.now()
        painter = QPainter(self)
        mono, text = theme.mono_font(theme.TABLE_PX), theme.text_font(theme.CAPTION_PX)
        names = QFontMetricsF(mono)
        left = min(max(names.horizontalAdvance(name) for name, _ in self._rows) + 8, 0.45 * self.width())
        right = 92.0
        room = max(20.0, self.width() - left - right)
        most = max(count for _, count in self._rows)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        for at, (name, count) in enumerate(self._rows):
            y = float(_ROW_PX * at + 4)
            painter.setFont(mono)
            painter.setPen(QColor(tokens.text))
            said = names.elidedText(name, Qt.TextElideMode.ElideMiddle, left - 8)
            painter.drawText(QRectF(0, y, left - 8, _ROW_PX), middle | int(Qt.AlignmentFlag.AlignRight), said)
            painter.fillRect(QRectF(left, y + 5, room * count / most, _ROW_PX - 10), QColor(tokens.series[0]))
            painter.setFont(text)
            painter.setPen(QColor(tokens.muted))
            told = f"{count_text(count)}  {number_text(count / self._total, '.1%')}"
            painter.drawText(QRectF(left + room + 6, y, right - 6, _ROW_PX), middle, told)
        if self._hidden:
            below = QRectF(0, _ROW_PX * len(self._rows) + 4, self.width(), _ROW_PX)
            painter.drawText(below, middle, tr("and {count} rarer outcomes", count=self._hidden))
        painter.end()
