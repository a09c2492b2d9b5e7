"""HiGHS by count: where a run ended is found again without its clock."""

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import Conflict
from app.engine.qubo.adapters import highs
from app.engine.qubo.problem import build


def hard(n=36, rows=5):
    """Return a knapsack of several capacities that takes HiGHS many answers on its way."""
    rng = np.random.default_rng(11)
    weights = rng.integers(10, 100, (rows, n))
    values = weights.sum(0) // rows + rng.integers(0, 30, n)
    kept = [(range(n), row.tolist(), -np.inf, float(row.sum() // 3)) for row in weights]
    return highs.Programme(-values.astype(float), np.zeros(n), np.ones(n), kept, np.ones(n, bool))


@pytest.fixture(scope="module")
def course():
    """Return the values that HiGHS holds, one better than the other."""
    found = [highs.run(hard(), better=k) for k in range(1, 6)]
    return [one for k, one in enumerate(found) if not k or one.cost < found[k - 1].cost]


def test_values_improve_on_the_way_and_each_is_found_again(course):
    assert len(course) > 1
    for one in course:
        assert not one.proved
        again = highs.again(hard(), one.cost)
        np.testing.assert_array_equal(again.values, one.values)


def test_a_search_ended_by_its_nodes_has_an_answer_and_is_found_again():
    found = highs.run(hard(), nodes=1)
    assert (found.proved, found.possible) == (False, True)
    np.testing.assert_array_equal(highs.again(hard(), found.cost).values, found.values)


def test_what_no_clock_comes_by_is_told_with_its_reason(course):
    with pytest.raises(Conflict, match="inside a search of a part"):
        highs.again(hard(), (course[-1].cost + course[-2].cost) / 2)


def test_a_search_that_was_stopped_before_it_began_is_not_made_up_for():
    problem = build([-1.0, 2.0], ([0], [1], [0.5]), offset=4.0)
    found = highs.Highs().solve(problem, Budget(5.0), 1, stop=lambda: True)
    again = highs.Highs(**found.info["replay"]["options"]).solve(problem, Budget(5.0), 1)
    assert found.sample.tolist() == again.sample.tolist() == [0, 0]
