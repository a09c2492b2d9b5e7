import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.aggregate import WeightedMean
from app.engine.learning.robust import NAMES, Robust, aggregator, distances, mixed

RULES = [name for name in NAMES if name != "mean"]


def some(clients=20, params=9):
    return np.random.default_rng(3).standard_normal((clients, params)).astype(np.float32)


@pytest.mark.parametrize("name", RULES)
def test_a_fifth_of_far_rows_cannot_carry_the_result_away(name):
    rows = some()
    honest = rows[4:].copy()
    rows[:4] = 1e4
    told = Robust(name, 4).combine(rows, np.ones(20))
    assert (told >= honest.min(axis=0) - 1e-5).all()
    assert (told <= honest.max(axis=0) + 1e-5).all()
    assert WeightedMean().combine(rows, np.ones(20)).min() > 1000


@pytest.mark.parametrize(
    ("name", "least"),
    [("median", 9), ("mixed-trimmed", 9), ("krum", 11), ("multi-krum", 11), ("bulyan", 19), ("geometric-median", 9)],
)
def test_beyond_the_breakdown_point_it_refuses(name, least):
    Robust(name, 4).combine(some(least), np.ones(least))
    with pytest.raises(BadInput, match=f"among {least} or more"):
        Robust(name, 4).combine(some(least), np.array([0.0] + [1.0] * (least - 1)))


@pytest.mark.parametrize("name", ["trimmed", "multi-krum", "mixed-trimmed"])
def test_without_hostile_clients_it_is_the_mean(name):
    assert Robust(name, 0).combine(some(), np.ones(20)) == pytest.approx(some().mean(axis=0, dtype=np.float64), abs=1e-6)


def test_distances_are_those_of_the_definition():
    rows = some(6).astype(np.float64)
    assert distances(some(6)) == pytest.approx(((rows[:, None] - rows[None]) ** 2).sum(axis=2), abs=1e-9)


def test_mixing_takes_the_nearest():
    rows = np.array([[0.0], [1.0], [100.0]], np.float32)
    assert mixed(rows, 1).ravel().tolist() == [0.5, 0.5, 50.5]


def test_the_geometric_median_is_where_all_pulls_cancel():
    rows = some(9, 2)
    point = Robust("geometric-median", 0).combine(rows, np.ones(9))
    away = rows - point
    assert (away / np.linalg.norm(away, axis=1, keepdims=True)).sum(axis=0) == pytest.approx(0, abs=1e-3)


def test_of_three_corners_the_geometric_median_is_fermats_point():
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]], np.float32)
    told = Robust("geometric-median", 0).combine(corners, np.ones(3))
    assert told == pytest.approx([0.5, np.sqrt(3) / 6], abs=1e-5)


def test_clipping_cuts_to_the_median_length_and_leaves_shorter_ones():
    rows = np.array([[1, 0], [0, 2], [30, 0]], np.float32)
    assert Robust("norm-clip", 1).combine(rows, np.ones(3)) == pytest.approx([(1 + 2) / 3, 2 / 3])


def test_bulyan_of_equal_rows_is_that_row():
    rows = np.tile(some(1), (7, 1))
    assert Robust("bulyan", 1).combine(rows, np.ones(7)) == pytest.approx(rows[0])


def test_an_unknown_name_is_refused():
    assert aggregator("mean", 0).name == "mean"
    with pytest.raises(BadInput):
        aggregator("best", 0)
