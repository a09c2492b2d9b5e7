import numpy as np
import pytest
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector

from app.engine.base.errors import BadInput, Cancelled, Limit
from app.engine.circuits import states
from app.engine.circuits.adapters.qasm_out import editable
from app.engine.circuits.document import blank, from_json, insert, made
from app.engine.circuits.records import Circuit, Op


@pytest.mark.parametrize("seed", range(8))
def test_a_state_is_qiskits(seed):
    circuit = random_circuit(4, 6, max_operands=3, seed=seed)
    document, why_not = editable(circuit)
    assert why_not == ""
    state, exact = states.evolve(from_json(document))
    assert exact
    assert abs(np.vdot(Statevector(circuit).data, state)) == pytest.approx(1, abs=1e-10)


def test_an_open_control_acts_where_the_qubit_is_0():
    state, _ = states.evolve(Circuit("o", ("q[0]", "q[1]"), (), (Op("cx", (0, 1), controls=1, open_controls=(0,)),)))
    assert states.probabilities(state).tolist() == [0, 0, 1, 0]


def test_teleportation_by_conditions_carries_the_state_over():
    ops = (
        Op("ry", (0,), (0.8,)), Op("h", (1,)), Op("cx", (1, 2), controls=1), Op("cx", (0, 1), controls=1), Op("h", (0,)),
        Op("measure", (0,), (), (0,)), Op("measure", (1,), (), (1,)),
        Op("x", (2,), (), (1,), "c[1]"), Op("z", (2,), (), (0,), "c[0]"),
    )  # fmt: skip
    circuit = Circuit("t", ("q[0]", "q[1]", "q[2]"), ("c[0]", "c[1]"), ops)
    ends = set()
    for seed in range(12):
        state, exact = states.evolve(circuit, seed=seed)
        assert not exact
        kept = state.reshape(2, 4)
        column = int(np.argmax(np.abs(kept).sum(axis=0)))
        assert kept[:, column].real == pytest.approx([np.cos(0.4), np.sin(0.4)], abs=1e-12)
        ends.add(column)
    assert len(ends) > 1


def test_conditions_read_bits_and_registers():
    labels, bits = ("c[0]", "c[1]", "d[0]"), np.array([0, 1, 1])
    assert states.holds("c[1]", labels, bits)
    assert states.holds("!c[0]", labels, bits)
    assert states.holds("c=2", labels, bits)
    assert not states.holds("c≠2", labels, bits)
    assert states.holds("c[1] ∧ d[0]", labels, bits)
    with pytest.raises(BadInput, match="cannot be followed"):
        states.holds("e=1", labels, bits)


def test_samples_follow_the_probabilities():
    circuit = insert(blank(2), made("ry", [0], [2 * np.arcsin(np.sqrt(0.3))]))
    state, _ = states.evolve(circuit)
    drawn = states.sample(state, 20_000, np.random.default_rng(3))
    assert set(drawn.tolist()) == {0, 1}
    assert drawn.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 20_000))


def test_too_many_qubits_and_a_stop_end_at_once():
    with pytest.raises(Limit, match="1 to 22 qubits"):
        states.zero(23)
    with pytest.raises(Cancelled):
        states.evolve(insert(blank(1), made("h", [0])), stop=lambda: True)
