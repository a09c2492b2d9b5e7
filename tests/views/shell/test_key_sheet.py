"""The sheet of shortcuts: lists all, changes one by a command, refuses keys that are taken."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from app.engine.base.events import SettingChanged


def test_the_sheet_opens_by_its_key_and_lists_every_action(qtbot, window):
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_Question)
    assert window.inspector.isVisible()
    assert list(window._sheet.edits) == list(window.shortcuts.bindings)


def test_new_keys_are_stored_by_a_command_and_act_from_then_on(qtbot, window, engine, start):
    window.show_keys()
    window._sheet.edits["refresh"].setKeySequence(QKeySequence("Ctrl+R"))
    window._sheet.edits["refresh"].editingFinished.emit()
    assert start.asked[-1] == ("settings.set", {"key": "view.keys", "value": "refresh=Ctrl+R"})
    engine.settings.set("view.keys", "refresh=Ctrl+R")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="view.keys"))
    assert window.shortcuts.keys_of("refresh") == "Ctrl+R"


def test_taken_keys_are_refused_with_the_reason(window, start):
    window.show_keys()
    window._sheet.edits["refresh"].setKeySequence(QKeySequence("Ctrl+K"))
    window._sheet.edits["refresh"].editingFinished.emit()
    assert "settings.set" not in start.names()
    assert "Ctrl+K is taken by" in window._sheet.said.text()
    assert window._sheet.edits["refresh"].keySequence() == QKeySequence("F5")


def test_the_sheet_can_be_filtered(window):
    window.show_keys()
    window._sheet.filter.setText("palette nothing")
    assert not any(edit.isVisible() for edit in window._sheet.edits.values())
    window._sheet.filter.setText("fleet")
    assert [name for name, edit in window._sheet.edits.items() if edit.isVisible()] == ["page_fleet"]
