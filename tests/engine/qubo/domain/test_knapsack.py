import itertools

import numpy as np
import pytest

from app.engine.base.contracts import Budget, silent
from app.engine.base.errors import Limit
from app.engine.qubo.domain.knapsack import fill
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.problems import registry


@pytest.mark.parametrize("seed", range(5))
def test_the_table_finds_the_best_of_all_subsets(seed):
    rng = np.random.default_rng(seed)
    values, weights, room = rng.integers(0, 30, 10).astype(float), rng.integers(0, 12, 10), 25
    best = max(
        values[list(some)].sum()
        for size in range(11) for some in itertools.combinations(range(10), size) if weights[list(some)].sum() <= room
    )  # fmt: skip
    taken = fill(values, weights, room)
    assert weights[taken].sum() <= room
    assert values[taken].sum() == best


def test_a_table_too_large_is_refused():
    with pytest.raises(Limit):
        fill(np.ones(100), np.ones(100, int), 10**9)


def test_a_stop_leaves_the_best_of_the_items_looked_at_and_no_proof():
    asked = itertools.count()
    assert fill(np.array([5.0, 4.0, 9.0]), np.array([1, 1, 1]), 2, lambda: next(asked) >= 2) == [0, 1]
    problem = registry.read(registry.sample_of("knapsack").read_text("utf-8"), "k")
    found = method_of(problem)[1](problem, Budget(5.0), 1, silent, lambda: True)
    assert (found.answer, found.proved, found.bound) == ([], False, None)
