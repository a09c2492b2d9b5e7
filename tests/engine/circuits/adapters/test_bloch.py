"""Bloch vectors against closed forms and against a state vector computed by Qiskit itself."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, Pauli, Statevector, partial_trace

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Limit
from app.engine.circuits import work
from app.engine.circuits.adapters import bloch

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def test_a_random_circuit_gives_the_vectors_of_its_reduced_states():
    rng, circuit = np.random.default_rng(5), QuantumCircuit(4)
    for _ in range(10):
        a, b = (int(q) for q in rng.choice(4, 2, replace=False))
        circuit.u(*rng.uniform(0, 6, 3), a)
        circuit.cx(a, b)
    found = bloch.vectors(circuit, "c", 1)
    for qubit, vector in enumerate(found["vectors"]):
        reduced = DensityMatrix(partial_trace(Statevector(circuit), [one for one in range(4) if one != qubit]))
        expected = [np.real(reduced.expectation_value(Pauli(axis))) for axis in "XYZ"]
        assert vector == pytest.approx(expected, abs=1e-7)
    assert found["exact"]


def test_known_states_have_their_known_vectors_in_the_order_of_the_file():
    text = HEAD + "qreg q[4];\ncreg c[4];\nh q[0];\nx q[1];\nh q[2];\ns q[2];\nmeasure q -> c;\n"
    told = work.state({"text": text, "name": "known"}, 1, silent, never)
    assert told["qubits"] == ["q[0]", "q[1]", "q[2]", "q[3]"]
    assert np.allclose(told["vectors"], [[1, 0, 0], [0, 0, -1], [0, 1, 0], [0, 0, 1]], atol=1e-7)


def test_a_bell_pair_has_no_direction_and_a_wide_one_is_known_too():
    for width in (2, 40):
        circuit = QuantumCircuit(width)
        circuit.h(0)
        for at in range(width - 1):
            circuit.cx(at, at + 1)
        assert np.allclose(bloch.vectors(circuit, "ghz", 1)["vectors"], 0, atol=1e-7)


def test_a_circuit_that_measures_on_its_way_is_the_mean_of_runs_and_repeats_by_seed():
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.x(0)
    first, again = (bloch.vectors(circuit, "c", 3) for _ in range(2))
    assert first == again
    assert not first["exact"]
    assert abs(first["vectors"][1][2]) < 0.25  # five standard deviations of 512 runs
    assert first["vectors"][0][0] == pytest.approx(0, abs=1e-9)


def test_too_many_qubits_are_refused():
    with pytest.raises(Limit, match="65"):
        bloch.vectors(QuantumCircuit(65), "wide", 1)
