from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.learning.aggregate import WeightedMean

AGGREGATORS = [WeightedMean()]


def some(clients=130, params=11, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((clients, params)).astype(np.float32), rng.integers(1, 50, clients).astype(np.float64)


@pytest.mark.parametrize("aggregator", AGGREGATORS, ids=lambda each: each.name)
class TestTheLawOfAggregators:
    def test_gives_one_row_of_doubles(self, aggregator):
        updates, weights = some()
        told = aggregator.combine(updates, weights)
        assert told.shape == (11,)
        assert told.dtype == np.float64

    def test_many_equal_updates_are_that_update(self, aggregator):
        row = some(1)[0][0]
        told = aggregator.combine(np.tile(row, (9, 1)), np.ones(9))
        assert told == pytest.approx(row.astype(np.float64), abs=1e-12)

    def test_changes_nothing_it_was_given(self, aggregator):
        updates, weights = some()
        copies = updates.copy(), weights.copy()
        aggregator.combine(updates, weights)
        assert np.array_equal(updates, copies[0])
        assert np.array_equal(weights, copies[1])

    def test_stays_within_the_range_of_the_updates(self, aggregator):
        updates, weights = some()
        told = aggregator.combine(updates, weights)
        assert (told >= updates.min(axis=0) - 1e-9).all()
        assert (told <= updates.max(axis=0) + 1e-9).all()


def test_the_mean_agrees_with_exact_fractions():
    updates, weights = some(67, 3)
    told = WeightedMean().combine(updates, weights)
    for column in range(3):
        exact = sum(Fraction(float(u)) * Fraction(int(w)) for u, w in zip(updates[:, column], weights, strict=True))
        assert told[column] == pytest.approx(float(exact / Fraction(int(weights.sum()))), abs=1e-14)


@settings(deadline=None)
@given(st.integers(1, 200))
def test_the_sum_runs_over_clients_one_by_one(clients):
    updates, weights = some(clients, 5, clients)
    total = 0.0
    for weight in weights:
        total += weight
    by_hand = np.zeros(5)
    for update, weight in zip(updates, weights, strict=True):
        by_hand = by_hand + update * (weight / total)
    assert np.array_equal(WeightedMean().combine(updates, weights), by_hand)


def test_a_client_without_weight_has_no_say():
    updates, weights = some(4)
    weights[2] = 0
    without = WeightedMean().combine(np.delete(updates, 2, axis=0), np.delete(weights, 2))
    assert WeightedMean().combine(updates, weights) == pytest.approx(without, abs=1e-15)


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [2.0, -1.0]])
def test_no_weight_or_a_negative_one_is_refused(weights):
    with pytest.raises(BadInput):
        WeightedMean().combine(np.zeros((len(weights), 3), np.float32), np.array(weights))
