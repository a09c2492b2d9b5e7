"""Learning: train over the nodes or simulate a federation; its curves, what each gave, and runs side by side."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text, number_text, ratio_text, span_text
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run
from app.engine.learning.clients import HEADLESS
from app.engine.learning.records import OF_ROUNDS
from app.engine.learning.trials import has_left
from app.views.learning_parts import (
    ComparisonPart,
    ForecastLine,
    Share,
    Tried,
    UpdatesPart,
    share_columns,
    shares_of,
    tried_columns,
    tried_of,
)
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.widgets.bars import Bar, Bars
from app.views.widgets.chart import Chart
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain, tabbed
from app.views.widgets.plot import LivePlot
from app.views.widgets.table import TablePanel

# Arguments for those who know them: on the command line and in the palette.
_DEEP: Final = (
    "epochs", "batch", "lr", "deadline_s", "quorum_ratio", "mu", "beta", "server_rate", "compress", "keep_ratio", "selection",
    "drop_stragglers", "until_accuracy", "plateau_rounds", "patience_s", "norm_bound", "title", "name", "data", "dataset",
    "weight_most", "dropout_rate", "drill_round", "model", "alpha", "versions",
)  # fmt: skip
_DEEP_OF_TUNING: Final = ("model", "alpha", "dataset", "data", "sample_rate")
_OVER_NODES: Final = "live nodes"
_AGAIN: Final = ("paused", "stopped", "failed", "cancelled", "interrupted")
_CURVES: Final = (("accuracy_ratio", "accuracy"), ("loss", "loss"), ("drift_ratio", "drift"), ("round_bytes", "bytes"))


class LearningPage(RunPage):
    """The data stays on the nodes; only updates travel."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Learning"), context.engine.learning.records, kept=True)
        self.train = self.add_form("learning.train", tr("Train over the nodes"), hidden=_DEEP)
        self.simulate = self.add_form("learning.simulate", tr("Simulate a federation"), hidden=_DEEP)
        self.tune = self.add_form("learning.tune", tr("Find settings"), hidden=_DEEP_OF_TUNING)
        forms = ((self.train, _DEEP), (self.simulate, _DEEP), (self.tune, _DEEP_OF_TUNING))
        self.forecasts = [ForecastLine(form, hidden, context.start) for form, hidden in forms if form is not None]
        self._make_actions()
        self._figure = QLabel()
        self._figure.setProperty("role", "figure")
        self._said, self._waits = QLabel(), QLabel()
        for label in (self._said, self._waits):
            label.setProperty("role", "muted")
            label.setWordWrap(True)
        self._make_plots()
        self.examples = Bars(tr("Examples per node"), tr("Examples"), lambda value: number_text(value, ",.0f"))
        self.losses = Bars(tr("Loss per node"), tr("Loss"), lambda value: number_text(value, ".3f"))
        self._rows: Records[Share] = Records(lambda row: row.name, "node")
        self.nodes = TablePanel(
            self._rows, share_columns(), name=tr("Nodes in the last round"), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        self._trials: Records[Tried] = Records(lambda row: str(row.place), "setting")
        self.trials = TablePanel(
            self._trials, tried_columns(), name=tr("Settings tried"), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        self.updates = UpdatesPart()
        self._asked, self._stored = "", list[dict[str, Any]]()
        self._drilled: Mapping[str, Any] | None = None
        self._goes_on = False
        self._drillable = self._elsewhere = False
        self.comparison = ComparisonPart(context.engine.learning.records, self._compare)
        self.tabs = self._make_tabs()
        self._lay_out_content()
        self.set_empty(
            EmptyState(
                "network", tr("No model has been trained yet"),
                tr("Start the demo fleet and train a digit recogniser over its nodes: each keeps its data and sends updates. "
                   "Or simulate a hundred clients on this machine."),
                tr("Simulate 100 clients"), lambda: self.simulate.submit() if self.simulate is not None else None,
            )
        )  # fmt: skip

    def _make_actions(self) -> None:
        """Put what can be done with the shown run at the top right; nothing can before one is shown."""
        context = self.context
        asked = (
            ("pause", tr("Pause"), tr("Have the session pause after the round under way"), "learning.pause"),
            ("resume", tr("Resume"), tr("Go on with the session after its last finished round"), "learning.resume"),
            ("stop", tr("Stop"), tr("End the session after the round under way; its rounds are kept"), "learning.stop"),
        )
        self.verbs: dict[str, QPushButton] = {}
        for name, text, sentence, command in asked:
            button = QPushButton(text)
            explain(button, sentence)
            button.clicked.connect(lambda _checked=False, command=command: self._ask_for(command))
            self.verbs[name] = button
        self.drill = QPushButton(tr("Drill"))
        explain(
            self.drill,
            tr("Have nodes of the session seem to attack or be lost; of a run that is over, simulate that from its middle on"),
        )
        self.drill.clicked.connect(lambda _checked=False: self._drill())
        self.export = QPushButton(tr("Export the model"))
        explain(self.export, tr("Write the global model of the run shown as an ONNX file"))
        self.export.clicked.connect(lambda _checked=False: context.open_command("learning.export", {"run": self._run_id}))
        for button in (*self.verbs.values(), self.drill, self.export):
            button.setEnabled(False)
            self.add_action(button)

    def _make_plots(self) -> None:
        self.accuracy = LivePlot(tr("Test accuracy"), unit="%", fixed_y=(0.0, 1.05), scale=100, counted=tr("round"))
        self.loss = LivePlot(tr("Test loss"), counted=tr("round"))
        self.drift = LivePlot(tr("Drift of the clients"), unit="%", fixed_y=(0.0, 1.05), scale=100, counted=tr("round"))
        self.bytes = LivePlot(tr("Bytes a round"), unit="KiB", scale=1 / 1024, counted=tr("round"))
        self._plots = (self.accuracy, self.loss, self.drift, self.bytes)
        names = (tr("accuracy"), tr("loss"), tr("drift"), tr("bytes"))
        for plot, name, (metric, _) in zip(self._plots, names, _CURVES, strict=True):
            plot.add(name, lambda metric=metric: self.ring(metric))  # type: ignore[misc]
            self.context.frames.add(plot, plot.draw)
        self.accuracy.add(tr("compared"))
        for plot in self._plots[1:]:
            plot.share(self.accuracy.axis)

    def _make_tabs(self) -> QTabWidget:
        tabs = tabbed(tr("Nodes in the last round"))
        pictures = QWidget()
        side_by_side = QHBoxLayout(pictures)
        side_by_side.setContentsMargins(0, 0, 0, 0)
        for bars, heading in ((self.examples, tr("Examples")), (self.losses, tr("Loss on its own data"))):
            side_by_side.addWidget(Chart(heading, bars, bars.twin), 1)
        for part, heading in (
            (pictures, tr("Each node")), (self.nodes, tr("Table")), (self.updates, tr("Updates")),
            (self.trials, tr("Settings tried")), (self.comparison, tr("Comparison")),
        ):  # fmt: skip
            tabs.addTab(part, heading)
        return tabs

    def _lay_out_content(self) -> None:
        words = QVBoxLayout()
        for label in (self._figure, self._said, self._waits):
            words.addWidget(label)
        words.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(card(words, heading=tr("Accuracy")), 2)
        below.addWidget(card(self.tabs, heading=tr("Last round and comparison")), 5)
        others = tabbed(tr("Other curves"))
        for plot, heading in zip(self._plots[1:], (tr("Loss"), tr("Drift"), tr("Bytes")), strict=True):
            others.addTab(plot, heading)
        plots = QHBoxLayout()
        plots.addWidget(card(self.accuracy), 1)
        plots.addWidget(card(others), 1)
        self.content.addLayout(plots, 3)
        self.content.addLayout(below, 2)

    def shown(self) -> None:
        """Bring the shown run and the forecasts up to date."""
        super().shown()
        for line in self.forecasts:
            line.refresh()

    def frame_now(self) -> None:
        """Draw the plots."""
        for plot in self._plots:
            plot.draw(wait=True)

    def show_nothing(self) -> None:
        """There is no run: nothing can be done with one."""
        for button in (*self.verbs.values(), self.drill, self.export):
            button.setEnabled(False)

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show the rounds so far and the nodes of the last one."""
        self.bar.say_kept(run.source != "tuning" or "nodes" not in run.spec)
        result = result_of(run, job)
        partial = job.partial if job is not None else {}
        if fresh:
            for plot in self._plots:
                plot.clear()
        rounds = self._rounds_of(run, job, result)
        self._show_curves(rounds)
        reached = result.get("final_accuracy", partial.get("accuracy", rounds[-1]["accuracy"] if rounds else None))
        self._figure.setText("–" if reached is None else ratio_text(reached))
        self._said.setText(" · ".join(filter(None, (_said(result, partial, rounds), _served(run, result)))))
        self._drilled = partial.get("drill") if _live(job) else None
        waits = " · ".join(filter(None, (_drill_text(self._drilled), partial.get("waits")))) if _live(job) else ""
        broke_off = _broke_off(run, job)
        self._goes_on = broke_off and "nodes" in run.spec and has_left(self.context.engine.home, run.id)
        self._waits.setText(_broken_text(run, goes_on=self._goes_on) if broke_off else waits)
        self._show_tabs(result, partial, rounds)
        self.comparison.show_choices(run.id)
        self._show_verbs(run, job, rounds)

    def _rounds_of(self, run: Run, job: Job | None, result: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a run's rounds; of a session that broke off, which has no result, those that it had committed."""
        rounds = [row for row in result.get("rounds", ()) if isinstance(row, dict)]
        if rounds or run.source != _OVER_NODES or _live(job):
            return rounds
        key = f"{run.id} {run.job_id} {run.state}"
        if key != self._asked:
            self._asked, self._stored = key, []
            self.context.start("learning.show", self._found, run=run.id)
        return self._stored

    def _found(self, told: Mapping[str, Any]) -> None:
        if told["id"] == self._run_id and told["rounds"]:
            self._stored = list(told["rounds"])
            self._tell()

    def _show_curves(self, rounds: list[dict[str, Any]]) -> None:
        """Show a run of an earlier day, of which there are no live samples."""
        at = np.array([row["round"] for row in rounds], float)
        for plot, (metric, name) in zip(self._plots, _CURVES, strict=True):
            if rounds and self.ring(metric) is None:
                values = [row.get(name) for row in rounds]
                plot.show_data(0, at, np.array([np.nan if value is None else value for value in values], float))

    def _show_tabs(self, result: Mapping[str, Any], partial: Mapping[str, Any], rounds: list[dict[str, Any]]) -> None:
        last = {part["name"]: part for part in rounds[-1].get("parts", ())} if rounds else {}
        shares = shares_of(partial.get("nodes") or result.get("parts") or last)
        self._rows.replace_all(shares)
        self.examples.show_bars([Bar(share.name, share.examples, share.state) for share in shares])
        self.losses.show_bars([Bar(share.name, share.loss, share.state) for share in shares])
        updates = partial.get("updates") or result.get("updates") or {}
        self.updates.show_updates(updates)
        trials = tried_of(result)
        self._trials.replace_all(trials)
        for place, there in enumerate((bool(shares), bool(shares), bool(updates), bool(trials), True)):
            self.tabs.setTabVisible(place, there)

    def _show_verbs(self, run: Run, job: Job | None, rounds: list[dict[str, Any]]) -> None:
        """Offer what can be done with the shown run."""
        over_nodes, live, may = run.source == _OVER_NODES, _live(job), self.context.why_not
        self._elsewhere = over_nodes and job is None and run.state in LIVE  # another console has it, or had it when it went
        for name in ("pause", "stop"):
            there = live or (self._elsewhere and name == "stop")
            self.verbs[name].setEnabled(over_nodes and there and not may(f"learning.{name}"))
        again = over_nodes and not live and (run.state in _AGAIN or self._elsewhere)
        self.verbs["resume"].setEnabled((again or self._goes_on) and not may("learning.resume"))
        self._drillable = over_nodes and live
        self.drill.setText(tr("End the drill") if self._drilled else tr("Drill"))
        asked = "learning.drill" if self._drillable else "learning.simulate"
        self.drill.setEnabled(run.source != "tuning" and not may(asked))
        ended = run.state == "done" or (run.state in _AGAIN and not live and bool(rounds))
        self.export.setEnabled(ended and run.source != "tuning" and not may("learning.export"))

    def _ask_for(self, command: str) -> None:
        """Have a session pause, go on or stop; where another console has it under way, ask first whether that is gone."""
        if self._elsewhere:
            self.context.open_command(command, {"run": self._run_id, "take_over": True})
        else:
            self.context.start(command, None, run=self._run_id)

    def _compare(self, other: str) -> None:
        """Show the run `other` beside the one shown; empty shows none."""
        self.comparison.rows.replace_all([])
        self.accuracy.show_data(1, np.empty(0), np.empty(0))
        if other:
            self.context.start("learning.compare", self._compared, runs=f"{self._run_id},{other}")

    def _compared(self, told: Mapping[str, Any]) -> None:
        if told["runs"][0]["id"] != self._run_id:
            return
        self.comparison.show_figures(told)
        values = np.array(told["runs"][1]["accuracy"], float)
        self.accuracy.show_data(1, np.arange(1.0, len(values) + 1), values)

    def _drill(self) -> None:
        """Open the drill of the session shown, or end it; of a run that is over, simulate one like it with an attack."""
        if self._drilled:
            self.context.start("learning.drill", None, run=self._run_id, attack="none")
            return
        if self._drillable:
            self.context.open_command("learning.drill", {"run": self._run_id})
            return
        run = self.context.engine.learning.records.get(self._run_id)
        row = self.context.find("learning.simulate")
        if run is None or row is None:
            return
        short = {"learning_rate": "lr", "sample_ratio": "sample_rate"}
        known = {arg.name for arg in row.args}
        left_out = OF_ROUNDS if run.spec.get("algorithm") == "fedbuff" else ()
        asked = {
            short.get(name, name): value for name, value in run.spec.items() if value not in (None, "") and name not in left_out
        }
        clients = int(run.spec.get("clients") or max(len(run.spec.get("nodes", ())), 1))
        drilled = {
            "clients": clients, "attack": "sign-flip", "attackers": max(1, clients // 5),
            "drill_round": max(1, int(run.spec.get("rounds", 2)) // 2),
        }  # fmt: skip
        self.context.open_command("learning.simulate", {name: asked[name] for name in asked if name in known} | drilled)


def _broke_off(run: Run, job: Job | None) -> bool:
    """Tell whether a tuning ended before it had found anything, and was not cancelled."""
    return run.source == "tuning" and run.state in {"failed", "interrupted"} and not _live(job)


def _broken_text(run: Run, *, goes_on: bool) -> str:
    """Return what is to be done with a tuning that broke off."""
    if goes_on:
        return tr("This tuning broke off and waits: Resume goes on after the rounds that it held.")
    if "nodes" in run.spec:
        return tr("This tuning broke off, and nothing of it is left to go on with: find settings anew.")
    return tr("This tuning broke off. It ran on simulated clients, of which nothing is kept: find settings anew.")


def _live(job: Job | None) -> bool:
    return job is not None and job.state in LIVE


def _drill_text(drill: Mapping[str, Any] | None) -> str:
    """Say what is drilled; nothing where nothing is."""
    if not drill:
        return ""
    names, rounds = ", ".join(drill["nodes"]), count_text(drill["rounds"])
    if drill["attack"] == "dropout":
        return tr("Drill: lost are {names}, rounds left: {rounds}", names=names, rounds=rounds)
    return tr("Drill: {attack} by {names}, rounds left: {rounds}", attack=drill["attack"], names=names, rounds=rounds)


def _served(run: Run, result: Mapping[str, Any]) -> str:
    """Say how clients are served where each has a model of its own, and what the accuracy is that of."""
    told, words = result.get("served") or {}, list[str]()
    if str(run.spec.get("algorithm", "")) in HEADLESS:
        words.append(tr("that is the common model, whose last layer nobody trains"))
    if "own_mean" in told:
        common, own = (tuple(ratio_text(told[f"{name}_{of}"]) for of in ("mean", "low")) for name in ("global", "own"))
        said = tr(
            "clients with models of their own: {own}, the worst served tenth at most {own_low}; with the common one {common}, "
            "{common_low}",
            own=own[0], own_low=own[1], common=common[0], common_low=common[1],
        )  # fmt: skip
        words.append(said)
    return " · ".join(words)


def _said(result: Mapping[str, Any], partial: Mapping[str, Any], rounds: list[dict[str, Any]]) -> str:
    done = len(rounds) or partial.get("round", 0)
    if "trials" in result:
        return tr(
            "of the test examples with the best of {count} settings, found in {held} rounds instead of {whole}",
            count=len(result["trials"]), held=result["rounds_held"], whole=result["rounds_whole"],
        )  # fmt: skip
    if "tries" in partial:
        setting = ", ".join(f"{name} {value}" for name, value in partial["tries"].items())
        return tr("trying {setting}; {bytes} moved before it", setting=setting, bytes=bytes_text(partial["bytes"]))
    if not done:
        return ""
    if "clients" in result:
        words = tr(
            "of the test examples after {rounds} rounds with {clients} simulated clients",
            rounds=done,
            clients=result["clients"],
        )
    else:
        words = tr("of the test examples after {rounds} rounds", rounds=done)
    last = rounds[-1] if rounds else partial
    if last.get("bytes") and last.get("time_s") is not None:
        more = tr("last round: {bytes}, {time}", bytes=bytes_text(last["bytes"]), time=span_text(last["time_s"]))
        lost, rejected = int(partial.get("missing") or 0), len(partial.get("rejected") or ())
        words = f"{words} · {more}" + (" · " + tr("{count} clients missing", count=lost) if lost else "")
        words += " · " + tr("{count} over the norm bound", count=rejected) if rejected else ""
    idle = int(result.get("idle_rounds") or 0)
    words += " · " + tr("{count} rounds with too few updates for the aggregator", count=idle) if idle else ""
    if "backdoor_ratio" in result:
        words += " · " + tr("the backdoor turns {share} of other classes", share=ratio_text(result["backdoor_ratio"]))
    return words
