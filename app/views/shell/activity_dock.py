"""The Activity dock: what runs and what ran, with progress and a way to cancel; one line when folded."""

from typing import Final

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import ratio_text
from app.engine.jobs.records import LIVE, Job
from app.engine.observe.bulk import Items, items
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.icons import icon
from app.views.shell.later import Later
from app.views.widgets.empty import EmptyState
from app.views.widgets.jobs import job_columns, ratio_of
from app.views.widgets.progress import ProgressDelegate
from app.views.widgets.table import TablePanel

_UNBOUND_PX: Final = 16_777_215  # Qt's QWIDGETSIZE_MAX
_SAID: Final = 3  # running jobs named in the folded line


class JobsTable(TablePanel[Job]):
    """Jobs, the newest first, those of one bulk action as one; Delete or a click on its last cell cancels one."""

    def __init__(self, context: Context, *, row_px: int, small: bool) -> None:
        engine = context.engine
        empty = EmptyState(
            "activity",
            tr("Nothing has run yet"),
            tr("Solves, circuits and training appear here, with a way to cancel."),
            compact=small,
        )
        self.items = Items(engine.jobs.records)
        super().__init__(
            self.items.records, job_columns(engine.clock), name=tr("Jobs"), empty=empty, row_px=row_px, filterable=not small
        )
        self._context = context
        hold(self, self.items.stop)
        keys = [column.key for column in self.model.columns]
        self.view.setItemDelegateForColumn(keys.index("progress"), ProgressDelegate(self.view))
        self.view.sortByColumn(keys.index("created"), Qt.SortOrder.DescendingOrder)
        self._cancel_column = keys.index("cancel")
        self.view.clicked.connect(self._clicked)
        self.view.pressed_delete.connect(self.cancel)
        context.frames.second.connect(self._second)

    def cancel(self, job_id: str) -> None:
        """Ask for the job's end, if it can still be had."""
        for job in self.items.members(job_id):
            if job.state in ("queued", "running"):
                self._context.start("job.cancel", None, id=job.id)

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == self._cancel_column:
            self.cancel(self.model.key_at(index.row()))

    def _second(self) -> None:
        if self.view.isVisible():
            self.model.tell_live()


class ActivityDock(QDockWidget):
    """Sits below the page; its heading sums up what runs."""

    folded = Signal(bool)

    def __init__(self, context: Context) -> None:
        super().__init__(tr("Activity"))
        self.setObjectName("activity")
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self._jobs = context.engine.jobs.records
        self.table = JobsTable(context, row_px=theme.COMPACT_ROW_PX, small=True)
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(8, 0, 8, 8)
        column.addWidget(self.table)
        self.setWidget(self._body)
        self._said = QLabel()
        self._said.setTextFormat(Qt.TextFormat.PlainText)
        self._fold = QToolButton()
        self._fold.setIcon(icon("panel-bottom"))
        self._fold.setCheckable(True)
        self._fold.setChecked(True)
        self._fold.setAccessibleName(tr("Show or hide the table of jobs"))
        self._fold.setToolTip(tr("Show or hide the table of jobs (Ctrl+J)"))
        self._fold.toggled.connect(self._toggled)
        self.setTitleBarWidget(self._title())
        later = Later(self._tell, 200, self)
        hold(self, self._jobs.watch(lambda _change: later.ask()))
        self._tell()

    def toggle(self) -> None:
        """Fold or unfold."""
        self._fold.toggle()

    def fold(self, *, folded: bool) -> None:
        """Show the heading alone, or the table too."""
        self._fold.setChecked(not folded)

    @property
    def summary(self) -> str:
        """Return what the heading says."""
        return self._said.text()

    def _title(self) -> QWidget:
        title = QWidget()
        line = QHBoxLayout(title)
        line.setContentsMargins(12, 4, 8, 4)
        heading = QLabel(tr("Activity"))
        heading.setProperty("role", "heading")
        line.addWidget(heading)
        line.addSpacing(8)
        line.addWidget(self._said, 1)
        line.addWidget(self._fold)
        return title

    def _toggled(self, shown: bool) -> None:
        self._body.setMaximumHeight(_UNBOUND_PX if shown else 0)
        self.setMaximumHeight(_UNBOUND_PX if shown else self.titleBarWidget().sizeHint().height())
        self.folded.emit(not shown)

    def _tell(self) -> None:
        live = items(job for job in self._jobs if job.state in LIVE)
        if not live:
            self._said.setText(tr("Nothing is running"))
            return
        parts = [f"{job.title} {ratio_text(ratio_of(job))}" for job in live[-_SAID:]]
        self._said.setText(tr("▶ {count} running · {what}", count=len(live), what=" · ".join(parts)))
