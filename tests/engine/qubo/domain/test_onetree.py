"""The bound of 1-trees lies below every tour, and meets the best one where the problem is kind."""

import itertools

import numpy as np
import pytest

from app.engine.base.contracts import never
from app.engine.qubo.domain.onetree import bound


def plane(n, seed):
    at = np.random.default_rng(seed).random((n, 2))
    return np.linalg.norm(at[:, None] - at[None], axis=2)


def shortest(d):
    n = len(d)
    tours = ([0, *rest] for rest in itertools.permutations(range(1, n)))
    return min(float(d[tour, np.roll(tour, -1)].sum()) for tour in map(np.array, tours))


@pytest.mark.parametrize("seed", range(6))
def test_no_tour_is_shorter_than_the_bound_and_the_bound_is_near(seed):
    d = plane(8, seed)
    best = shortest(d)
    found = bound(d, best, lambda: 60.0, never)
    assert 0.97 * best <= found <= best


def test_whole_distances_give_a_whole_bound():
    d = np.rint(100 * plane(8, 9))
    best = shortest(d)
    found = bound(d, best, lambda: 60.0, never)
    assert found == int(found) <= best


def test_points_on_a_circle_are_closed():
    angle = 2 * np.pi * np.arange(24) / 24
    at = np.column_stack([np.cos(angle), np.sin(angle)])
    d = np.linalg.norm(at[:, None] - at[None], axis=2)
    best = 48 * np.sin(np.pi / 24)
    assert bound(d, best, lambda: 60.0, never) == pytest.approx(best)


def test_without_time_the_bound_is_nothing():
    assert bound(plane(8, 1), 10.0, lambda: 0.0, never) == 0.0
