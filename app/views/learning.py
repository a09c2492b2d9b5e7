"""Learning: train over the nodes or simulate a federation; accuracy and loss per round, and what each node gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import number_text, ratio_text
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.widgets.bars import Bar, Bars
from app.views.widgets.chart import Chart
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import tabbed
from app.views.widgets.plot import LivePlot
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

# Arguments for those who know them: on the command line and in the palette.
_DEEP: Final = (
    "epochs", "batch", "lr", "deadline_s", "quorum_ratio", "mu", "beta", "server_rate", "compress", "keep_ratio", "selection",
    "drop_stragglers", "until_accuracy", "plateau_rounds",
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """What one node gave to the last round it was asked for."""

    name: str
    state: str
    examples: int | None
    loss: float | None


def share_columns() -> list[Column[Share]]:
    """Return the columns of the table of nodes in a round."""
    return [
        Column("name", tr("Node"), lambda row: row.name, width=100),
        Column("state", tr("State"), lambda row: row.state, state_text, 110, token=lambda row: token_of(row.state)),
        Column("examples", tr("Examples"), lambda row: row.examples, width=80, right=True),
        Column("loss", tr("Loss"), lambda row: row.loss, lambda loss: number_text(loss, ".3f"), 80, right=True),
    ]


class LearningPage(RunPage):
    """The data stays on the nodes; only updates travel."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Learning"), context.engine.learning.records)
        self.train = self.add_form("learning.train", tr("Train over the nodes"), hidden=_DEEP)
        self.simulate = self.add_form("learning.simulate", tr("Simulate a federation"), hidden=_DEEP)
        self.export = QPushButton(tr("Export the model"))
        self.export.setAccessibleDescription(tr("Write the global model of the run shown as an ONNX file"))
        self.export.clicked.connect(lambda _checked=False: context.open_command("learning.export", {"run": self._run_id}))
        self.add_action(self.export)
        self._figure = QLabel()
        self._figure.setProperty("role", "figure")
        self._said = QLabel()
        self._said.setProperty("role", "muted")
        self._said.setWordWrap(True)
        self.accuracy = LivePlot(tr("Test accuracy"), unit="%", fixed_y=(0.0, 1.05), scale=100, counted=tr("round"))
        self.accuracy.add(tr("accuracy"), lambda: self.ring("accuracy_ratio"))
        self.loss = LivePlot(tr("Test loss"), counted=tr("round"))
        self.loss.add(tr("loss"), lambda: self.ring("loss"))
        self.loss.share(self.accuracy.axis)
        self.examples = Bars(tr("Examples per node"), tr("Examples"), lambda value: number_text(value, ",.0f"))
        self.losses = Bars(tr("Loss per node"), tr("Loss"), lambda value: number_text(value, ".3f"))
        for plot in (self.accuracy, self.loss):
            context.frames.add(plot, plot.draw)
        self._rows: Records[Share] = Records(lambda row: row.name, "node")
        self.nodes = TablePanel(
            self._rows, share_columns(), name=tr("Nodes in the last round"), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        tabs = self._make_tabs()
        self._nodes_card = card(tabs, heading=tr("Nodes in the last round"))
        words = QVBoxLayout()
        words.addWidget(self._figure)
        words.addWidget(self._said)
        words.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(card(words, heading=tr("Accuracy")), 2)
        below.addWidget(self._nodes_card, 3)
        plots = QHBoxLayout()
        plots.addWidget(card(self.accuracy), 1)
        plots.addWidget(card(self.loss), 1)
        self.content.addLayout(plots, 3)
        self.content.addLayout(below, 2)
        self.set_empty(
            EmptyState(
                "network", tr("No model has been trained yet"),
                tr("Start the demo fleet and train a digit recogniser over its nodes: each keeps its data and sends updates. "
                   "Or simulate a hundred clients on this machine."),
                tr("Simulate 100 clients"), lambda: self.simulate.submit() if self.simulate is not None else None,
            )
        )  # fmt: skip

    def _make_tabs(self) -> QTabWidget:
        tabs = tabbed(tr("Nodes in the last round"))
        pictures = QWidget()
        side_by_side = QHBoxLayout(pictures)
        side_by_side.setContentsMargins(0, 0, 0, 0)
        for bars, heading in ((self.examples, tr("Examples")), (self.losses, tr("Loss on its own data"))):
            side_by_side.addWidget(Chart(heading, bars, bars.twin), 1)
        tabs.addTab(pictures, tr("Each node"))
        tabs.addTab(self.nodes, tr("Table"))
        return tabs

    def frame_now(self) -> None:
        """Draw both plots."""
        self.accuracy.draw(wait=True)
        self.loss.draw(wait=True)

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show the rounds so far and the nodes of the last one."""
        result = result_of(run, job)
        partial = job.partial if job is not None else {}
        if fresh:
            self.accuracy.clear()
            self.loss.clear()
        rounds = [row for row in result.get("rounds", ()) if isinstance(row, dict)]
        if rounds and self.ring("accuracy_ratio") is None:
            at = np.array([row["round"] for row in rounds], float)
            self.accuracy.show_data(0, at, np.array([row["accuracy"] for row in rounds], float))
            self.loss.show_data(0, at, np.array([row["loss"] for row in rounds], float))
        reached = result.get("final_accuracy", partial.get("accuracy"))
        self._figure.setText("–" if reached is None else ratio_text(reached))
        self._said.setText(_said(result, partial, rounds))
        shares = _shares(partial, rounds)
        self._rows.replace_all(shares)
        self.examples.show_bars([Bar(share.name, share.examples, share.state) for share in shares])
        self.losses.show_bars([Bar(share.name, share.loss, share.state) for share in shares])
        self._nodes_card.setVisible(len(self._rows) > 0)
        self.export.setEnabled(run.state == "done" and not self.context.why_not("learning.export"))


def _said(result: Mapping[str, Any], partial: Mapping[str, Any], rounds: list[dict[str, Any]]) -> str:
    done = len(rounds) or partial.get("round", 0)
    if not done:
        return ""
    if "clients" in result:
        return tr(
            "of the test digits after {rounds} rounds with {clients} simulated clients", rounds=done, clients=result["clients"]
        )
    return tr("of the test digits after {rounds} rounds", rounds=done)


def _shares(partial: Mapping[str, Any], rounds: list[dict[str, Any]]) -> list[Share]:
    last = rounds[-1] if rounds else {}
    nodes = partial.get("nodes") or last.get("nodes") or (last.get("details") or {}).get("nodes") or {}
    if not isinstance(nodes, dict):
        return []
    return [
        Share(name, str(given.get("state", "unknown")), given.get("examples"), given.get("loss"))
        for name, given in sorted(nodes.items())
        if isinstance(given, dict)
    ]
