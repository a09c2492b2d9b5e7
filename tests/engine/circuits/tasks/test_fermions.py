"""Electrons on qubits: the mapping keeps the rules of fermions, the energies are those another program finds."""

import itertools
import json

import numpy as np
import pytest

from app.engine.circuits import lightcone, states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks import fermions, molecules


def dense(terms, qubits):
    whole = np.zeros((1 << qubits, 1 << qubits), complex)
    for letters, factor in terms.items():
        made = np.eye(1)
        for qubit in range(qubits):
            made = np.kron({at: lightcone.PAULIS[letter] for at, letter in letters}.get(qubit, np.eye(2)), made)
        whole += factor * made
    return whole


def test_removing_and_adding_obey_the_rules_of_fermions():
    ops = {(k, adds): dense(fermions.removes(k, adds=adds), 3) for k in range(3) for adds in (False, True)}
    for a, b in itertools.product(range(3), repeat=2):
        both = ops[a, False] @ ops[b, True] + ops[b, True] @ ops[a, False]
        assert np.abs(both - np.eye(8) * (a == b)).max() < 1e-12
        assert np.abs(ops[a, False] @ ops[b, False] + ops[b, False] @ ops[a, False]).max() < 1e-12


def test_what_moves_in_occupations_is_what_the_pauli_strings_do():
    ops = ((2, True), (0, False))
    matrix = dense(fermions.product(fermions.removes(2, adds=True), fermions.removes(0)), 3)
    for state in range(8):
        there, sign = fermions.moved(state, ops)
        expected = np.zeros(8)
        if sign:
            expected[there] = sign
        assert np.abs(matrix[:, state] - expected).max() < 1e-12


@pytest.mark.parametrize("name", molecules.NAMES)
def test_least_energies_are_those_another_program_found(name):
    points = json.loads((molecules.FOLDER / f"{name}.json").read_text())["points"]
    read = molecules.read(name)
    for point in points:
        energy = read.energies[point["distance"]]
        found = np.linalg.eigvalsh(fermions.matrix(energy, fermions.sector(energy)))[0]
        assert found == pytest.approx(point["peer_hartree"], abs=2e-9)


def test_hydrogen_at_its_bond_length_has_the_published_energy():
    _, energy = molecules.read("h2").at(0)
    whole = dense(fermions.paulis(energy), 4)
    assert np.linalg.eigvalsh(whole)[0] == pytest.approx(-1.137306, abs=1e-6)
    part = fermions.sector(energy)
    assert np.abs(whole[np.ix_(part, part)] - fermions.matrix(energy, part)).max() < 1e-10


@pytest.mark.parametrize("number", [0, 1, 5, 12, 20])
def test_the_gates_of_an_excitation_turn_the_state_as_the_excitation_does(number):
    _, energy = molecules.read("lih").at(0)
    part, ops = fermions.sector(energy), fermions.excitations(energy)[number]
    rng = np.random.default_rng(number)
    vector = rng.normal(size=len(part))
    vector /= np.linalg.norm(vector)
    whole = np.zeros(1 << 10, complex)
    whole[part] = vector
    labels = tuple(f"q[{at}]" for at in range(10))
    made, _ = states.evolve(Circuit("c", labels, (), tuple(fermions.gates(ops, 0.37))), state=whole)
    expected = fermions.turned(vector, fermions.pairs(ops, part), 0.37)
    assert np.abs(made[part] - expected).max() < 1e-10


def test_a_string_with_y_is_undone_by_its_opposite():
    ops = fermions.gates(((1, True), (0, False)), 0.5) + fermions.gates(((1, True), (0, False)), -0.5)
    state, _ = states.evolve(Circuit("c", ("a", "b"), (), (Op("x", (0,)), *ops)))
    assert abs(state[1]) == pytest.approx(1, abs=1e-12)
