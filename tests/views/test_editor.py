"""The circuit editor: placing by key, drop and Return, selection, undo, text in step, the state asked for."""

import math
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton

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
    page.state.look()
    name, args = start.asked[-1]
    assert name == "circuit.look"
    assert args["upto"] == 2
    assert [row[0] for row in page.state.bars.twin().rows] == ["000", "011"]
    assert page.state.ties.twin().rows == [("q[0]", "q[1]", pytest.approx(2.0))]
    assert page.state.hinton.twin().rows[0][2] == pytest.approx(0.5)
    assert "purity 1" in page.state.measures.text()
    assert page.grab().toImage().width() > 0


def test_an_answer_to_an_older_question_is_not_shown(page, qtbot, start, monkeypatch):
    qtbot.keyClicks(page.grid, "h")
    waiting = []
    context = SimpleNamespace(start=lambda _command, done, /, **args: waiting.append((done, args)))
    monkeypatch.setattr(page.state, "_context", context)
    page.state.look()
    page.state.wait.setValue(120)
    page.state.look()
    (older, first), (newer, second) = waiting
    assert first["text"] == second["text"]
    assert first["viewer"] == second["viewer"] != ""
    newer(look(page.model.circuit, noise={"t_us": 120, "t1_us": 100, "t2_us": 100, "depolarised": 0}))
    shown = page.state.bars.twin().rows
    older(look(page.model.circuit))
    assert page.state.bars.twin().rows == shown
    assert [row[1] for row in shown] != pytest.approx([0.5, 0.5])


def test_the_qubits_of_the_matrix_are_those_that_are_asked_for(page, qtbot, start):
    for _ in range(4):
        page.model.edit("more", document.add_qubit)
    page.state.keep.setText("6, 2, 99, two")
    page.state.look()
    assert start.asked[-1][1]["keep"] == "6 2"
    assert not page.state.keep.isHidden()
    page.state._looked(page.state._asked, look(page.model.circuit, keep=[6, 2]))
    assert "q[6], q[2]" in page.state.city.accessibleDescription()


def test_no_button_is_cut_off_in_a_narrow_canvas(page, qtbot):
    page.window().resize(1280, 800)
    page.doors.samples.setMaximumWidth(160)
    card = page.grid.parentWidget()
    card.resize(260, 600)
    qtbot.waitUntil(lambda: card.width() == 260)
    buttons = card.findChildren(QPushButton)
    assert {"Remove the qubit", "Export…"} <= {button.text() for button in buttons}
    for button in buttons:
        assert card.rect().contains(button.geometry())
        assert button.width() >= button.sizeHint().width()


def test_a_qubit_comes_and_goes(page):
    page.model.edit("more", document.add_qubit)
    assert len(page.model.circuit.qubits) == 4
    page._remove_qubit()
    assert len(page.model.circuit.qubits) == 3


def test_where_tabs_would_hide_behind_arrows_the_pictures_are_a_list(page):
    state = page.state
    wide = state.tabs.tabBar().sizeHint().width()
    for width, listed in ((wide - 20, True), (wide + 20, False)):
        state.resize(width, 500)
        assert (state.pick.isHidden(), state.tabs.tabBar().isHidden()) == (not listed, listed)
    titles = [state.tabs.tabText(at) for at in range(state.tabs.count())]
    assert [state.pick.itemText(at) for at in range(state.pick.count())] == titles
    state.pick.activated.emit(4)
    assert state.tabs.currentIndex() == 4
    state.tabs.setCurrentIndex(2)
    assert state.pick.currentIndex() == 2
