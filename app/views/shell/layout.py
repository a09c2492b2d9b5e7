"""Keeps how a person arranged the window: its place, docks, splitters and tables; and named workspaces of all that.

Splitters and tables are known by their page and their number on it; what does not fit any more is left as shipped.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QByteArray, QEvent, QObject, QRect
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSplitter, QWidget

from app.views.shell.later import Later
from app.views.shell.place import are_sizes, put_frame, sizes_of
from app.views.shell.view_state import VERSION, ViewState
from app.views.widgets.table import TableView

SAVE_MS: Final = 1500


class Layout(QObject):
    """Puts the window as it was left, and writes down a moment later how it is now."""

    def __init__(self, window: QMainWindow, state: ViewState) -> None:
        super().__init__(window)
        self._window, self._state = window, state
        self._pages: dict[str, QWidget] = {}
        self._shipped: dict[str, Any] = {}
        self._applying = True  # until the window stands where it was
        self._later = Later(self.save, SAVE_MS, self)

    # what the window calls

    def restore_window(self, shipped: QRect) -> None:
        """Put the docks where they were, in a window that was put in its place before; `shipped` is its frame without that."""
        self._shipped = {"window": {**self._of_window(), "frame": sizes_of(shipped), "maximized": False}}
        self._put_docks(_mapping(self._state.get("window")))
        for dock in self._window.findChildren(QDockWidget):
            dock.installEventFilter(self)
        self._applying = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note that a dock was drawn wider or narrower: the window itself hears nothing of that."""
        if event.type() == QEvent.Type.Resize:
            self.touch()
        return super().eventFilter(watched, event)

    def attach(self, name: str, page: QWidget) -> None:
        """Put the splitters and tables of a page as they were, and watch them."""
        self._pages[name] = page
        for splitter in page.findChildren(QSplitter):
            splitter.splitterMoved.connect(self._changed)
        for table in page.findChildren(TableView):
            table.arranged.connect(self._changed)
        shipped = self._of_page(name)
        for section, held in shipped.items():
            self._shipped.setdefault(section, {}).update(held)
        self._put_page(name, {section: self._state.get(section) for section in ("splitters", "tables")})

    def touch(self) -> None:
        """Something was moved or sized: write it down in a moment."""
        if not self._applying:
            self._later.ask()

    def save(self) -> None:
        """Write down how everything stands."""
        self._later.stop()
        for section, value in self._now().items():
            self._state.put(section, value)
        self._state.save()

    def reset(self) -> None:
        """Put everything as shipped."""
        for section in ("window", "splitters", "tables", "folds"):
            self._state.drop(section)
        self._apply(self._shipped)
        self.save()

    # workspaces

    @property
    def workspaces(self) -> list[str]:
        """Return the names of the workspaces."""
        return sorted(_mapping(self._state.get("workspaces")))

    def keep_workspace(self, name: str, page: str) -> None:
        """Keep how everything stands, with the open page, under `name`."""
        self._state.put("workspaces", {**self._now(), "page": page}, name)
        self._state.save()

    def open_workspace(self, name: str) -> str:
        """Put everything as it was kept under `name`; return the page that was open, empty when it is unknown."""
        held = self._state.get("workspaces", name)
        if not isinstance(held, Mapping):
            return ""
        self._apply(held)
        return str(held.get("page", ""))

    def drop_workspace(self, name: str) -> None:
        """Forget the workspace `name`."""
        self._state.drop("workspaces", name)
        self._state.save()

    # inside

    def _changed(self, *_what: object) -> None:
        self.touch()

    def _now(self) -> dict[str, Any]:
        document: dict[str, Any] = {"window": self._of_window()}
        document["splitters"] = dict(_mapping(self._state.get("splitters")))
        document["tables"] = dict(_mapping(self._state.get("tables")))
        for name in self._pages:
            for section, held in self._of_page(name).items():
                document[section].update(held)
        return document

    def _of_window(self) -> dict[str, Any]:
        frame = self._window.normalGeometry() if self._window.isMaximized() else self._window.geometry()
        return {
            "frame": sizes_of(frame),
            "maximized": self._window.isMaximized(),
            "docks": base64.b64encode(self._window.saveState(VERSION).data()).decode(),
        }

    def _of_page(self, name: str) -> dict[str, dict[str, Any]]:
        page = self._pages[name]
        splitters = {f"{name}/{at}": splitter.sizes() for at, splitter in enumerate(page.findChildren(QSplitter))}
        tables = {f"{name}/{at}": table.arrangement() for at, table in enumerate(page.findChildren(TableView))}
        if not page.isVisible():  # one never laid out has no sizes yet
            splitters = {key: sizes for key, sizes in splitters.items() if any(sizes)}
        return {"splitters": splitters, "tables": tables}

    def _apply(self, held: Mapping[str, Any]) -> None:
        self._put_window(held.get("window"))
        for name in self._pages:
            self._put_page(name, held)

    def _put_window(self, held: Any) -> None:
        self._applying = True
        put_frame(self._window, held)
        self._put_docks(_mapping(held))
        self._applying = False

    def _put_docks(self, held: Mapping[str, Any]) -> None:
        docks = _bytes(held.get("docks"))
        if docks:
            shown = {dock: dock.isVisibleTo(self._window) for dock in self._window.findChildren(QDockWidget)}
            self._window.restoreState(QByteArray(docks), VERSION)
            for dock, visible in shown.items():  # what is shown follows from the page, not from yesterday
                dock.setVisible(visible)

    def _put_page(self, name: str, held: Mapping[str, Any]) -> None:
        splitters, tables = _mapping(held.get("splitters")), _mapping(held.get("tables"))
        self._applying = True
        for at, splitter in enumerate(self._pages[name].findChildren(QSplitter)):
            sizes = splitters.get(f"{name}/{at}")
            if isinstance(sizes, list) and are_sizes(sizes) and len(sizes) == splitter.count():
                splitter.setSizes(sizes)
        for at, table in enumerate(self._pages[name].findChildren(TableView)):
            arrangement = tables.get(f"{name}/{at}")
            if isinstance(arrangement, Mapping):
                table.arrange(arrangement)
        self._applying = False


def _mapping(held: Any) -> Mapping[str, Any]:
    return held if isinstance(held, Mapping) else {}


def _bytes(held: Any) -> bytes:
    if not isinstance(held, str):
        return b""
    try:
        return base64.b64decode(held, validate=True)
    except (binascii.Error, ValueError):
        return b""
