import numpy as np
import pytest
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator

from app.engine.base.errors import BadInput
from app.engine.circuits.adapters.qiskit_read import read
from app.engine.circuits.gates import GATES, matrix_of
from app.engine.circuits.records import Op

ANGLES = (0.3, 0.7, 1.1)


def _whole(gate):
    """The matrix on all qubits: the identity unless every control is 1."""
    inner = gate.matrix(*ANGLES[: len(gate.params)])
    whole = np.eye(2**gate.qubits, dtype=complex)
    mask = 2**gate.controls - 1
    on = [number for number in range(2**gate.qubits) if number & mask == mask]
    whole[np.ix_(on, on)] = inner
    return whole


@pytest.mark.parametrize("name", GATES)
def test_a_gate_is_qiskits_of_the_same_name(name):
    gate = GATES[name]
    theirs = get_standard_gate_name_mapping()[name].base_class(*ANGLES[: len(gate.params)])
    assert np.allclose(_whole(gate), Operator(theirs).data, atol=1e-12)


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if gate.definition])
def test_a_definition_means_the_matrix_up_to_a_phase(name):
    gate = GATES[name]
    angles = f"({', '.join(str(value) for value in ANGLES[: len(gate.params)])})" if gate.params else ""
    wires = ", ".join(f"q[{at}]" for at in range(gate.qubits))
    head = f'OPENQASM 3;\ninclude "stdgates.inc";\n{gate.definition}\nqubit[{gate.qubits}] q;\n'
    assert Operator(read(f"{head}{name}{angles} {wires};", "d")).equiv(Operator(_whole(gate)))


def test_an_unknown_gate_and_a_missing_angle_are_refused():
    with pytest.raises(BadInput, match="not in the catalogue"):
        matrix_of(Op("frob", (0,)))
    with pytest.raises(BadInput, match="needs 1 angles"):
        matrix_of(Op("rx", (0,)))
