"""A flow: one row where there is room, more where there is not, and nothing cut off."""

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from app.views.widgets.flow import Flow


@pytest.fixture
def held(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    flow = Flow()
    flow.add(*(QPushButton(text) for text in ("Add a qubit", "Remove the qubit", "Undo", "Redo")))
    widget.setLayout(flow)
    return widget, flow


def tops(flow):
    return [flow.itemAt(at).geometry().top() for at in range(flow.count())]


def test_a_row_breaks_where_it_is_full(held):
    widget, flow = held
    wide = flow.sizeHint()
    widget.resize(wide.width(), 200)
    widget.show()
    assert len(set(tops(flow))) == 1
    assert flow.heightForWidth(wide.width()) == wide.height()
    widget.resize(wide.width() - 1, 200)
    assert tops(flow)[3] > tops(flow)[0]
    narrow = flow.minimumSize().width()
    widget.resize(narrow, 400)
    assert len(set(tops(flow))) >= 3
    for at in range(flow.count()):
        assert widget.rect().contains(flow.itemAt(at).geometry())
    assert flow.heightForWidth(narrow) > flow.heightForWidth(wide.width())


def test_what_is_hidden_takes_no_room(held):
    _, flow = held
    before = flow.sizeHint().width()
    flow.itemAt(0).widget().hide()
    assert flow.sizeHint().width() < before


def test_items_are_given_back(held):
    _, flow = held
    assert flow.takeAt(0) is not None
    assert (flow.count(), flow.itemAt(7), flow.takeAt(7)) == (3, None, None)
