"""Resizing by keyboard: the part of a page, or the dock, in which the keyboard is."""

import pytest
from PySide6.QtWidgets import QLineEdit, QSplitter

from app.views.shell.sizing import STEP_PX, resize


@pytest.fixture
def split(qtbot):
    splitter = QSplitter()
    splitter.setHandleWidth(4)
    for _ in range(2):
        splitter.addWidget(QLineEdit())
    splitter.resize(604, 60)
    qtbot.addWidget(splitter)
    splitter.show()
    splitter.activateWindow()
    qtbot.waitExposed(splitter)
    splitter.setSizes([300, 300])
    return splitter


@pytest.mark.parametrize(
    ("part", "sign", "sizes"), [(0, 1, [340, 260]), (0, -1, [260, 340]), (1, 1, [260, 340]), (1, -1, [340, 260])]
)
def test_the_part_with_the_keyboard_takes_from_its_neighbour_or_gives(qtbot, split, part, sign, sizes):
    told = []
    split.splitterMoved.connect(lambda *_: told.append(split.sizes()))
    split.widget(part).setFocus()
    qtbot.waitUntil(split.widget(part).hasFocus)
    resize(sign)
    assert split.sizes() == sizes
    assert told == [sizes]  # so that the layout keeps it


def test_a_part_never_gets_smaller_than_what_it_needs(qtbot, split):
    split.setChildrenCollapsible(False)
    split.widget(1).setMinimumWidth(250)
    split.widget(0).setFocus()
    qtbot.waitUntil(split.widget(0).hasFocus)
    for _ in range(4):
        resize(1)
    assert split.sizes() == [350, 250]


def test_the_dock_with_the_keyboard_changes_its_width(qtbot, full_window):
    form = full_window.inspector.show_form(full_window.context.find("qubo.solve"), {})
    full_window.activateWindow()
    form.focus_first()
    qtbot.waitUntil(lambda: full_window.inspector.isAncestorOf(full_window.focusWidget()))
    before = full_window.inspector.width()
    resize(1)
    qtbot.waitUntil(lambda: full_window.inspector.width() == before + STEP_PX)


def test_what_stands_alone_stays_as_it_is(qtbot):
    alone = QLineEdit()
    qtbot.addWidget(alone)
    alone.resize(200, 30)
    alone.show()
    alone.activateWindow()
    alone.setFocus()
    qtbot.waitUntil(alone.hasFocus)
    resize(1)
    assert alone.width() == 200
