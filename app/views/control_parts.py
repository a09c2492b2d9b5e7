"""Parts of the control page: the phase portrait, intervals of a trial, and the bar that steers a controller or replays it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.engine.base.rings import Floats, Ring
from app.engine.base.text import tr
from app.engine.base.units import number_text, ratio_text
from app.engine.control.records import KILLED_MODE, WORKERS
from app.engine.control.report import bounds
from app.views.control_cards import mode_choice, show_mode
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain, name_drawn, say_drawn

_TAIL: Final = 300
_ROW_PX: Final = 24
_LEFT_PX: Final = 120
WHAT_IF: Final = ("auto", "optomechanical", "parametric", "coherent", "pid", "staffing", "static")


class PhasePortrait(QWidget):
    """Velocity of the demand over its position, the last half minute as a line and now as a dot."""

    def __init__(self, position: Callable[[], Ring | None], velocity: Callable[[], Ring | None]) -> None:
        super().__init__()
        self._position, self._velocity = position, velocity
        self._seen = -1
        self.at: Floats = np.empty(0)
        self.v: Floats = np.empty(0)
        self.setMinimumHeight(120)
        name_drawn(self, tr("Phase portrait: velocity of the demand over its position"))

    def clear(self) -> None:
        """Forget the course."""
        self.at, self.v, self._seen = np.empty(0), np.empty(0), -1
        say_drawn(self, "")
        self.update()

    def draw(self) -> bool:
        """Pull what is new; true when there was something."""
        position, velocity = self._position(), self._velocity()
        if position is None or velocity is None or position.count == self._seen:
            return False
        self._seen = position.count
        _, x = position.tail(_TAIL)
        _, v = velocity.tail(_TAIL)
        self.show_data(x, v)
        return True

    def show_data(self, position: Floats, velocity: Floats) -> None:
        """Show the last of these, (n,) each: the course of a run whose values are no more told."""
        least = min(len(position), len(velocity), _TAIL)
        self.at, self.v = position[len(position) - least :], velocity[len(velocity) - least :]
        if least:
            now = {"x": number_text(self.at[-1], ".3g"), "v": number_text(self.v[-1], "+.3g")}
            say_drawn(self, tr("Demand {x} workers, changing by {v} a second", **now))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the axes at zero velocity, the course, and where it stands."""
        tokens, painter = theme.now(), QPainter(self)
        area = QRectF(8, 8, self.width() - 16, self.height() - 16)
        painter.setPen(QColor(tokens.muted))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft), tr("velocity over position"))
        area.setTop(area.top() + painter.fontMetrics().height() + 4)
        painter.setPen(QPen(QColor(tokens.border)))
        painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
        if not len(self.at):
            painter.setPen(QColor(tokens.muted))
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), tr("No values"))
        else:
            low, high = float(self.at.min()), float(self.at.max())
            tall = float(np.abs(self.v).max()) or 1.0
            wide = (high - low) or 1.0
            across = area.left() + area.width() * (self.at - low) / wide
            points = list(map(QPointF, across.tolist(), (area.center().y() - area.height() / 2 * self.v / tall).tolist()))
            painter.setPen(QPen(QColor(tokens.series[0]), 1))
            painter.drawPolyline(QPolygonF(points))
            painter.setBrush(QColor(tokens.series[1]))
            painter.drawEllipse(points[-1], 4.0, 4.0)
        painter.end()


class Intervals(QWidget):
    """One line per peer: the interval as a bar, the effect as a dot, and the rule of no difference at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Mapping[str, Any]] = []
        name_drawn(self, tr("Effects against peers, with their intervals"))

    def show_effects(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the rows of a trial's `per`."""
        self.rows = list(rows)
        told = (f"{row['against']} {_effect(row)}: {tr(str(row.get('verdict', '')))}" for row in self.rows)
        say_drawn(self, "; ".join(told))
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size that shows every row."""
        return QSize(320, _ROW_PX * len(self.rows) + 8)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the rows."""
        if not self.rows:
            return
        tokens, painter = theme.now(), QPainter(self)
        reach = [bounds(row) for row in self.rows]
        low, high = min(0.0, *(one for one, _ in reach)), max(0.0, *(one for _, one in reach))
        room, span = max(40.0, self.width() - _LEFT_PX - 96.0), (high - low) or 1.0
        painter.setFont(theme.text_font(theme.CAPTION_PX))

        def across(value: float) -> float:
            return _LEFT_PX + room * (value - low) / span

        painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(across(0.0), 0), QPointF(across(0.0), self.height()))
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        for number, row in enumerate(self.rows):
            top = float(_ROW_PX * number + 4)
            centre = top + _ROW_PX / 2
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, top, _LEFT_PX - 8, _ROW_PX), middle, str(row["against"]))
            painter.setPen(QPen(QColor(tokens.series[0]), 3))
            painter.drawLine(*(QPointF(across(one), centre) for one in reach[number]))
            painter.setBrush(QColor(tokens.series[0]))
            painter.drawEllipse(QPointF(across(float(row["effect"])), centre), 4.0, 4.0)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QRectF(self.width() - 92.0, top, 92, _ROW_PX), middle, _effect(row))
        painter.end()


def _effect(row: Mapping[str, Any]) -> str:
    return ratio_text(float(row["effect"]), "+.1f")


class SteerBar(QWidget):
    """Mode, end and kill switch of a controller that runs; and of one that ran, the replay under another model."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._run_id, self._mode = context, "", ""
        self.mode = mode_choice(self._ask_mode)
        self.end = QPushButton(tr("End"))
        explain(self.end, tr("Ends the controller; the resource goes to its safe size"))
        self.end.clicked.connect(lambda _checked=False: self._ask("control.stop"))
        self.kill = QPushButton(tr("Kill switch"))
        explain(self.kill, tr("Takes the controller off at once; the resource goes to its safe size"))
        self.kill.clicked.connect(lambda _checked=False: self._ask("control.stop", kill=True))
        self.model = Choice()
        self.model.setAccessibleName(tr("Model to replay with"))
        for name in WHAT_IF:
            self.model.addItem(tr(name), name)
        self.replay = QPushButton(tr("What if"))
        explain(self.replay, tr("Plays the load of this run again under the model beside it; nothing real is changed"))
        explain(self.model, tr("The model that the load of this run is played under"))
        self.replay.clicked.connect(lambda _checked=False: self._ask("control.replay", model=self.model.currentData()))
        self.report = QPushButton(tr("Report…"))
        explain(self.report, tr("Writes this run as a page with its figures drawn, as a table or as JSON"))
        self.report.clicked.connect(lambda _checked=False: context.open_command("control.export", {"id": self._run_id}))
        self._found: dict[str, Any] = {}
        self.use = QPushButton(tr("Run with these settings…"))
        explain(self.use, tr("Steers a real resource with what this tuning found"))
        self.use.clicked.connect(lambda _checked=False: context.open_command("control.run", self._found))
        self.confirm = QPushButton(tr("Confirm them…"))
        explain(self.confirm, tr("Tries what this tuning found on a real resource, in paired blocks"))
        self.confirm.clicked.connect(lambda _checked=False: context.open_command("control.confirm", self._as_model()))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for part in (self.use, self.confirm, self.mode, self.end, self.kill, self.model, self.replay, self.report):
            line.addWidget(part)
        line.addStretch(1)

    def show_run(
        self, run_id: str, mode: str, *, live: bool, controller: bool, played: bool = True, found: tuple[str, str] | None = None
    ) -> None:
        """Offer what fits: orders to a `controller` that is `live`, a replay where its load can be `played`, a report after.

        `found` are the resource and the law of a tuning that was accepted: those who run and confirm take what it found.
        """
        resource, law = found or ("", "")
        self._found = {"resource": resource, "law": law, "tuned": run_id}
        self.use.setVisible(found is not None)
        self.confirm.setVisible(found is not None and resource in WORKERS)
        mode = mode if live else ""
        if (run_id, mode) != (self._run_id, self._mode):
            show_mode(self.mode, mode)
            self.kill.setEnabled(mode != KILLED_MODE)
        self._run_id, self._mode = run_id, mode
        for part in (self.mode, self.end, self.kill):
            part.setVisible(live and controller)
        for other in (self.model, self.replay):
            other.setVisible(controller and played)
        self.report.setVisible(not live)

    def _as_model(self) -> dict[str, Any]:
        return {"resource": self._found["resource"], "model": self._found["law"], "tuned": self._run_id}

    def _ask_mode(self, mode: str) -> None:
        """Order a mode; it shows once the controller tells it: an order may be refused."""
        self._ask("control.mode", mode=mode)
        show_mode(self.mode, self._mode)

    def _ask(self, command: str, **args: Any) -> None:
        self._context.start(command, None, id=self._run_id, **args)
