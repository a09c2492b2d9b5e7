"""Shortcuts: defaults, a person's own, and no two actions on the same keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.engine.base.errors import BadInput
from app.views.shell.shortcuts import Binding, Shortcuts, parsed, written


@pytest.fixture
def made(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    done = []
    bindings = [
        Binding("palette", "Ctrl+K", "Find", lambda: done.append("palette")),
        Binding("refresh", "F5", "Refresh", lambda: done.append("refresh")),
    ]
    window.show()
    window.activateWindow()
    shortcuts = Shortcuts(window, bindings, "")
    shortcuts.done, shortcuts.window = done, window
    return shortcuts


def test_own_keys_act_in_place_of_the_default(qtbot, made):
    made.take("refresh=Ctrl+R")
    qtbot.keyClick(made.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(made.window, Qt.Key.Key_F5)
    assert made.done == ["refresh"]
    assert made.is_own("refresh")
    made.take("")
    qtbot.keyClick(made.window, Qt.Key.Key_F5)
    assert made.done == ["refresh", "refresh"]


def test_taken_keys_are_refused_and_name_who_has_them(made):
    assert made.conflict("refresh", "Ctrl+K") == "Find"
    with pytest.raises(BadInput, match="Ctrl\\+K is taken by: Find"):
        made.with_keys("refresh", "Ctrl+K")
    made.take("refresh=Ctrl+K; no=F1; rubbish")
    assert made.keys_of("refresh") == "F5"


def test_the_default_is_not_written(made):
    text = made.with_keys("refresh", "Ctrl+R")
    assert text == "refresh=Ctrl+R"
    made.take(text)
    assert made.with_keys("refresh", "F5") == ""


def test_the_setting_reads_back_as_written():
    own = {"a": "Ctrl+Shift+K", "b": "F2"}
    assert parsed(written(own)) == own
    assert parsed("; =F2;x") == {}


def test_every_shortcut_of_the_window_has_keys_of_its_own(window):
    keys = [window.shortcuts.keys_of(name) for name in window.shortcuts.bindings]
    assert len(set(keys)) == len(keys)
    assert [name for name in window.shortcuts.bindings if window.shortcuts.conflict(name, window.shortcuts.keys_of(name))] == []
