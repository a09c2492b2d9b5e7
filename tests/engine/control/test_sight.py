import math
from dataclasses import replace

import numpy as np
import pytest

from app.engine.control.ops import SCALAR
from app.engine.control.sight import Sight, foreseen, set_point, settle, track, track_begin

SIGHT = Sight(16.0, 0.05, 10.0, 12.0, 20.0, 0.06, 0.05, 20.0, 0.0, 2.0, 64.0, 0.0)


def test_set_point_is_demand_and_its_root_and_what_empties_the_queue():
    assert set_point(16.0, SIGHT, 0.5, 0.3, SCALAR) == pytest.approx(16 + 2 + 12 * 0.05 / 0.3)
    assert set_point(16.0, SIGHT, 0.0, 0.3, SCALAR, 0.25, 0.0) == pytest.approx(20.0)


def test_a_queue_is_never_drained_faster_than_half_the_stable_gain():
    # q' = -q(t - d) / T is stable for T > 2 d / pi; the bound keeps T at 4 d / pi at least.
    delay_s, dt_s = 0.3, 1e-3
    late = replace(SIGHT, demand=0.0, queue=100.0, delay_s=delay_s)
    rate = set_point(0.0, late, 0.0, 1e-3, SCALAR) / late.service_s / 100.0
    assert 1 / rate == pytest.approx(4 * delay_s / math.pi)
    queue, lag = [100.0], round(delay_s / dt_s)
    for k in range(6000):
        queue.append(queue[-1] - dt_s * rate * (queue[k - lag] if k >= lag else 100.0))
    assert abs(queue[-1]) < 1.0


def test_the_filter_finds_a_ramp_in_poisson_noise():
    random, seen = np.random.default_rng(3), track_begin(0.0)
    errors = []
    for k in range(400):
        true = 10 + 2.0 * k * 0.1
        raw = random.poisson(true / 0.05 * 0.1) * 0.05 / 0.1
        seen = track(seen, replace(SIGHT, demand=raw), 1.0, 0.1, SCALAR)
        errors.append((raw - true, seen.x - true))
    raw_sd, sd = np.std(np.array(errors[100:]), axis=0)
    assert sd < raw_sd / 2
    assert seen.v == pytest.approx(2.0, abs=1.0)


def test_what_is_on_order_is_counted_before_more_is_ordered():
    seen = track_begin(0.0)._replace(x=16.0, capacity=20.0)
    late = replace(SIGHT, delay_s=0.1)
    assert foreseen(seen, late, 0.0, SCALAR) == 12.0
    assert foreseen(seen, late, 1.0, SCALAR) == pytest.approx(12 + 0.1 * (16 - 20) / 0.05)


def test_up_at_once_down_slowly_and_rest_within_the_band():
    assert settle(30.0, SIGHT, 1.0, 0.4, 0.1, SCALAR) == 30.0
    assert settle(20.4, SIGHT, 1.0, 0.4, 0.1, SCALAR) == 20.0
    assert settle(18.5, SIGHT, 1.0, 0.4, 0.1, SCALAR) == 20.0
    short = replace(SIGHT, queue=0.0)
    assert settle(10.0, short, 1.0, 0.4, 0.1, SCALAR) == pytest.approx(18.0)


def test_nothing_is_let_go_while_what_waits_is_work_for_longer_than_the_delay():
    full = SIGHT.size * 0.3 / SIGHT.service_s
    assert settle(10.0, replace(SIGHT, delay_s=0.3, queue=1.01 * full), 1.0, 0.4, 0.1, SCALAR) == SIGHT.size
    assert settle(10.0, replace(SIGHT, delay_s=0.3, queue=0.99 * full), 1.0, 0.4, 0.1, SCALAR) < SIGHT.size
