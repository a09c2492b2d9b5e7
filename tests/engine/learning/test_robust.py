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


ONE, TWO, THREE = [32, 13, 38, 27, 1, 14, 36], [37, 26, 10, 7, 28, 38, 15, 35, 6], [9, 3, 1, 25, 24, 26, 8, 34, 4, 15, 27]


@pytest.mark.parametrize(
    ("name", "hostile", "values", "expected"),
    [
        ("trimmed", 2, [6, -100, 1, 1000, 3, 2, 50], (2 + 3 + 6) / 3),
        ("trimmed", 3, [9, -70, 4, 80, -9, 1, 60, 50, 5], (4 + 5 + 9) / 3),
        ("median", 2, [6, -100, 1, 1000, 3, 2, 50], 3),
        ("median", 2, [6, -100, 1, 1000, 3, 2, 50, 51], (3 + 6) / 2),
        # Of 7 with 2 hostile, the 3 nearest count: 27, 36 and 38 are 25 + 16 + 36 from 32, and nobody else has less than 101.
        ("krum", 2, ONE, 32),
        ("krum", 3, TWO, 35),  # 4 nearest: 37, 38, 28, 26 (143)
        ("krum", 4, THREE, 8),  # 5 nearest: 9, 4, 3, 1, 15 (140)
        # Sums of distances: 32 has 77, 36 has 101, 13 has 341, 38 has 161, 27 has 227, 14 has 339, 1 has 989.
        ("multi-krum", 2, ONE, (32 + 36 + 38 + 27 + 14) / 5),
        ("multi-krum", 3, TWO, (35 + 37 + 28 + 38 + 15 + 10) / 6),
        ("multi-krum", 4, THREE, (8 + 9 + 4 + 25 + 26 + 24 + 27) / 7),
        # Of 11 with 2 hostile 7 are picked, and the 3 nearest their median stay: of 1 4 7 12 27 31 37 those are 4, 7 and 12.
        ("bulyan", 2, [31, 14, 12, 1, 4, 36, 27, 7, 19, 0, 37], (4 + 7 + 12) / 3),
        ("bulyan", 2, [14, 22, 29, 10, 3, 23, 4, 28, 0, 12, 17], (10 + 14 + 22) / 3),  # of 3 4 10 14 22 23 29
        ("bulyan", 2, [15, 13, 35, 38, 39, 12, 23, 20, 27, 10, 29], (13 + 15 + 20) / 3),  # of 12 13 15 20 29 35 38
        ("norm-clip", 2, [1, -2, 3, 4, -5, 6, 70], (1 - 2 + 3 + 4 - 4 + 4 + 4) / 7),
        # Each becomes the mean of its 5 nearest: 2, 2, 2, 3, 3, 3 and (2 + 3 + 4 + 5 + 100) / 5.
        ("mixed-trimmed", 2, [0, 1, 2, 3, 4, 5, 100], (2 + 3 + 3) / 3),
        ("mixed-norm-clip", 2, [0, 1, 2, 3, 4, 5, 100], (2 + 2 + 2 + 3 + 3 + 3 + 3) / 7),
    ],
)
def test_on_a_line_each_rule_gives_what_its_definition_gives_by_hand(name, hostile, values, expected):
    rows = np.array(values, np.float32)[:, None]
    for turned, sign in ((rows, 1), (rows[::-1], 1), (-rows, -1)):
        assert Robust(name, hostile).combine(turned, np.ones(len(rows))) == pytest.approx(sign * expected, rel=1e-6)


def test_where_four_lines_cross_that_have_a_row_on_both_sides_is_the_geometric_median():
    cross = np.array([2.0, -1.0])
    lines = np.array([[2, 1], [-1, 3], [3, 4], [-4, 3]], float)
    rows = np.concatenate([cross + lines, cross - lines * np.array([[5], [4], [2], [0.1]])]).astype(np.float32)
    assert np.linalg.norm(np.median(rows, axis=0) - cross) > 0.3  # so it does not begin there
    assert Robust("geometric-median", 3).combine(rows, np.ones(8)) == pytest.approx(cross, abs=1e-3)


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
