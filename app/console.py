"""The one place that joins Qt, its asyncio loop, the engine and the window."""

import asyncio
import gc
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Command, CommandTable
from app.engine.base.errors import BadInput, Missing, OutpostError
from app.engine.base.events import EngineStarted, WindowAsked
from app.engine.base.funnel import Notice
from app.engine.base.platform import give_memory_back, on_terminate
from app.engine.base.settings import Settings
from app.engine.base.text import tr
from app.engine.engine import Engine
from app.engine.home import Home

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.views.shell.context import Done, Failed
    from app.views.shell.window import MainWindow

log = logging.getLogger(__name__)
_UNSEEN = ("offscreen", "minimal")  # platforms of Qt that show nothing to anybody


def has_display() -> bool:
    """Tell whether a window can be shown to a person here."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_console(home: Path, *, reset_layout: bool = False) -> int:
    """Show the window on `home` until it is closed; a second one only raises the first. Returns the exit status."""
    place = Home(home.resolve())
    if not place.take():
        from app.local import RAISE_WINDOW, ask

        ask(home.resolve(), RAISE_WINDOW, {}, lambda _told: None)
        print(tr("Outpost is open already; its window was raised."), file=sys.stderr)
        return 0
    if reset_layout:
        from app.views.shell.view_state import FILE, forget_layout

        forget_layout(home / FILE)
    _scale(home)
    status: int = _in_loop(lambda app: _session(app, place), visible=True)
    return status


def perform(row: Command, args: dict[str, Any]) -> Any:
    """Run a command that opens and closes a window of its own, on a home of its own."""
    visible = bool(args.get("visible")) and has_display()

    async def play(app: "QApplication") -> Any:
        return await row.run(WindowStage(app, Path(tempfile.mkdtemp(prefix="outpost-tour-"))), **args)

    return _in_loop(play, visible=visible)


def _scale(home: Path) -> None:
    """Hand the size a person chose to Qt, which takes it before its application begins and never after."""
    import tomli_w

    try:
        ratio = float(Settings(home / "settings.toml", tomli_w.dumps)["view.scale_ratio"])
    except BadInput as error:
        log.warning("%s", error)  # the engine tells it in a moment, and goes no further
        return
    if ratio != 1.0:
        os.environ.setdefault("QT_SCALE_FACTOR", f"{ratio:g}")


def _in_loop(work: Callable[["QApplication"], Coroutine[Any, Any, Any]], *, visible: bool) -> Any:
    give_memory_back()
    if not visible:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_API", "pyside6")
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    try:
        from PySide6.QtWidgets import QApplication
        from qasync import QEventLoop
    except ImportError as error:
        raise Missing(
            "The window needs a library that is missing: {reason}", reason=str(error), hint="Run: python3 outpost.py setup"
        ) from None
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Outpost")
    app.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    with loop:
        return loop.run_until_complete(work(app))


def _load() -> CommandTable:
    """Import what engine and window are made of, while the window is on the screen, and return the commands."""
    from app import local
    from app.commands.table import command_table
    from app.engine import start
    from app.views import overview
    from app.views.shell import parts

    log.debug("loaded %s", [one.__name__ for one in (local, start, overview, parts)])
    return command_table()


class Session:
    """An open engine with its door and its window."""

    def __init__(self, app: "QApplication", closed: asyncio.Event | None = None) -> None:
        """`closed` is set when a person closes the window."""
        self._app, self._closed = app, closed
        self._early: list[Notice] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.engine: Engine
        self.window: MainWindow | None = None

    async def open(self, home: Path, place: Home | None = None) -> None:
        """Show the window on `home` at once, and fill it when the engine is open. `place`: `home`, taken already."""
        from app.views.shell.window import MainWindow

        self.engine = Engine.at(home, show=self._show, place=place)
        frame = MainWindow(self.engine, self.start, furnished=False)
        frame.show()
        try:
            await self._open_engine()
        except BaseException as error:
            if isinstance(error, OutpostError) and self._closed is not None and self._app.platformName() not in _UNSEEN:
                frame.tell_failed(str(error), error.hint)  # whoever started it may have no terminal to read
                await self._closed.wait()
            frame.close()
            frame.deleteLater()
            raise
        for _ in frame.furnish():
            await asyncio.sleep(0)
        self.window = frame
        frame.page_built.connect(_pass_over)
        _pass_over()
        for notice in self._early:
            frame.show_notice(notice)
        self._undo = (
            self.engine.bus.subscribe(self._raise, WindowAsked),
            self.engine.bus.subscribe(self._renew, EngineStarted),
        )

    async def _open_engine(self) -> None:
        table = await asyncio.to_thread(_load)
        from app.local import LocalDoor

        await self.engine.start(table)
        self._door = LocalDoor(self.engine)
        sys.excepthook = lambda _kind, error, _trace: self.engine.funnel.take(error, "window")
        asyncio.get_running_loop().set_exception_handler(self._loop_failed)

    async def close(self) -> None:
        """Close in order: timers with the window, tasks, door, engine."""
        sys.excepthook = sys.__excepthook__
        for undo in self._undo:
            undo()
        if self.window is not None:
            self.window.close()
            self.window.deleteLater()
            self.window = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._door.stop()
        await self.engine.close()

    def start(self, command: str, on_done: "Done" = None, on_failed: "Failed" = None, /, **args: Any) -> None:
        """Run a command in the background; its result goes to `on_done`, its error to the funnel, and `on_failed` is called."""
        task = asyncio.get_running_loop().create_task(self._run(command, on_done, on_failed, args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, command: str, on_done: "Done", on_failed: "Failed", args: dict[str, Any]) -> None:
        try:
            result = await self.engine.run(command, **args)
        except BaseException as error:
            self.engine.funnel.take(error, command)
            if on_failed is not None and self.window is not None:
                on_failed()
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            if on_done is not None and self.window is not None:
                on_done(result)

    def _show(self, notice: Notice) -> None:
        if notice.report:
            log.error("%s", notice.report)
        if self.window is None:
            self._early.append(notice)
        else:
            self.window.show_notice(notice)

    def _loop_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.engine.funnel.take(error, "loop")
        else:
            log.warning("%s", context.get("message"))

    def _renew(self, _event: EngineStarted) -> None:
        """A restored store has new records: show them in a new window, where the old one was."""
        if self.window is not None:
            from app.views.shell.window import MainWindow

            gc.unfreeze()  # the old window is to be found again
            old, self.window = self.window, MainWindow(self.engine, self.start)
            self.window.page_built.connect(_pass_over)
            self.window.setGeometry(old.geometry())
            self.window.show()
            old.close()
            old.deleteLater()

    def _raise(self, _event: WindowAsked) -> None:
        if self.window is not None:
            self.window.showNormal() if self.window.isMinimized() else self.window.show()
            self.window.raise_()
            self.window.activateWindow()


def _pass_over(_page: str = "") -> None:
    """Let Python's collector pass over all that is there now: with every page built it would hold the window for 0.1 s."""
    if not gc.get_freeze_count():
        gc.collect()
    gc.freeze()


async def _session(app: "QApplication", place: Home) -> int:
    closed = asyncio.Event()
    app.lastWindowClosed.connect(closed.set)
    loop = asyncio.get_running_loop()
    on_terminate(lambda: loop.call_soon_threadsafe(closed.set))
    session = Session(app, closed)
    await session.open(place.folder, place)
    await closed.wait()
    await session.close()
    return 0


class WindowStage:
    """The stage of the tour: a session on a temporary home."""

    def __init__(self, app: "QApplication", home: Path) -> None:
        self._app, self._home = app, home
        self._session: Session | None = None

    async def open(self) -> None:
        """Open engine and window."""
        self._session = Session(self._app)
        await self._session.open(self._home)

    async def close(self) -> None:
        """Close both."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def run(self, command: str, **args: Any) -> Any:
        """Run a command through the door."""
        if self._session is None:
            raise Missing("The stage is closed")
        return await self._session.engine.run(command, **args)

    def shoot(self, folder: Path) -> list[Path]:
        """Save a picture of every page."""
        if self._session is None or self._session.window is None:
            raise Missing("The stage is closed")
        from app.views.shell.pictures import grab_pages

        return grab_pages(self._session.window, folder)

    def tidy(self) -> None:
        """Remove the temporary home."""
        shutil.rmtree(self._home, ignore_errors=True)
