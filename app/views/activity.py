"""Activity: jobs, and one time line of jobs, commands and events; from an entry to its thing and back."""

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.engine.base.command import Danger
from app.engine.base.events import CommandFinished, Event, JobStateChanged
from app.engine.base.text import tr
from app.engine.base.units import span_text, time_text
from app.engine.jobs.records import Job
from app.views.activity_timeline import Entry, Timeline, opener, what_text
from app.views.shell import theme
from app.views.shell.activity_dock import JobsTable
from app.views.shell.context import Context, hold
from app.views.shell.details import Details
from app.views.shell.page import Page
from app.views.widgets.explain import explain, tabbed
from app.views.widgets.jobs import ago_text, took_s


class ActivityPage(Page):
    """Jobs and the time line; the Inspector shows the picked one, and leads to what it is about."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Activity"))
        self.jobs = JobsTable(context, row_px=theme.ROW_PX, small=False)
        self.timeline = Timeline(context)
        self._heading = ""
        self._beside = QWidget()
        self._details = Details()
        self._open = QPushButton(tr("Show job"))
        explain(self._open, tr("Go to what this entry is about"))
        self._same = QPushButton(tr("Show all about this"))
        explain(self._same, tr("Show everything that happened to it"))
        self._acts: dict[QPushButton, Callable[[], None]] = {}
        self._lay_out()
        self.jobs.on_picked(self._job_picked)
        self.timeline.table.on_picked(self._entry_picked)
        self.timeline.table.view.opened.connect(self._entry_opened)
        self.tabs.currentChanged.connect(lambda _at: self.shown())
        hold(self, context.engine.bus.subscribe(self._happened, Event))

    def shown(self) -> None:
        """Read the time line again."""
        if self.tabs.currentIndex() == 1:
            self.timeline.ask()

    def second(self) -> None:
        """Ages have changed."""
        self.timeline.table.model.tell_live()

    def pick(self, key: str) -> None:
        """Select a job."""
        self.tabs.setCurrentIndex(0)
        self.jobs.model.flush()
        self.jobs.view.pick(self.jobs.items.item_of(key))

    def show_history(self, object_name: str) -> None:
        """Show what happened to one thing, on the time line."""
        self.tabs.setCurrentIndex(1)
        self.timeline.show_only(object_name=object_name)

    def inspector(self) -> tuple[QWidget, str] | None:
        """Return the details of what was picked here."""
        return (self._beside, self._heading) if self._heading else None

    def focus_filter(self) -> None:
        """Filter the open tab."""
        if self.tabs.currentIndex() == 0:
            self.jobs.focus_filter()
        else:
            self.timeline.text.setFocus()
            self.timeline.text.selectAll()

    def _lay_out(self) -> None:
        self.tabs = tabbed(tr("Activity"))
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.jobs, tr("Jobs"))
        self.tabs.addTab(self.timeline, tr("Time line"))
        self.body.addWidget(self.tabs, 1)
        self.keep_aside(self._beside)
        column = QVBoxLayout(self._beside)
        column.setContentsMargins(0, 0, 0, 12)
        column.addWidget(self._details, 1)
        for button in (self._open, self._same):
            button.clicked.connect(lambda _checked=False, button=button: self._acts[button]())
            column.addWidget(button)

    def _happened(self, event: Event) -> None:
        if not self.isVisible() or self.tabs.currentIndex() != 1:
            return
        if isinstance(event, CommandFinished):
            row = self.context.find(event.command)
            if row is None or row.danger is Danger.READ:
                return
        if not (isinstance(event, JobStateChanged) and event.after == "running"):
            self.timeline.ask_soon()

    def _job_picked(self, key: str) -> None:
        job = self.jobs.items.records.get(key)
        if job is None:
            return
        clock = self.context.engine.clock
        lines = [
            (tr("Kind"), job.kind), (tr("By"), job.actor), (tr("Started"), ago_text(clock, job.started_us)),
            (tr("Ran"), span_text(took_s(clock, job))), (tr("Seed"), str(job.seed)),
        ]  # fmt: skip
        if job.error:
            lines += [(tr("Error"), str(job.error.get("detail", ""))), (tr("What to do"), str(job.error.get("hint", "")))]
        document = job.result if job.result is not None else job.partial or None
        self._show(job.title, job.state, lines, document, tr("Job"))
        self._lead(opener(self.context, {"object_kind": "job", "object": job.id}), self._history_of_job(job))

    def _history_of_job(self, job: Job) -> Callable[[], None]:
        return lambda: self.show_history(job.cause or job.id)

    def _entry_picked(self, key: str) -> None:
        entry = self.timeline.entries.get(key)
        if entry is None:
            return
        titles = {row.id: tr(row.title) for row in self.context.engine.table}
        lines = [
            (tr("Name"), str(entry["what"])), (tr("About"), str(entry["object_name"])), (tr("By"), str(entry["actor"])),
            (tr("When"), time_text(entry["at_us"])), (tr("Detail"), str(entry["detail"] or "")),
        ]  # fmt: skip
        self._show(what_text(entry, titles), str(entry["state"]), lines, dict(entry), tr("Entry"))
        about = str(entry["object"] or entry["cause"])
        self._lead(self._way_of(entry), (lambda: self.show_history(about)) if about else None)

    def _entry_opened(self, key: str) -> None:
        entry = self.timeline.entries.get(key)
        way = self._way_of(entry) if entry is not None else None
        if way is not None:
            way[1]()

    def _way_of(self, entry: Entry) -> tuple[str, Callable[[], None]] | None:
        if entry["kind"] == "job" and str(entry["object"]) in self.context.engine.jobs.records:
            return opener(self.context, entry) or (tr("Show job"), lambda: self.pick(str(entry["object"])))
        return opener(self.context, entry)

    def _lead(self, way: tuple[str, Callable[[], None]] | None, same: Callable[[], None] | None) -> None:
        self._open.setVisible(way is not None)
        self._same.setVisible(same is not None)
        self._acts = {self._open: way[1] if way else _nowhere, self._same: same or _nowhere}
        if way is not None:
            self._open.setText(way[0])

    def _show(self, title: str, state: str, lines: list[tuple[str, str]], document: Any, heading: str) -> None:
        told = [line for line in lines if line[1] and line[1] != "–"]
        self._details.show_thing(title, state=state, lines=told, document=document)
        self._heading = heading
        self.context.inspect(self._beside, heading)


def _nowhere() -> None:
    """The thing an entry is about has no page."""
