"""The palette over everything: each kind of thing is found by name and leads to its place; recent ones come first."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

CTRL = Qt.KeyboardModifier.ControlModifier


def find(qtbot, window, text):
    window.open_palette()
    qtbot.keyClicks(window.palette_box.field, text)
    qtbot.keyClick(window.palette_box.field, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("maxcut-800", "qubo"),
        ("bell.qasm", "circuits"),
        ("node-02", "fleet"),
        ("Solve G55", "activity"),
        ("view.theme", "settings"),
    ],
)
def test_things_are_found_by_name(qtbot, full_window, text, page):
    find(qtbot, full_window, text)
    assert full_window.page_name == page


def test_a_setting_takes_the_keyboard(qtbot, full_window):
    full_window.activateWindow()
    find(qtbot, full_window, "fleet.cadence")
    qtbot.waitUntil(full_window.page.field("fleet.cadence_s").editor.hasFocus)


def test_what_was_used_last_comes_first(qtbot, full_window):
    find(qtbot, full_window, "control")
    find(qtbot, full_window, "node-04")
    full_window.open_palette()
    assert full_window.palette_box.titles[:2] == ["node-04", "Control"]


def test_go_to_offers_no_commands(qtbot, full_window):
    full_window.activateWindow()
    qtbot.keyClick(full_window, Qt.Key.Key_P, CTRL)
    qtbot.keyClicks(full_window.palette_box.field, "start demo fleet")
    assert "Start demo fleet" not in full_window.palette_box.titles


def test_a_workspace_is_kept_and_opened_from_the_palette(qtbot, full_window):
    full_window.open_page("fleet")
    full_window.page.table.view.group_by(2)
    find(qtbot, full_window, "keep this layout")
    dialog = full_window.findChild(QInputDialog)
    dialog.setTextValue("night shift")
    dialog.accept()
    full_window.page.table.view.group_by(-1)
    full_window.open_page("control")
    find(qtbot, full_window, "night shift")
    assert full_window.page_name == "fleet"
    assert full_window.page.table.view.records_model.group == 2


def test_nothing_found_is_said(qtbot, full_window):
    full_window.open_palette()
    qtbot.keyClicks(full_window.palette_box.field, "zzzzqq")
    assert full_window.palette_box.nothing.isVisible()


def test_the_first_steps_are_brought_back(qtbot, window):
    window.guide.dismiss()
    find(qtbot, window, "first steps")
    assert window.guide.isVisible()
