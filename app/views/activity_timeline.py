"""The time line: jobs, commands and events together, filtered in the store, each a way to what it is about."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.engine.base.clock import iso_of
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import span_text, time_text
from app.views.overview_words import event_words
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.later import Later
from app.views.widgets.choice import Choice
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain
from app.views.widgets.jobs import ago_text
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

Entry = Mapping[str, Any]
MOST: Final = 500
_HOUR_S: Final = 3600


def kind_words() -> dict[str, str]:
    """Return the word for each kind of entry."""
    return {"job": tr("job"), "command": tr("command"), "event": tr("event")}


def what_text(entry: Entry, titles: Mapping[str, str]) -> str:
    """Return what an entry says happened."""
    if entry["kind"] == "job":
        return str(entry["title"])
    if entry["kind"] == "event":
        return event_words().get(str(entry["what"]), str(entry["what"]))
    return titles.get(str(entry["what"]), str(entry["what"]))


def columns(context: Context) -> list[Column[Entry]]:
    """Return the columns of the time line."""
    titles = {row.id: tr(row.title) for row in context.engine.table}
    kinds = kind_words()
    return [
        Column("at", tr("When"), lambda row: row["at_us"], partial(ago_text, context.engine.clock), 84, live=True),
        Column("time", tr("Time of day"), lambda row: row["at_us"], time_text, 150, mono=True),
        Column("kind", tr("Kind"), lambda row: row["kind"], lambda kind: kinds.get(kind, kind), 84),
        Column("outcome", tr("State"), lambda row: row["state"], _state_text, 104, token=lambda row: token_of(row["state"])),
        Column("what", tr("What"), lambda row: what_text(row, titles), width=210),
        Column("object", tr("About"), lambda row: "" if row["kind"] == "job" else row["object_name"], width=150),
        Column("actor", tr("By"), lambda row: row["actor"], width=140),
        Column("took", tr("Took"), lambda row: row["took_s"], span_text, 70, right=True),
        Column("detail", tr("Detail"), lambda row: row["detail"] or "", width=260),
    ]


def _state_text(state: str) -> str:
    return state_text(state) if state else ""


class Timeline(QWidget):
    """Filters above, entries below; asks the store, never filters by itself."""

    asked = Signal(dict)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.entries: Records[Entry] = Records(lambda entry: str(entry["id"]), "entry")
        empty = EmptyState(
            "activity", tr("Nothing here"),
            tr("Jobs, commands that change something, and events are kept here. Take away a filter to see more."),
        )  # fmt: skip
        self.table = TablePanel(self.entries, columns(context), name=tr("Time line"), empty=empty, filterable=False)
        self.kind, self.since = Choice(), Choice()
        self.text, self.object, self.actor = QLineEdit(), QLineEdit(), QLineEdit()
        self.clear = QPushButton(tr("Clear filters"))
        explain(self.clear, tr("Show every entry again"))
        self.clear.clicked.connect(lambda _checked=False: self.show_only())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addLayout(self._filters())
        column.addWidget(self.table, 1)
        self._later = Later(self.ask, 250, self)

    def ask_soon(self) -> None:
        """Something happened: ask again in a moment."""
        self._later.ask()

    def ask(self) -> None:
        """Ask the store for what the filters let through."""
        self._later.stop()
        self._context.start("activity.list", self._take, **self.given())

    def given(self) -> dict[str, Any]:
        """Return the arguments of `activity.list` that the filters stand for."""
        given: dict[str, Any] = {"limit": MOST}
        for name, field in (("text", self.text), ("object", self.object), ("actor", self.actor)):
            if field.text().strip():
                given[name] = field.text().strip()
        if self.kind.currentData():
            given["kind"] = self.kind.currentData()
        if self.since.currentData():
            given["since"] = iso_of(self._context.engine.clock.now_us() - round(1e6 * self.since.currentData()))
        return given

    def show_only(self, *, object_name: str = "", actor: str = "") -> None:
        """Show what happened to one thing, or by one person, alone; nothing given: everything."""
        self.kind.setCurrentIndex(0)
        self.since.setCurrentIndex(0)
        for field, text in ((self.text, ""), (self.object, object_name), (self.actor, actor)):
            field.setText(text)
        self.ask()

    def _filters(self) -> QHBoxLayout:
        for word, said in (("", tr("Every kind")), ("job", tr("Jobs")), ("command", tr("Commands")), ("event", tr("Events"))):
            self.kind.addItem(said, word)
        spans = (
            (0, tr("All time")),
            (_HOUR_S, tr("Last hour")),
            (24 * _HOUR_S, tr("Last day")),
            (168 * _HOUR_S, tr("Last week")),
        )
        for seconds, said in spans:
            self.since.addItem(said, seconds)
        self._name(self.kind, tr("Kind of entry"), tr("Show entries of one kind alone"), self.kind.currentIndexChanged)
        self._name(self.since, tr("Since when"), tr("Show newer entries alone"), self.since.currentIndexChanged)
        for field, name, hint in (
            (self.text, tr("Words"), tr("Words in what happened")),
            (self.object, tr("About"), tr("Id or name of a node, job, run, model or setting")),
            (self.actor, tr("By"), tr("A person's name, or person@device")),
        ):
            field.setPlaceholderText(name)
            field.setClearButtonEnabled(True)
            self._name(field, name, hint, field.textChanged)
        line = QHBoxLayout()
        line.setSpacing(2 * theme.SPACE)
        for widget, share in (
            (self.text, 3),
            (self.kind, 0),
            (self.object, 2),
            (self.actor, 2),
            (self.since, 0),
            (self.clear, 0),
        ):
            line.addWidget(widget, share)
        return line

    def _name(self, widget: QWidget, name: str, about: str, changed: Any) -> None:
        widget.setAccessibleName(name)
        widget.setAccessibleDescription(about)
        widget.setToolTip(about)
        changed.connect(lambda *_: self._later.ask())

    def _take(self, answer: Any) -> None:
        self.entries.replace_all(answer["entries"])


def opener(context: Context, entry: Entry) -> tuple[str, Callable[[], None]] | None:
    """Return where an entry leads, as a button's words and what it does; None when that thing is gone or has no place."""
    kind, key = str(entry["object_kind"]), str(entry["object"])
    node = next((one for one in context.engine.fleet.records if key and key in (one.id, one.name, one.device_id)), None)
    if node is not None:
        return tr("Show node"), partial(_go, context, "fleet", node.id)
    if kind == "setting":
        return tr("Show settings"), partial(context.open_page, "settings")
    for page in ("qubo", "circuits", "learning", "control"):
        records = getattr(context.engine, page).records
        run = next((one for one in records if key and key in (one.id, one.job_id)), None)
        if run is not None:
            return tr("Show run"), partial(_go, context, page, run.id)
    return None


def _go(context: Context, page: str, key: str) -> None:
    context.open_page(page)
    context.pick(key)
