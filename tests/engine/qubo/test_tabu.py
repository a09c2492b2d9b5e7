from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.qubo.problem import build
from app.engine.qubo.reader import read_problem
from app.engine.qubo.tabu import TabuSearch, warm_up

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "qubo"
VALUES = {"bqp50_1": 2098, "bqp100_1": 7970, "bqp250_1": 45_607, "bqp500_1": 116_586, "bqp1000_1": 371_438}


@pytest.mark.parametrize("name", VALUES)
def test_beasleys_problems_reach_their_published_values(name: str) -> None:
    path = DATA / f"{name}.qubo"
    if not path.exists():
        pytest.skip("shared data absent")
    problem = read_problem(path)
    assert problem.objective(TabuSearch(searches=25).solve(problem, Budget(60.0), 1).sample) == VALUES[name]


def test_real_coefficients_are_rounded_for_the_search_and_told_as_they_are() -> None:
    rng = np.random.default_rng(4)
    i, j = np.triu_indices(30, 1)
    problem = build(rng.normal(size=30), (i, j, rng.normal(size=len(i))))
    found = TabuSearch(searches=10).solve(problem, Budget(9.0), 2)
    assert found.info["rounded"]
    np.testing.assert_allclose(problem.energies(found.samples), found.energies)


def test_threads_search_apart_and_the_better_one_is_made_again() -> None:
    rng = np.random.default_rng(5)
    i, j = np.triu_indices(200, 1)
    problem = build(rng.integers(-50, 50, 200), (i, j, rng.integers(-50, 50, len(i))))
    found = TabuSearch().solve(problem, Budget(0.3, 2), 8)
    again = TabuSearch(**found.info["replay"]["options"]).solve(problem, Budget(0.0), 8)
    np.testing.assert_array_equal(again.sample, found.sample)


def test_a_settled_elite_begins_anew_and_keeps_its_best() -> None:
    problem = build([-1.0, 2.0, -1.0], ([0, 1], [1, 2], [3.0, -1.0]))
    found = TabuSearch(searches=300).solve(problem, Budget(9.0), 1)
    assert found.energy == -2.0
    assert found.info["searches"] == 300


def test_warm_up_compiles_both_widths() -> None:
    from app.engine.qubo import tabu_kernel

    warm_up()
    assert len(tabu_kernel.search.signatures) >= 2
