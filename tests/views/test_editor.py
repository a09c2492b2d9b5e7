"""The circuit editor: placing by key, drop and Return, selection, undo, text in step, the state asked for."""

import math

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent

from app.engine.circuits import document
from app.engine.circuits.look import look
from app.views.widgets.circuit_cells import y_of
from app.views.widgets.circuit_grid import COLUMN_PX, MIME


@pytest.fixture
def page(full_window):
    full_window.open_page("editor")
    return full_window.page


def names(page):
    return [(op.name, op.qubits) for op in page.model.circuit.ops]


def test_letters_place_gates_at_the_cursor_and_undo_takes_them_back(page, qtbot):
    qtbot.keyClicks(page.grid, "hc")
    assert names(page) == [("cx", (0, 1)), ("h", (0,))]
    qtbot.keyClick(page.grid, Qt.Key.Key_Down)
    qtbot.keyClick(page.grid, "m")
    assert ("measure", (1,)) in names(page)
    before = names(page)
    page.model.stack.undo()
    assert names(page) == [("cx", (0, 1)), ("h", (0,))]
    page.model.stack.redo()
    assert names(page) == before


def test_a_dropped_gate_stands_where_it_was_let_go(page):
    data = QMimeData()
    data.setData(MIME, b"rx")
    at = page.grid.mapFromScene(QPointF(page.grid._label_px + COLUMN_PX / 2, y_of(2)))
    page.grid.dropEvent(
        QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    )
    assert names(page) == [("rx", (2,))]
    assert page.model.circuit.ops[0].params == (math.pi / 2,)


def test_a_selection_is_copied_moved_and_removed(page, qtbot):
    qtbot.keyClicks(page.grid, "c")
    page.grid.select({0})
    page.model.copy(page.grid.selected)
    qtbot.keyClick(page.grid, Qt.Key.Key_Right)
    qtbot.keyClick(page.grid, Qt.Key.Key_Down)
    page._paste()
    assert names(page) == [("cx", (0, 1)), ("cx", (1, 2))]
    page.grid.select({0})
    page._move(1, 5)
    assert names(page) == [("cx", (1, 2)), ("cx", (1, 2))]
    page.grid.select({0, 1})
    qtbot.keyClick(page.grid, Qt.Key.Key_Delete)
    assert names(page) == []


def test_a_band_selects_what_is_in_it(page, qtbot):
    qtbot.keyClicks(page.grid, "hh")
    page.grid.select(page.grid._inside(page.grid.sceneRect()))
    assert page.grid.selected == {0, 1}


def test_wires_angles_and_conditions_of_a_gate_are_edited(page, qtbot):
    qtbot.keyClicks(page.grid, "r")
    page.model.edit("bit", document.add_bit)
    page.grid.select({0})
    page.qubits.setText("2")
    page.angles.setText("-3π/8")
    page._apply()
    op = page.model.circuit.ops[0]
    assert (op.qubits, op.params) == ((2,), (pytest.approx(-3 * math.pi / 8),))
    page._conditioned(page.condition.findData("c[0]"))
    assert page.model.circuit.ops[0].condition == "c[0]"
    page.grid.select({0})
    page.angles.setText("2 times pi")
    page._apply()
    assert "is no angle" in page.said.text()


def test_text_and_canvas_stay_in_step(page, qtbot, start):
    qtbot.keyClicks(page.grid, "h")
    assert "h q[0];" in page.text.toPlainText()
    other = document.insert(document.blank(2), document.made("x", [1]))
    start.answers["circuit.show"] = {"document": document.to_json(other)}
    page.text.setPlainText(document.qasm(other))
    page._read()
    assert names(page) == [("x", (1,))]
    page.model.stack.undo()
    assert names(page) == [("h", (0,))]
    start.answers["circuit.show"] = {"document": None, "why_not": "It has free parameters."}
    page._read()
    assert "free parameters" in page.said.text()


def test_the_state_is_computed_elsewhere_and_drawn(page, qtbot, start):
    qtbot.keyClicks(page.grid, "c")
    qtbot.keyClicks(page.grid, "h")
    start.answers["circuit.look"] = look(page.model.circuit)
    page._look()
    name, args = start.asked[-1]
    assert name == "circuit.look"
    assert args["upto"] == 2
    assert [row[0] for row in page.bars.twin().rows] == ["000", "011"]
    assert page.ties.twin().rows == [("q[0]", "q[1]", pytest.approx(2.0))]
    assert page.hinton.twin().rows[0][2] == pytest.approx(0.5)
    assert "purity 1" in page.measures.text()
    assert page.grab().toImage().width() > 0


def test_a_qubit_comes_and_goes(page):
    page.model.edit("more", document.add_qubit)
    assert len(page.model.circuit.qubits) == 4
    page._remove_qubit()
    assert len(page.model.circuit.qubits) == 3
