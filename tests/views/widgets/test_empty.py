"""Empty states say what a place is for and offer one action."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.views.widgets.empty import EmptyState


def test_the_one_action_can_be_pressed(qtbot):
    done = []
    empty = EmptyState("server", "No nodes", "Start some.", "Start", lambda: done.append(1))
    qtbot.addWidget(empty)
    qtbot.mouseClick(empty.button, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert {"No nodes", "Start some."} <= {label.text() for label in empty.findChildren(QLabel)}


def test_without_an_action_there_is_no_button(qtbot):
    empty = EmptyState("server", "No nodes", "None.", compact=True)
    qtbot.addWidget(empty)
    assert empty.button is None
