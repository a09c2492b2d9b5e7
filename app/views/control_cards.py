"""A card for each controller that runs: its size live, what it wants, why it did what it did last, and its mode."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.records import Change, Records
from app.engine.base.rings import Ring
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, number_text
from app.engine.control.records import APPLY, BOUNDS, FREE, KILLED_MODE, KINDS, NOT_APPLIED, OBSERVED, RECOMMENDED
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain, scrolled
from app.views.widgets.sparkline import Sparkline
from app.views.widgets.state import Badge

MODES: Final = ("observe", "recommend", "apply")
_WIDE_PX, _HIGH_PX, _BAR_PX, _EDGE_PX, _TWO_LINES_PX = 300, 204, 16, 12, 34
_WORDS_MS: Final = 150
_DRAW_S: Final = 0.39


def calm(draw: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Return a `draw` for the frame timer that draws twice or thrice a second: controllers tell what they did as often."""
    last_s = -math.inf

    def sometimes() -> bool:
        nonlocal last_s
        if clock() - last_s < _DRAW_S or not draw():
            return False
        last_s = clock()
        return True

    return sometimes


def mode_choice(ask: Callable[[str], None]) -> Choice:
    """Return the switch between observe, recommend and apply; `ask` gets the mode picked."""
    choice = Choice()
    explain(choice, tr("Observe looks, recommend says what it would do, apply does it"))
    choice.setAccessibleName(tr("Mode"))
    for name in MODES:
        choice.addItem(tr(name), name)
    choice.activated.connect(lambda _index: ask(str(choice.currentData())))
    return choice


def show_mode(choice: Choice, mode: str) -> None:
    """Have the switch show the mode that is told; one that was taken off, or ended, has none, and takes none."""
    choice.setCurrentIndex(choice.findData(mode))
    choice.setEnabled(mode in MODES)


class ControllerCard(QFrame):
    """One controller."""

    def __init__(self, context: Context, run: Run) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setFixedSize(_WIDE_PX, _HIGH_PX)
        self._context, self._run = context, run
        self._mode = ""
        self._job: Job | None = None
        self.badge = Badge("running")
        title = QLabel(run.title)
        title.setProperty("role", "heading")
        title.setWordWrap(True)
        self.line = Sparkline(tr("Size"), size_text(run.spec), most=100)
        self.line.follow(self._ring)
        self.now, self.why = QLabel(), QLabel()
        self.why.setProperty("role", "muted")
        for label in (self.now, self.why):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            label.setFixedSize(_WIDE_PX - 2 * _EDGE_PX, _TWO_LINES_PX)  # new words then lay out nothing anew
        self.mode = mode_choice(self._ask)
        self.look = QPushButton(tr("Look closer"))
        explain(self.look, tr("Shows the course of this controller below"))
        self.look.clicked.connect(lambda _checked=False: context.pick(run.id))
        self._lay_out(title)
        self.setAccessibleName(run.title)

    def _lay_out(self, title: QLabel) -> None:
        head, foot, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        head.addWidget(title, 1)
        head.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignTop)
        foot.addWidget(self.mode)
        foot.addStretch(1)
        foot.addWidget(self.look)
        column.setContentsMargins(_EDGE_PX, 10, _EDGE_PX, 10)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        for part in (self.line, self.now, self.why):
            column.addWidget(part)
        column.addStretch(1)
        column.addLayout(foot)

    def show_job(self, job: Job) -> None:
        """Say what the controller does now; nothing is done where nothing changed."""
        if job is self._job:
            return
        self._job, told = job, job.partial
        if not self.line.visibleRegion().isEmpty():
            self.line.draw()  # what was told is in the ring by now: no frame needs to look for it
        mode = str(told.get("mode", self._run.spec.get("mode", "")))
        self.badge.show_state(job.state, tr("killed") if mode == KILLED_MODE else "")
        _say(self.now, now_text(told, self._run.spec))
        _say(self.why, why_text(told, self._run.spec))
        if mode != self._mode:
            self._mode = mode
            show_mode(self.mode, mode)

    def _ask(self, mode: str) -> None:
        """Order a mode; it shows once the controller tells it: an order may be refused."""
        self._context.start("control.mode", None, id=self._run.id, mode=mode)
        show_mode(self.mode, self._mode)

    def _ring(self) -> Ring | None:
        samples = self._context.engine.samples
        return samples.ring(self._run.job_id, "size") if "size" in samples.metrics(self._run.job_id) else None


def size_text(spec: Mapping[str, Any]) -> Callable[[float], str]:
    """Return how a size of a run's resource is written: in bytes, or as a plain number."""
    kind = KINDS.get(str(spec.get("resource", "threadpool")))
    return bytes_text if kind is not None and kind.unit == "bytes" else lambda value: number_text(value, ".0f")


def now_text(told: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Return target, size within its bounds, and force."""
    if "size" not in told:
        return tr("Starts…")
    write, force = size_text(spec), round(float(told.get("force", 0)), 1) or 0.0
    low, high = (write(spec[name]) if name in spec else "–" for name in ("low", "high"))
    forced = ("+" if force >= 0 else "-") + bytes_text(abs(force)) if write is bytes_text else number_text(force, "+.1f")
    return tr(
        "target {target} · size {size} of {low} to {high} · force {force}",
        target=write(told.get("target", 0)), size=write(told["size"]), low=low, high=high, force=forced,
    )  # fmt: skip


def reason_text(reason: str) -> str:
    """Return a reason in the reader's language; what an actuator said stands in its own words."""
    return tr("not applied: {why}", why=reason.removeprefix(NOT_APPLIED)) if reason.startswith(NOT_APPLIED) else tr(reason)


def why_text(told: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Return what went wrong first, the last action with its reason, the bound in force, and what the last turn came to."""
    actions, bound, turn = told.get("actions") or (), str(told.get("bound", "")), str(told.get("reason", ""))
    acts = str(told.get("mode") or spec.get("mode") or APPLY) == APPLY and turn not in {OBSERVED, RECOMMENDED}
    parts = [reason_text(turn)] if turn.startswith(NOT_APPLIED) else []
    if actions and not (parts and actions[-1]["reason"] == turn):
        last = actions[-1]
        sizes = {name: size_text(spec)(last[name]) for name in ("before", "after")}
        parts.append(tr("last action {before} → {after}: {reason}", **sizes, reason=reason_text(str(last["reason"]))))
    if bound:
        said = tr("bound in force: {bound}", bound=tr(bound)) if acts else tr("would be bound by: {bound}", bound=tr(bound))
        parts.append(said)
    if turn.startswith(NOT_APPLIED):
        return " · ".join(parts)
    if turn not in {"", FREE, *BOUNDS}:
        parts.append(tr(turn))
    elif not bound:
        parts.append(tr("no bound in force"))
    return " · ".join(parts)


def _say(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)  # two lines hold no long reason


class ControllerCards(QWidget):
    """The cards of all controllers that run, side by side; hidden when there is none."""

    def __init__(self, context: Context, runs: Records[Run]) -> None:
        super().__init__()
        self._context, self._runs = context, runs
        self.cards: dict[str, ControllerCard] = {}
        inside = QWidget()
        self._line = QHBoxLayout(inside)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(3 * theme.SPACE)
        self._line.addStretch(1)
        area = scrolled(inside, tr("Controllers that run"), across=True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedHeight(_HIGH_PX + _BAR_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)
        self._later = Later(self.tell, _WORDS_MS, self)
        hold(self, runs.watch(self._runs_changed), context.engine.jobs.records.watch(self._jobs_changed))
        self.tell()

    def tell(self) -> None:
        """Bring the cards up to date: one for each controller that runs, the oldest first."""
        jobs = self._context.engine.jobs.records
        live: dict[str, tuple[Run, Job]] = {}
        for run in self._runs:
            job = jobs.get(run.job_id)
            if job is not None and job.state in LIVE and is_controller(run):
                live[run.id] = (run, job)
        if list(live) != list(self.cards):
            self._arrange(live)
        for run_id, (_run, job) in live.items():
            self.cards[run_id].show_job(job)
        self.setVisible(bool(live))

    def _arrange(self, live: Mapping[str, tuple[Run, Job]]) -> None:
        for gone in [run_id for run_id in self.cards if run_id not in live]:
            card = self.cards.pop(gone)
            self._line.removeWidget(card)
            card.deleteLater()
        self.cards = {run_id: self.cards.get(run_id) or ControllerCard(self._context, run) for run_id, (run, _) in live.items()}
        for place, card in enumerate(self.cards.values()):
            self._line.insertWidget(place, card)

    def _runs_changed(self, _change: Change[Run]) -> None:
        self._later.ask()

    def _jobs_changed(self, change: Change[Job]) -> None:
        if any(job.kind == "control" for job in (*change.added, *change.changed)):
            self._later.ask()


def is_controller(run: Run) -> bool:
    """Tell a run of a controller from a trial, a tuning or a replay."""
    return "model" not in run.spec and "against" not in run.spec
