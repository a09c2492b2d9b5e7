import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.qubo.bifurcation import Bifurcation
from app.engine.qubo.planted import torus
from app.engine.qubo.problem import max_cut


def test_a_complete_graph_is_all_but_halved() -> None:
    i, j = np.triu_indices(40, 1)
    found = Bifurcation(rounds=2, steps=300).solve(max_cut(40, (i, j, np.ones(len(i)))), Budget(9.0), 1)
    assert -found.energy >= 396


def test_a_torus_comes_near_what_was_planted() -> None:
    problem, best_cut, _ = torus(10, 10, 2)
    assert -Bifurcation(rounds=4).solve(problem, Budget(9.0), 1).energy >= 0.9 * best_cut


def test_a_budget_ends_a_round_early() -> None:
    problem, _, _ = torus(10, 10, 2)
    found = Bifurcation(steps=10**7).solve(problem, Budget(0.05), 1)
    assert found.energy == pytest.approx(problem.energy(found.sample))
