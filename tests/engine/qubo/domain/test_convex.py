"""Planes under the risk: the lots found are the best of all, and the bound meets them."""

import itertools

import numpy as np
import pytest

from app.engine.base.contracts import never
from app.engine.qubo.domain import convex


def case(n, seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n))
    return 1e-3 * root @ root.T, 1e-2 * rng.random(n)


def by_all(risk, gain, lots):
    n = len(gain)
    every = (np.array(z) for z in itertools.product(range(lots + 1), repeat=n) if sum(z) == lots)
    return min(float(z @ risk @ z - gain @ z) for z in every)


@pytest.mark.parametrize("seed", range(3))
def test_the_lots_are_the_best_of_all_and_proved(seed):
    risk, gain = case(4, seed)
    told = []
    z, bound, planes, costs = convex.least(risk, gain, 5, [np.full(4, 0.25)], lambda: 60.0, told.append, never)
    best = by_all(risk, gain, 5)
    assert z.sum() == 5
    assert float(z @ risk @ z - gain @ z) == pytest.approx(best)
    assert not told or told[-1] == pytest.approx(best)
    assert bound == pytest.approx(best)
    assert planes >= 1
    again, *_ = convex.least(risk, gain, 5, [np.full(4, 0.25)], lambda: 0.0, told.append, never, costs_before=costs)
    np.testing.assert_array_equal(again, z)


def test_a_risk_a_little_below_zero_gives_a_bound_that_still_holds():
    risk, gain = case(4, 7)
    values, vectors = np.linalg.eigh(risk)
    values[0] = -1e-6
    risk = vectors @ np.diag(values) @ vectors.T
    _, bound, _, _ = convex.least(risk, gain, 4, [np.full(4, 0.25)], lambda: 60.0, lambda _value: None, never)
    assert bound <= by_all(risk, gain, 4) + 1e-12
    assert bound == pytest.approx(by_all(risk, gain, 4), abs=1e-4)


def test_without_time_the_answer_is_a_start_in_whole_lots_and_nothing_is_proved():
    risk, gain = case(3, 1)
    z, bound, _, _ = convex.least(risk, gain, 4, [np.array([0.1, 0.3, 0.6])], lambda: 0.0, lambda _value: None, never)
    assert (z.tolist(), bound) == ([1, 1, 2], -np.inf)
