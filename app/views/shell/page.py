"""What every page is: a heading, a place for the one primary action at the top right, and a body."""

import importlib
from dataclasses import dataclass
from typing import Final, Protocol, cast, runtime_checkable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.context import Context


class Page(QWidget):
    """The base of all pages; it is built on its first visit and kept."""

    def __init__(self, context: Context, title: str) -> None:
        super().__init__()
        self.context = context
        self._first: QWidget | None = None
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(3 * theme.SPACE)
        self._head = QHBoxLayout()
        self._head.setSpacing(2 * theme.SPACE)
        heading = QLabel(title)
        heading.setProperty("role", "title")
        self.subtitle = QLabel()
        self.subtitle.setProperty("role", "muted")
        self._head.addWidget(heading)
        self._head.addSpacing(theme.SPACE)
        self._head.addWidget(self.subtitle, 1, Qt.AlignmentFlag.AlignBottom)
        self.subtitle.setContentsMargins(0, 0, 0, 3)
        column.addLayout(self._head)
        self.body = QVBoxLayout()
        self.body.setSpacing(3 * theme.SPACE)
        column.addLayout(self.body, 1)

    def begin_at(self, widget: QWidget) -> None:
        """Let the keyboard begin at `widget` when the page opens; a focus proxy would have Tab skip what is before it."""
        self._first = widget

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Hand the keyboard on to where it begins."""
        super().focusInEvent(event)
        if self._first is not None:
            self._first.setFocus(event.reason())

    def add_action(self, button: QPushButton) -> None:
        """Put `button` at the top right."""
        self._head.addWidget(button)

    def keep_aside(self, widget: QWidget) -> None:
        """Own `widget`, which only the Inspector will show, so that it goes with this page if it never does."""
        widget.setParent(self)
        widget.hide()

    def inspector(self) -> tuple[QWidget, str] | None:
        """Return what the Inspector shows beside this page with its title, or None."""
        return None

    def shown(self) -> None:
        """Bring the page up to date: it came into view, or F5 was pressed."""

    def second(self) -> None:
        """A second has passed: ages have changed."""

    def frame_now(self) -> None:
        """Draw every live widget once, outside the frame timer."""

    def pick(self, key: str) -> None:
        """Select the record called `key`, if the page has a table of them."""

    def focus_filter(self) -> None:
        """Put the keyboard into the page's filter, if it has one."""


@runtime_checkable
class HistoryPage(Protocol):
    """A page that shows what happened to one thing."""

    def show_history(self, object_name: str) -> None:
        """Show what happened to the thing with this id or name."""


def card(*parts: QWidget | QLayout, heading: str = "") -> QWidget:
    """Return a bordered card that holds `parts` from top to bottom; the last one takes the room left."""
    from PySide6.QtWidgets import QFrame

    frame = QFrame()
    frame.setProperty("card", True)
    column = QVBoxLayout(frame)
    column.setContentsMargins(12, 12, 12, 12)
    column.setSpacing(2 * theme.SPACE)
    if heading:
        label = QLabel(heading)
        label.setProperty("role", "heading")
        column.addWidget(label)
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part)
        else:
            column.addWidget(part, 1 if part is parts[-1] else 0)
    return frame


@dataclass(frozen=True)
class PageSpec:
    """A page before it is built: its name, icon and the class that makes it."""

    name: str
    icon: str
    module: str
    kind: str

    def make(self, context: Context) -> Page:
        """Import and build the page."""
        kind = getattr(importlib.import_module(self.module), self.kind)
        return cast("Page", kind(context))


PAGES: Final = (
    PageSpec("overview", "layout-dashboard", "app.views.overview", "OverviewPage"),
    PageSpec("fleet", "server", "app.views.fleet", "FleetPage"),
    PageSpec("rollouts", "play", "app.views.rollout", "RolloutPage"),
    PageSpec("qubo", "sigma", "app.views.qubo", "QuboPage"),
    PageSpec("circuits", "circuit-board", "app.views.circuits", "CircuitsPage"),
    PageSpec("editor", "command", "app.views.editor", "EditorPage"),
    PageSpec("tasks", "info", "app.views.tasks", "TasksPage"),
    PageSpec("learning", "network", "app.views.learning", "LearningPage"),
    PageSpec("control", "gauge", "app.views.control", "ControlPage"),
    PageSpec("compare", "binary", "app.views.compare", "ComparePage"),
    PageSpec("sync", "refresh-cw", "app.views.sync", "SyncPage"),
    PageSpec("activity", "activity", "app.views.activity", "ActivityPage"),
    PageSpec("settings", "settings", "app.views.settings", "SettingsPage"),
    PageSpec("help", "circle-help", "app.views.help", "HelpPage"),
)


def page_titles() -> dict[str, str]:
    """Return the title of every page by name."""
    return {
        "overview": tr("Overview"), "fleet": tr("Fleet"), "rollouts": tr("Rollouts"), "qubo": tr("QUBO"),
        "circuits": tr("Circuits"), "editor": tr("Circuit editor"), "tasks": tr("Guided tasks"), "learning": tr("Learning"),
        "control": tr("Control"), "compare": tr("Comparison"), "sync": tr("Sync"), "activity": tr("Activity"),
        "settings": tr("Settings"), "help": tr("Help"),
    }  # fmt: skip
