"""The palette: letters find a line, Return does it, Esc closes."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.views.shell.palette import Choice, Palette, score


@pytest.fixture
def done():
    return []


@pytest.fixture
def palette(qtbot, done):
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    names = ["Overview", "Fleet", "Start demo fleet", "Solve an optimisation problem"]
    made = Palette(window, lambda: [Choice(name, "page", lambda name=name: done.append(name)) for name in names])
    window.show()
    made.open()
    return made


def test_letters_in_order_find_a_line_and_return_does_it(qtbot, palette, done):
    qtbot.keyClicks(palette.field, "sdf")
    assert palette.titles == ["Start demo fleet"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == ["Start demo fleet"]
    assert not palette.isVisible()


def test_a_whole_word_beats_scattered_letters(palette):
    palette.field.setText("fleet")
    assert palette.titles == ["Fleet", "Start demo fleet"]


def test_arrows_move_and_wrap(qtbot, palette, done):
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == ["Solve an optimisation problem"]


def test_escape_closes_and_nothing_is_done(qtbot, palette, done):
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert done == []


def test_return_on_no_match_does_nothing(qtbot, palette, done):
    palette.field.setText("zzz")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == []


@pytest.mark.parametrize(("needle", "text", "found"), [("abc", "a-b-c", True), ("acb", "a-b-c", False), ("", "any", True)])
def test_letters_must_come_in_order(needle, text, found):
    assert (score(needle, text) is not None) is found
