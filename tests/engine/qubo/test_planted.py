import itertools

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import BadInput
from app.engine.qubo.anneal import Annealing
from app.engine.qubo.exact import spectrum
from app.engine.qubo.planted import cubes, palubeckis, tile_class, torus
from app.engine.qubo.problem import max_cut


@pytest.mark.parametrize("seed", range(5))
def test_the_planted_cut_is_the_greatest_there_is(seed: int) -> None:
    problem, best_cut, sample = torus(4, 4, seed)
    assert problem.objective(sample) == best_cut == -spectrum(problem).min()
    assert set(np.abs(problem.weights / 2)) == {1.0}


def test_a_large_torus_attains_what_was_planted() -> None:
    problem, best_cut, sample = torus(100, 50, 3)
    assert (problem.n, problem.couplings) == (5000, 10_000)
    assert problem.objective(sample) == best_cut


def test_odd_sides_are_refused() -> None:
    with pytest.raises(BadInput, match="even"):
        torus(5, 4, 1)
    with pytest.raises(BadInput, match="4 x 4 x 2"):
        cubes((4, 4, 2), 1)


@pytest.mark.parametrize("faces, edges, tiles, ground_states", [(2, 2, 12, 4), (4, 2, 30, 2), (6, 3, 8, 8), (2, 1, 12, 1)])
def test_the_classes_of_cubes_are_as_large_and_as_degenerate_as_counted_by_hand(faces, edges, tiles, ground_states) -> None:
    found = tile_class(faces, edges)
    assert len(found) == len(set(found)) == tiles
    corners = list(itertools.product((0, 1), repeat=3))
    pairs = [(a, b) for a, b in itertools.combinations(range(8), 2) if sum(map(abs, np.subtract(corners[a], corners[b]))) == 1]
    for tile in found:
        cube = max_cut(8, (*np.array(pairs).T, np.array(tile)))
        energies = spectrum(cube)
        assert (energies == energies.min()).sum() == 2 * ground_states
        assert energies.min() == energies[0] == 0 - (sum(tile) + 12 - 2 * edges) / 2


def test_the_cubes_hold_every_edge_of_their_torus_once() -> None:
    problem, best_cut, sample = cubes((4, 6, 8), 3)
    assert (problem.n, problem.couplings) == (192, 3 * 192)
    assert set(np.abs(problem.weights / 2)) == {1.0}
    degree = np.bincount(problem.rows, minlength=192) + np.bincount(problem.cols, minlength=192)
    assert set(degree) == {6}
    assert problem.objective(sample) == best_cut


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_no_solver_finds_more_than_was_planted_in_cubes(share: float) -> None:
    problem, best_cut, sample = cubes((4, 4, 6), 7, share)
    assert problem.objective(sample) == best_cut
    assert -Annealing(sweeps=4000, anneals=20).solve(problem, Budget(20.0), 1).energy == best_cut


def test_palubeckis_numbers_are_whole_and_within_their_interval() -> None:
    problem = palubeckis(60, 80, 31_000)
    assert set(np.concatenate([problem.linear, problem.weights / 2])) <= set(range(-100, 101))
    assert problem.density_ratio == pytest.approx(0.8, abs=0.05)
    # The first draw of the minimal standard generator: floor(16807 * 31000 / 2^31 * 201 - 100).
    assert -problem.linear[0] == np.floor(16_807 * 31_000 % (2**31 - 1) / 2**31 * 201 - 100)
