"""Circuits: open OpenQASM, see the diagram, run it, and look at the outcomes."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QTabWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text, span_text
from app.engine.circuits.textual import bonds_text
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.beside import Beside
from app.views.circuit_choice import CircuitChoice
from app.views.compile_part import CompilePart
from app.views.mean_part import MeanPart
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.widgets.bloch import BlochSpheres
from app.views.widgets.chart import Chart
from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import scrolled, tabbed
from app.views.widgets.histogram import Histogram


class CircuitsPage(RunPage):
    """Draws the file that was chosen, or the one of the picked run."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Circuits"), context.engine.circuits.records, kept=False)
        self._drawn: object = None
        self._compiled_shown = ("", False)
        self.form = self.add_form("circuit.run", tr("Run a circuit"), hidden=("text",))
        self.compile_form = self.add_form("circuit.compile", tr("Compile for a device"), hidden=("text", "out", "replace"))
        self.expect_form = self.add_form("circuit.expect", tr("Mean of an observable"), hidden=("text",))
        self.samples = CircuitChoice(
            context, tr("Sample circuits…"), tr("Sample circuits"), tr("Enters a kept or bundled circuit into the form")
        )
        self.samples.activated.connect(self._use_sample)
        self._head.addWidget(self.samples)
        self.canvas = CircuitCanvas()
        self.histogram = Histogram(tr("Outcomes"))
        self.histogram.setProperty("clear", True)
        self.spheres = BlochSpheres(tr("Bloch vectors"))
        self.spheres.setProperty("clear", True)
        self.beside = Beside(context, context.engine.circuits.records, self.pick, self._show_beside)
        self._counts: Mapping[str, int] = {}
        self._circuit: dict[str, Any] = {}
        self._state_of: object = {}
        self._facts, self._note, self._exact = QLabel(), QLabel(), QLabel()
        for label in (self._facts, self._note, self._exact):
            label.setProperty("role", "muted")
            label.setWordWrap(label is not self._exact)
        self.tabs = self._make_tabs()
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(card(Chart(tr("Diagram"), self.canvas, self.canvas.twin)))
        split.addWidget(card(self._facts, self._note, self.beside.said, self.tabs))
        split.setChildrenCollapsible(False)
        split.setHandleWidth(12)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        self.compiled, self.mean = CompilePart(), MeanPart()
        self.parts = QStackedWidget()
        for part in (split, self.compiled, self.mean):
            self.parts.addWidget(part)
        self.content.addWidget(self.parts, 1)
        self.set_empty(
            EmptyState(
                "circuit-board", tr("No circuit has run yet"),
                tr("Open an OpenQASM 2 or 3 file, see its diagram, and run it on a simulator in a process of its own. "
                   "A few small circuits are included."),
                tr("Run the Bell circuit"), self._run_first,
            )
        )  # fmt: skip

    def _make_tabs(self) -> QTabWidget:
        tabs = tabbed(tr("Outcomes and states"))
        outcomes = Chart(tr("Outcomes"), scrolled(self.histogram, tr("Outcomes"), across=True), self.histogram.twin)
        states = Chart(tr("State of each qubit"), scrolled(self.spheres, tr("Bloch vectors"), across=True), self.spheres.twin)
        outcomes.head.insertWidget(1, self.beside)
        states.head.insertWidget(1, self._exact)
        tabs.addTab(outcomes, tr("Outcomes"))
        tabs.addTab(states, tr("Qubits"))
        tabs.currentChanged.connect(lambda _at: self._ask_state())
        return tabs

    def shown(self) -> None:
        """Bring the shown run up to date, and know the devices that can be typed."""
        super().shown()
        self.samples.fill()
        if self.compile_form is not None:
            self.compile_form.field("device").suggest(self.context.engine.circuits.compiler.names())

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show what the run was for: outcomes, a compiled circuit, or the mean of an observable."""
        result = result_of(run, job)
        if "device_file" in run.spec:
            self.parts.setCurrentWidget(self.compiled)
            if fresh or job is not None:
                self._show_compiled(run, job, result)
        elif "observable" in run.spec:
            self.parts.setCurrentWidget(self.mean)
            self.mean.show_result(result)
        else:
            self.parts.setCurrentIndex(0)
            self._show_outcomes(run, job, result, fresh=fresh)

    def _show_compiled(self, run: Run, job: Job | None, result: Mapping[str, Any]) -> None:
        whole = (job.result if job is not None else None) or result
        if self._compiled_shown == (run.id, bool(whole.get("after"))):
            return
        self._compiled_shown = (run.id, bool(whole.get("after")))
        self.compiled.show_result(whole)
        if whole.get("after") and not whole.get("picture") and self.context.find("circuit.show") is not None:
            self.context.start("circuit.show", partial(self._redrawn, run.id, "after"), text=str(whole.get("qasm", "")))
            self.context.start("circuit.show", partial(self._redrawn, run.id, "before"), **_circuit(run))

    def _redrawn(self, run_id: str, side: str, told: Mapping[str, Any]) -> None:
        if self._compiled_shown[0] == run_id:
            (self.compiled.after if side == "after" else self.compiled.before).show_picture(told.get("picture"))

    def _show_outcomes(self, run: Run, job: Job | None, result: Mapping[str, Any], *, fresh: bool) -> None:
        picture = (job.result or {}).get("picture") if job is not None else None
        if picture is not None and self._drawn != run.id:
            self._drawn = run.id
            self.canvas.show_picture(picture)
        elif fresh and picture is None:
            self._draw(_circuit(run))
        counts = result.get("counts")
        if fresh or not self._counts:
            self._counts = counts if isinstance(counts, dict) else {}
            self.histogram.show_counts(self._counts)
            self.beside.offer(run)
        self._facts.setText(_facts(result) if counts else "")
        self._note.setText(str(result.get("note") or ""))
        self._note.setVisible(bool(result.get("note")))
        if fresh:
            self._circuit = _circuit(run)
            self._ask_state()

    def _show_beside(self, counts: Mapping[str, int] | None, names: tuple[str, ...]) -> None:
        self.histogram.show_counts(self._counts, counts, names)

    def _ask_state(self) -> None:
        """Have the state of each qubit computed by a worker once somebody looks at it."""
        if self.tabs.currentIndex() == 1 and self._state_of != self._circuit and self.context.find("circuit.state") is not None:
            self._state_of = self._circuit
            self._exact.setText("")
            self.spheres.show_vectors([], [])
            if self._circuit:
                self.context.start("circuit.state", partial(self._stated, self._circuit), **self._circuit)

    def _stated(self, circuit: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        if circuit == self._state_of:
            self.spheres.show_vectors(state.get("qubits", ()), state.get("vectors", ()))
            self._exact.setText(
                tr("before the final measurement, {simulator}", simulator=state.get("simulator", ""))
                if state.get("exact") else tr("mean of many runs, as the circuit measures on its way")
            )  # fmt: skip

    def _draw(self, circuit: dict[str, Any]) -> None:
        if circuit and self._drawn != circuit and self.context.find("circuit.show") is not None:
            self._drawn = circuit
            self.canvas.show_picture(None)
            self.context.start("circuit.show", partial(self._described, circuit), **circuit)

    def _described(self, circuit: Mapping[str, Any], described: Mapping[str, Any]) -> None:
        if self._drawn == circuit:
            self.canvas.show_picture(described.get("picture"))

    def _use_sample(self, number: int) -> None:
        file = str(self.samples.itemData(number) or "")
        if file and self.form is not None:
            for form in (self.form, self.compile_form, self.expect_form):
                if form is not None:
                    form.fill({"file": file})
            if self._records:
                self._draw({"file": Path(file)})

    def _run_first(self) -> None:
        number = max(1, self.samples.findText("bell"))
        self._use_sample(number)
        if self.form is not None:
            self.form.submit()


def _circuit(run: Run) -> dict[str, Any]:
    """Return what a command takes to read the circuit of a run again."""
    if run.spec.get("text"):
        return {"text": str(run.spec["text"])}
    return {"file": Path(str(run.spec["file"]))} if run.spec.get("file") else {}


def _facts(result: Mapping[str, Any]) -> str:
    bonds, noise = result.get("bonds") or {}, result.get("noise") or {}
    more = [bonds_text(int(bonds["largest"]), float(bonds["cut"]))] if bonds else []
    if noise:
        more.append(tr("with the errors of {noise} (simulated)", noise=noise.get("title", "")))
    return " · ".join([_way(result), *more])


def _way(result: Mapping[str, Any]) -> str:
    return tr(
        "{shots} shots of {qubits} qubits, depth {depth}, on {simulator} ({why}) in {wall}",
        shots=count_text(result.get("shots", 0)), qubits=result.get("qubits", "–"), depth=result.get("depth", "–"),
        simulator=result.get("simulator", "–"), wall=span_text(result.get("wall_s")), why=result.get("why", ""),
    )  # fmt: skip
