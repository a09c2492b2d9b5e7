"""A destructive button asks once more, and forgets."""

import pytest
from PySide6.QtCore import Qt

from app.views.widgets.confirm import ConfirmButton


@pytest.fixture
def pressed(qtbot):
    done = []
    button = ConfirmButton("Remove", "Really?", lambda: done.append(1))
    qtbot.addWidget(button)
    button.show()
    yield button, done
    button.forget()


def test_the_first_press_asks_and_the_second_acts(qtbot, pressed):
    button, done = pressed
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (button.text(), done) == ("Really?", [])
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (button.text(), done) == ("Remove", [1])


def test_looking_away_or_waiting_is_a_no(qtbot, pressed):
    button, done = pressed
    button.click()
    button.clearFocus()
    button._timer.setInterval(1)
    button.click()
    button.click() if not button.asking else None
    qtbot.waitUntil(lambda: not button.asking)
    assert button.text() == "Remove"
    assert done == []
