"""A card folds to its heading by mouse and by keyboard."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.views.widgets.fold import Fold


def test_the_heading_shows_and_hides_what_is_below(qtbot):
    inside = QLabel("inside")
    fold = Fold("Heading", inside, is_open=False)
    qtbot.addWidget(fold)
    fold.show()
    told = []
    fold.opened.connect(told.append)
    assert not inside.isVisible()
    low = fold.sizeHint().height()
    qtbot.mouseClick(fold.heading, Qt.MouseButton.LeftButton)
    assert inside.isVisible()
    assert fold.sizeHint().height() > low
    qtbot.keyClick(fold.heading, Qt.Key.Key_Space)
    assert not inside.isVisible()
    fold.unfold()
    assert inside.isVisible()
    assert told == [True, False, True]
    assert fold.heading.accessibleDescription()
