import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.control.estimate import Motion, follow, share_of


def test_a_step_is_approached_by_the_closed_form():
    value = 0.0
    for _ in range(10):
        value += share_of(0.05, 0.4) * (1.0 - value)
    assert value == pytest.approx(1 - math.exp(-0.5 / 0.4))


def test_no_time_constant_means_no_filter():
    assert share_of(0.1, 0.0) == 1.0


def test_first_value_is_taken_without_a_false_velocity():
    assert follow(Motion(), 30.0, 0.1, 0.4) == Motion(30.0, 0.0, 0.0, known=True)


def test_a_ramp_gives_its_slope_and_no_acceleration():
    motion = Motion()
    for k in range(200):
        motion = follow(motion, 5.0 * 0.1 * k, 0.1, 0.4)
    assert motion.velocity == pytest.approx(5.0, rel=1e-6)
    assert motion.acceleration == pytest.approx(0.0, abs=1e-6)


def test_a_parabola_gives_its_acceleration():
    motion = Motion()
    for k in range(400):
        motion = follow(motion, 0.5 * 3.0 * (0.1 * k) ** 2, 0.1, 0.4)
    assert motion.acceleration == pytest.approx(3.0, rel=1e-6)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50))
def test_position_stays_between_the_extremes_seen(values):
    motion = Motion()
    for value in values:
        motion = follow(motion, value, 0.1, 0.4)
    assert min(values) - 1e-6 <= motion.position <= max(values) + 1e-6
