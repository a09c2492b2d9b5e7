"""Help: the manual of every command, claims, licences; found by key and by filter."""

from PySide6.QtCore import Qt

from app.views.help import manual_page, packages


def test_help_opens_by_its_key_with_a_page_shown(qtbot, window):
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert window.page_name == "help"
    assert window.page.manual.text.toPlainText()


def test_every_command_is_in_the_manual_with_all_its_arguments(window, engine):
    window.open_page("help")
    assert window.page.manual.table.model.total == len(list(engine.table))
    for row in engine.table:
        text = manual_page(row)
        assert [arg.name for arg in row.args if f"**{arg.name}**" not in text] == []


def test_a_command_is_picked_and_return_opens_its_form(qtbot, window):
    window.open_page("help")
    window.page.pick("qubo.solve")
    assert "seconds" in window.page.manual.text.toPlainText()
    qtbot.keyClick(window.page.manual.table.view, Qt.Key.Key_Return)
    assert window.inspector.isVisible()


def test_licences_name_what_came_along(window):
    window.open_page("help")
    window.page.tabs.setCurrentWidget(window.page.licences)
    found = {name.casefold(): licence for name, _, licence in packages()}
    assert found["lucide"] == "ISC"
    assert "numpy" in found
    assert window.page.licences.model._source


def test_the_filter_of_the_open_tab_takes_the_keyboard(qtbot, window):
    window.open_page("help")
    window.activateWindow()
    window.page.focus_filter()
    qtbot.waitUntil(window.page.manual.table.field.hasFocus)


def test_the_shortcuts_are_a_press_away(qtbot, full_window):
    full_window.open_page("help")
    qtbot.mouseClick(full_window.page.keys, Qt.MouseButton.LeftButton)
    assert full_window.inspector.isVisible()
    assert full_window._sheet.isVisible()
