import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits import document
from app.views.editor_model import EditorModel, placed


def test_an_edit_is_undone_and_done_again(qtbot):
    model = EditorModel()
    begun = model.circuit
    assert model.edit("place", lambda circuit: placed(circuit, "h", 0, 1))
    assert model.stack.undoText() == "place"
    model.stack.undo()
    assert model.circuit == begun
    model.stack.redo()
    assert model.circuit.ops[0].qubits == (1,)


def test_a_refused_edit_changes_nothing_and_says_why(qtbot):
    model = EditorModel()
    with qtbot.waitSignal(model.refused) as told:
        assert not model.edit("bad", lambda circuit: document.insert(circuit, document.made("h", [9])))
    assert "no such qubit" in told.args[0]
    assert model.stack.count() == 0


def test_a_gate_near_the_last_wire_moves_up_and_a_measurement_brings_its_bit(qtbot):
    circuit = document.blank(3)
    assert placed(circuit, "ccx", 0, 2).ops[0].qubits == (0, 1, 2)
    assert placed(circuit, "barrier", 0, 2).ops[0].qubits == (0, 1, 2)
    assert placed(circuit, "measure", 0, 2).clbits == ("c[0]", "c[1]", "c[2]")


def test_what_was_copied_goes_where_it_fits(qtbot):
    model = EditorModel()
    assert model.pasted(0) == ()
    model.open(placed(model.circuit, "cx", 0, 0))
    model.copy({0})
    assert model.pasted(1)[0].qubits == (1, 2)
    with pytest.raises(BadInput):
        model.pasted(2)


def test_opening_another_circuit_is_undone_to_the_one_that_was_edited(qtbot):
    model = EditorModel()
    model.edit("place", lambda circuit: placed(circuit, "h", 0, 1))
    drawn = model.circuit
    model.open(document.blank(2))
    assert len(model.circuit.qubits) == 2
    model.stack.undo()
    assert model.circuit == drawn
    model.stack.undo()
    assert model.circuit.ops == ()
