"""Assignments: the gains of swaps are what they say, and the bound is below every assignment and meets the best."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.qubo.domain import assignment
from app.engine.qubo.problems import registry

DATA = Path(__file__).parents[4].parent / "shared" / "data" / "assignment"


def matrices(n, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 9, (n, n)).astype(float), rng.integers(0, 9, (n, n)).astype(float)


def cheapest(a, b):
    return min(assignment.cost(a, b, np.array(one)) for one in itertools.permutations(range(len(a))))


def test_a_gain_is_the_cost_after_a_swap_less_the_cost_before():
    a, b = matrices(7, 1)
    place = np.random.default_rng(2).permutation(7)
    gains = assignment.gains(a, b, place)
    for r, s in itertools.combinations(range(7), 2):
        other = place.copy()
        other[[r, s]] = other[[s, r]]
        assert gains[r, s] == assignment.cost(a, b, other) - assignment.cost(a, b, place)


@pytest.mark.parametrize("seed", range(4))
def test_all_parts_looked_into_the_bound_is_the_least_cost(seed):
    a, b = matrices(6, seed)
    best, bound, _ = assignment.prove(a, b, np.arange(6), lambda: 60.0, never)
    assert bound == assignment.cost(a, b, best) == cheapest(a, b)


def test_fractions_are_proved_as_well():
    a, b = (0.37 * one for one in matrices(6, 8))
    best, bound, _ = assignment.prove(a, b, np.arange(6), lambda: 60.0, never)
    assert assignment.cost(a, b, best) == pytest.approx(cheapest(a, b))
    assert bound == pytest.approx(cheapest(a, b))


def test_without_time_the_bound_is_that_of_the_whole_and_below_the_best():
    a, b = matrices(7, 3)
    known = np.arange(7)
    best, bound, looked = assignment.prove(a, b, known, lambda: 0.0, never)
    assert looked == 0
    assert best is known
    assert 0 < bound <= cheapest(a, b)


def test_the_search_finds_the_best_of_few():
    a, b = matrices(6, 5)
    best, moves = assignment.search(a, b, 0.05, 1, silent, never)
    assert moves > 0
    assert assignment.cost(a, b, best) == cheapest(a, b)


@pytest.mark.skipif(not DATA.exists(), reason="shared data absent")
def test_chr12a_is_proved_and_the_bound_of_nug12_is_the_published_one():
    chr12a = registry.read((DATA / "chr12a.dat").read_text("utf-8"), "chr12a")
    start = np.arange(12)
    best, bound, _ = assignment.prove(chr12a.first, chr12a.second, start, lambda: 60.0, never)
    assert bound == assignment.cost(chr12a.first, chr12a.second, best) == 9552
    # The bound of Gilmore and Lawler on nug12 is 493 (QAPLIB); the optimum is 578.
    nug12 = registry.read((DATA / "nug12.dat").read_text("utf-8"), "nug12")
    assert assignment.prove(nug12.first, nug12.second, start, lambda: 0.0, never)[1] == 493
