"""Guided tasks: a quantum algorithm step by step, its answer beside the classical check, and an honest verdict."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.engine.base.command import Arg, Command
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import number_text, span_text
from app.engine.circuits.tasks.base import Param, Task
from app.engine.circuits.tasks.comparing import said
from app.engine.circuits.tasks.registry import TASKS
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.forms import CommandForm
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.task_beside import TaskBeside
from app.views.widgets.chart import Chart
from app.views.widgets.choice import Choice
from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain
from app.views.widgets.plot import LivePlot
from app.views.widgets.state import dress
from app.views.widgets.table import TablePanel

Row = tuple[str, str, str]
_SEED: Final = Arg("seed", int, "Seed; equal seeds give equal results.", 0, low=0, high=2**64 - 1)


class TaskForm(CommandForm):
    """The parameters of one task as a form; copied as the command it stands for."""

    def __init__(self, task: Task, run: Any, why_not: str) -> None:
        self._task = task
        row = Command("task.run", "Run a guided task", task.about, _nowhere, (*map(_arg, task.params), _SEED))
        super().__init__(row, run, why_not=why_not)

    def as_command(self) -> str:
        """Return the command line that the form stands for."""
        given = self.given()
        seed = given.pop("seed", 0)
        query = str(given.pop("query", "") or "")
        options = options_text(given)
        parts = [f"--query {shlex.quote(query)}"] if query else []
        parts += [f"--options {shlex.quote(options)}"] if options else []
        return " ".join(["outpost task run", self._task.name, *parts, f"--seed {seed}"])


class TasksPage(RunPage):
    """Choose a task, read how it goes, run it, and see both answers."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Guided tasks"), context.engine.circuits.tasks.records, kept=False)
        self._offered = False  # what may stand beside the shown run, once it is done
        self.choice = Choice()
        self.choice.setAccessibleName(tr("Task"))
        explain(self.choice, tr("The algorithm that is shown and run"))
        for task in TASKS.values():
            self.choice.addItem(tr(task.title), task.name)
        self.about, self.steps = QLabel(), QLabel()
        for label in (self.about, self.steps):
            label.setWordWrap(True)
        self.steps.setProperty("role", "muted")
        self._holder = QVBoxLayout()
        self.form: TaskForm | None = None
        words = QVBoxLayout()
        words.setSpacing(2 * theme.SPACE)
        for widget in (self.choice, self.about, self.steps):
            words.addWidget(widget)
        words.addLayout(self._holder)
        self.forms.addWidget(card(words, heading=tr("Task")))
        self._build_result()
        self.set_empty(
            EmptyState(
                "circuit-board", tr("No task has been run yet"),
                tr("Each task runs a quantum algorithm on a simulator, with the classical answer to its question beside it."),
                tr("Search with Grover"), self._run_first,
            )
        )  # fmt: skip
        self.choice.currentIndexChanged.connect(lambda _at: self._show_task())
        self._show_task()

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show verdict, both answers, the course and the circuit of a run."""
        result = result_of(run, job)
        verdict, told = str(result.get("quantum_advantage", "")), str(result.get("why", ""))
        words = {"yes": tr("Quantum advantage"), "no": tr("No quantum advantage"), "undecided": tr("Undecided")}
        self.verdict.setText(f"{words[verdict]}: {tr(told)}" if verdict in words else "")
        dress(self.verdict, "ok" if verdict == "yes" else "text")
        self.facts.setText(_facts(result))
        task = TASKS.get(run.source)
        self.means.setText(_means(task) if task is not None and result else "")
        self._rows.replace_all(answers(result.get("solution") or {}, result.get("classical_baseline") or {}))
        self.canvas.show_picture(result.get("picture"))
        self._drawn.setVisible(bool(result.get("picture")))
        curves = courses(result.get("series") or {})
        self._course.setVisible(bool(curves))
        done = bool(result.get("execution"))
        if fresh or done != self._offered:
            self._offered = done
            self.beside.offer(run)
        if fresh:
            self.plot.clear()
            for number, (_name, t, v) in enumerate(curves[:2]):
                self.plot.show_data(number, np.asarray(t, float), np.asarray(v, float))

    def frame_now(self) -> None:
        """Draw the course."""
        self.plot.draw(wait=True)

    def _build_result(self) -> None:
        self.verdict, self.facts, self.means = QLabel(), QLabel(), QLabel()
        for label in (self.facts, self.means):
            label.setProperty("role", "muted")
        for label in (self.verdict, self.facts, self.means):
            label.setWordWrap(True)
        self._rows: Records[Row] = Records(lambda row: row[0], "figure")
        columns = [
            Column[Row]("what", tr("Figure"), lambda row: row[0], width=150),
            Column[Row]("quantum", tr("Quantum, simulated"), lambda row: row[1], width=130),
            Column[Row]("classical", tr("Classical"), lambda row: row[2], width=160),
        ]
        self.table = TablePanel(self._rows, columns, name=tr("Answers"), row_px=theme.COMPACT_ROW_PX, filterable=False)
        self.plot = LivePlot(tr("Course"))
        self.context.frames.add(self.plot, self.plot.draw)
        self.plot.add(tr("quantum"))
        self.plot.add(tr("classical"))
        self.canvas = CircuitCanvas()
        told = QVBoxLayout()
        for label in (self.verdict, self.facts, self.means):
            told.addWidget(label)
        line = QHBoxLayout()
        line.setSpacing(3 * theme.SPACE)
        self._course = card(self.plot)
        self.beside = TaskBeside(self.context, self._records, self.table)
        line.addWidget(card(self.beside, self.table, self.beside.table, heading=tr("Answers")), 3)
        line.addWidget(self._course, 2)
        self._drawn: QWidget = card(Chart(tr("Circuit"), self.canvas, self.canvas.twin))
        self.content.addWidget(card(told, heading=tr("Verdict")))
        self.content.addLayout(line, 2)
        self.content.addWidget(self._drawn, 2)

    def _show_task(self) -> None:
        task = TASKS[str(self.choice.currentData())]
        self.about.setText(tr(task.about))
        self.steps.setText("\n".join(f"{number}. {tr(step)}" for number, step in enumerate(task.steps, 1)))
        if self.form is not None:
            self._holder.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
        self.form = TaskForm(task, self._run, self.context.why_not("task.run"))
        self._holder.addWidget(self.form)

    def _run(self, given: Mapping[str, Any]) -> None:
        options = options_text({name: value for name, value in given.items() if name not in ("seed", "query")})
        self.context.start(
            "task.run", None, name=str(self.choice.currentData()), options=options, query=str(given.get("query") or ""),
            seed=given.get("seed", 0),
        )  # fmt: skip

    def _run_first(self) -> None:
        self.choice.setCurrentIndex(0)
        if self.form is not None:
            self.form.submit()


def options_text(given: Mapping[str, Any]) -> str:
    """Return the options of a task as the command takes them."""
    return " ".join(f"{name}={value}" for name, value in given.items() if value not in ("", None))


def answers(solution: Mapping[str, Any], classical: Mapping[str, Any]) -> list[Row]:
    """Return the figures of both answers side by side; what is a list or a table stays in the run's document."""
    names = [*solution, *(name for name in classical if name not in solution)]
    plain = [name for name in names if not isinstance(solution.get(name, classical.get(name)), (list, dict))]
    return [(name.replace("_", " "), said(solution.get(name)), said(classical.get(name))) for name in plain]


def courses(series: Mapping[str, Any]) -> list[tuple[str, Sequence[float], Sequence[float]]]:
    """Return (name, times, values) of what is known over time or over rounds."""
    times = series.get("time")
    found = [(name, values) for name, values in series.items() if name != "time" and isinstance(values, list)]
    return [(name, times or list(range(len(values))), values) for name, values in found]


def _facts(result: Mapping[str, Any]) -> str:
    ran = result.get("execution") or {}
    if not ran:
        return ""
    return tr(
        "simulated with {simulator} in {wall} · {qubits} qubits, depth {depth} · error {error} · confidence {confidence}",
        simulator=ran["simulator"], wall=span_text(ran["wall_s"]), qubits=ran["qubits"], depth=ran["depth"],
        error=number_text(result["error_rate"], ".3g"), confidence=number_text(result["confidence"], ".3g"),
    )  # fmt: skip


def _means(task: Task) -> str:
    return tr("Error: {error} Confidence: {confidence}", error=tr(task.error_means), confidence=tr(task.confidence_means))


def _arg(param: Param) -> Arg:
    kind = type(param.default)
    if param.choices or kind is str:
        return Arg(param.name, str, param.help, param.default, choices=param.choices)
    return Arg(param.name, kind, param.help, param.default, low=param.low, high=param.high)


async def _nowhere(*_what: Any, **_args: Any) -> None:
    """Stand in for a handler: the form hands its values to the page, never to the row."""
