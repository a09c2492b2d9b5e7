"""The window: pages by keyboard, built once; rests unseen; pictures of every page; nothing without a name."""

import gc
import weakref

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage, QWindowStateChangeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
)

from app.engine.base.events import SettingChanged, StoreTroubled
from app.engine.base.funnel import Fate, Notice
from app.views.shell import theme
from app.views.shell.forms import CommandForm
from app.views.shell.page import PAGES
from app.views.shell.pictures import grab_pages

CTRL = Qt.KeyboardModifier.ControlModifier


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    window.activateWindow()
    qtbot.keyClick(window, key, modifier)


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "full"])
def test_every_page_opens_by_its_key_and_is_built_once(qtbot, request, filled):
    window = request.getfixturevalue("full_window" if filled else "window")
    assert window.page_name == "overview"
    seen = {}
    for _ in range(2):
        for number, spec in enumerate(PAGES[:10], 1):
            press(qtbot, window, Qt.Key(ord(str(number % 10))), CTRL)
            assert window.page_name == spec.name
            assert seen.setdefault(spec.name, window.page) is window.page
            window.frames.tick()
            window.page.second()
            window.page.focus_filter()
            QApplication.processEvents()


def test_pages_are_built_on_their_first_visit_only(window):
    assert list(window._pages) == ["overview"]


def test_pictures_of_every_page_are_saved_and_differ(full_window, tmp_path):
    full_window.open_page("qubo")
    files = grab_pages(full_window, tmp_path / "shots")
    assert [file.stem for file in files] == [f"{number}-{spec.name}" for number, spec in enumerate(PAGES, 1)]
    pictures = [QImage(str(file)) for file in files]
    assert all(picture.width() >= 1000 for picture in pictures)
    assert all(one != other for at, one in enumerate(pictures) for other in pictures[at + 1 :])
    assert full_window.page_name == "qubo"


def test_the_frame_timer_stops_when_nobody_looks(qtbot, window):
    assert window.frames.running
    window.hide()
    assert not window.frames.running
    window.show()
    assert window.frames.running
    window.setWindowState(Qt.WindowState.WindowMinimized)
    QApplication.sendEvent(window, QWindowStateChangeEvent(Qt.WindowState.WindowNoState))
    assert not window.frames.running
    window.setWindowState(Qt.WindowState.WindowNoState)
    qtbot.waitUntil(lambda: window.frames.running)
    window.close()
    assert not window.frames.running


def test_the_palette_finds_a_page_and_a_node(qtbot, full_window):
    press(qtbot, full_window, Qt.Key.Key_K, CTRL)
    assert full_window.palette_box.isVisible()
    qtbot.keyClicks(full_window.palette_box.field, "node-03")
    qtbot.keyClick(full_window.palette_box.field, Qt.Key.Key_Return)
    assert full_window.page_name == "fleet"
    assert full_window.page.table.view.picked_key == "n2"


def test_the_palette_opens_the_form_of_a_command(qtbot, window):
    window.palette_box.open()
    qtbot.keyClicks(window.palette_box.field, "circuit run")
    qtbot.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    assert window.inspector.isVisible()


def test_escape_closes_the_innermost_thing_first(qtbot, window):
    window.open_command("qubo.solve", {})
    window.show_notice(Notice(Fate.TELL, "wrong", cause="qubo.solve"))
    press(qtbot, window, Qt.Key.Key_Escape)
    assert window.notices.texts == []
    assert window.inspector.isVisible()
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.inspector.isVisible()


def test_notices_of_one_cause_replace_each_other(window):
    window.show_notice(Notice(Fate.TELL, "first", cause="fleet.demo"))
    window.show_notice(Notice(Fate.TELL, "second", cause="fleet.demo"))
    assert window.notices.texts == ["second"]


def test_a_store_that_cannot_write_is_told(window, engine):
    engine.bus.publish(StoreTroubled(at_us=0, actor="engine", detail="The disk is full", hint="Free some space."))
    assert window.notices.texts == ["The disk is full"]
    assert "Free some space." in {label.text() for label in window.notices.findChildren(QLabel)}


def test_the_theme_follows_the_setting_on_every_page(full_window, full, qapp):
    for spec in PAGES:
        full_window.open_page(spec.name)
        full_window.settle()
    try:
        full.settings.set("view.theme", "light")
        full.bus.publish(SettingChanged(at_us=0, actor="", key="view.theme"))
        full_window.open_page("control")
        full_window.settle()
        assert theme.now() is theme.LIGHT
        picture = full_window.grab().toImage()
        at = full_window.page.mapTo(full_window, QPoint(2, 2))
        assert picture.pixelColor(at).name() == theme.LIGHT.bg
        assert full_window.page.plots[0]._plot.backgroundBrush().color().name() == theme.LIGHT.surface
        alone = {
            widget for widget in qapp.topLevelWidgets() if widget.parent() is None and isinstance(widget, QAbstractItemView)
        }
        assert alone  # what a field suggests hangs on no window
        assert {widget.styleSheet() for widget in alone} == {full_window.styleSheet()}
    finally:
        theme.apply(qapp, "dark")


def test_a_slower_frame_rate_is_taken_at_once(window, engine):
    engine.settings.set("view.frame_hz", 5)
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="view.frame_hz"))
    assert window.frames.interval_ms == 200


def test_an_observer_cannot_press_what_they_may_not(window, engine):
    window.open_page("fleet")
    engine.settings.set("user.role", "observer")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="user.role"))
    assert not window.page.pair.isEnabled()
    assert "observer" in window.page.pair.toolTip()


def test_a_narrow_and_low_window_gives_the_room_to_the_page(qtbot, window):
    window.resize(900, 600)
    qtbot.waitUntil(lambda: window.rail.width() < 60)
    qtbot.waitUntil(lambda: window.activity.height() < 60)
    window.resize(1400, 900)
    qtbot.waitUntil(lambda: window.rail.width() > 60)
    qtbot.waitUntil(lambda: window.activity.height() > 60)


def test_the_keys_are_listed_on_request(qtbot, window):
    press(qtbot, window, Qt.Key.Key_Question)
    assert window.inspector.isVisible()


def test_everything_that_takes_the_keyboard_has_a_name(full_window):
    nameless = []
    for spec in PAGES:
        full_window.open_page(spec.name)
        full_window.settle()
        for kind in (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, QPlainTextEdit):
            nameless += [
                f"{spec.name}: {widget!r}" for widget in full_window.findChildren(kind) if not _named(full_window, widget)
            ]
    assert nameless == []


def _named(window, widget):
    """Tell whether a widget has a name, or is a part of one of Qt's own widgets."""
    inner = widget.objectName().startswith("qt_") or isinstance(
        widget.parentWidget(), (QLineEdit, QComboBox, QAbstractItemView)
    )
    corner = type(widget) is QAbstractButton  # the table's own corner
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    popup = widget.window() is not window
    return popup or inner or corner or isinstance(widget, QHeaderView) or bool(widget.accessibleName() or text)


def test_closing_ends_every_subscription(qtbot, engine, start):
    from app.views.shell.window import MainWindow

    window = MainWindow(engine, start)
    window.show()
    for spec in PAGES:
        window.open_page(spec.name)
    window.close()
    window.deleteLater()
    groups = (engine.jobs, engine.fleet, engine.qubo, engine.circuits, engine.learning, engine.control)
    qtbot.waitUntil(lambda: not any(group.records._watchers for group in groups))
    assert engine.bus._subscribers == []


@pytest.mark.parametrize("visited", [False, True], ids=["just opened", "every page visited"])
def test_a_closed_window_is_let_go_with_all_it_had(qapp, full, start, visited):
    from app.views.shell.window import MainWindow

    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
    others = qapp.allWidgets()
    window = MainWindow(full, start)
    window.show()
    if visited:
        for spec in PAGES:
            window.open_page(spec.name)
            window.settle()
        window.open_command("fleet.demo", {})
        window.show_keys()
        window.open_palette()
    parts = [weakref.ref(window), *map(weakref.ref, window._pages.values())]
    window.close()
    window.deleteLater()
    del window
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
    assert [part() for part in parts if part() is not None] == []
    assert [type(widget).__name__ for widget in qapp.allWidgets() if widget not in others] == []


def test_a_change_event_of_another_kind_moves_nothing(window):
    QApplication.sendEvent(window, QEvent(QEvent.Type.FontChange))
    assert window.frames.running


def test_read_only_is_said_in_the_title_and_nothing_leaves(window, engine, start):
    window.open_page("qubo")
    form = window.page.findChildren(CommandForm)[0]
    form.fill({"file": "G1.txt"})
    assert form.button.isEnabled()
    engine.settings.set("user.role", "observer")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="user.role"))
    assert "read-only" in window.windowTitle()
    assert not form.button.isEnabled()
    assert "observer" in form.button.toolTip()
    before = len(start.asked)
    window.context.start("fleet.demo", None, nodes=6)
    assert len(start.asked) == before
    assert "observer" in window.notices.texts[0]
    engine.settings.set("user.role", "admin")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="user.role"))
    assert window.windowTitle() == "Outpost"
    assert form.button.isEnabled()


def test_the_frame_stands_before_the_engine_is_open_and_is_filled_after(qtbot, engine, start):
    from app.views.shell.window import MainWindow

    frame = MainWindow(engine, start, furnished=False)
    qtbot.addWidget(frame)
    frame.show()
    frame.resize(1000, 650)
    assert not frame.rail.isEnabled()
    assert any("Opening" in label.text() for label in frame.findChildren(QLabel))
    assert not frame.frames.running
    for _ in frame.furnish():
        frame.repaint()
    assert frame.rail.isEnabled()
    assert frame.frames.running
    assert frame.page_name == "overview"
    frame.close()


def test_a_frame_that_is_closed_while_the_engine_opens_writes_no_layout(qtbot, engine, start, tmp_path):
    from app.views.shell.window import MainWindow

    frame = MainWindow(engine, start, furnished=False)
    qtbot.addWidget(frame)
    frame.show()
    frame.close()
    assert not (engine.home / "view.json").exists()


def test_a_frame_whose_engine_does_not_open_says_why_and_what_to_do(qtbot, engine, start):
    from app.views.shell.window import MainWindow

    frame = MainWindow(engine, start, furnished=False)
    qtbot.addWidget(frame)
    frame.show()
    frame.tell_failed("The store is damaged", "Restore a backup.")
    told = [label.text() for label in frame.findChildren(QLabel)]
    assert {"The store is damaged", "Restore a backup."} <= set(told)
    (close,) = [button for button in frame.centralWidget().findChildren(QAbstractButton) if button.text() == "Close"]
    close.click()
    assert not frame.isVisible()
