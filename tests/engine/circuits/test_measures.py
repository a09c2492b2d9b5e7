"""Measures of states against closed forms, to 1e-10."""

import math

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits import measures as m

BELL = np.array([1, 0, 0, 1]) / math.sqrt(2)
RANDOM = np.random.default_rng(7)


def near(value):
    return pytest.approx(value, abs=1e-10)


def werner(share):
    """Return share of the singlet and the rest of white noise."""
    singlet = np.array([0, 1, -1, 0]) / math.sqrt(2)
    return share * np.outer(singlet, singlet) + (1 - share) * np.eye(4) / 4


def partly(angle):
    return np.array([math.cos(angle), 0, 0, math.sin(angle)])


def haar(qubits):
    raw = RANDOM.normal(size=(2, 2**qubits))
    vector = raw[0] + 1j * raw[1]
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("share", [0.0, 0.2, 1 / 3, 0.5, 0.8, 1.0])
def test_werner_states_have_their_known_measures(share):
    rho = werner(share)
    levels = [(1 + 3 * share) / 4] + 3 * [(1 - share) / 4]
    assert m.purity(rho) == near(sum(level**2 for level in levels))
    assert m.entropy(rho) == near(-sum(level * math.log2(level) for level in levels if level > 0))
    assert m.concurrence(rho) == near(max(0.0, (3 * share - 1) / 2))
    assert m.negativity(rho, [0]) == near(max(0.0, (3 * share - 1) / 4))
    assert m.fidelity(rho, werner(1.0)) == near((1 + 3 * share) / 4)
    assert m.trace_distance(rho, werner(1.0)) == near(3 * (1 - share) / 4)
    assert m.mutual_information(rho, [0], [1]) == near(2 - m.entropy(rho))


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 4, 1.2])
def test_partly_entangled_pairs_have_their_known_measures(angle):
    pure = partly(angle)
    assert m.concurrence(pure) == near(abs(math.sin(2 * angle)))
    assert m.concurrence(m.density(pure)) == near(abs(math.sin(2 * angle)))
    assert m.negativity(pure, [1]) == near(abs(math.sin(2 * angle)) / 2)
    assert m.schmidt(pure, [0]).tolist() == near(sorted([abs(math.cos(angle)), abs(math.sin(angle))], reverse=True))
    assert m.entropy(m.reduced(pure, [0])) == near(m.binary_entropy(math.cos(angle) ** 2))
    assert m.bloch(pure, 0) == near((0.0, 0.0, math.cos(2 * angle)))


def test_fidelity_and_distance_of_pure_states_follow_their_overlap():
    for _ in range(5):
        one, other = haar(3), haar(3)
        overlap = abs(np.vdot(one, other)) ** 2
        assert m.fidelity(one, other) == near(overlap)
        assert m.fidelity(m.density(one), other) == near(overlap)
        assert m.fidelity(m.density(one), m.density(other)) == pytest.approx(overlap, abs=1e-10)
        assert m.trace_distance(one, other) == near(math.sqrt(1 - overlap))


def test_fidelity_of_commuting_states_is_that_of_their_spectra():
    one, other = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.2, 0.3, 0.4])
    turn, _ = np.linalg.qr(RANDOM.normal(size=(4, 4)))
    made = [turn @ np.diag(levels) @ turn.T for levels in (one, other)]
    assert m.fidelity(*made) == near(np.sqrt(one * other).sum() ** 2)
    assert m.trace_distance(*made) == near(np.abs(one - other).sum() / 2)


def test_a_product_keeps_its_parts_and_shares_nothing():
    left, right = haar(1), haar(2)
    whole = np.kron(right, left)  # qubit 0 is the least significant
    assert np.allclose(m.reduced(whole, [0]), m.density(left), atol=1e-12)
    assert np.allclose(m.reduced(whole, [1, 2]), m.density(right), atol=1e-12)
    assert m.mutual_information(whole, [0], [1, 2]) == near(0.0)
    assert m.negativity(whole, [0]) == near(0.0)


def test_parts_of_a_matrix_are_those_of_its_vector_in_any_order():
    vector = haar(4)
    for keep in ([2], [0, 3], [3, 1, 0]):
        assert np.allclose(m.reduced(vector, keep), m.reduced(m.density(vector), keep), atol=1e-12)
    swapped = m.reduced(vector, [1, 0]).reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    assert np.allclose(m.reduced(vector, [0, 1]), swapped, atol=1e-12)


def test_a_ghz_state_shares_one_bit_between_any_two_and_two_across_a_cut():
    ghz = np.zeros(8)
    ghz[[0, 7]] = 1 / math.sqrt(2)
    assert np.array(m.information_map(ghz)) == near(np.ones((3, 3)))
    assert m.mutual_information(ghz, [0], [1, 2]) == near(2.0)
    assert m.purity(m.reduced(ghz, [0, 1])) == near(0.5)


def test_the_squares_of_a_schmidt_spectrum_are_the_levels_of_either_part():
    vector = haar(5)
    spectrum = m.schmidt(vector, [1, 4]) ** 2
    assert spectrum.sum() == near(1.0)
    assert np.sort(np.linalg.eigvalsh(m.reduced(vector, [1, 4])))[::-1] == near(spectrum)


@pytest.mark.parametrize("state", [np.ones(3), np.ones((2, 4)), np.ones(1)])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(BadInput):
        m.purity(state)


def test_measures_with_conditions_say_them():
    with pytest.raises(BadInput, match="two qubits"):
        m.concurrence(haar(3))
    with pytest.raises(BadInput, match="pure state"):
        m.schmidt(np.eye(4) / 4, [0])
    with pytest.raises(BadInput, match="different"):
        m.reduced(BELL, [0, 0])
    with pytest.raises(BadInput, match="same number"):
        m.fidelity(BELL, haar(1))
    with pytest.raises(BadInput, match="same number"):
        m.trace_distance(BELL, haar(1))
