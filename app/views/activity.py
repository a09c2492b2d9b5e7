"""Activity: every job, and every command that changed something, with who, when and how it ended."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from PySide6.QtWidgets import QTabWidget

from app.engine.base.command import Danger
from app.engine.base.events import CommandFinished
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import span_text
from app.views.shell import theme
from app.views.shell.activity_dock import JobsTable
from app.views.shell.context import Context, hold
from app.views.shell.details import Details
from app.views.shell.later import Later
from app.views.shell.page import Page
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.jobs import ago_text, took_s
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

Entry = Mapping[str, Any]
_MOST = 1000


def _ended(entry: Entry) -> str:
    """Return the state an entry tells of; one without an end is of a command still running, or cut off with its process."""
    outcome = str(entry.get("outcome", ""))
    return {"ok": "done", "cancelled": "cancelled", "started": "running", "": "unknown"}.get(outcome, "failed")


def whole_entries(rows: Iterable[Entry]) -> list[Entry]:
    """Return one entry per command run: its beginning is left out once its end is written."""
    rows = list(rows)
    ended = {(row.get("cause"), row["command"]) for row in rows if row.get("outcome") != "started"}
    return [row for row in rows if row.get("outcome") != "started" or (row.get("cause"), row["command"]) not in ended]


def audit_columns(context: Context) -> list[Column[Entry]]:
    """Return the columns of the history."""
    table = context.engine.table
    titles = {row.id: tr(row.title) for row in table}
    return [
        Column("at", tr("When"), lambda row: row["at_us"], partial(ago_text, context.engine.clock), 96, live=True),
        Column("outcome", tr("Outcome"), _ended, state_text, 104, token=lambda row: token_of(_ended(row))),
        Column("what", tr("What"), lambda row: titles.get(row["command"], row["command"]), width=220),
        Column("command", tr("Command"), lambda row: row["command"], width=150, mono=True),
        Column("args", tr("With"), _args_text, width=280, mono=True),
        Column("took", tr("Time"), lambda row: row.get("duration_s"), span_text, 80, right=True),
        Column("actor", tr("By"), lambda row: row["actor"], width=160),
        Column("detail", tr("Detail"), lambda row: row.get("detail") or "", width=240),
    ]


def _args_text(entry: Entry) -> str:
    return " ".join(f"{name}={value}" for name, value in (entry.get("args") or {}).items())


class ActivityPage(Page):
    """Jobs and history; the Inspector shows the picked one."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Activity"))
        self._entries: Records[Entry] = Records(lambda entry: str(entry["id"]), "entry")
        self.jobs = JobsTable(context, row_px=theme.ROW_PX, small=False)
        empty = EmptyState(
            "activity",
            tr("No history yet"),
            tr("Every command that changes something is kept here, with who and when."),
        )
        self.history = TablePanel(self._entries, audit_columns(context), name=tr("History"), empty=empty)
        self._details = Details()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.jobs, tr("Jobs"))
        self.tabs.addTab(self.history, tr("History"))
        self.body.addWidget(self.tabs, 1)
        self.jobs.on_picked(self._job_picked)
        self.history.on_picked(self._entry_picked)
        self._later = Later(self._ask, 500, self)
        hold(self, context.engine.bus.subscribe(self._command_finished, CommandFinished))

    def shown(self) -> None:
        """Read the history again."""
        self._ask()

    def second(self) -> None:
        """Ages have changed."""
        self.history.model.tell_live()

    def pick(self, key: str) -> None:
        """Select a job."""
        self.tabs.setCurrentIndex(0)
        self.jobs.model.flush()
        self.jobs.view.pick(key)

    def focus_filter(self) -> None:
        """Filter the open tab."""
        (self.jobs if self.tabs.currentIndex() == 0 else self.history).focus_filter()

    def _command_finished(self, event: CommandFinished) -> None:
        row = self.context.find(event.command)
        if self.isVisible() and row is not None and row.danger is not Danger.READ:
            self._later.ask()

    def _ask(self) -> None:
        if self.context.find("audit.list") is not None:
            self.context.start("audit.list", self._take, limit=_MOST)

    def _take(self, answer: Any) -> None:
        rows = answer.get("entries", []) if isinstance(answer, dict) else answer
        self._entries.replace_all(whole_entries(rows))

    def _job_picked(self, key: str) -> None:
        job = self.context.engine.jobs.records.get(key)
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
        self._show(job.title, job.state, [line for line in lines if line[1]], document, tr("Job"))

    def _entry_picked(self, key: str) -> None:
        entry = self._entries.get(key)
        if entry is None:
            return
        lines = [
            (tr("Command"), str(entry["command"])), (tr("By"), str(entry["actor"])),
            (tr("When"), ago_text(self.context.engine.clock, entry["at_us"])), (tr("Detail"), str(entry.get("detail") or "–")),
        ]  # fmt: skip
        self._show(str(entry["command"]), _ended(entry), lines, dict(entry), tr("History"))

    def _show(self, title: str, state: str, lines: list[tuple[str, str]], document: Any, heading: str) -> None:
        self._details.show_thing(title, state=state, lines=lines, document=document)
        self.context.inspect(self._details, heading)
