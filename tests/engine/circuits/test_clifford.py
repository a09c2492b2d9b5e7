"""Clifford sampling against all amplitudes."""

import numpy as np
import pytest

from app.engine.circuits import clifford
from app.engine.circuits.records import Circuit, Op

R = 2**-0.5
ONE = {
    "id": np.eye(2), "h": R * np.array([[1, 1], [1, -1]]), "s": np.diag([1, 1j]), "sdg": np.diag([1, -1j]),
    "x": np.array([[0, 1], [1, 0]]), "y": np.array([[0, -1j], [1j, 0]]), "z": np.diag([1, -1]),
    "sx": 0.5 * np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]), "sxdg": 0.5 * np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]),
}  # fmt: skip
# Index of the pair: first qubit is the less significant bit.
TWO = {
    "cx": np.eye(4)[[0, 3, 2, 1]], "cz": np.diag([1, 1, 1, -1]), "swap": np.eye(4)[[0, 2, 1, 3]],
    "cy": np.array([[1, 0, 0, 0], [0, 0, 0, -1j], [0, 0, 1, 0], [0, 1j, 0, 0]]),
    "ecr": R * np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]),
}  # fmt: skip


def probabilities(circuit):
    count = len(circuit.qubits)
    state = np.zeros((2,) * count, complex)
    state[(0,) * count] = 1
    for op in circuit.ops:
        if op.name in ONE:
            state = np.moveaxis(np.tensordot(ONE[op.name], state, (1, count - 1 - op.qubits[0])), 0, count - 1 - op.qubits[0])
        elif op.name in TWO:
            axes = [count - 1 - op.qubits[1], count - 1 - op.qubits[0]]
            gate = TWO[op.name].reshape(2, 2, 2, 2)
            state = np.moveaxis(np.tensordot(gate, state, ((2, 3), axes)), (0, 1), axes)
    return np.abs(state.reshape(-1)) ** 2


def build(ops, qubits, measured=True):
    end = [Op("measure", (q,), clbits=(q,)) for q in range(qubits)] if measured else []
    return Circuit("c", tuple(f"q[{q}]" for q in range(qubits)), tuple(f"c[{q}]" for q in range(qubits)), (*ops, *end))


def scrambled(seed, qubits, gates):
    rng = np.random.default_rng(seed)
    ops = []
    for _ in range(gates):
        if rng.random() < 0.5:
            ops.append(Op(str(rng.choice(list(ONE))), (int(rng.integers(qubits)),)))
        else:
            ops.append(Op(str(rng.choice(list(TWO))), tuple(int(q) for q in rng.choice(qubits, 2, replace=False))))
    return build(ops, qubits)


@pytest.mark.parametrize("seed", range(60))
def test_the_space_of_outcomes_is_that_of_the_amplitudes(seed):
    circuit = scrambled(seed, 5, 4 + seed)
    origin, directions = clifford.space(circuit)
    powers = 1 << np.arange(5)
    reached = {0}
    for direction in directions:
        reached |= {one ^ int(direction @ powers) for one in reached}
    expected = np.zeros(32)
    expected[[one ^ int(origin @ powers) for one in reached]] = 1 / len(reached)
    assert len(reached) == 2 ** len(directions)
    assert np.allclose(probabilities(circuit), expected, atol=1e-9)


def test_samples_are_spread_evenly_over_their_space_and_follow_the_seed():
    circuit = scrambled(3, 5, 40)
    counts = clifford.keys(clifford.sample(circuit, 6400, np.random.default_rng(1)), [5])
    expected = 6400 * probabilities(circuit)
    chi2 = sum((counts.get(f"{k:05b}", 0) - want) ** 2 / want for k, want in enumerate(expected) if want > 1)
    assert chi2 < 70
    assert sum(counts.get(f"{k:05b}", 0) for k, want in enumerate(expected) if want < 1e-9) == 0
    assert counts == clifford.keys(clifford.sample(circuit, 6400, np.random.default_rng(1)), [5])


def test_a_ghz_state_of_a_thousand_qubits_falls_on_two_outcomes():
    ops = [Op("h", (0,)), *(Op("cx", (q, q + 1)) for q in range(999))]
    counts = clifford.keys(clifford.sample(build(ops, 1000), 400, np.random.default_rng(0)), [1000])
    assert set(counts) == {"0" * 1000, "1" * 1000}
    assert min(counts.values()) > 140


def test_keys_put_the_last_register_first():
    assert clifford.keys(np.array([[1, 0, 0], [1, 0, 0]], np.uint8), [2, 1]) == {"0 01": 2}


@pytest.mark.parametrize(
    "ops",
    [
        [Op("t", (0,))], [Op("h", (0,), condition="c=1")], [Op("reset", (0,))],
        [Op("measure", (0,), clbits=(0,)), Op("x", (0,))],
        [Op("measure", (0,), clbits=(0,)), Op("measure", (1,), clbits=(0,))],
    ],
)  # fmt: skip
def test_other_circuits_are_left_to_other_methods(ops):
    assert not clifford.fits(build(ops, 2, measured=False))


def test_only_a_circuit_that_measures_fits():
    assert clifford.fits(build([Op("h", (0,)), Op("barrier", (0, 1))], 2))
    assert not clifford.fits(build([Op("h", (0,))], 2, measured=False))


@pytest.mark.parametrize(
    "name, params, qubits",
    [
        ("rz", 1, 1),
        ("p", 1, 1),
        ("rx", 1, 1),
        ("ry", 1, 1),
        ("r", 2, 1),
        ("u", 3, 1),
        ("rzz", 1, 2),
        ("rzx", 1, 2),
        ("rxx", 1, 2),
    ],
)
def test_turns_by_quarters_are_named_as_the_clifford_gates_they_are(name, params, qubits):
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Operator

    from app.engine.circuits.adapters.compiler import built

    for seed in range(8):
        angles = tuple(int(k) * np.pi / 2 for k in np.random.default_rng(seed).integers(-5, 6, params))
        expected = QuantumCircuit(qubits)
        getattr(expected, name)(*angles, *range(qubits))
        found = clifford.named(Circuit("c", tuple("ab"[:qubits]), (), (Op(name, tuple(range(qubits)), angles),)))
        assert {op.name for op in found.ops} <= set(clifford._STEPS)
        assert Operator(built(found.ops, qubits)).equiv(Operator(expected))


def test_other_angles_and_conditions_stay_as_they_are():
    ops = (Op("rz", (0,), (0.1,)), Op("rz", (0,), ("a",)), Op("rz", (0,), (np.pi,), condition="c"), Op("t", (0,)))
    assert clifford.named(Circuit("c", ("q",), (), ops)).ops == ops
