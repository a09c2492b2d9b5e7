import numpy as np
import pytest

from app.engine.qubo import tabu_kernel as kernel


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    half = np.triu(rng.integers(-9, 10, (40, 40)), 1)
    matrix, h = (half + half.T).astype(np.int16), rng.integers(-5, 6, 40).astype(np.int32)
    state = (rng.integers(0, 2, 40).astype(np.int32) * 2 - 1, np.zeros(40, np.int32), np.zeros(40, np.int64))
    return matrix, h, state, kernel.set_fields(h, matrix, state)


def energy_of(matrix, h, spins):
    s = spins.astype(float)
    return h @ s + s @ matrix @ s / 2


def test_energies_follow_every_flip(case) -> None:
    matrix, h, state, energy = case
    assert energy == energy_of(matrix, h, state[0])
    for i in (3, 7, 3, 39):
        energy += kernel.turn(matrix, state, i)
        assert energy == energy_of(matrix, h, state[0])


def test_the_best_moves_are_those_of_a_plain_search(case) -> None:
    _, _, state, _ = case
    state[2][::2] = 5
    gains = state[0] * state[1]
    free, every = kernel.best_moves(state, 1)
    assert (free, every) == (gains[1::2].max(), gains.max())
    spot = kernel.where(state, free, 1, 11, False)
    assert spot % 2 == 1
    assert gains[spot] == free


def test_a_search_returns_its_best_state_and_counts_its_moves(case) -> None:
    matrix, h, state, energy = case
    best = np.empty(40, np.int32)
    last, lowest, moves, _ = kernel.search(matrix, state, best, energy, (200, 1000, 5), np.uint32(9))
    assert last == energy_of(matrix, h, state[0])
    assert lowest == energy_of(matrix, h, best) <= energy
    assert 200 <= moves <= 1000


def test_relinking_ends_beside_its_guide_with_the_best_of_the_way(case) -> None:
    matrix, h, state, energy = case
    guide, best = -state[0], np.empty(40, np.int32)
    lowest, last = kernel.relink(matrix, state, guide, energy, best)
    assert lowest == energy_of(matrix, h, best)
    assert last == energy_of(matrix, h, state[0])
    assert (state[0] != guide).sum() == 1
