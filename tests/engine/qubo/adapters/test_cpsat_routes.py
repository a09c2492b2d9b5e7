"""CP-SAT behind tours: what it proves is what trying all tours gives, for whole and broken distances."""

import itertools

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never
from app.engine.qubo.adapters import cpsat, cpsat_routes

pytestmark = pytest.mark.skipif(not cpsat.available(), reason="ortools is not installed")
BUDGET = Budget(60.0)


def plane(n, seed):
    at = np.random.default_rng(seed).random((n, 2))
    return np.linalg.norm(at[:, None] - at[None], axis=2)


def length(d, tours):
    return sum(float(d[[0, *tour], [*tour, 0]].sum()) for tour in tours)


@pytest.mark.parametrize("whole", [True, False])
def test_a_tour_is_proved(whole):
    d = np.rint(1000 * plane(7, 1)) if whole else plane(7, 1)
    (found,), bound = cpsat_routes.shorten(d, None, [list(range(7))], BUDGET, 1, never)
    best = min(length(d, [list(rest)]) for rest in itertools.permutations(range(1, 7)))
    assert sorted(found) == list(range(7))
    assert length(d, [found[1:]]) == pytest.approx(best)
    assert bound == pytest.approx(best, rel=1e-6)
    assert bound <= best + 1e-12


def test_distances_that_differ_by_direction_are_kept():
    d = np.array([[0, 1, 9, 9], [9, 0, 1, 9], [9, 9, 0, 1], [1, 9, 9, 0]], float)
    found, bound = cpsat_routes.shorten(d, None, [[0, 3, 2, 1]], BUDGET, 1, never)
    assert (found, bound) == ([[0, 1, 2, 3]], 4.0)


def test_vehicles_are_proved():
    d, demands = np.rint(1000 * plane(6, 3)), np.array([0, 2, 3, 2, 1, 2])
    found, bound = cpsat_routes.shorten(d, (demands, 5), [[c] for c in range(1, 6)], BUDGET, 1, never)
    best = min(
        length(d, tours)
        for order in itertools.permutations(range(1, 6)) for cuts in itertools.product((0, 1), repeat=4)
        for tours in [split(order, cuts)] if all(demands[tour].sum() <= 5 for tour in tours)
    )  # fmt: skip
    assert sorted(c for tour in found for c in tour) == [1, 2, 3, 4, 5]
    assert all(demands[tour].sum() <= 5 for tour in found)
    assert length(d, found) == bound == best


def split(order, cuts):
    tours = [[order[0]]]
    for customer, cut in zip(order[1:], cuts, strict=True):
        tours.append([customer]) if cut else tours[-1].append(customer)
    return tours


def test_stopped_at_once_the_known_tours_come_back_with_a_bound_below_them():
    d = plane(30, 4)
    known = [list(range(30))]
    found, bound = cpsat_routes.shorten(d, None, known, Budget(0.01), 1, lambda: True)
    assert bound <= length(d, [found[0][1:]])


@pytest.mark.parametrize("loads", [None, (np.append(0, np.full(6, 3)), 7)])
def test_tours_are_found_again_without_a_clock(loads):
    d = np.rint(1000 * plane(7, 9))
    known = [list(range(7))] if loads is None else [[c] for c in range(1, 7)]
    found, _ = cpsat_routes.shorten(d, loads, known, BUDGET, 1, never)
    assert found != known
    goal = cpsat_routes.steps_of(d, found, closed=loads is not None)
    assert cpsat_routes.shorten(d, loads, known, Budget(0.0), 1, never, goal=goal)[0] == found
