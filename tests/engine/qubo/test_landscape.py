import numpy as np
import pytest

from app.engine.qubo.landscape import survey
from app.engine.qubo.problem import build, max_cut


def plain(n):
    return build(np.ones(n), ([0], [1], [1.0]))


def test_distances_are_counted_in_bits_and_the_plane_keeps_them_where_it_can() -> None:
    samples = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]], np.int8)
    land = survey(plain(4), samples)
    assert land.distances.tolist() == [0, 1, 2, 1]
    assert not land.mirrored
    assert land.shown_ratio == pytest.approx(1.0)
    apart = np.linalg.norm(land.places[:, None] - land.places[None], axis=2) ** 2
    bits = (samples[:, None] != samples[None]).sum(axis=2)
    np.testing.assert_allclose(apart / apart.max(), bits / bits.max(), atol=1e-6)


def test_a_cut_and_its_opposite_are_one_answer() -> None:
    problem = max_cut(3, ([0, 1], [1, 2], [1.0, 1.0]))
    land = survey(problem, np.array([[0, 1, 0], [1, 0, 1], [1, 1, 1]], np.int8))
    assert land.mirrored
    assert land.distances.tolist() == [0, 0, 1]
    np.testing.assert_allclose(land.places[0], land.places[1], atol=1e-6)


def test_one_sample_lies_in_the_middle_and_very_wide_ones_are_left_out() -> None:
    land = survey(plain(3), np.zeros((1, 3), np.int8))
    assert land.rows() == [{"distance": 0, "at": [0.0, 0.0]}]
    assert survey(plain(3), np.zeros((0, 3), np.int8)) is None
    assert survey(plain(60_000), np.zeros((1, 60_000), np.int8)) is None


def test_the_share_shown_falls_with_the_directions_there_are() -> None:
    samples = np.vstack([np.zeros((1, 40), np.int8), np.eye(40, dtype=np.int8)])
    assert survey(plain(40), samples).shown_ratio == pytest.approx(2 / 40, rel=0.1)
