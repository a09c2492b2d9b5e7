"""Helpers that name what acts, what draws and what scrolls."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.views.widgets.explain import explain, name_drawn, say_drawn, scrolled, tabbed


def test_a_sentence_is_for_the_pointer_and_for_a_reader_of_the_screen(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    explain(widget, "Ends the run")
    assert (widget.toolTip(), widget.accessibleDescription()) == ("Ends the run", "Ends the run")


def test_a_drawing_says_what_it_draws_or_that_there_is_nothing(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    name_drawn(widget, "Energies")
    assert (widget.accessibleName(), widget.accessibleDescription()) == ("Energies", "Nothing to show yet")
    say_drawn(widget, "3 bars")
    assert widget.accessibleDescription() == "3 bars"
    say_drawn(widget, "")
    assert widget.accessibleDescription() == "Nothing to show yet"


def test_an_area_scrolls_up_and_down_only_unless_asked_and_has_no_tool_tip(qtbot):
    up, across = scrolled(QLabel("x"), "Runs"), scrolled(QLabel("x"), "Lanes", across=True)
    qtbot.addWidget(up)
    qtbot.addWidget(across)
    assert up.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff
    assert across.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded
    assert (up.accessibleName(), up.toolTip()) == ("Runs", "")
    assert up.accessibleDescription()


def test_tabs_and_their_bar_have_one_name(qtbot):
    tabs = tabbed("Activity")
    qtbot.addWidget(tabs)
    assert tabs.accessibleName() == tabs.tabBar().accessibleName() == "Activity"
