"""Everybody can use it: a name on everything that can be acted on, a key to everything, and Tab goes round."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QInputDialog, QWidget

from app.views.shell import finder
from app.views.shell.fields import Field
from app.views.shell.presets import PresetButton
from app.views.widgets import table_menu
from app.views.widgets.table import TableView
from tests.views.walk import interactive, name_of, place_of, reachable, visited


@pytest.mark.parametrize("fixture", ["window", "full_window"])
def test_everything_that_can_be_acted_on_has_a_name(request, fixture):
    window = request.getfixturevalue(fixture)
    nameless = {place_of(widget) for _page in visited(window) for widget in interactive(window) if not name_of(widget).strip()}
    assert nameless == set()


@pytest.mark.parametrize("fixture", ["window", "full_window"])
def test_everything_that_can_be_acted_on_says_what_it_is_for(request, fixture):
    window = request.getfixturevalue(fixture)
    silent = {
        f"{place_of(widget)}: {name_of(widget)}"
        for _page in visited(window)
        for widget in interactive(window)
        if not (widget.accessibleDescription() or widget.toolTip()).strip()
    }
    assert silent == set()


def test_what_opens_in_a_window_of_its_own_says_what_it_asks(full_window):
    asked = [
        finder.ask_workspace(full_window),
        table_menu.ask_file(full_window.activity.findChild(TableView)),
    ]
    full_window.open_page("fleet")
    full_window.page.places._ask_tiles()
    full_window.page.plots.show_node(full_window.engine.fleet.records.need("n0"))
    next(iter(full_window.page.plots.plots.values()))._ask_file("png", lambda path: path)
    form = full_window.inspector.show_form(full_window.context.find("qubo.solve"), {})
    form.findChild(PresetButton)._ask()
    next(field for field in form.findChildren(Field) if field.arg.name == "file")._choose()
    opened = full_window.findChildren(QDialog)
    assert set(asked) <= set(opened)
    assert len(opened) == 6
    assert all(dialog.windowTitle().strip() for dialog in opened)
    assert all(dialog.labelText().strip() for dialog in opened if isinstance(dialog, QInputDialog))
    for dialog in opened:
        dialog.reject()


def test_a_button_without_words_says_what_it_does(full_window):
    silent = {
        place_of(widget)
        for _page in visited(full_window)
        for widget in interactive(full_window)
        if isinstance(widget, QAbstractButton) and not widget.text().strip()
        and not (widget.toolTip() or widget.accessibleDescription()).strip()
    }  # fmt: skip
    assert silent == set()


def test_no_action_is_for_the_mouse_alone(full_window):
    out_of_reach = {
        f"{name_of(widget)}: {place_of(widget)}"
        for _page in visited(full_window)
        for widget in interactive(full_window)
        if widget.isVisibleTo(full_window) and widget.isEnabled() and not reachable(widget)
    }
    assert out_of_reach == set()


@pytest.mark.parametrize("page", ["overview", "fleet", "rollouts", "activity", "settings", "help"])
def test_tab_goes_round_and_back(qtbot, full_window, page):
    full_window.open_page(page)
    full_window.activateWindow()
    seen: list[QWidget] = []
    for _ in range(400):
        full_window.focusNextPrevChild(True)
        widget = QApplication.focusWidget()
        if widget is None or widget in seen:
            break
        seen.append(widget)
    visible = {
        widget for widget in interactive(full_window.page)
        if widget.isVisibleTo(full_window) and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }  # fmt: skip
    assert len(seen) > 3
    assert {place_of(widget) for widget in visible - set(seen)} == set()
