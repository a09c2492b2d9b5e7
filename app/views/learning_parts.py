"""Parts of the learning page: who gave what to a round, what updates look like, runs side by side, what a run will take."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text, number_text, ratio_text, span_text
from app.engine.jobs.runs import Run
from app.engine.learning.tune import MOST
from app.views.shell import theme
from app.views.shell.forms import CommandForm
from app.views.shell.later import Later
from app.views.widgets.bars import Bar, Bars
from app.views.widgets.chart import Chart
from app.views.widgets.choice import Choice
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

_WAIT_MS: Final = 300
_FORECAST: Final = (
    "clients", "nodes", "rounds", "epochs", "sample_rate", "algorithm", "model", "dataset", "compress", "keep_ratio",
    "selection", "deadline_s", "quorum_ratio", "dropout_rate", "until_accuracy", "plateau_rounds",
)  # fmt: skip

_CHOICES: Final = ("lrs", "epochs", "batches")


@dataclass(frozen=True)
class Share:
    """What one node gave to the last round it was asked for; `rejected` counts what had to be refused in this session."""

    name: str
    state: str
    examples: int | None
    loss: float | None
    norm: float | None = None
    time_s: float | None = None
    rejected: int = 0
    reason: str = ""


def share_columns() -> list[Column[Share]]:
    """Return the columns of the table of nodes in a round."""
    return [
        Column("name", tr("Node"), lambda row: row.name, width=80),
        Column("state", tr("State"), lambda row: row.state, state_text, 88, token=lambda row: token_of(row.state)),
        Column("examples", tr("Examples"), lambda row: row.examples, count_text, 66, right=True),
        Column("loss", tr("Loss"), lambda row: row.loss, lambda loss: number_text(loss, ".3f"), 56, right=True),
        Column("norm", tr("Norm"), lambda row: row.norm, lambda norm: number_text(norm, ".3f"), 56, right=True),
        Column("time", tr("Time"), lambda row: row.time_s, span_text, 60, right=True),
        Column("rejected", tr("Refused"), lambda row: row.rejected, count_text, 60, right=True),
        Column("reason", tr("Reason"), lambda row: row.reason, width=240),
    ]


def shares_of(nodes: Any) -> list[Share]:
    """Return the nodes of a round as they stand in a job's partial or in a result."""
    if not isinstance(nodes, Mapping):
        return []
    return [
        Share(
            name, str(given.get("state", "unknown")), given.get("examples"), given.get("loss"), given.get("norm"),
            given.get("time_s"), int(given.get("rejected") or 0), str(given.get("reason") or ""),
        )
        for name, given in sorted(nodes.items())
        if isinstance(given, Mapping)
    ]  # fmt: skip


class UpdatesPart(QWidget):
    """How long each client's update is, outliers marked, how far it goes the common way, and how far it is from that."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = Bars(tr("Length of each update"), tr("Norm"), lambda value: number_text(value, ".3f"))
        self.shares = Bars(tr("Contribution of each update"), tr("Contribution"), lambda value: number_text(value, ".2f"))
        self.drifts = Bars(tr("Drift of each update"), tr("Drift"), lambda value: number_text(value, ".2f"))
        self._said = QLabel()
        self._said.setProperty("role", "caption")
        self._said.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        side = QHBoxLayout()
        for bars, heading in (
            (self.norms, tr("Length of the update")), (self.shares, tr("Contribution, −1 to 1")),
            (self.drifts, tr("Drift, in lengths of an update")),
        ):  # fmt: skip
            side.addWidget(Chart(heading, bars, bars.twin), 1)
        column.addLayout(side, 1)
        column.addWidget(self._said)

    @property
    def said(self) -> str:
        """Return what is said below the bars."""
        return self._said.text()

    def show_updates(self, updates: Mapping[str, Any]) -> None:
        """Show what `insight.shown` told of a round; clients of a simulation are numbers."""
        clients = list(updates.get("clients", ()))
        names = [name if isinstance(name, str) else tr("client {number}", number=int(name) + 1) for name in clients]
        apart = set(updates.get("outliers", ()))
        states = ["suspect" if one in apart else "done" for one in clients]
        for bars, key in ((self.norms, "norms"), (self.shares, "shares"), (self.drifts, "drifts")):
            values = updates.get(key, ())
            bars.show_bars([Bar(name, value, state) for name, value, state in zip(names, values, states, strict=False)])
        drift = tr("Clients pull apart by {ratio}.", ratio=ratio_text(updates.get("drift")))
        told = [name for name, one in zip(names, clients, strict=True) if one in apart]
        more = tr("Far from the others: {names}.", names=", ".join(told)) if told else tr("None is far from the others.")
        self._said.setText(f"{drift} {more}" if clients else "")


@dataclass(frozen=True)
class Figures:
    """One run of a comparison."""

    id: str
    title: str
    rounds: int
    final: float | None
    best: float | None
    to_90: int | None
    bytes: int
    time_s: float
    differs: str


def figure_columns() -> list[Column[Figures]]:
    """Return the columns of the table of runs side by side; a level that was not reached is an en dash."""
    return [
        Column("title", tr("Run"), lambda row: row.title, width=180),
        Column("final", tr("Accuracy"), lambda row: row.final, ratio_text, 80, right=True),
        Column("best", tr("Best"), lambda row: row.best, ratio_text, 70, right=True),
        Column("rounds", tr("Rounds"), lambda row: row.rounds, count_text, 70, right=True),
        Column("to_90", tr("Rounds to 90 %"), lambda row: row.to_90, count_text, 110, right=True),
        Column("bytes", tr("Bytes"), lambda row: row.bytes, bytes_text, 90, right=True),
        Column("time", tr("Time"), lambda row: row.time_s, span_text, 80, right=True),
        Column("differs", tr("Differs in"), lambda row: row.differs, width=260),
    ]


class ComparisonPart(QWidget):
    """Another run beside the one shown: picked from a list, its curve in the plot, the figures of both below."""

    def __init__(self, runs: Records[Run], ask: Callable[[str], None]) -> None:
        super().__init__()
        self._runs, self._ask, self._shown = runs, ask, ""
        self._keys: list[str] = []
        self.choice = Choice()
        self.choice.setAccessibleName(tr("Compare with"))
        explain(self.choice, tr("Another run, to see both curves and figures"))
        self.choice.activated.connect(lambda _at: self._ask(self.other))
        self.rows: Records[Figures] = Records(lambda row: row.id, "run")
        self.table = TablePanel(
            self.rows, figure_columns(), name=tr("Runs side by side"), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        caption = QLabel(tr("Compare with"))
        caption.setProperty("role", "caption")
        caption.setBuddy(self.choice)
        line = QHBoxLayout()
        line.addWidget(caption)
        line.addWidget(self.choice, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        column.addWidget(self.table, 1)

    @property
    def other(self) -> str:
        """Return the id of the run that is picked; empty for none."""
        at = self.choice.currentIndex()
        return self._keys[at] if 0 <= at < len(self._keys) else ""

    def show_choices(self, shown: str) -> None:
        """Offer all runs but the one shown, newest first; the pick stays while it is there."""
        kept = self.other if shown == self._shown else ""
        others = sorted((run for run in self._runs if run.id != shown), key=lambda run: -run.created_us)
        keys = ["", *(run.id for run in others)]
        if keys == self._keys and shown == self._shown:
            return
        if shown != self._shown:
            self.rows.replace_all([])
        self._keys, self._shown = keys, shown
        self.choice.clear()
        self.choice.addItems([tr("nothing"), *(run.title for run in others)])
        self.choice.setCurrentIndex(keys.index(kept) if kept in keys else 0)

    def show_figures(self, told: Mapping[str, Any]) -> None:
        """Show what `learning.compare` told."""
        differs = told["differs"]
        self.rows.replace_all(
            Figures(
                one["id"], one["title"], one["rounds"], one["final_accuracy"], one["best_accuracy"], one["rounds_to"]["0.9"],
                one["bytes"], one["time_s"], ", ".join(f"{name} {_plain(values[at])}" for name, values in differs.items()),
            )
            for at, one in enumerate(told["runs"])
        )  # fmt: skip


def _plain(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)


@dataclass(frozen=True)
class Tried:
    """One setting of a tuning, with its place."""

    place: int
    setting: str
    rounds: int
    accuracy: float


def tried_columns() -> list[Column[Tried]]:
    """Return the columns of the table of settings tried."""
    return [
        Column("place", tr("Place"), lambda row: row.place, count_text, 60, right=True),
        Column("setting", tr("Setting"), lambda row: row.setting, width=260),
        Column("rounds", tr("Rounds"), lambda row: row.rounds, count_text, 70, right=True),
        Column("accuracy", tr("Accuracy on data held back"), lambda row: row.accuracy, ratio_text, 180, right=True),
    ]


def tried_of(result: Mapping[str, Any]) -> list[Tried]:
    """Return the settings of a tuning's result from the best on."""
    told = []
    for place, trial in enumerate(result.get("trials", ()), 1):
        setting = ", ".join(f"{name} {value}" for name, value in trial.items() if name not in ("rounds", "accuracy", "loss"))
        told.append(Tried(place, setting, int(trial["rounds"]), float(trial["accuracy"])))
    return told


def _tuning_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a forecast is asked of a tuning: how many settings there are, and their passes in the middle."""
    if "lrs" not in given:
        return {}
    lists = {name: [word for word in given[name].split(",") if word.strip()] for name in _CHOICES}
    passes = sorted(int(word) for word in lists["epochs"] if word.strip().isdigit()) or [1]
    told = {"settings": math.prod(len(words) for words in lists.values()), "keep": given["keep"]}
    return {**told, "epochs": passes[len(passes) // 2], **({"clients": 0} if given["nodes"] else {})}


class ForecastLine(QLabel):
    """What the run in a form will take, asked anew a moment after each edit."""

    def __init__(self, form: CommandForm, hidden: Collection[str], ask: Callable[..., None]) -> None:
        super().__init__()
        self._form, self._ask = form, ask
        self.setProperty("role", "caption")
        self.setWordWrap(True)
        self._later = Later(self.refresh, _WAIT_MS, self)
        for arg in form.row.args:
            if arg.name in (*_FORECAST, *_CHOICES, "keep") and arg.name not in hidden:
                form.field(arg.name).edited.connect(self._later.ask)
        layout = form.layout()
        if layout is not None:
            layout.addWidget(self)

    def refresh(self) -> None:
        """Ask for the forecast of what stands in the form; nothing while that is wrong."""
        if not self._form.check():
            self.setText("")
            return
        given = self._form.row.take(self._form.given())
        asked = {name: given[name] for name in _FORECAST if name in given} | _tuning_of(given)
        if not 1 <= asked.get("settings", 1) <= MOST:
            self.setText("")
            return
        self._ask("learning.forecast", self.tell, **asked)

    def tell(self, told: Mapping[str, Any]) -> None:
        """Say what `learning.forecast` told."""
        if not told["clients"]:
            self.setText(tr("No nodes are chosen."))
            return
        source = (
            tr("by {count} earlier rounds", count=count_text(told["seen"]))
            if told["seen"]
            else tr("assumed; no run has been seen")
        )
        self.setText(
            tr(
                "Forecast: {clients} asked a round, {round_bytes} a round and {bytes} in all, about {time} ({source}).",
                clients=count_text(told["asked"]), round_bytes=bytes_text(told["round_bytes"]), bytes=bytes_text(told["bytes"]),
                time=span_text(told["time_s"]), source=source,
            )
            + {
                "most": " " + tr("Bytes are at most that."),
                "mean": " " + tr("Bytes are that on average."),
                "answer": " " + tr("Bytes are that when all nodes answer at once."),
            }.get(told["bytes_are"], "")
        )  # fmt: skip
