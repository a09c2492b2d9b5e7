"""Comparison: several solvers on one problem, many seeds, equal time and equal cost; the verdict, the figures, the curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run
from app.engine.qubo.comparisons.report import own_words, verdict_text
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain
from app.views.widgets.plot import LivePlot
from app.views.widgets.side_by_side import SideBySide
from app.views.widgets.state import dress
from app.views.widgets.table import TablePanel

# Three solvers and the head; and a plot whose labels have room.
_TABLE_PX, _PLOT_PX = 124, 180
_TOKENS = {"yes": "ok", "no": "bad", "undecided": "muted"}


@dataclass(frozen=True)
class Row:
    """One solver of a comparison."""

    label: str
    setting: str
    success: float
    ttt99: float | None
    low: float | None
    high: float | None
    cost_per_success: float | None
    gap: float


def seconds_text(value: float) -> str:
    """Return seconds with three figures."""
    return number_text(value, ".3g")


def columns() -> list[Column[Row]]:
    """Return the columns of the table of solvers; a time nobody reached is an en dash."""
    return [
        Column("label", tr("Solver"), lambda row: row.label, width=190),
        Column(
            "success",
            tr("Success"),
            lambda row: row.success,
            lambda share: number_text(100 * share, ".0f") + " %",
            80,
            right=True,
        ),
        Column("ttt99", tr("TTT99 (s)"), lambda row: row.ttt99, seconds_text, 90, right=True),
        Column("low", tr("from (s)"), lambda row: row.low, seconds_text, 80, right=True),
        Column("high", tr("to (s)"), lambda row: row.high, seconds_text, 80, right=True),
        Column("cost", tr("CPU s per success"), lambda row: row.cost_per_success, seconds_text, 130, right=True),
        Column("gap", tr("Gap"), lambda row: row.gap, lambda ratio: number_text(100 * ratio, ".3f") + " %", 80, right=True),
    ]


class ComparePage(RunPage):
    """Compare solvers, and say honestly whether one is faster."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Comparison"), context.engine.qubo.comparisons.records, kept=True)
        self.form = self.add_form("qubo.compare", tr("Compare solvers"))
        self._verdict = QLabel()
        self._verdict.setWordWrap(True)
        self._views = QLabel()
        self._views.setProperty("role", "muted")
        self._views.setWordWrap(True)
        self._rows: Records[Row] = Records(lambda row: row.label, "solver")
        self.table = TablePanel(self._rows, columns(), name=tr("Solvers"), row_px=theme.COMPACT_ROW_PX, filterable=False)
        self.shares = LivePlot(
            tr("Share of runs that reached the target"), unit="%", fixed_y=(0.0, 1.0), steps=True, scale=100.0
        )
        self.medians = LivePlot(tr("Objective of the median run"), steps=True)
        for plot in (self.medians, self.shares):
            plot.setMinimumHeight(_PLOT_PX)
            context.frames.add(plot, plot.draw)
        self.table.setMinimumHeight(_TABLE_PX)
        self._report = QPushButton(tr("Save report…"))
        explain(self._report, tr("Write the comparison as one HTML page, or as a picture when the name ends in .png"))
        self._report.clicked.connect(lambda _checked=False: self._ask_report())
        self._report.setEnabled(False)
        self.add_action(self._report)
        words = QVBoxLayout()
        words.addWidget(self._verdict)
        words.addWidget(self._views)
        self.content.addWidget(card(words, heading=tr("Verdict")))
        self.content.addWidget(card(self.table, heading=tr("Solvers")), 2)
        self.content.addWidget(SideBySide((card(self.medians), 1), (card(self.shares), 1)), 3)
        self.set_empty(
            EmptyState(
                "sigma", tr("Nothing compared yet"),
                tr("Run two or more solvers on one problem with many seeds. Peers get their best setting; the answer may be "
                   "that the runs do not tell."),
                tr("Compare on the sample graph"), self._compare_sample,
            )
        )  # fmt: skip

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show verdict, figures and curves of a finished comparison, the best objectives of a running one."""
        result = result_of(run, job)
        if fresh:
            self.medians.clear()
            self.shares.clear()
        self._show_curves(result)
        self._report.setEnabled("rows" in result)
        if "rows" not in result:
            best = result.get("best") or {}
            self._verdict.setText(" · ".join(f"{label} {number_text(value, ',.6g')}" for label, value in best.items()))
            live = job is not None and job.state in LIVE
            told = (
                tr("Best objectives so far; the verdict comes at the end.")
                if live
                else tr("Best objectives of the runs that were made; it was ended before there was a verdict.")
            )
            self._views.setText(told if best else "")
            dress(self._verdict, "muted")
            self._rows.replace_all([])
            return
        self._verdict.setText(verdict_text(result))
        dress(self._verdict, _TOKENS[result["verdict"]])
        told = tr("{runs} runs of {seconds} s each, target {target}, gaps from {kind}; measured.", runs=result["runs"],
                  seconds=result["seconds"], target=number_text(result["target"], ",.6g"),
                  kind=tr(result["reference_kind"]))  # fmt: skip
        self._views.setText(f"{told} {own_words(result)}".strip())
        names = Row.__dataclass_fields__
        self._rows.replace_all([Row(**{name: row[name] for name in names}) for row in result["rows"]])

    def show_nothing(self) -> None:
        """There is nothing to report."""
        self._report.setEnabled(False)

    def frame_now(self) -> None:
        """Draw the plots."""
        for plot in (self.medians, self.shares):
            plot.draw(wait=True)

    def _show_curves(self, result: Mapping[str, Any]) -> None:
        """Show how the median run of each solver comes down, also while they run, and how many reached the target by when."""
        courses = result.get("median_course") or {}
        self.medians.set_curves(dict.fromkeys(courses))
        for number, course in enumerate(courses.values()):
            points = np.asarray(course, float).reshape(-1, 2)
            self.medians.show_data(number, points[:, 0], points[:, 1])
        rows = result.get("rows") or ()
        self.shares.set_curves(dict.fromkeys(row["label"] for row in rows))
        for number, row in enumerate(rows):
            times = sorted(time for time in row["times"] if time)
            shares = np.arange(len(times) + 1) / len(row["times"])
            ends = [0.0, *times, float(result["seconds"])]
            self.shares.show_data(number, np.asarray(ends), np.append(shares, shares[-1]))

    def _ask_report(self) -> None:
        """Ask for the file of the report of the comparison that is shown."""
        dialog = QFileDialog(self, tr("Save report"), "", tr("Page (*.html);;Picture (*.png)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setDefaultSuffix("html")
        dialog.fileSelected.connect(self.save_report)
        dialog.open()

    def save_report(self, name: str) -> None:
        """Have the report of the shown comparison written to the file `name`, which the dialog has asked about."""
        if self._run_id:
            self.context.start("qubo.report", None, id=self._run_id, out=Path(name), replace=True)

    def _compare_sample(self) -> None:
        if self.form is not None:
            self.form.fill({"file": self.context.engine.qubo.sample_path()})
            self.form.submit()
