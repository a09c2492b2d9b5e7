"""The tray icon, where the desktop has a tray: what is wrong while nobody looks, and the way back to the window.

One message per cause, none while the window is looked at, none when the person asked not to be disturbed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from app.engine.base.settings import Settings
from app.engine.base.text import tr
from app.engine.observe.alerts import Problem
from app.views.overview_words import title_of
from app.views.shell.context import Start
from app.views.shell.icons import icon
from app.views.shell.problems import Problems

if TYPE_CHECKING:
    from PySide6.QtGui import QAction


class Tray(QObject):
    """Follows `problems`; does nothing at all where there is no tray."""

    def __init__(self, window: QWidget, problems: Problems, settings: Settings, start: Start, show: Callable[[], None]) -> None:
        super().__init__(window)
        self._window, self._problems, self._settings, self._start = window, problems, settings, start
        self.icon: QSystemTrayIcon | None = None
        self.menu: QMenu | None = None
        self.quiet: QAction | None = None
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        self._make(show)
        problems.changed.connect(self._tell)
        problems.appeared.connect(self._appeared)
        self._tell()

    def _make(self, show: Callable[[], None]) -> None:
        self.menu = QMenu(self._window)
        self.menu.setAccessibleName(tr("Outpost"))
        self.menu.addAction(tr("Show Outpost")).triggered.connect(lambda _checked=False: show())
        self.quiet = self.menu.addAction(tr("Do not disturb"))
        self.quiet.setCheckable(True)
        self.quiet.setChecked(bool(self._settings["view.quiet"]))
        self.quiet.toggled.connect(self._set_quiet)
        self.menu.addAction(tr("Close Outpost")).triggered.connect(lambda _checked=False: self._window.close())
        self.icon = QSystemTrayIcon(icon("server", "accent"), self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(lambda _reason: show())
        self.icon.messageClicked.connect(show)
        self.icon.show()

    def _set_quiet(self, quiet: bool) -> None:
        self._start("settings.set", None, key="view.quiet", value=str(quiet).lower())

    def _tell(self) -> None:
        n = len(self._problems.current)
        if self.icon is not None:
            self.icon.setToolTip(tr("Outpost: {n} problems", n=n) if n else tr("Outpost: nothing needs you"))

    def _appeared(self, problem: Problem) -> None:
        if self.icon is not None and wanted(
            problem, quiet=bool(self._settings["view.quiet"]), looked=self._window.isActiveWindow()
        ):
            self.icon.showMessage(tr("Outpost"), title_of(problem), icon("triangle-alert", "warn"))


def wanted(problem: Problem, *, quiet: bool, looked: bool) -> bool:
    """Tell whether somebody is to be told of `problem` now: a suspect node alone is not worth a message."""
    return not quiet and not looked and (problem.scope != "node" or problem.state != "suspect")
