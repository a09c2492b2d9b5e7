"""What the window hands to its panels: the engine to read, one way to fire a command, notices, frames and navigation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.engine.base.command import Command, Role
from app.engine.base.errors import Missing
from app.engine.base.funnel import Notice
from app.engine.base.text import tr
from app.views.shell.frames import Frames
from app.views.shell.view_state import ViewState

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from app.views.shell.problems import Problems


Done: TypeAlias = Callable[[Any], None] | None
Failed: TypeAlias = Callable[[], None] | None


class Start(Protocol):
    """Fires a command; its errors go through the funnel into the notices."""

    def __call__(self, command_id: str, on_done: Done = None, on_failed: Failed = None, /, **args: Any) -> None:
        """Run `command_id` with `args` in a task; `on_done` gets the result, `on_failed` is called when there is none."""


@dataclass(frozen=True)
class Context:
    """The window as its panels see it."""

    engine: "Engine"
    start: Start
    frames: Frames
    show_notice: Callable[[Notice], None]
    open_page: Callable[[str], None]
    open_command: Callable[[str, dict[str, Any]], None]
    inspect: Callable[[QWidget, str], None]
    pick: Callable[[str], None]
    problems: "Problems | None" = None
    show_history: Callable[[str], None] = lambda _key: None
    show_keys: Callable[[], None] = lambda: None
    view: ViewState = field(default_factory=ViewState)

    def find(self, command_id: str) -> Command | None:
        """Return the command's row, or None when this engine does not have it."""
        try:
            return self.engine.table.need(command_id)
        except Missing:
            return None

    def why_not(self, command_id: str) -> str:
        """Return why the command cannot be started here by this person; empty when it can."""
        row = self.find(command_id)
        if row is None:
            return tr("This engine has no such command")
        role = Role[str(self.engine.settings["user.role"]).upper()]
        if role < row.role:
            return tr("Needs the role {role}; you are {mine}", role=row.role.name.lower(), mine=role.name.lower())
        return ""


def hold_object(thing: QObject, *undo: Callable[[], None]) -> None:
    """End subscriptions with the object that made them."""

    def release() -> None:
        for one in undo:
            one()

    thing.destroyed.connect(release)


def hold(widget: QWidget, *undo: Callable[[], None]) -> None:
    """End subscriptions with the widget that made them."""
    hold_object(widget, *undo)
