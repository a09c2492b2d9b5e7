import numpy as np
import pytest

from app.engine.learning.insight import look, outliers, shown


def test_equal_updates_do_not_drift_and_opposite_ones_cancel():
    same = look(np.ones((4, 9), np.float32), np.ones(4))
    assert same["drift"] == pytest.approx(0)
    assert same["norms"] == pytest.approx([3.0] * 4)
    assert same["shares"] == pytest.approx([1.0] * 4)
    against = np.ones((4, 9), np.float32) * np.array([1, -1, 1, -1], np.float32)[:, None]
    assert look(against, np.ones(4))["drift"] == pytest.approx(1)


def test_one_that_pulls_the_other_way_has_a_negative_share():
    rows = np.ones((5, 4), np.float32)
    rows[2] *= -1
    assert np.flatnonzero(np.array(look(rows, np.ones(5))["shares"]) < 0).tolist() == [2]


def test_a_length_that_stands_out_is_named():
    values = np.array([1.0, 1.1, 0.9, 1.05, 8.0, 0.95])
    assert outliers(values).tolist() == [4]
    assert outliers(np.ones(9)).tolist() == []
    assert outliers(np.array([1.0, 9.0])).tolist() == []


def test_a_length_stands_out_from_a_modified_z_score_of_three_and_a_half_on():
    """Median 10, median distance from it 2: 0.6745 x / 2 is over 3.5 from x = 10.378 on."""
    assert outliers(np.array([7, 8, 9, 10, 11, 12, 20.37])).tolist() == []
    assert outliers(np.array([7, 8, 9, 10, 11, 12, 20.39])).tolist() == [6]


def test_of_many_clients_those_that_stand_out_are_shown():
    rows = np.random.default_rng(0).standard_normal((500, 20)).astype(np.float32)
    rows[417] *= 30
    told = shown(np.arange(500) + 1000, rows, np.ones(500))
    assert 1417 in told["outliers"]
    assert 1417 in told["clients"]
    assert len(told["clients"]) == len(told["norms"]) == len(told["shares"]) == 100


def test_nobody_with_weight_moves_nothing():
    assert look(np.ones((2, 3), np.float32), np.zeros(2))["drift"] == 0.0


def test_the_drift_of_a_client_is_its_distance_from_the_combined_move():
    rows = np.float32([[2, 0], [0, 2], [2, 2]])
    told = look(rows, np.array([1.0, 1.0, 2.0]))
    mean = np.array([1.5, 1.5])
    typical = (2 + 2 + 2 * np.sqrt(8)) / 4
    assert told["drifts"] == pytest.approx(np.linalg.norm(rows - mean, axis=1) / typical, rel=1e-5)
    assert look(np.zeros((2, 3), np.float32), np.ones(2))["drifts"] == [0.0, 0.0]
    assert len(shown(np.arange(3), rows, np.ones(3))["drifts"]) == 3
