"""Rollouts: lanes per group filling live, gates with what they ask and see, why it waits, controls; and the models beside."""

from functools import partial
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.fleet.rollout.gates import judge
from app.engine.fleet.rollout.machine import current_group, outcome_counts
from app.engine.fleet.rollout.papers import plan_document
from app.engine.fleet.rollout.plan import plan_of
from app.engine.fleet.rollout.records import Gate, Rollout, Task
from app.engine.fleet.rollout.states import GROUP, ROLLOUT
from app.engine.fleet.rollout.words import word_of
from app.views.models import ModelsPanel
from app.views.rollout_nodes import NodesTable, look_of
from app.views.rollout_plan import PlanSheet
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.shell.page import Page, card
from app.views.widgets.columns import Column
from app.views.widgets.confirm import ConfirmButton
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain, scrolled, tabbed
from app.views.widgets.gauges import Gauge, Gauges
from app.views.widgets.lanes import Lane, Lanes
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

_LOOKS: Final = {
    "finished": "done", "running": "running", "starting": "running", "paused": "suspect", "stopping": "cancelling",
    "stopped": "interrupted", "approval_denied": "rejected", "waiting_for_approval": "suspect", "error": "failed",
}  # fmt: skip


def rollout_columns() -> list[Column[Rollout]]:
    """Return the columns of the table of rollouts."""
    return [
        Column("title", tr("Rollout"), lambda row: row.title, width=110),
        Column("state", tr("State"), lambda row: row.state, width=140, say=_state_words,
               token=lambda row: token_of(_LOOKS.get(row.state, row.state))),
    ]  # fmt: skip


def _state_words(rollout: Rollout) -> str:
    shape = state_text(_LOOKS.get(rollout.state, rollout.state))[:1]
    return f"{shape} {word_of(rollout.state)}"


class RolloutPage(Page):
    """A table of rollouts, the picked one in lanes, and the models in a tab of their own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Rollouts"))
        self._key = ""
        self._rollouts = context.engine.rollouts
        empty = EmptyState(
            "play", tr("No rollouts yet"),
            tr("A rollout brings one version of a model to many nodes, group by group. It is planned first; nothing happens "
               "before you start it."),
            tr("Plan a rollout"), self._open_sheet,
        )  # fmt: skip
        self.table = TablePanel(self._rollouts.records, rollout_columns(), name=tr("Rollouts"), empty=empty)
        self.models = ModelsPanel(context)
        self.waiting = QLabel()
        self.waiting.setWordWrap(True)
        self.gauges = Gauges(tr("Gate of the group under way"))
        self.lanes = Lanes()
        self.lanes.setProperty("clear", True)
        self.nodes = NodesTable()
        self.sheet = PlanSheet(context, self._planned)
        self._lay_out()
        self.table.on_picked(self.pick_rollout)
        self._later = Later(self._tell, 100, self)
        hold(self, self._rollouts.records.watch(lambda _change: self._later.ask()))
        self._tell()

    def shown(self) -> None:
        """Bring lanes and controls up to date."""
        self._tell()

    def second(self) -> None:
        """Nodes have moved."""
        self._tell()

    def pick(self, key: str) -> None:
        """Select a rollout, or the version of a model."""
        if self.context.engine.models.records.get(key) is not None:
            self.tabs.setCurrentWidget(self.models)
            self.models.table.model.flush()
            self.models.table.view.pick(key)
        else:
            self.tabs.setCurrentIndex(0)
            self.table.model.flush()
            self.table.view.pick(key)

    def pick_rollout(self, key: str) -> None:
        """Show one rollout."""
        self._key = key
        self._tell()

    def focus_filter(self) -> None:
        """Filter the rollouts."""
        self.table.focus_filter()

    def _lay_out(self) -> None:
        self.plan = QPushButton(tr("Plan a rollout"))
        self.plan.setProperty("primary", True)
        self.plan.setAccessibleDescription(tr("Choose a model and nodes, and see who, who not and why before anything is kept"))
        self.plan.clicked.connect(lambda _checked=False: self._open_sheet())
        self.add_action(self.plan)
        bar = self._bar()
        area = scrolled(self.lanes, tr("Groups"), across=True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(bar)
        column.addWidget(self.waiting)
        column.addWidget(self.gauges)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(area)
        parts.addWidget(self.nodes)
        parts.setChildrenCollapsible(False)
        parts.setSizes([240, 240])
        column.addWidget(parts, 1)
        self.detail = card(right)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.table)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(1, 3)
        splitter.setSizes([280, 760])
        self.tabs = tabbed(tr("Rollouts, plan and models"))
        self.tabs.addTab(splitter, tr("Rollouts"))
        self.tabs.addTab(self.sheet, tr("Plan"))
        self.tabs.addTab(self.models, tr("Models"))
        self.body.addWidget(self.tabs, 1)
        self.begin_at(self.table.view)

    def _bar(self) -> QHBoxLayout:
        """Return the controls of the rollout that is picked."""
        bar = QHBoxLayout()
        self.controls: dict[str, QPushButton] = {}
        for event, command, words in (
            ("approve", "rollout.approve", tr("Approve")), ("ask", "rollout.ask", tr("Ask for approval")),
            ("start", "rollout.start", tr("Start rollout")),
            ("confirm", "rollout.confirm", tr("Confirm installation")),
            ("pause", "rollout.pause", tr("Pause")), ("resume", "rollout.resume", tr("Resume")),
            ("retry", "rollout.retry", tr("Retry failed")), ("undo", "rollout.undo", tr("Plan the undo")),
        ):  # fmt: skip
            button = self.controls[event] = QPushButton(words)
            row = self.context.find(command)
            button.setAccessibleDescription(tr(row.help) if row is not None else "")
            button.clicked.connect(partial(self._ask, command))
            bar.addWidget(button)
        self.show_plan = QPushButton(tr("Show its plan"))
        explain(self.show_plan, tr("Who gets it, who does not and why, and bytes and time for each link, as it was planned"))
        self.show_plan.clicked.connect(lambda _checked=False: self._show_plan())
        bar.addWidget(self.show_plan)
        bar.addStretch(1)
        stop = partial(self._ask, "rollout.stop")
        self.controls["stop"] = ConfirmButton(tr("Stop"), tr("Stop for good?"), stop)
        halt = partial(self._ask, "rollout.stop", emergency=True)
        self.controls["halt"] = ConfirmButton(tr("Emergency stop"), tr("Put back every node on its way?"), halt)
        bar.addWidget(self.controls["stop"])
        bar.addWidget(self.controls["halt"])
        return bar

    def _open_sheet(self) -> None:
        self.tabs.setCurrentWidget(self.sheet)
        self.sheet.model.setFocus()

    def _show_plan(self) -> None:
        """Show the plan of the rollout that is picked, whatever became of it."""
        rollout = self._rollouts.records.get(self._key)
        if rollout is not None:
            self.sheet.show_kept(plan_document(rollout, plan_of(rollout, self._rollouts.tasks(rollout.id))))
            self.tabs.setCurrentWidget(self.sheet)

    def _planned(self, rollout_id: str) -> None:
        """Show a plan that was kept: it starts when told to."""
        self.tabs.setCurrentIndex(0)
        self.pick(rollout_id)
        self.pick_rollout(rollout_id)

    def _ask(self, command: str, _checked: bool = False, **how: Any) -> None:
        if command in ("rollout.approve", "rollout.ask"):  # their forms take the paper of whoever approves it elsewhere
            self.context.open_command(command, {"rollout": self._key})
            return
        self.context.start(command, None, rollout=self._key, **how)

    def _tell(self) -> None:
        records = self._rollouts.records
        if self._key not in records:
            newest = list(records)[-1:]
            self._key = newest[0].id if newest else ""
        rollout = records.get(self._key) if self._key else None
        running = sum(each.state == "running" for each in records)
        self.subtitle.setText(tr("{count} running", count=running) if len(records) else "")
        self.plan.setVisible(len(records) > 0)
        self.detail.setVisible(rollout is not None)
        if rollout is not None:
            self._tell_one(rollout)

    def _tell_one(self, rollout: Rollout) -> None:
        tasks = sorted(self._rollouts.tasks(rollout.id), key=lambda task: (task.group, task.name))
        counts = outcome_counts(tasks)
        self.waiting.setText(rollout.waiting or rollout.reason or tr(
            "{title}: {good} have it, {bad} failed, {open} open", title=rollout.title, good=counts["good"], bad=counts["bad"],
            open=counts["open"],
        ))  # fmt: skip
        self.gauges.show_gauges(gauges_of(rollout, tasks))
        self.lanes.show_lanes(lanes_of(rollout, tasks))
        self.nodes.show_tasks(rollout.id, [group.name for group in rollout.groups], tasks)
        for event, button in self.controls.items():
            button.setVisible(bool(tasks) and self._may(rollout, event, counts))  # without nodes it is another console's
        self.controls["confirm"].setVisible(any(task.state == "wait_confirmation" for task in tasks))

    @staticmethod
    def _may(rollout: Rollout, event: str, counts: dict[str, int]) -> bool:
        if event == "undo":
            return counts["good"] > 0 and (rollout.state in ROLLOUT.ends or rollout.state == "paused")
        if event == "retry" and not counts["bad"]:
            return False
        return ROLLOUT.allows(rollout.state, {"halt": "stop", "ask": "approve"}.get(event, event))


def lanes_of(rollout: Rollout, tasks: list[Task]) -> list[Lane]:
    """Return a lane per group, with the thresholds of its gate beside what was seen."""
    lanes = []
    for index, group in enumerate(rollout.groups):
        mine = [task for task in tasks if task.group == index]
        look = _LOOKS.get(group.state, "queued" if group.state in GROUP.states else group.state)
        lanes.append(Lane(group.name, look, gate_text(rollout.spec.gate, mine), tuple(look_of(task) for task in mine)))
    return lanes


def gauges_of(rollout: Rollout, tasks: list[Task]) -> list[Gauge]:
    """Return the gate of the group under way (the last one, when all have ended): each threshold with what was seen."""
    if not rollout.groups:
        return []
    place = min(current_group(rollout), len(rollout.groups) - 1)
    gate, told = rollout.spec.gate, judge(rollout.spec.gate, [task for task in tasks if task.group == place])
    ended = told.good + told.bad
    have, failed = told.good / max(told.counted, 1), told.bad / max(ended, 1)
    over = have >= gate.success_ratio or (False if ended >= told.counted else None)
    found = [
        Gauge(tr("Have it"), f"{told.good} / {told.counted}",
              tr("asked {share} %", share=number_text(100 * gate.success_ratio, ".3g")),
              have, gate.success_ratio, over),
        Gauge(tr("Failed"), f"{told.bad} / {ended}", tr("allowed {share} %", share=number_text(100 * gate.error_ratio, ".3g")),
              failed if ended else None, gate.error_ratio, failed <= gate.error_ratio),
    ]  # fmt: skip
    if (most := gate.p99_ratio_most) is not None:
        seen = told.p99_ratio
        said = "–" if seen is None else number_text(seen, ".2f")
        full = None if seen is None else seen / (2 * most)
        asked = tr("allowed {most} times the old", most=number_text(most, "g"))
        found.append(Gauge(tr("p99 latency"), said, asked, full, 0.5, seen is None or seen <= most))
    if (least := gate.agreement_least) is not None:
        share = told.agreement_ratio
        said = "–" if share is None else number_text(100 * share, ".1f") + " %"
        asked = tr("asked {share} %", share=number_text(100 * least, ".3g"))
        found.append(Gauge(tr("Agreement"), said, asked, share, least, share is None or share >= least))
    return found


def gate_text(gate: Gate, tasks: list[Task]) -> str:
    """Return what a gate sees and asks, as one line."""
    told = judge(gate, tasks)
    said = [
        tr(
            "{good} of {all} have it (asked {share} %)",
            good=told.good,
            all=told.counted,
            share=number_text(100 * gate.success_ratio, ".3g"),
        ),
        tr("{bad} failed (allowed {share} %)", bad=told.bad, share=number_text(100 * gate.error_ratio, ".3g")),
    ]
    if gate.p99_ratio_most is not None:
        seen = "–" if told.p99_ratio is None else number_text(told.p99_ratio, ".2f")
        said.append(tr("p99 {seen} times the old (allowed {most})", seen=seen, most=number_text(gate.p99_ratio_most, "g")))
    if gate.agreement_least is not None:
        seen = "–" if told.agreement_ratio is None else number_text(100 * told.agreement_ratio, ".1f")
        said.append(tr("agreement {seen} % (asked {least} %)", seen=seen, least=number_text(100 * gate.agreement_least, "g")))
    return " · ".join(said)
