"""VQE reaches the exact energy, and its gates and measurements tell the same."""

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Cancelled
from app.engine.circuits import states
from app.engine.circuits.tasks import fermions, molecules, vqe


def run(**options):
    return vqe.work(vqe.TASK.take(options), np.random.default_rng(1), silent, never)


@pytest.mark.parametrize("distance", [0.0, 0.4, 2.5])
def test_hydrogen_is_exact_at_every_distance(distance):
    found = run(distance=distance, shots=0)
    assert found.error_rate < 1e-8
    assert found.solution["energy_of_gates_hartree"] == pytest.approx(found.solution["energy_hartree"], abs=1e-9)
    assert found.classical["lowest_orbitals_hartree"] > found.classical["energy_hartree"]


def test_lithium_hydride_comes_within_chemical_accuracy_and_its_gates_agree():
    found = run(molecule="lih", shots=0)
    assert found.error_rate < vqe.CHEMICAL / 10
    assert found.solution["energy_of_gates_hartree"] == pytest.approx(found.solution["energy_hartree"], abs=1e-8)
    assert found.circuit is not None
    assert len(found.circuit.qubits) == 10
    assert found.advantage == "no"


def test_the_slope_is_that_of_the_mean():
    ansatz = vqe.Ansatz(molecules.read("lih").at(2.0)[1])
    angles = np.random.default_rng(2).normal(0, 0.3, ansatz.angles)
    slope = ansatz.slope(angles)
    for at in (0, 7, ansatz.angles - 1):
        step = np.zeros(ansatz.angles)
        step[at] = 1e-5
        assert slope[at] == pytest.approx((ansatz.mean(angles + step) - ansatz.mean(angles - step)) / 2e-5, abs=1e-7)


def test_measuring_gives_the_energy_within_its_error_and_groups_agree_on_every_qubit():
    _, energy = molecules.read("h2").at(0)
    terms = fermions.paulis(energy)
    ansatz = vqe.Ansatz(energy)
    angles, course = vqe.searched(ansatz, silent, never)
    state, _ = states.evolve(ansatz.circuit(angles))
    value, error = vqe.measured(state, terms, 20_000, np.random.default_rng(3))
    assert 0 < error < 0.005
    assert abs(value - course[-1]) < 4 * error
    groups = vqe.grouped(terms)
    assert sum(len(members) for _, members in groups) == len(terms) - 1
    assert all(basis[qubit] == letter for basis, members in groups for one in members for qubit, letter in one)


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        vqe.searched(vqe.Ansatz(molecules.read("h2").at(0)[1]), silent, lambda: True)
