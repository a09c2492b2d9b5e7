import itertools

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.qubo.domain.routing import course_of, rounds_of, savings, tour, vehicles


def plane(n, seed):
    at = np.random.default_rng(seed).integers(0, 100, (n, 2))
    return np.rint(np.hypot(*(at[:, None, k] - at[None, :, k] for k in (0, 1))))


def length(d, order):
    return sum(d[a, b] for a, b in itertools.pairwise([*order, order[0]]))


@pytest.mark.parametrize("seed", range(3))
def test_a_small_tour_is_the_shortest_of_all(seed):
    d = plane(8, seed)
    best = min(length(d, (0, *rest)) for rest in itertools.permutations(range(1, 8)))
    found, made = tour(d, 0.0, 1, silent, never, course=course_of(300))
    assert (sorted(found), found[0], rounds_of(made)) == (list(range(8)), 0, 300)
    assert length(d, found) == best


def test_a_tour_over_one_way_streets_keeps_their_direction():
    d = np.full((6, 6), 50.0)
    for a in range(6):
        d[a, (a + 1) % 6] = 1.0
    found, _ = tour(d, 0.0, 1, silent, never, course=course_of(200))
    assert found == [0, 1, 2, 3, 4, 5]


def test_tours_keep_the_capacity_serve_everyone_and_beat_their_start():
    d, rng = plane(40, 7), np.random.default_rng(3)
    demands = np.append(0, rng.integers(1, 9, 39))
    start = savings(d, demands, 30)
    cost = [
        sum(length(d, [0, *one]) for one in tours)
        for tours in (start, vehicles(d, demands, 30, 0, 0.0, 1, silent, never, course=course_of(3000))[0])
    ]
    found, made = vehicles(d, demands, 30, 0, 0.0, 1, silent, never, course=course_of(3000))
    assert rounds_of(made) == 3000
    assert sorted(c for one in found for c in one) == list(range(1, 40))
    assert max(demands[one].sum() for one in found) <= 30
    assert cost[1] < cost[0]


def test_equal_seeds_give_equal_tours():
    d = plane(30, 5)
    one, other = (
        vehicles(d, np.append(0, np.ones(29, int)), 7, 0, 0.0, 9, silent, never, course=course_of(500))[0] for _ in range(2)
    )
    assert one == other
    assert tour(d, 0.0, 4, silent, never, course=course_of(200)) == tour(d, 0.0, 4, silent, never, course=course_of(200))


def test_a_tour_too_many_is_avoided_when_the_fleet_is_limited():
    d = plane(13, 2)
    demands = np.append(0, np.full(12, 5))
    found, _ = vehicles(d, demands, 20, 3, 0.0, 1, silent, never, course=course_of(2000))
    assert len(found) == 3


def test_the_smallest_cases_need_no_search():
    assert vehicles(np.zeros((1, 1)), np.zeros(1, int), 5, 0, 1.0, 0, silent, never) == ([], [])
    assert vehicles(plane(2, 1), np.array([0, 3]), 5, 0, 1.0, 0, silent, never) == ([[1]], [])
    assert tour(plane(3, 1), 1.0, 0, silent, never)[0] == [0, 1, 2]


def test_a_stop_ends_the_search_and_the_best_is_told():
    told = []
    vehicles(
        plane(20, 1),
        np.append(0, np.ones(19, int)),
        5,
        0,
        600.0,
        1,
        lambda *a: told.append(a[3]["best_energy"]),
        lambda: len(told) > 2,
    )
    assert told == sorted(told, reverse=True)
