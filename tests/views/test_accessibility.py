"""Everybody can use it: a name on everything that can be acted on, a key to everything, and Tab goes round."""

import ast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QInputDialog, QMenu, QWidget

from app.engine.base.funnel import Fate, Notice
from app.views.shell import finder
from app.views.shell.fields import Field
from app.views.shell.forms import CommandForm
from app.views.shell.presets import PresetButton
from app.views.widgets import table_menu
from app.views.widgets.table import TableView
from tests.laws.tree import ROOT, dotted, files, nodes_of
from tests.views.walk import interactive, name_of, place_of, reachable, untold, visited


def test_everything_on_every_empty_page_says_its_name_and_what_it_is_for(window):
    assert set().union(*(untold(window) for _page in visited(window))) == set()


def test_everything_on_every_page_says_its_name_and_what_it_is_for_and_answers_to_a_key(full_window):
    silent, nameless, out_of_reach = set(), set(), set()
    for _page in visited(full_window):
        silent |= untold(full_window)
        nameless |= {place_of(menu) for menu in full_window.findChildren(QMenu) if not _told(menu)}
        out_of_reach |= {
            f"{name_of(widget)}: {place_of(widget)}"
            for widget in interactive(full_window)
            if widget.isVisibleTo(full_window) and widget.isEnabled() and not reachable(widget)
        }
    assert (silent, nameless, out_of_reach) == (set(), set(), set())


def _told(menu):
    return bool(name_of(menu)) and all(one.text() or one.isSeparator() for one in menu.actions())


def test_the_form_of_every_command_says_what_each_part_is_for(full_window):
    silent = {}
    for row in full_window.engine.table:
        form = CommandForm(row, lambda _args: None, compact=False, view=full_window.context.view)
        if found := untold(form):
            silent[row.id] = found
    assert silent == {}


def test_palette_keys_and_notices_say_what_they_are(full_window):
    full_window.open_palette()
    full_window.show_keys()
    full_window.show_notice(Notice(Fate.TELL, "node-01 went silent", "Look at its link."))
    assert untold(full_window) == set()


def test_what_opens_in_a_window_of_its_own_says_what_it_asks(full_window):
    asked = [
        finder.ask_workspace(full_window),
        table_menu.ask_file(full_window.activity.findChild(TableView)),
    ]
    full_window.open_page("fleet")
    full_window.page.places._ask_tiles()
    full_window.page.plots.show_node(full_window.engine.fleet.records.need("n0"))
    next(iter(full_window.page.plots.plots.values()))._ask_file("png", lambda path: path)
    full_window.open_page("compare")
    full_window.page._ask_report()
    full_window.open_page("editor")
    full_window.page.doors._ask_open()
    full_window.page.doors._ask_export()
    form = full_window.inspector.show_form(full_window.context.find("qubo.solve"), {})
    form.findChild(PresetButton)._ask()
    next(field for field in form.findChildren(Field) if field.arg.name == "file")._choose()
    opened = full_window.findChildren(QDialog)
    assert set(asked) <= set(opened)
    assert len(opened) == 9
    assert all(dialog.windowTitle().strip() for dialog in opened)
    assert all(dialog.labelText().strip() for dialog in opened if isinstance(dialog, QInputDialog))
    for dialog in opened:
        dialog.reject()


def test_every_window_that_the_code_can_open_is_among_those_tried_above():
    opening = {
        f"{path.relative_to(ROOT).as_posix()}: {dotted(call.func)}"
        for path in files("app/views", "app/console.py")
        for call in nodes_of(path)
        if isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2].endswith(("Dialog", "MessageBox", "Wizard"))
        and dotted(call.func).startswith("Q")
    }  # fmt: skip
    assert opening == {
        "app/views/compare.py: QFileDialog",
        "app/views/editor_doors.py: QFileDialog",
        "app/views/shell/finder.py: QInputDialog",
        "app/views/shell/presets.py: QInputDialog",
        "app/views/shell/fields.py: QFileDialog",
        "app/views/widgets/chart.py: QFileDialog",
        "app/views/widgets/map_panel.py: QFileDialog",
        "app/views/widgets/table_menu.py: QFileDialog",
    }


def test_what_follows_the_mouse_follows_the_keyboard_too():
    mouse = {"mousePressEvent", "mouseReleaseEvent", "mouseMoveEvent", "mouseDoubleClickEvent", "wheelEvent"}
    deaf = {
        f"{path.relative_to(ROOT).as_posix()}: {one.name}"
        for path in files("app/views")
        for one in nodes_of(path)
        if isinstance(one, ast.ClassDef)
        and mouse & (handled := {part.name for part in one.body if isinstance(part, ast.FunctionDef)})
        and "keyPressEvent" not in handled
    }
    assert deaf == set()


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
