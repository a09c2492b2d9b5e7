import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.exact import spectrum
from app.engine.qubo.planted import palubeckis, torus


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


def test_palubeckis_numbers_are_whole_and_within_their_interval() -> None:
    problem = palubeckis(60, 80, 31_000)
    assert set(np.concatenate([problem.linear, problem.weights / 2])) <= set(range(-100, 101))
    assert problem.density_ratio == pytest.approx(0.8, abs=0.05)
    # The first draw of the minimal standard generator: floor(16807 * 31000 / 2^31 * 201 - 100).
    assert -problem.linear[0] == np.floor(16_807 * 31_000 % (2**31 - 1) / 2**31 * 201 - 100)
