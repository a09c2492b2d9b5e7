"""QUBO: a problem, a solver and a budget; the best energy as it falls, the samples, the answer in the problem's own terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import count_text, figure_text, ratio_text, span_text
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.embedding import EmbeddingPart, Source
from app.views.problem_gallery import ProblemGallery
from app.views.problem_picture import ProblemPicture
from app.views.problem_wizard import ProblemWizard
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.solver_options import SolverOptions
from app.views.widgets.bars import BinChart
from app.views.widgets.chart import Chart
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain, scrolled, tabbed
from app.views.widgets.graph_view import GraphView
from app.views.widgets.heatmap import Heatmap
from app.views.widgets.landscape import Landscape
from app.views.widgets.plot import LivePlot
from app.views.widgets.side_by_side import SideBySide
from app.views.widgets.state import dress
from app.views.widgets.table import TablePanel

_COURSE: Final = "best_energy:"
_BEYOND: Final = 1.02
_OBJECTIVE_PX: Final = 96
_COURSE_PX: Final = 168


@dataclass(frozen=True)
class Sample:
    """One distinct sample of a run: its place, energy, objective in the file's own sense, and how often it was found."""

    rank: int
    energy: float
    objective: float | None
    count: int
    feasible: bool = True
    violations: int = 0
    distance: int | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


def sample_columns(terms: Sequence[str] = ()) -> list[Column[Sample]]:
    """Return the columns of the table of samples; `terms` are those of the problem's own figures."""
    return [
        Column("rank", tr("Rank"), lambda row: row.rank, width=60, right=True),
        Column("objective", tr("Objective"), lambda row: row.objective, figure_text, 120, right=True),
        Column("energy", tr("Energy"), lambda row: row.energy, figure_text, 120, right=True),
        Column("feasible", tr("Feasible"), lambda row: row.feasible, lambda yes: tr("● yes") if yes else tr("■ no"), 80,
               token=lambda row: "ok" if row.feasible else "bad"),
        Column("violations", tr("Broken"), lambda row: row.violations, width=60, right=True),
        *(Column[Sample](f"term{k}", name, partial(_term, name), figure_text, _width_of(name), right=True)
          for k, name in enumerate(terms)),
        Column("distance", tr("Bits from the best"), lambda row: row.distance, width=110, right=True),
        Column("count", tr("Times found"), lambda row: row.count, width=90, right=True),
    ]  # fmt: skip


def _width_of(title: str) -> int:
    """Return the width of a column of figures under a title that a problem gave."""
    return max(120, 7 * len(title) + 24)


def _term(name: str, row: Sample) -> float | None:
    return row.terms.get(name)


def sample_rows(result: Mapping[str, Any]) -> list[Sample]:
    """Return the samples of a run's result, the best first."""
    return [
        Sample(rank, row["energy"], row["objective"], row["count"], bool(row.get("feasible", True)),
               int(row.get("violations", 0)), row.get("distance"), row.get("terms") or {})
        for rank, row in enumerate(result.get("samples", ()), 1)
    ]  # fmt: skip


class QuboPage(RunPage):
    """Solve, watch, compare."""

    _warmed = False

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("QUBO"), context.engine.qubo.records, kept=True)
        self.form = self.add_form("qubo.solve", tr("Solve a problem file"), hidden=("sweeps",))
        if self.form is not None:
            self.options = SolverOptions(self.form, context.engine.qubo.solvers)
            self.forms.addWidget(self.options)
        self.gallery = ProblemGallery(self.use_problem)
        self.wizard = ProblemWizard(context, self.use_problem)
        self.keep_aside(self.gallery)
        self.keep_aside(self.wizard)
        for name, act, what in (
            (tr("Problems"), self._open_gallery, tr("The kinds of problem that can be solved, each with a sample")),
            (tr("Import"), self._open_wizard, tr("Read a problem from a file or a table, and see what was understood")),
        ):
            button = QPushButton(name)
            explain(button, what)
            button.clicked.connect(partial(_pressed, act))
            self.add_action(button)
        self.sample = QPushButton(tr("Use the sample graph"))
        explain(self.sample, tr("Enters a bundled graph of 800 nodes into the form"))
        self.sample.clicked.connect(lambda _checked=False: self._use_sample())
        self.add_action(self.sample)
        self._figure = QLabel()
        self._figure.setProperty("role", "figure")
        self._verdict = QLabel()
        self._verdict.setWordWrap(True)
        self._facts = QLabel()
        self._facts.setProperty("role", "muted")
        self._facts.setWordWrap(True)
        self.plot = LivePlot(tr("Best energy"), steps=True)
        context.frames.add(self.plot, self.plot.draw)
        self.energies = BinChart(tr("Energies of the samples"), tr("Energy"))
        self.picture = ProblemPicture()
        self.matrix = Heatmap(tr("Matrix of the problem"))
        self.graph = GraphView(tr("Graph of the problem"))
        self.landscape = Landscape(tr("Landscape of the best samples"))
        self.embedding = EmbeddingPart(context)
        self._drawn, self._source = Source(), Source()
        self._rows: Records[Sample] = Records(lambda row: str(row.rank), "sample")
        self._terms: tuple[str, ...] = ()
        self.samples = self._sample_table()
        self._lay_out_cards()
        self.set_empty(
            EmptyState(
                "sigma", tr("Nothing solved yet"),
                tr("Open a problem (routes, schedules, portfolios, graphs, QUBO) in its own format or as a table, and see the "
                   "best energy fall while it is solved. Problems shows a sample of every kind."),
                tr("Solve the sample graph"), self._solve_sample,
            )
        )  # fmt: skip

    def _lay_out_cards(self) -> None:
        said = QWidget()
        said.setProperty("clear", True)
        words = QVBoxLayout(said)
        words.setContentsMargins(0, 0, 0, 0)
        for label in (self._figure, self._verdict, self._facts):
            words.addWidget(label)
        words.addStretch(1)
        # A verdict may be longer than a small window has room for.
        objective = scrolled(said, tr("Objective"))
        objective.setMinimumHeight(_OBJECTIVE_PX)
        # With less the labels of its scale stand on each other.
        self.plot.setMinimumHeight(_COURSE_PX)
        top = SideBySide((card(objective, heading=tr("Objective")), 2), (card(self.plot), 3))
        self.tabs = tabbed(tr("Pictures of the problem and its samples"))
        self.tabs.addTab(self.samples, tr("Samples"))
        self.tabs.addTab(Chart(tr("Energies of the samples"), self.energies, self.energies.twin), tr("Energies"))
        self.tabs.addTab(Chart(tr("Matrix"), self.matrix, self.matrix.twin), tr("Matrix"))
        self.tabs.addTab(Chart(tr("Graph"), self.graph, self.graph.twin), tr("Graph"))
        self.tabs.addTab(Chart(tr("Picture"), self.picture, self.picture.twin), tr("Picture"))
        self.tabs.addTab(Chart(tr("Landscape"), self.landscape, self.landscape.twin), tr("Landscape"))
        self.tabs.addTab(self.embedding, tr("Embedding"))
        self.tabs.currentChanged.connect(lambda _at: self._ask_picture())
        self.content.addWidget(top, 2)
        self.content.addWidget(card(self.tabs), 3)

    def _sample_table(self) -> TablePanel[Sample]:
        columns = sample_columns(self._terms)
        return TablePanel(self._rows, columns, name=tr("Samples"), row_px=theme.COMPACT_ROW_PX, filterable=False)

    def _show_samples(self, result: Mapping[str, Any]) -> None:
        """Show the samples as table, histogram and landscape; the table has the columns of their problem."""
        rows = sample_rows(result)
        terms = tuple(next((row.terms for row in rows if row.terms), ()))
        if terms != self._terms:
            self._terms, old = terms, self.samples
            self.samples = self._sample_table()
            at, shown = self.tabs.indexOf(old), self.tabs.currentIndex()
            self.tabs.removeTab(at)
            old.deleteLater()
            self.tabs.insertTab(at, self.samples, tr("Samples"))
            self.tabs.setCurrentIndex(shown)
        self._rows.replace_all(rows)
        self.energies.show_values([row.energy for row in rows], [row.count for row in rows])
        land = result.get("landscape")
        self.landscape.show_picture({**land, "samples": result["samples"]} if land else None)

    def shown(self) -> None:
        """Bring the shown run up to date; the first time, have the solvers prepared in the background."""
        super().shown()
        if not self._warmed and self.context.find("qubo.warm") is not None:
            self._warmed = True
            self.context.start("qubo.warm", None)

    def frame_now(self) -> None:
        """Draw the plot."""
        self.plot.draw(wait=True)

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show objective, verdict, samples and course."""
        result = result_of(run, job)
        if fresh:
            self.plot.clear()
        objective = result.get("objective")
        self._figure.setText("–" if objective is None else figure_text(objective))
        verified = bool(result.get("verified"))
        told = (_verdict(result), _bound(result, self._called(str(result.get("bound_by", "")))))
        self._verdict.setText(" ".join(filter(None, told)))
        dress(self._verdict, "ok" if verified else "muted")
        facts = _facts(run, result, self._called(str(result.get("solver", ""))))
        self._facts.setText("\n".join(filter(None, (facts, _why(result, self._called)))))
        self._show_courses(run, result)
        self._show_samples(result)
        self._show_drawing(run, result, fresh=fresh)
        self.graph.show_sides(str(result.get("sample") or ""))
        best = result.get("best_known")
        self.plot.show_lines([(float(best), tr("best known"))] if isinstance(best, (int, float)) else [])
        if fresh:
            kind, sense = (str(run.spec.get(name) or "auto") for name in ("kind", "sense"))
            self._source = Source(str(run.spec.get("file", "")), kind, sense)
            self.embedding.show_source(self._source)
            self.tabs.setTabVisible(3, True)  # whether its graph can be drawn is told by its picture
            self._ask_picture()

    def _show_drawing(self, run: Run, result: Mapping[str, Any], *, fresh: bool) -> None:
        """Show the answer in the problem's own terms; of a run that ended it stands apart and is asked for."""
        if "apart" not in result:
            self.picture.show_picture(result.get("picture"))
        elif fresh:
            self.context.start("qubo.show", partial(self._drawn_apart, run.id), id=run.id)

    def _drawn_apart(self, run_id: str, told: Mapping[str, Any]) -> None:
        if run_id == self._run_id:
            self.picture.show_picture((told["result"] or {}).get("picture"))

    def _ask_picture(self) -> None:
        """Have matrix and graph, and the embedding, made by a worker once somebody looks at them."""
        if self.tabs.currentWidget() is self.embedding:
            self.embedding.ask()
        wanted = self._source
        if self.tabs.currentIndex() not in (2, 3) or wanted == self._drawn or self.context.find("qubo.picture") is None:
            return
        self._drawn = wanted
        self.matrix.show_blocks([], 0)
        self.graph.show_graph(None)
        file, kind, sense = wanted
        if file:
            shown, failed = partial(self._pictured, wanted), partial(self._not_pictured, wanted)
            self.context.start("qubo.picture", shown, failed, file=Path(file), kind=kind, sense=sense)

    def _not_pictured(self, wanted: Source) -> None:
        """Ask again when somebody looks again."""
        if wanted == self._drawn:
            self._drawn = Source()

    def _pictured(self, wanted: Source, picture: Mapping[str, Any]) -> None:
        if wanted == self._drawn:
            self.matrix.show_blocks(picture.get("blocks") or [], int(picture.get("n", 0)))
            self.graph.show_graph(picture.get("graph"))
            self.tabs.setTabVisible(3, picture.get("graph") is not None)

    def _show_courses(self, run: Run, result: Mapping[str, Any]) -> None:
        """Show a curve for each solver that takes part: live from the rings, of an older run from its result."""
        live = [metric for metric in self.context.engine.samples.metrics(run.job_id) if metric.startswith(_COURSE)]
        if live:
            self.plot.set_curves({self._called(metric.removeprefix(_COURSE)): partial(self.ring, metric) for metric in live})
            return
        kept = result.get("traces") or ({tr("best"): result["trace"]} if result.get("trace") else {})
        self.plot.set_curves(dict.fromkeys(map(self._called, kept)))
        courses = [np.asarray(course, float).reshape(-1, 2) for course in kept.values()]
        # What was found last holds to the end of all, and a little beyond, or a late find would be no line.
        end_s = _BEYOND * max((course[-1, 0] for course in courses if len(course)), default=0.0)
        for number, course in enumerate(courses):
            held = np.vstack([course, [[end_s, course[-1, 1]]]]) if len(course) else course
            self.plot.show_data(number, held[:, 0], held[:, 1])

    def _called(self, solver: str) -> str:
        """Return what a person calls a solver, or a problem's own method."""
        return next((tr(card.title) for card in self.context.engine.qubo.solvers() if card.name == solver), tr(solver))

    def use_problem(self, file: Path, kind: str) -> None:
        """Enter a problem's file and kind into the form, its route left to be chosen."""
        if self.form is not None:
            self.form.fill({"file": file, "kind": kind, "route": "auto", "sense": "auto"})

    def _open_gallery(self) -> None:
        self.context.start("problem.list", self.gallery.show_list)
        self.context.inspect(self.gallery, tr("Problems"))

    def _open_wizard(self) -> None:
        self.context.inspect(self.wizard, tr("Import a problem"))

    def _use_sample(self) -> None:
        if self.form is not None:
            self.form.fill({"file": self.context.engine.qubo.sample_path()})

    def _solve_sample(self) -> None:
        self._use_sample()
        if self.form is not None:
            self.form.submit()


def _pressed(act: Callable[[], None], _checked: bool = False) -> None:
    act()


def _unanswered(result: Mapping[str, Any]) -> str:
    """Return why there is no answer."""
    if result.get("violations"):
        return tr("■ No feasible answer was found; the nearest breaks: {what}", what="; ".join(result["violations"][:3]))
    return f"■ {result.get('infeasible') or result.get('verdict') or tr('In this time no feasible answer was found.')}"


def _verdict(result: Mapping[str, Any]) -> str:
    if result.get("feasible") is False:
        return _unanswered(result)
    if result.get("verdict"):
        return tr("● Verified in the problem's own terms. {verdict}", verdict=result["verdict"])
    if result.get("answer") is not None and result.get("penalties"):
        return tr("● Verified: the answer was checked and priced in the problem's own terms, apart from the solver.")
    if result.get("verified"):
        return tr("● Verified: the objective was summed again from the file, apart from the solver.")
    return tr("Best so far, as the solver tells it.") if "objective" in result else ""


def _bound(result: Mapping[str, Any], by: str) -> str:
    """Return what is proved of the objective."""
    bound = result.get("bound")
    if bound is None or result.get("objective") is None:
        return ""
    told = {"bound": figure_text(bound), "by": by}
    if result.get("proved"):
        return tr("No answer is better: proved by {by}.", by=told["by"])
    gap = ratio_text(result["gap"], ".2g")
    if result.get("sense") == "max":
        return tr("No answer is above {bound} (proved by {by}): a gap of {gap} at most.", gap=gap, **told)
    return tr("No answer is below {bound} (proved by {by}): a gap of {gap} at most.", gap=gap, **told)


def _why(result: Mapping[str, Any], called: Callable[[str], str]) -> str:
    """Return why the solver was taken, in each route that was gone."""
    rows = [row for row in result.get("routes") or (result,) if row.get("why")]
    return "\n".join(tr("Why {solver}: {why}", solver=called(str(row["solver"])), why=row["why"]) for row in rows)


def _facts(run: Run, result: Mapping[str, Any], solver: str) -> str:
    parts = [run.source]
    if result.get("problem"):
        parts.append(tr(str(result["problem"]["title"])))
    if "n" in result:
        parts.append(tr("{count} variables", count=count_text(result["n"]), n=result["n"]))
    if "edges" in result:
        parts.append(tr("{count} couplings", count=count_text(result["edges"]), n=result["edges"]))
    if "solver" in result:
        parts.append(tr("solver {name}", name=solver))
    if "wall_s" in result:
        parts.append(tr("{wall} wall, {cpu} CPU", wall=span_text(result["wall_s"]), cpu=span_text(result.get("cpu_s"))))
    return " · ".join(parts)
