import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.circuits import document
from app.engine.circuits.adapters.qasm_out import editable
from app.engine.circuits.adapters.qiskit_read import describe, read
from app.engine.circuits.document import blank, insert, made
from app.engine.circuits.gates import GATES
from app.engine.circuits.picture import schedule

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "qasm"


@st.composite
def circuits(draw):
    circuit = blank(4, 2)
    for _ in range(draw(st.integers(0, 8))):
        name = draw(st.sampled_from([*GATES, "measure", "barrier", "reset"]))
        gate = GATES.get(name)
        wires = draw(st.permutations(range(4)))[: gate.qubits if gate else 1]
        angles = [draw(st.sampled_from([0.3, math.pi / 2, -math.pi, 1e-7]))] * (len(gate.params) if gate else 0)
        circuit = insert(circuit, made(name, wires, angles, [0] if name == "measure" else []), draw(st.integers(0, 6)))
    return circuit


@settings(max_examples=40, deadline=None)
@given(circuits())
def test_what_is_written_is_read_back_the_same(circuit):
    again = describe(read(document.qasm(circuit), "c"))
    assert [(op.name, op.qubits, op.clbits) for op in again.ops] == [(op.name, op.qubits, op.clbits) for op in circuit.ops]
    assert [op.params for op in again.ops] == [op.params for op in circuit.ops]
    assert (again.qubits, again.clbits) == (circuit.qubits, circuit.clbits)
    assert document.from_json(document.to_json(circuit)) == circuit


def test_conditions_and_open_controls_are_written_and_read_back():
    circuit = insert(blank(2, 1), made("measure", [0], clbits=[0]))
    circuit = document.conditioned(insert(circuit, made("x", [1])), 1, 0, 0)
    text = document.qasm(circuit)
    assert "if (!c[0]) { x q[1]; }" in text
    assert describe(read(text, "c")).ops[1].condition == "!c[0]"
    assert document.conditioned(circuit, 1, None).ops[1] == made("x", [1])
    with pytest.raises(BadInput, match="Only gates"):
        document.conditioned(circuit, 0, 0)


def test_a_gate_goes_before_what_stands_on_its_wires_at_that_column():
    circuit = insert(insert(blank(2), made("h", [0])), made("x", [1]))
    assert [op.name for op in insert(circuit, made("z", [0]), 0).ops] == ["z", "h", "x"]
    assert [op.name for op in insert(circuit, made("z", [0]), 1).ops] == ["h", "x", "z"]
    assert schedule(insert(circuit, made("cx", [0, 1]), 1)) == [0, 0, 1]


def test_moving_and_pasting_keep_the_order_of_what_is_moved():
    circuit = blank(3)
    for op in (made("h", [0]), made("cx", [0, 1]), made("x", [2])):
        circuit = insert(circuit, op)
    moved = document.move(circuit, [0, 1], 1, 0)
    assert [(op.name, op.qubits) for op in moved.ops] == [("h", (1,)), ("cx", (1, 2)), ("x", (2,))]
    with pytest.raises(BadInput, match="no room"):
        document.move(circuit, [1], 2, 0)
    assert len(document.paste(circuit, moved.ops).ops) == 6


def test_a_qubit_goes_with_its_gates_and_barriers_shrink():
    circuit = insert(insert(insert(blank(3), made("cx", [0, 1])), made("barrier", [0, 1, 2])), made("h", [2]))
    less = document.remove_qubit(circuit, 1)
    assert less.qubits == ("q[0]", "q[1]")
    assert [(op.name, op.qubits) for op in less.ops] == [("barrier", (0, 1)), ("h", (1,))]
    with pytest.raises(BadInput, match="one qubit at least"):
        document.remove_qubit(blank(1), 0)
    assert document.add_qubit(less).qubits[-1] == "q[2]"
    assert document.add_bit(less).clbits == ("c[0]",)


def test_bad_gates_are_refused():
    with pytest.raises(BadInput, match="differ"):
        made("cx", [1, 1])
    with pytest.raises(BadInput, match="takes 2 qubits"):
        made("cx", [1])
    with pytest.raises(BadInput, match="no such qubit"):
        insert(blank(1), made("h", [4]))


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize("name", ["adder_n10", "qft_n4", "teleportation_n3", "wstate_n3"])
def test_public_circuits_can_be_edited(name):
    text = (DATA / f"{name}.qasm").read_text()
    made_, why_not = editable(read(text, name))
    assert why_not == ""
    assert document.why_not(describe(read(document.qasm(document.from_json(made_)), name))) == ""


def test_free_angles_are_declared_found_and_given_values():
    circuit = document.insert(document.blank(1), document.made("u", [0], ["theta", 0.5, "phi"]))
    assert document.free(circuit) == ("theta", "phi")
    text = document.qasm(circuit)
    assert "input float theta;\ninput float phi;" in text
    half = document.bound(circuit, {"theta": 1.0})
    assert half.ops[0].params == (1.0, 0.5, "phi")
    assert document.free(document.bound(half, {"phi": 2.0})) == ()
