import itertools

import numpy as np
import pytest

from app.engine.base.errors import Limit
from app.engine.qubo.domain.knapsack import fill


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
