import numpy as np
import pytest

from app.engine.qubo.ising import spin_form
from app.engine.qubo.problem import build, max_cut
from app.engine.qubo.schedule import field_scale, half_temperatures, next_sweeps


def test_temperatures_fall_and_scale_with_the_weights() -> None:
    edges = (np.arange(10), (np.arange(10) + 1) % 10)
    once = half_temperatures(spin_form(build(np.zeros(10), (*edges, np.full(10, 0.37)))), 20)
    assert (np.diff(once) < 0).all()
    assert once[-1] > 0
    assert len(once) == 20


def test_the_scale_of_a_ring_is_that_of_two_random_neighbours() -> None:
    assert field_scale(spin_form(max_cut(10, (np.arange(10), (np.arange(10) + 1) % 10, np.ones(10))))) == pytest.approx(
        np.sqrt(2)
    )


def test_without_couplings_the_linear_terms_set_the_scale() -> None:
    assert field_scale(spin_form(build([3.0, -4.0], ([], [], [])))) > 0
    assert field_scale(spin_form(build([0.0, 0.0], ([], [], [])))) == 1.0


def test_rounds_grow_and_then_spend_what_is_left() -> None:
    left, lengths = 10_000, []
    while sweeps := next_sweeps(lengths[-1] if lengths else 0, 1.0, left):
        lengths.append(sweeps)
        left -= sweeps
    assert left == 0
    assert lengths[:3] == [64, 256, 1024]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 5_000


def test_no_time_is_no_round() -> None:
    assert next_sweeps(64, 1.0, 0.5) == 0
    assert next_sweeps(0, 0.0, 0.0) == 64
