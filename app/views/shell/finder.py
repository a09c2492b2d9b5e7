"""Everything that has a name, for the palette: pages, commands, nodes, jobs, models, runs, settings, workspaces."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QWidget

from app.engine.base.command import Place
from app.engine.base.text import tr
from app.views.shell.context import Context
from app.views.shell.guide import Guide
from app.views.shell.layout import Layout
from app.views.shell.page import PAGES, page_titles
from app.views.shell.palette import Choice

if TYPE_CHECKING:
    from app.views.shell.page import Page

_MOST_JOBS: Final = 200
_RUN_PAGES: Final = ("qubo", "circuits", "learning", "control")


class Shell(Protocol):
    """The window as the finder uses it."""

    context: Context
    layout_keeper: Layout
    guide: Guide

    @property
    def page(self) -> "Page":
        """Return the open page."""

    @property
    def page_name(self) -> str:
        """Return the name of the open page."""

    def open_page(self, name: str) -> None:
        """Show a page."""

    def open_command(self, command_id: str, given: dict[str, Any]) -> None:
        """Show a form."""


class Finder:
    """Makes the lines of the palette; asks the engine anew each time it is opened."""

    def __init__(self, window: Shell) -> None:
        self._window = window

    def everything(self) -> list[Choice]:
        """Return all there is."""
        return [*self._pages(), *self._commands(), *self._profiles(), *self.things()[len(PAGES) :]]

    def things(self) -> list[Choice]:
        """Return what can be gone to: pages and things, no commands but those of the window."""
        return [
            *self._pages(),
            *self._nodes(),
            *self._workspaces(),
            *self._models(),
            *self._settings(),
            *self._runs(),
            *self._jobs(),
        ]

    def _pages(self) -> list[Choice]:
        titles = page_titles()
        return [
            Choice(titles[spec.name], tr("page"), partial(self._window.open_page, spec.name), key=f"page {spec.name}")
            for spec in PAGES
        ]

    def _commands(self) -> list[Choice]:
        context = self._window.context
        found = []
        for row in context.engine.table:
            if row.place is not Place.ENGINE:
                continue
            kind = tr("command, read-only for you") if context.why_not(row.id) else tr("command")
            act = partial(self._window.open_command, row.id, {})
            found.append(Choice(tr(row.title), kind, act, row.id.replace(".", " "), f"command {row.id}"))
        return found

    def _nodes(self) -> list[Choice]:
        records = self._window.context.engine.fleet.records
        return [Choice(node.name, tr("node"), self._to("fleet", node.id), node.site, f"node {node.id}") for node in records]

    def _jobs(self) -> list[Choice]:
        records = sorted(self._window.context.engine.jobs.records, key=lambda job: -job.created_us)[:_MOST_JOBS]
        return [Choice(job.title, tr("job"), self._to("activity", job.id), job.kind, f"job {job.id}") for job in records]

    def _runs(self) -> list[Choice]:
        engine, titles = self._window.context.engine, page_titles()
        return [
            Choice(run.title, tr("run, {page}", page=titles[name]), self._to(name, run.id), run.source, f"run {run.id}")
            for name in _RUN_PAGES
            for run in sorted(getattr(engine, name).records, key=lambda run: -run.created_us)[:_MOST_JOBS]
        ]

    def _models(self) -> list[Choice]:
        return [
            Choice(model.title, tr("model"), self._to("rollouts", model.id), model.state, f"model {model.id}")
            for model in self._window.context.engine.models.records
        ]  # fmt: skip

    def _settings(self) -> list[Choice]:
        return [
            Choice(row.name, tr("setting"), self._to("settings", row.name), tr(row.help), f"setting {row.name}")
            for row in self._window.context.engine.settings.rows.values()
        ]

    def _profiles(self) -> list[Choice]:
        context = self._window.context
        return [
            Choice(
                name, tr("profile of settings"), partial(context.start, "settings.use", None, name=name), key=f"profile {name}"
            )
            for name in context.engine.settings.profiles
        ]

    def _workspaces(self) -> list[Choice]:
        keeper = self._window.layout_keeper
        named = [
            Choice(name, tr("workspace"), partial(open_workspace, self._window, name), key=f"workspace {name}")
            for name in keeper.workspaces
        ]
        return [
            *named,
            Choice(tr("Keep this layout as a workspace"), tr("window"), self._ask, key="keep workspace"),
            Choice(tr("Show the first steps"), tr("window"), self._first_steps, key="first steps"),
            Choice(tr("Put the layout as shipped"), tr("window"), keeper.reset, key="reset layout"),
        ]

    def _first_steps(self) -> None:
        self._window.open_page("overview")
        self._window.guide.bring_back()

    def _ask(self) -> None:
        ask_workspace(self._window)

    def _to(self, page: str, key: str) -> Callable[[], None]:
        return partial(show_thing, self._window, page, key)


def show_thing(window: Shell, page: str, key: str) -> None:
    """Open `page` and pick the thing called `key` there."""
    window.open_page(page)
    window.page.pick(key)


def open_workspace(window: Shell, name: str) -> None:
    """Put the layout as it was kept, and open its page."""
    page = window.layout_keeper.open_workspace(name)
    if page in page_titles():
        window.open_page(page)


def ask_workspace(window: Shell) -> QInputDialog:
    """Ask for a name and keep the layout under it."""
    dialog = QInputDialog(window if isinstance(window, QWidget) else None)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(tr("Keep this layout as a workspace"))
    dialog.setLabelText(tr("Name; one that exists is replaced"))

    def keep(name: str) -> None:
        if name.strip():
            window.layout_keeper.keep_workspace(name.strip(), window.page_name)

    dialog.textValueSelected.connect(keep)
    dialog.open()
    return dialog
