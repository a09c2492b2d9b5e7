import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import Limit
from app.engine.circuits import method
from app.engine.circuits.records import Circuit, Op

GIB = 1 << 30


def line(qubits, *extra):
    chain = tuple(Op("cx", (i, i + 1), controls=1) for i in range(qubits - 1))
    return Circuit("line", tuple(map(str, range(qubits))), (), (Op("h", (0,)), *chain, *extra))


T = Op("t", (0,))


def test_the_bytes_of_a_state_vector_are_sixteen_per_amplitude():
    assert method.statevector_bytes(26) == GIB


@pytest.mark.parametrize(
    "circuit, free, name",
    [
        (line(500), GIB, "stabilizer"),
        (line(10, T), GIB, "statevector"),
        (line(26, T), 2 * GIB, "statevector"),
        (line(26, T), GIB, "matrix_product_state"),
        (line(100, T), GIB, "matrix_product_state"),
    ],
)
def test_the_method_follows_gates_width_and_memory(circuit, free, name):
    choice = method.choose(circuit, free)
    assert choice.method == name
    assert 0 < choice.memory_bytes <= 0.6 * free
    assert choice.why


def test_a_circuit_that_fits_nowhere_is_refused_with_numbers():
    layers = tuple(Op("rxx", (i, (i + 17) % 40), (0.1,)) for _ in range(20) for i in range(40))
    with pytest.raises(Limit, match=r"40 qubits need 16.*TiB as amplitudes and up to .* free"):
        method.choose(line(40, T, *layers), 8 * GIB)


def test_a_loop_may_entangle_its_qubits_as_much_as_can_be():
    loop = Circuit("c", tuple("abcdef"), (), (Op("for_loop", tuple(range(6))),))
    assert method.bond_exponents(loop) == [1, 2, 3, 2, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(["cx", "cp", "swap"])), max_size=14))
def test_the_bound_on_bonds_holds_against_schmidt_ranks(gates):
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    circuit, ops = QuantumCircuit(6), []
    for qubit in range(6):
        circuit.ry(0.3 + qubit, qubit)
    for a, b, name in gates:
        if a != b:
            getattr(circuit, name)(*((0.7,) if name == "cp" else ()), a, b)
            ops.append(Op(name, (a, b)))
    bounds = method.bond_exponents(Circuit("c", tuple("012345"), (), tuple(ops)))
    state = Statevector(circuit).data
    for cut in range(5):
        ranks = np.linalg.matrix_rank(state.reshape(2 ** (5 - cut), -1), tol=1e-9)
        assert ranks <= 2 ** bounds[cut]
