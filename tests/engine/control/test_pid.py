import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.control.pid import DEFAULT_GAINS, Gains, Memory, simc, step


def run_plant(gains, *, gain, lag_s, dt_s, seconds, set_point=1.0, delay_ticks=0):
    """A first-order plant, held input, stepped exactly; returns the output at every tick."""
    decay = math.exp(-dt_s / lag_s)
    memory, u, y = Memory(error=0.0), 0.0, 0.0
    inputs = [0.0] * delay_ticks
    outputs = []
    for _ in range(round(seconds / dt_s)):
        memory, u = step(gains, memory, set_point, y, u, dt_s=dt_s)
        inputs.append(u)
        y = decay * y + (1 - decay) * gain * inputs[-1 - delay_ticks]
        outputs.append(y)
    return np.array(outputs)


def test_closed_loop_follows_the_closed_form_when_the_zero_cancels_the_lag():
    # PI with Ti = lag on K/(lag s + 1) leaves K Kp / (lag s) open: the step response is 1 - exp(-t Kp K / lag).
    gain, lag_s, dt_s = 2.0, 0.5, 1e-3
    gains = Gains(kp=0.4, ki=0.4 / lag_s)
    y = run_plant(gains, gain=gain, lag_s=lag_s, dt_s=dt_s, seconds=3.0)
    t = dt_s * np.arange(1, len(y) + 1)
    assert np.max(np.abs(y - (1 - np.exp(-t * 0.4 * gain / lag_s)))) < 3e-3


def test_pure_integral_on_a_static_plant_is_a_geometric_approach():
    gains, memory, u = Gains(kp=0.0, ki=4.0), Memory(), 0.0
    for k in range(1, 20):
        memory, u = step(gains, memory, 10.0, u, u, dt_s=0.1)
        assert u == pytest.approx(10 * (1 - 0.6**k))


def test_default_gains_have_the_poles_the_comment_states():
    kp, ki_dt = DEFAULT_GAINS.kp, DEFAULT_GAINS.ki * 0.1
    poles = np.sort(np.roots([1, -(1 - kp - ki_dt), -kp]))
    assert poles == pytest.approx([-0.29, 0.69], abs=0.005)


def test_simc_matches_the_published_rule():
    gains = simc(gain=1.0, lag_s=8.0, delay_s=1.0)  # Skogestad 2003: Kc = tau / (k 2 theta), Ti = min(tau, 8 theta)
    assert gains.kp == pytest.approx(4.0)
    assert gains.kp / gains.ki == pytest.approx(8.0)
    assert simc(gain=2.0, lag_s=0.0, delay_s=0.5) == Gains(0.0, 0.5)


def test_simc_settles_a_delayed_plant_without_much_overshoot():
    y = run_plant(simc(1.0, 1.0, 0.2), gain=1.0, lag_s=1.0, dt_s=0.01, seconds=6.0, delay_ticks=20)
    assert y.max() < 1.1
    assert y[-1] == pytest.approx(1.0, abs=0.01)


def test_output_leaves_a_bound_at_the_first_tick_the_error_turns():
    gains, memory, applied = Gains(kp=0.5, ki=5.0), Memory(), 0.0
    for _ in range(1000):  # far above what the actuator can give
        memory, wanted = step(gains, memory, 100.0, applied, applied, dt_s=0.1)
        applied = min(wanted, 10.0)
    memory, wanted = step(gains, memory, 5.0, applied, applied, dt_s=0.1)
    assert wanted < 10.0


def test_taking_over_at_rest_makes_no_bump():
    memory, wanted = step(DEFAULT_GAINS, Memory(), 17.0, 17.0, 17.0, dt_s=0.1)
    assert wanted == 17.0
    assert step(DEFAULT_GAINS, memory, 17.0, 17.0, 17.0, dt_s=0.1)[1] == 17.0


def test_derivative_acts_on_the_measurement_and_not_on_a_set_point_step():
    gains = Gains(kp=0.0, ki=0.0, kd=1.0, filter_s=0.1)
    memory, _ = step(gains, Memory(), 0.0, 5.0, 0.0, dt_s=0.1)
    memory, wanted = step(gains, memory, 50.0, 5.0, 0.0, dt_s=0.1)
    assert wanted == 0.0
    assert step(gains, memory, 50.0, 6.0, 0.0, dt_s=0.1)[1] < 0


@pytest.mark.parametrize("bad", [{"kp": -1}, {"ki": math.nan}, {"kd": math.inf}])
def test_gains_that_make_no_sense_are_refused(bad):
    with pytest.raises(BadInput, match="must be a number of at least 0"):
        Gains(**{"kp": 1.0, "ki": 1.0, **bad})


@pytest.mark.parametrize(
    ("gain", "lag_s", "delay_s", "closed_s"), [(0, 1, 1, None), (1, 0, 0, None), (1, -1, 2, None), (1, 1, 0, 0)]
)
def test_simc_refuses_a_plant_without_gain_or_horizon(gain, lag_s, delay_s, closed_s):
    with pytest.raises(BadInput):
        simc(gain, lag_s, delay_s, closed_s)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(1e-3, 10))
def test_output_is_finite_for_finite_input(set_point, measured, applied, dt_s):
    memory, wanted = step(DEFAULT_GAINS, Memory(), set_point, measured, applied, dt_s=dt_s)
    assert math.isfinite(wanted)
    assert math.isfinite(step(DEFAULT_GAINS, memory, -set_point, measured, wanted, dt_s=dt_s)[1])
