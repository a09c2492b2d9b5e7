"""What the pages of QUBO, circuits, learning and control share: forms at the left, the picked run at the right."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.engine.base.records import Change, Records
from app.engine.base.rings import Ring
from app.engine.base.text import tr
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.forms import CommandForm
from app.views.shell.later import Later
from app.views.shell.page import Page, card
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain, scrolled
from app.views.widgets.fold import Fold
from app.views.widgets.jobs import ago_text, progress_text
from app.views.widgets.state import Badge, state_text, token_of
from app.views.widgets.table import TablePanel

LEFT_PX: Final = 340
# As many as its pixels show: Qt draws the bar at once at every new value.
_STEPS: Final = 120


class RunBar(QFrame):
    """One run's state in a sentence, how far it is, and the way to end it."""

    def __init__(self, context: Context, *, kept: bool) -> None:
        super().__init__()
        self.setProperty("card", True)
        self._context = context
        self._job_id = ""
        self.badge = Badge()
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.said = QLabel()
        self.said.setProperty("role", "muted")
        self.said.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _STEPS)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.setAccessibleDescription(tr("How far the run is"))
        self.cancel = QPushButton(tr("Cancel"))
        self.say_kept(kept)
        self.cancel.clicked.connect(lambda _checked=False: context.start("job.cancel", None, id=self._job_id))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.said)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 12, 8)
        line.setSpacing(12)
        line.addWidget(self.badge)
        line.addLayout(words, 1)
        line.addWidget(self.bar)
        line.addWidget(self.cancel)

    def say_kept(self, kept: bool) -> None:
        """Say whether something stays of the run when it is ended."""
        explain(self.cancel, tr("End the run; what it has found so far is kept") if kept else tr("End the run"))

    def show_run(self, run: Run, job: Job | None) -> None:
        """Say how `run` stands."""
        self._job_id = run.job_id
        live = job is not None and job.state in LIVE
        self.badge.show_state(job.state if job is not None and run.state in LIVE else run.outcome)
        self.title.setText(run.title)
        self.said.setText(_sentence(self._context, run, job))
        self.bar.setVisible(live)
        self.cancel.setVisible(live)
        if job is not None and live:
            self.cancel.setEnabled(job.state != "cancelling")
            self.bar.setRange(0, _STEPS if job.total > 0 else 0)
            self.bar.setValue(round(_STEPS * job.done / job.total) if job.total > 0 else 0)


def _sentence(context: Context, run: Run, job: Job | None) -> str:
    if job is not None and job.state in LIVE:
        return progress_text(job)
    if job is not None and job.error:
        return " · ".join(part for part in (str(job.error.get("detail", "")), str(job.error.get("hint", ""))) if part)
    return ago_text(context.engine.clock, run.updated_us)


def run_columns(context: Context) -> list[Column[Run]]:
    """Return the columns of a table of runs."""
    return [
        Column("state", tr("State"), lambda run: run.outcome, state_text, 92, token=lambda run: token_of(run.outcome)),
        Column("title", tr("Run"), lambda run: run.title, width=124),
        Column("created", tr("When"), lambda run: run.created_us, partial(ago_text, context.engine.clock), 60, live=True),
    ]


class _Shrinking(QVBoxLayout):
    """A column that scrolls only below the least its parts can do with, not below what they would like at its width."""

    def hasHeightForWidth(self) -> bool:
        """Say that its height stands by itself."""
        return False


class RunPage(Page):
    """Follows the newest run until another one is picked; a page fills `content` and answers `show_run`.

    `kept` tells that of a run that is ended something stays.
    """

    def __init__(self, context: Context, title: str, records: Records[Run], *, kept: bool) -> None:
        super().__init__(context, title)
        self._records = records
        self._run_id = ""
        self.forms = QVBoxLayout()
        self.forms.setSpacing(3 * theme.SPACE)
        self.content = QVBoxLayout()
        self.content.setSpacing(3 * theme.SPACE)
        self.bar = RunBar(context, kept=kept)
        self.runs = TablePanel(records, run_columns(context), name=tr("Runs"), row_px=theme.COMPACT_ROW_PX, filterable=False)
        self.runs.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
        self.runs.on_picked(self._picked)
        self._empty: QWidget = QWidget()
        self._lay_out()
        self._later = Later(self._tell, 100, self)
        hold(
            self,
            records.watch(self._runs_changed),
            context.engine.jobs.records.watch(self._jobs_changed),
        )
        newest = max(records, key=lambda run: run.created_us, default=None)
        self._run_id = newest.id if newest is not None else ""

    # what a page fills in

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show `run`; `fresh` tells that another one was shown before."""

    def show_nothing(self) -> None:
        """There is no run to show."""

    def set_empty(self, empty: QWidget) -> None:
        """Show `empty` at the right while there is no run."""
        self._right_column.removeWidget(self._empty)
        self._empty.deleteLater()
        self._empty = empty
        self._right_column.addWidget(empty, 1)

    def add_form(self, command_id: str, heading: str, *, hidden: tuple[str, ...] = ()) -> CommandForm | None:
        """Add the form of a command at the left, the second and later ones folded; None when this engine does not have it."""
        row = self.context.find(command_id)
        if row is None:
            return None
        form = CommandForm(
            row,
            lambda args: self.context.start(command_id, None, **args),
            hidden=hidden,
            why_not=self.context.why_not(command_id),
            view=self.context.view,
        )
        kept = self.context.view.get("folds", command_id)
        folded = Fold(heading, form, is_open=kept if isinstance(kept, bool) else self.forms.count() == 0)
        folded.opened.connect(lambda is_open: self.context.view.put("folds", is_open, command_id))
        self.forms.addWidget(folded)
        return form

    def ring(self, metric: str) -> Ring | None:
        """Return the live samples of the shown run, or None when there are none in this session."""
        run = self._records.get(self._run_id)
        samples = self.context.engine.samples
        if run is None or metric not in samples.metrics(run.job_id):
            return None
        return samples.ring(run.job_id, metric)

    # what the window asks

    def shown(self) -> None:
        """Bring the shown run up to date."""
        self._tell(fresh=True)

    def second(self) -> None:
        """Ages have changed."""
        self.runs.model.tell_live()
        self._later.ask()

    def pick(self, key: str) -> None:
        """Show the run called `key`."""
        self.runs.view.pick(key)
        self._picked(key)

    # inside

    def _lay_out(self) -> None:
        left = QWidget()
        left.setProperty("clear", True)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(3 * theme.SPACE)
        column.addLayout(self.forms)
        self.runs.setMinimumHeight(150)
        column.addWidget(card(self.runs, heading=tr("Runs")), 1)
        area = scrolled(left, tr("Forms and runs"))
        area.setMinimumWidth(LEFT_PX - 40)
        right = QWidget()
        right.setProperty("clear", True)
        self._right_column = _Shrinking(right)
        self._right_column.setContentsMargins(4, 0, 0, 0)
        self._right_column.setSpacing(3 * theme.SPACE)
        self._shown = QWidget()
        inner = QVBoxLayout(self._shown)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(3 * theme.SPACE)
        inner.addWidget(self.bar)
        inner.addLayout(self.content, 1)
        self._right_column.addWidget(self._shown, 1)
        self._right_column.addWidget(self._empty, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(area)
        splitter.addWidget(scrolled(right, tr("The run that is shown"), across=True))
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([LEFT_PX, 900])
        splitter.setChildrenCollapsible(False)
        self.body.addWidget(splitter, 1)

    def _runs_changed(self, change: Change[Run]) -> None:
        if change.added:
            self._run_id = change.added[-1].id
            self._tell(fresh=True)
        self._later.ask()

    def _jobs_changed(self, change: Change[Job]) -> None:
        run = self._records.get(self._run_id)
        if run is not None and any(job.id == run.job_id for job in (*change.added, *change.changed)):
            self._later.ask()

    def _picked(self, key: str) -> None:
        if key and key != self._run_id:
            self._run_id = key
            self._tell(fresh=True)

    def _tell(self, *, fresh: bool = False) -> None:
        run = self._records.get(self._run_id)
        self._shown.setVisible(run is not None)
        self._empty.setVisible(run is None)
        if run is None:
            self.show_nothing()
            return
        job = self.context.engine.jobs.records.get(run.job_id)
        self.bar.show_run(run, job)
        self.show_run(run, job, fresh=fresh)


def result_of(run: Run, job: Job | None) -> Mapping[str, Any]:
    """Return what is known of the outcome: the run's result, else the job's, else the job's partial."""
    for found in (run.result, job.result if job is not None else None, job.partial if job is not None else None):
        if found and "artifact" not in found:
            return found
    return {}
