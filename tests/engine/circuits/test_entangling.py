"""Which gates may entangle, held against Qiskit's states and their Schmidt ranks."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.circuits import entangling
from app.engine.circuits.records import Circuit, Op

WIRES = 5
GATES = {"cx": 0, "cz": 0, "cp": 1, "swap": 0, "rzz": 1, "ecr": 0, "h": 0, "x": 0, "t": 0, "ry": 1, "sx": 0}
PAIRS = ("cx", "cz", "cp", "swap", "rzz", "ecr")


def circuit(ops, wires=WIRES):
    return Circuit("c", tuple(map(str, range(wires))), (), tuple(ops))


def fourier(wires, number):
    ops = [Op("x", (wire,)) for wire in range(wires) if number >> wire & 1]
    for high in reversed(range(wires)):
        ops += [Op("h", (high,)), *(Op("cp", (low, high), (math.pi / 2 ** (high - low),)) for low in range(high))]
    return circuit(ops, wires)


def test_a_fourier_transform_of_a_number_entangles_nothing():
    assert entangling.ops(fourier(20, 699050)) == []


def test_a_gate_behind_a_certain_bit_entangles_nothing_and_behind_an_uncertain_one_it_does():
    flip, link = Op("x", (0,)), Op("cx", (0, 1))
    assert entangling.ops(circuit([flip, Op("h", (1,)), Op("cp", (0, 1), (0.3,)), link])) == []
    assert entangling.ops(circuit([Op("h", (0,)), flip, link])) == [link]
    assert entangling.ops(circuit([Op("h", (0,)), link, Op("reset", (0,)), link])) == [link]


def test_what_is_not_known_counts_as_entangling():
    held = Op("cx", (0, 1), clbits=(0,), condition="c[0]")
    loop = Op("for_loop", (0, 1, 2))
    assert entangling.ops(circuit([held, loop, Op("ccx", (2, 3, 4), controls=2)])) == [
        held, loop, Op("ccx", (2, 3, 4), controls=2),
    ]  # fmt: skip
    free = Op("cp", (0, 1), ("theta",))
    assert entangling.ops(circuit([free])) == [free]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(sorted(GATES))), max_size=16))
def test_cuts_that_nothing_entangling_crosses_have_rank_one(gates):
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    asked, ops = QuantumCircuit(WIRES), []
    for a, b, name in gates:
        wires = (a, b) if name in PAIRS else (a,)
        if name not in PAIRS or a != b:
            angles = (0.7,) * GATES[name]
            getattr(asked, name)(*angles, *wires)
            ops.append(Op(name, wires, angles, controls=int(name in ("cx", "cz", "cp"))))
    found = entangling.ops(circuit(ops))
    state = Statevector(asked).data
    for cut in range(WIRES - 1):
        crossed = sum(min(op.qubits) <= cut < max(op.qubits) for op in found)
        rank = np.linalg.matrix_rank(state.reshape(2 ** (WIRES - 1 - cut), -1), tol=1e-5)
        assert rank <= 4**crossed
