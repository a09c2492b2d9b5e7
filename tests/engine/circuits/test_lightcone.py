import numpy as np
import pytest

from app.engine.circuits import lightcone
from app.engine.circuits.lightcone import Step
from app.engine.circuits.records import Op

CX = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], complex)
H = np.array([[1, 1], [1, -1]], complex) / np.sqrt(2)
ROTATE = np.diag(np.exp([0.3j, -0.3j]))


def brickwork(qubits, layers, seed):
    from qiskit.quantum_info import random_unitary

    rng = np.random.default_rng(seed)
    return [
        Step(random_unitary(4, seed=rng).data, (at, at + 1))
        for layer in range(layers)
        for at in range(layer % 2, qubits - 1, 2)
    ]


@pytest.mark.parametrize("observable", [{2: "Z"}, {1: "X", 4: "Y"}, {0: "Y", 5: "Z"}])
def test_the_cone_gives_the_expectation_of_the_whole_circuit(observable):
    from qiskit.quantum_info import Pauli, Statevector

    steps = brickwork(6, 4, 1)
    state = Statevector.from_label("000000")
    for step in steps:
        state = state.evolve(step.matrix, list(step.qubits))
    word = "".join(observable.get(at, "I") for at in reversed(range(6)))
    kept, qubits = lightcone.cone(steps, observable)
    assert lightcone.expectation(kept, qubits, observable) == pytest.approx(
        state.expectation_value(Pauli(word)).real, abs=1e-12
    )


def test_a_shallow_circuit_has_a_narrow_cone():
    kept, qubits = lightcone.cone(brickwork(200, 3, 2), {100: "Z"})
    assert len(qubits) <= 6
    assert len(kept) <= 6


def test_diagonal_gates_at_the_end_do_not_move_z():
    steps = [Step(H, (0,)), Step(ROTATE, (0,)), Step(np.diag([1, 1, 1, -1]).astype(complex), (0, 1))]
    kept, qubits = lightcone.cone(steps, {0: "Z"})
    assert (len(kept), qubits) == (1, [0])
    kept, qubits = lightcone.cone(steps, {0: "X"})
    assert (len(kept), qubits) == (3, [0, 1])


def test_inputs_other_than_zero_are_started_from():
    plus = np.array([1, 1]) / np.sqrt(2)
    assert lightcone.expectation([Step(CX, (3, 7))], [3, 7], {3: "X", 7: "X"}, {3: plus}) == pytest.approx(1)
    assert lightcone.expectation([Step(CX, (3, 7))], [3, 7], {3: "X"}, {3: plus}) == pytest.approx(0)


def test_a_layer_of_commuting_phases_widens_the_cone_by_neighbours_only():
    # X0 on a ring of phases: each brings Z to a neighbour, and the phases beyond commute with that.
    ring = [lightcone.step_of(Op("rzz", (at, (at + 1) % 12), (0.3,))) for at in range(12)]
    kept, qubits = lightcone.cone_numbers(ring, {0: "X"})
    assert qubits == [0, 1, 11]
    assert kept == [0, 11]
    turned = [*[lightcone.step_of(Op("h", (at,))) for at in range(12)], *ring]
    steps, qubits = lightcone.cone(turned, {0: "X"})
    # Each phase turns X by its angle about a Z of mean 0: cos^2.
    assert lightcone.expectation(steps, qubits, {0: "X"}) == pytest.approx(np.cos(0.3) ** 2, abs=1e-12)


def test_controls_are_part_of_a_steps_matrix():
    closed = lightcone.step_of(Op("cx", (0, 1), (), (), "", 1))
    assert np.array_equal(closed.matrix.real, [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])
    opened = lightcone.step_of(Op("cx", (0, 1), (), (), "", 1, (0,)))
    assert np.array_equal(opened.matrix.real, [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
