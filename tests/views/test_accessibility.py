"""Everybody can use it: a name on everything that can be acted on, a key to everything, and Tab goes round."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

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
