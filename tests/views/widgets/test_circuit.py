"""The circuit canvas: everything of the layout document is drawn, only what is in view is painted, keys scroll."""

import pytest
from PySide6.QtCore import Qt

from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.circuit_cells import said_of


@pytest.fixture
def canvas(qtbot):
    made = CircuitCanvas()
    qtbot.addWidget(made)
    made.resize(300, 160)
    made.show()
    return made


def test_draws_every_kind_of_operation(canvas, picture):
    canvas.show_picture(picture)
    before = canvas.grab().toImage()
    canvas.show_picture(None)
    assert canvas.grab().toImage() != before
    assert canvas.accessibleDescription() == "0 qubits, 0 columns"


def test_long_circuits_scroll_by_keyboard(qtbot, canvas):
    gate = {"name": "h", "label": "H", "qubits": [0], "targets": [0]}
    canvas.show_picture({"qubits": ["q"], "clbits": [], "columns": [[gate] for _ in range(20_000)]})
    bar = canvas.horizontalScrollBar()
    assert bar.maximum() > 100_000
    qtbot.keyClick(canvas, Qt.Key.Key_End)
    assert bar.value() == bar.maximum()
    canvas.grab()
    qtbot.keyClick(canvas, Qt.Key.Key_Home)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert bar.value() == 60


def test_a_gate_says_its_parameters_and_condition():
    assert said_of({"label": "Rx", "params": ["π/2", "0.1"]}) == "Rx(π/2, 0.1)"
    assert said_of({"label": "X", "condition": "c == 1"}) == "X if c == 1"
    assert said_of({"name": "foo"}) == "foo"
