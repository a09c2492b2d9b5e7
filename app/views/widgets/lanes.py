"""The lanes of a rollout: a row per group, a mark per node by shape and colour, and beside it what its gate asks and sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.explain import name_drawn, say_drawn
from app.views.widgets.state import shape_of, token_of

_MARK_PX: Final = 16
_HEAD_PX: Final = 22
_GAP_PX: Final = 12
_MOST_MARKS: Final = 4000


@dataclass(frozen=True)
class Lane:
    """One group: its name, its state as a look of the house, what its gate sees, and a look per node."""

    name: str
    look: str
    said: str
    marks: tuple[str, ...]


class Lanes(QWidget):
    """Draws lanes; what it shows is also said in words, for those who do not see it."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: tuple[Lane, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        name_drawn(self, tr("Groups of the rollout"))

    def show_lanes(self, lanes: Sequence[Lane]) -> None:
        """Show `lanes`, from top to bottom."""
        fresh = tuple(lanes)
        if fresh == self._lanes:
            return
        self._lanes = fresh
        say_drawn(self, "; ".join(f"{lane.name}: {lane.said}" for lane in fresh))
        self.setMinimumHeight(self._height(max(self.width(), 200)))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(480, self._height(480))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw every lane."""
        painter = QPainter(self)
        colours = theme.now()
        top = 0
        for lane in self._lanes:
            painter.setFont(theme.text_font())
            painter.setPen(colours.colour(token_of(lane.look)))
            painter.drawText(QRectF(0, top, 20, _HEAD_PX), Qt.AlignmentFlag.AlignVCenter, shape_of(lane.look))
            painter.setPen(colours.colour("text"))
            head = f"{lane.name}  ·  {lane.said}"
            painter.drawText(QRectF(20, top, self.width() - 20, _HEAD_PX), Qt.AlignmentFlag.AlignVCenter, head)
            self._draw_marks(painter, lane, top + _HEAD_PX)
            top += self._lane_height(lane, self.width())
        painter.end()

    def _draw_marks(self, painter: QPainter, lane: Lane, top: int) -> None:
        across = self._across(self.width())
        colours = theme.now()
        for index, look in enumerate(lane.marks[:_MOST_MARKS]):
            row, column = divmod(index, across)
            painter.setPen(colours.colour(token_of(look)))
            place = QRectF(20 + column * _MARK_PX, top + row * _MARK_PX, _MARK_PX, _MARK_PX)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, shape_of(look))

    def _height(self, width: int) -> int:
        return sum(self._lane_height(lane, width) for lane in self._lanes)

    def _lane_height(self, lane: Lane, width: int) -> int:
        rows = -(-min(len(lane.marks), _MOST_MARKS) // self._across(width))
        return _HEAD_PX + rows * _MARK_PX + _GAP_PX

    @staticmethod
    def _across(width: int) -> int:
        return max((width - 24) // _MARK_PX, 1)
