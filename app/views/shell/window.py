"""The main window: rail, pages built on their first visit, Inspector, Activity, notices, palette and status line."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QMoveEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QMainWindow, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from app.engine.base.events import SettingChanged, StoreTroubled
from app.engine.base.funnel import Fate, Notice
from app.engine.base.text import tr
from app.engine.base.units import use_zone
from app.views.shell import theme
from app.views.shell.context import Context, Done, Failed, Start, hold
from app.views.shell.frames import Frames
from app.views.shell.icons import icon
from app.views.shell.page import PAGES, HistoryPage, Page
from app.views.shell.place import put_frame
from app.views.shell.rail import Rail
from app.views.shell.trail import Trail
from app.views.shell.view_state import FILE, ViewState
from app.views.widgets.empty import EmptyState

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from app.views.shell.key_sheet import KeySheet

SIZE: Final = (1360, 860)
_WIDE_FROM_PX: Final = 1100
_TALL_FROM_PX: Final = 720
_DOCK_PX: Final = 150


class MainWindow(QMainWindow):
    """The console's one window; it reads the engine and fires commands through `start`, and never awaits."""

    page_built = Signal(str)

    def __init__(self, engine: "Engine", start: Start, *, furnished: bool = True) -> None:
        """Make the frame, which an engine that is still to open can stand behind; and, if `furnished`, what is in it."""
        super().__init__()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app, self.engine = app, engine
        self._apply_look()
        theme.dress(self)
        app.styleHints().colorSchemeChanged.connect(self._scheme_changed)
        self.setWindowTitle(tr("Outpost"))
        self.setWindowIcon(icon("server", "accent"))
        self.resize(*SIZE)
        self.setMinimumSize(860, 560)
        self._shipped_frame = self.geometry()
        self._start, self._trail = start, Trail()
        self._pages: dict[str, Page] = {}
        self._page_name = ""
        self._low = self._furnished = False
        self.frames = Frames(self._frame_hz(), self)
        self._view = ViewState(engine.home / FILE)
        put_frame(self, self._view.get("window"))
        self._build_frame()
        if furnished:
            list(self.furnish())

    def furnish(self) -> Iterator[None]:
        """Put everything into the frame, now that the engine is open; it may draw and answer between the steps."""
        from app.views.shell import parts

        self.pending, self.problems = parts.PendingLane(), parts.Problems(self.engine, self)
        self.context = Context(
            self.engine, self.start, self.frames, self.show_notice, self.open_page, self.open_command, self._inspect,
            self._pick, self.problems, self._show_history_of, self.show_keys, self._view,
        )  # fmt: skip
        self.guide = parts.Guide(self.context)
        self.layout_keeper = parts.Layout(self, self._view)
        self._build_middle()
        yield
        self._build_docks()
        yield
        self._build_finding()
        yield
        self.layout_keeper.restore_window(self._shipped_frame)
        self.layout_keeper.attach("dock", self.activity)
        hold(
            self,
            self.engine.bus.subscribe(self._setting_changed, SettingChanged),
            self.engine.bus.subscribe(self._troubled, StoreTroubled),
        )
        self.frames.second.connect(self._second)
        self.tray = parts.Tray(self, self.problems, self.engine.settings, self._start, self._come)
        self._furnished = True
        self.rail.setEnabled(True)
        self._fold_low()
        self._rest_or_move()
        self.open_page("overview")
        self._tell_role()

    def tell_failed(self, why: str, hint: str) -> None:
        """Say why the engine could not be opened, in place of what would have been shown."""
        self.setCentralWidget(EmptyState("server", why, hint, tr("Close"), self._go))
        self.frames.start()  # Python hears of a signal only when something wakes it

    # what others ask

    @property
    def page_name(self) -> str:
        """Return the name of the open page."""
        return self._page_name

    @property
    def page(self) -> Page:
        """Return the open page."""
        return self._pages[self._page_name]

    def open_page(self, name: str) -> None:
        """Show the page called `name`, built now if this is its first visit."""
        if name not in self._pages:
            spec = next(spec for spec in PAGES if spec.name == name)
            self._pages[name] = page = spec.make(self.context)
            self._stack.addWidget(page)
            self.layout_keeper.attach(name, page)
            self.page_built.emit(name)
        self._page_name = name
        self._stack.setCurrentWidget(self._pages[name])
        self._trail.visit(name)
        self.guide.place(name)
        self.rail.mark(name)
        self.activity.setVisible(name != "activity")
        self._pages[name].shown()
        self._pages[name].setFocus()
        beside = self._pages[name].inspector()
        if beside is None:
            self.inspector.close_for(name)
        else:
            self.inspector.show_widget(*beside, name)

    def start(self, command_id: str, on_done: Done = None, on_failed: Failed = None, /, **args: Any) -> None:
        """Fire a command; one that reaches other machines waits a few seconds first, so that it can be taken back."""
        if why := self.context.why_not(command_id):
            self.show_notice(Notice(Fate.TELL, why, tr("Your role is in the settings."), cause=command_id))
            if on_failed is not None:
                on_failed()
            return
        row, wait_s = self.context.find(command_id), float(self.engine.settings["view.hold_s"])
        if row is not None and row.leaves and wait_s > 0:
            self.pending.hold(row, args, wait_s, partial(self._start, command_id, on_done, on_failed, **args))
        else:
            self._start(command_id, on_done, on_failed, **args)

    def back(self) -> None:
        """Show the page that was open before."""
        if name := self._trail.back():
            self.open_page(name)

    def show_history(self) -> None:
        """Show what happened to the thing that is picked on this page."""
        from app.views.widgets.table import TableView

        keys = (view.picked_key for view in self.page.findChildren(TableView) if view.isVisible() and view.picked_key)
        self._show_history_of(next(keys, ""))

    def open_command(self, command_id: str, given: dict[str, Any]) -> None:
        """Show the form of a command in the Inspector, with `given` entered."""
        row = self.context.find(command_id)
        if row is not None:
            self.inspector.show_form(row, given)

    def show_notice(self, notice: Notice) -> None:
        """Show a message; a later one of the same cause takes its place."""
        self.notices.tell(notice, notice.cause)

    def settle(self) -> None:
        """Lay out and draw what is shown, without waiting and without turning the event loop."""
        from app.views.shell.later import Later
        from app.views.widgets.table import TableView

        for _ in range(2):
            for later in self.findChildren(Later):
                if later.pending:
                    later.now()
            for table in self.findChildren(TableView):
                table.flush()
            self.page.frame_now()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
            for area in self.page.findChildren(QAbstractScrollArea):  # their scroll bars come and go by a posted call
                QCoreApplication.sendPostedEvents(area, QEvent.Type.MetaCall.value)

    # what Qt tells

    def showEvent(self, event: QShowEvent) -> None:
        """Let the plots move."""
        super().showEvent(event)
        self._rest_or_move()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: rest."""
        super().hideEvent(event)
        self.frames.stop()

    def changeEvent(self, event: QEvent) -> None:
        """Rest while minimised."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._rest_or_move()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the timers before the widgets go."""
        self.frames.stop()
        if self._furnished:
            self.pending.stop()
            self.layout_keeper.save()
        super().closeEvent(event)

    def moveEvent(self, event: QMoveEvent) -> None:
        """Keep the place."""
        super().moveEvent(event)
        if self._furnished:
            self.layout_keeper.touch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give a narrow window a narrow rail, and a low one a folded Activity dock."""
        super().resizeEvent(event)
        self.rail.set_wide(wide=self.width() >= _WIDE_FROM_PX)
        if self._furnished:
            self._fold_low()
            self.layout_keeper.touch()

    # inside

    def _build_frame(self) -> None:
        self.rail = Rail(self.open_page)
        self.rail.setEnabled(False)
        bar = QToolBar(tr("Pages"))
        bar.setObjectName("rail")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.addWidget(self.rail)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setCentralWidget(EmptyState("server", tr("Opening…"), tr("home {folder}", folder=self.engine.home)))

    def _build_middle(self) -> None:
        from app.views.shell import parts

        self.notices = parts.NoticeBar()
        self.notices.set_quiet(quiet=bool(self.engine.settings["view.quiet"]))
        self.notices.offer_help(partial(self.open_command, "support.bundle", {}))
        self._stack = QStackedWidget()
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(0)
        for widget in (self.pending, self.notices, self.guide):
            column.addWidget(widget)
        column.addWidget(self._stack, 1)
        self.setCentralWidget(middle)

    def _build_docks(self) -> None:
        from app.views.shell import parts

        self.inspector = parts.Inspector(self.context)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.inspector)
        self.activity = parts.ActivityDock(self.context)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.activity)
        self.resizeDocks([self.activity], [_DOCK_PX], Qt.Orientation.Vertical)
        self.resizeDocks([self.inspector], [300], Qt.Orientation.Horizontal)
        self.status = parts.StatusLine(self.context)
        self.setStatusBar(self.status)

    def _build_finding(self) -> None:
        from app.views.shell import parts

        self.finder = parts.Finder(self)
        self.palette_box = parts.Palette(self, self.finder.everything, self._view)
        self.shortcuts = parts.Shortcuts(self, parts.bindings(self), str(self.engine.settings["view.keys"]))
        self._sheet: KeySheet | None = None

    def open_palette(self) -> None:
        """Find anything."""
        self.palette_box.open()

    def open_go_to(self) -> None:
        """Go to a page or a thing."""
        self.palette_box.open(self.finder.things(), tr("Go to a page, a node, a job, a run, a setting…"))

    def focus_filter(self) -> None:
        """Put the keyboard into the page's filter."""
        self.page.focus_filter()

    def take_back(self) -> None:
        """Take back the change that waits to leave."""
        self.pending.take_back()

    def refresh(self) -> None:
        """Bring the page up to date."""
        self.page.shown()

    def escape(self) -> None:
        """Close the innermost thing: palette, message, Inspector."""
        if self.palette_box.isVisible():
            self.palette_box.hide()
        elif not self.notices.dismiss_newest():
            self.inspector.hide()

    def show_keys(self) -> None:
        """Show the sheet of shortcuts."""
        if self._sheet is None:
            from app.views.shell.key_sheet import KeySheet

            self._sheet = KeySheet(self.shortcuts, self._store_setting)
        self._sheet.tell()
        self.inspector.show_widget(self._sheet, tr("Keys"), "")

    def _store_setting(self, key: str, value: str) -> None:
        self.start("settings.set", None, key=key, value=value)

    def _tell_role(self) -> None:
        """Say in the title bar when nothing can be changed here, and let every form say so too."""
        from app.views.shell import parts

        role = str(self.engine.settings["user.role"])
        self.setWindowTitle(tr("Outpost – read-only ({role})", role=role) if role == "observer" else tr("Outpost"))
        for form in self.findChildren(parts.CommandForm):
            form.set_why_not(self.context.why_not(form.row.id))
        self.guide.tell()

    def _pick(self, key: str) -> None:
        self.page.pick(key)

    def _inspect(self, widget: QWidget, title: str) -> None:
        self.inspector.show_widget(widget, title, self._page_name)

    def _show_history_of(self, key: str) -> None:
        self.open_page("activity")
        if key and isinstance(page := self.page, HistoryPage):
            page.show_history(key)

    def _go(self) -> None:
        self.close()

    def _come(self) -> None:
        """Come to the front."""
        self.showNormal() if self.isMinimized() else self.show()
        self.raise_()
        self.activateWindow()

    def _rest_or_move(self) -> None:
        if self._furnished and self.isVisible() and not self.isMinimized():
            self.frames.start()
        else:
            self.frames.stop()

    def _fold_low(self) -> None:
        low = self.height() < _TALL_FROM_PX
        if low != self._low:
            self._low = low
            self.activity.fold(folded=low)

    def _second(self) -> None:
        self.page.second()

    def _setting_changed(self, event: SettingChanged) -> None:
        if event.key in ("view.theme", "view.density", "view.still", "view.frame_hz"):
            self._apply_look()
            self.frames.set_rate(self._frame_hz())
        elif event.key == "view.quiet":
            self.notices.set_quiet(quiet=bool(self.engine.settings["view.quiet"]))
        elif event.key == "view.time":
            use_zone(str(self.engine.settings["view.time"]))
            self.status.second()
            self.page.shown()
        elif event.key == "view.keys":
            self.shortcuts.take(str(self.engine.settings["view.keys"]))
            if self._sheet is not None:
                self._sheet.tell()
        elif event.key.startswith("user."):
            self.status.tell_role()
            self._tell_role()
            for page in self._pages.values():
                page.shown()

    def _apply_look(self) -> None:
        settings = self.engine.settings
        theme.apply(
            self._app, str(settings["view.theme"]),
            compact=settings["view.density"] == "compact", still=bool(settings["view.still"]),
        )  # fmt: skip

    def _frame_hz(self) -> float:
        """Return how often plots are redrawn: once a second with reduced motion."""
        return 1.0 if self.engine.settings["view.still"] else float(self.engine.settings["view.frame_hz"])

    def _scheme_changed(self) -> None:
        """Follow the desktop from dark to light and back."""
        if theme.look().theme == theme.SYSTEM:
            self._apply_look()

    def _troubled(self, event: StoreTroubled) -> None:
        self.show_notice(Notice(Fate.TELL, event.detail, event.hint, cause="store"))
