"""A choice of circuits: kept and bundled ones, as they are when the list opens."""

import pytest

from app.engine.circuits.records import Sample
from app.views.circuit_choice import CircuitChoice


@pytest.fixture
def choice(window, qtbot):
    made = CircuitChoice(window.context, "Open…", "Open a circuit", "Puts one on the canvas")
    qtbot.addWidget(made)
    return made


@pytest.mark.qt_log_ignore("does not support (raise|grabbing)")
def test_the_list_is_new_when_it_opens_and_keeps_what_is_chosen(choice, engine):
    choice.setCurrentIndex(choice.findText("bell"))
    bell = choice.file
    assert bell.endswith("bell.qasm")
    samples = engine.circuits.samples()
    engine.circuits.samples = lambda: (Sample("mine", "Mine", "/home/mine.qasm"), *samples)
    choice.showPopup()
    choice.hidePopup()
    assert (choice.itemText(0), choice.itemText(1)) == ("Open…", "mine")
    assert choice.file == bell


def test_one_that_is_gone_is_no_longer_chosen(choice, engine):
    choice.setCurrentIndex(1)
    engine.circuits.samples = tuple
    choice.fill()
    assert (choice.file, choice.count()) == ("", 1)
