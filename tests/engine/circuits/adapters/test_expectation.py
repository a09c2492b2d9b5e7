"""Means of observables: by light cones equal to the whole state's, at any width."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from app.engine.base.errors import BadInput, Cancelled
from app.engine.circuits import observables
from app.engine.circuits.adapters import expectation

GIB = 1 << 30


def means(circuit, text, **more):
    low = expectation.plain(circuit, "c")
    return expectation.means(low, observables.read(text, circuit.num_qubits), "c", 4 * GIB, **more)


def random_circuit(qubits, layers, seed):
    rng, circuit = np.random.default_rng(seed), QuantumCircuit(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1) if rng.random() < 0.5 else circuit.rzz(float(rng.uniform(0, 3)), qubit, qubit + 1)
    return circuit


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_term_is_that_of_the_whole_state(seed):
    circuit = random_circuit(8, 3, seed)
    found = means(circuit, "Z0 + X3 Y4 + Z2 Z6 + Y7 + 1")
    state = Statevector(circuit)
    exact = [
        state.expectation_value(SparsePauliOp.from_sparse_list([(letters, at, 1.0)], 8)).real
        for letters, at in (("Z", [0]), ("XY", [3, 4]), ("ZZ", [2, 6]), ("Y", [7]), ("", []))
    ]
    assert np.abs(np.array(found.values) - exact).max() < 1e-10
    assert found.simulator == "light cones"
    assert found.widths[0] <= 6


def test_hundreds_of_qubits_cost_no_more_than_their_cones():
    circuit = QuantumCircuit(400)
    for qubit in range(400):
        circuit.ry(0.4, qubit)
    for qubit in range(0, 399, 2):
        circuit.cx(qubit, qubit + 1)
    found = means(circuit, "Z200 + X200 X201 + Z399")
    # cx copies: <Z200> = cos, <X X> = <X0 X1> before the gate's own turn: X X -> X 1, <X> = sin; Z399 -> Z398 Z399 = cos^2.
    assert found.values == pytest.approx((math.cos(0.4), math.sin(0.4), math.cos(0.4) ** 2), abs=1e-12)
    assert max(found.widths) <= 4


def test_terms_that_share_a_cone_share_its_state():
    steps = expectation.steps_of(expectation.describe(expectation.plain(random_circuit(10, 4, 1), "c")))
    terms = observables.read("Z4 Z5 + X4 X5 + Y5", 10)
    assert len(expectation.groups_of(steps, terms)) == 1
    far = expectation.steps_of(expectation.describe(expectation.plain(random_circuit(60, 2, 1), "c")))
    assert len(expectation.groups_of(far, observables.read("Z4 + Z30 + Z55", 60))) == 3


def test_what_depends_on_too_many_qubits_goes_to_aer_as_a_whole():
    circuit = QuantumCircuit(40)
    circuit.h(0)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    circuit.t(0)
    found = means(circuit, "Z0 Z39 + X20 + 2")
    assert found.simulator == "aer matrix_product_state"
    assert found.values == pytest.approx((1.0, 0.0, 1.0), abs=1e-9)
    assert found.widths[0] == 40


def test_a_final_measurement_is_left_out_and_one_on_the_way_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    assert means(circuit, "Z0").values == pytest.approx((-1.0,))
    circuit.h(0)
    with pytest.raises(BadInput, match="on its way"):
        expectation.plain(circuit, "c")


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        means(random_circuit(4, 1, 1), "Z0", stop=lambda: True)


def test_what_goes_to_aer_as_a_whole_is_predicted_as_that():
    circuit = QuantumCircuit(60)
    circuit.h(0)
    for qubit in range(59):
        circuit.cx(qubit, qubit + 1)
    found = means(circuit, "Z0 Z59")
    assert (found.simulator, found.values) == ("aer stabilizer", (1.0,))
    assert 0 < found.predicted_s < 10


def test_the_cost_of_a_cone_of_more_qubits_than_a_float_has_exponents_is_a_number():
    wide = expectation.Group(frozenset(range(9)), frozenset(range(1100)))
    assert 1e50 < wide.cost_s < math.inf
