import numpy as np
import pytest

from app.engine.qubo.exact import spectrum, state_of
from app.engine.qubo.ising import spin_form
from app.engine.qubo.problem import build, max_cut


def ising_energies(problem, samples):
    ising = spin_form(problem)
    s = 2.0 * samples - 1
    dense = np.zeros((ising.n, ising.n))
    for i in range(ising.n):
        part = slice(ising.start[i], ising.start[i + 1])
        dense[i, ising.others[part]] = ising.strength[part]
    constant = problem.offset + problem.linear.sum() / 2 + problem.weights.sum() / 4
    return ising.unit * (s @ ising.h + np.einsum("ki,ij,kj->k", s, dense, s) / 2) + constant


@pytest.mark.parametrize("whole", [True, False])
def test_spin_form_has_the_same_energies(whole: bool) -> None:
    rng = np.random.default_rng(4)
    i, j = np.triu_indices(8, 1)
    w = rng.integers(-5, 6, len(i)) if whole else rng.normal(size=len(i))
    problem = build(rng.integers(-5, 6, 8), (i, j, w), offset=2.0)
    states = state_of(np.arange(256), 8)
    np.testing.assert_allclose(ising_energies(problem, states), spectrum(problem), atol=1e-9)


def test_unit_weights_become_unit_couplings() -> None:
    ising = spin_form(max_cut(3, ([0, 1], [1, 2], [1.0, -1.0])))
    assert ising.integral
    assert sorted(ising.strength.tolist()) == [-1.0, -1.0, 1.0, 1.0]
    assert ising.unit == 0.5
    assert not ising.h.any()


def test_real_weights_and_wide_fields_are_not_integral() -> None:
    assert not spin_form(build([0.1, 0.2], ([0], [1], [1 / 3]))).integral
    assert not spin_form(build([100_000.0, 1.0], ([0], [1], [1.0]))).integral


def test_neighbours_are_symmetric_and_sorted() -> None:
    ising = spin_form(max_cut(4, ([3, 0, 1], [1, 3, 0], [1.0, 2.0, 3.0])))
    assert ising.start.tolist() == [0, 2, 4, 4, 6]
    assert ising.others.tolist() == [1, 3, 0, 3, 0, 1]


def test_nothing_at_all_has_a_spin_form() -> None:
    ising = spin_form(build([0.0], ([], [], [])))
    assert ising.integral
    assert ising.widest == 0.0
