"""Gauges: a figure each, how full it stands, and the mark it must pass or may not pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.views.shell import theme
from app.views.widgets.explain import name_drawn, say_drawn
from app.views.widgets.state import shape_of, token_of

_WIDE_PX: Final = 190
_HIGH_PX: Final = 52
_BAR_PX: Final = 6


@dataclass(frozen=True)
class Gauge:
    """One figure: its name, what it shows and asks in words, both as parts of the scale (0 to 1), and whether it holds.

    `seen` is None while nothing was measured, `holds` None while it may still turn.
    """

    name: str
    said: str
    asked: str
    seen: float | None
    mark: float
    holds: bool | None


class Gauges(QWidget):
    """Gauges side by side, in rows when there is no room."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._gauges: tuple[Gauge, ...] = ()
        name_drawn(self, name)

    def show_gauges(self, gauges: Sequence[Gauge]) -> None:
        """Show `gauges` in their order."""
        fresh = tuple(gauges)
        if fresh == self._gauges:
            return
        self._gauges = fresh
        say_drawn(self, "; ".join(f"{gauge.name}: {gauge.said} ({gauge.asked})" for gauge in fresh))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        across = max(1, max(self.width(), _WIDE_PX) // _WIDE_PX)
        return QSize(_WIDE_PX * 2, _HIGH_PX * -(-len(self._gauges) // across))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the rows that the width asks for."""
        super().resizeEvent(event)
        self.setFixedHeight(self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw each gauge: name and figure, the bar with its mark, what is asked."""
        painter = QPainter(self)
        across = max(1, self.width() // _WIDE_PX)
        for index, gauge in enumerate(self._gauges):
            row, column = divmod(index, across)
            self._draw(painter, gauge, QRectF(column * _WIDE_PX, row * _HIGH_PX, _WIDE_PX - 16, _HIGH_PX))
        painter.end()

    def _draw(self, painter: QPainter, gauge: Gauge, at: QRectF) -> None:
        colours = theme.now()
        look = "queued" if gauge.seen is None else {True: "done", False: "failed", None: "running"}[gauge.holds]
        painter.setFont(theme.text_font())
        line = QRectF(at.left(), at.top(), at.width(), 20)
        painter.setPen(colours.colour("text"))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, gauge.name)
        painter.setPen(colours.colour(token_of(look)))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{shape_of(look)} {gauge.said}")
        bar = QRectF(at.left(), at.top() + 23, at.width(), _BAR_PX)
        painter.fillRect(bar, colours.colour("border"))
        full = min(max(gauge.seen or 0.0, 0.0), 1.0)
        painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * full, _BAR_PX), colours.colour(token_of(look)))
        mark = bar.left() + (bar.width() - 2) * min(max(gauge.mark, 0.0), 1.0)
        painter.fillRect(QRectF(mark, bar.top() - 3, 2, _BAR_PX + 6), colours.colour("text"))
        painter.setPen(colours.colour("muted"))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.drawText(QRectF(at.left(), at.top() + 31, at.width(), 16), Qt.AlignmentFlag.AlignLeft, gauge.asked)
