"""Settings: every row has a field, a change is a command, a bad value stays here."""

from PySide6.QtCore import Qt

from app.engine.base.events import SettingChanged


def test_every_setting_has_a_field_with_its_value(window, engine):
    window.open_page("settings")
    for key, row in engine.settings.rows.items():
        assert row.take(window.page.field(key).given()) == engine.settings[key]


def test_a_change_is_a_command_and_a_bad_value_is_none(qtbot, window, start):
    window.open_page("settings")
    editor = window.page.field("fleet.cadence_s").editor
    editor.setText("9999")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert "settings.set" not in start.names()
    editor.setText("5")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert start.asked[-1] == ("settings.set", {"key": "fleet.cadence_s", "value": "5"})


def test_a_choice_is_stored_when_it_is_made(qtbot, window, start):
    window.open_page("settings")
    editor = window.page.field("view.theme").editor
    editor.setCurrentText("light")
    editor.activated.emit(editor.currentIndex())
    assert start.asked[-1] == ("settings.set", {"key": "view.theme", "value": "light"})


def test_a_changed_setting_offers_its_default_again(qtbot, window, engine, start):
    window.open_page("settings")
    reset = window.page._resets["fleet.cadence_s"]
    assert not reset.isVisible()
    engine.settings.set("fleet.cadence_s", 5)
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="fleet.cadence_s"))
    assert window.page.field("fleet.cadence_s").given() == "5"
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert start.asked[-1] == ("settings.set", {"key": "fleet.cadence_s", "value": "2.0"})


def test_settings_are_searched_by_name_and_meaning(window):
    window.open_page("settings")
    window.page.search.setText("silence suspect")
    shown = [key for key in window.page._fields if window.page.field(key).isVisible()]
    assert shown == ["fleet.suspect_s"]
    window.page.search.setText("")
    assert window.page.field("view.theme").isVisibleTo(window.page)
