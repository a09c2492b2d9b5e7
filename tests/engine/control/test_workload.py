import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.control.workload import Bursts, arrivals, dispersion, services


def test_equal_seeds_give_equal_load_and_other_seeds_another():
    assert np.array_equal(arrivals(Bursts(), 5, 7), arrivals(Bursts(), 5, 7))
    assert not np.array_equal(arrivals(Bursts(), 5, 7), arrivals(Bursts(), 5, 8))
    assert np.array_equal(services(9, 0.05, 7), services(9, 0.05, 7))


@given(st.integers(0, 2**64 - 1), st.floats(0.1, 20))
def test_arrivals_ascend_within_the_time(seed, seconds):
    times = arrivals(Bursts(rate_hz=50), seconds, seed)
    assert np.all(np.diff(times) >= 0)
    assert times.size == 0 or (times[0] >= 0 and times[-1] < seconds)


def test_long_run_rate_is_that_of_the_two_state_chain():
    bursts = Bursts(rate_hz=100, factor=4, burst_s=0.5, gap_s=1.5)
    assert bursts.mean_hz == pytest.approx(175)
    assert arrivals(bursts, 4000, 1).size / 4000 == pytest.approx(175, rel=0.05)


def test_without_bursts_the_counts_are_poisson_and_with_them_over_dispersed():
    assert dispersion(arrivals(Bursts(factor=1), 400, 3), 400, 0.5) == pytest.approx(1, abs=0.15)
    assert dispersion(arrivals(Bursts(), 400, 3), 400, 0.5) > 5


def test_nothing_has_no_dispersion():
    assert dispersion(np.empty(0), 10, 1) == 0


def test_services_have_the_mean_and_spread_of_an_exponential():
    times = services(100_000, 0.05, 5)
    assert times.mean() == pytest.approx(0.05, rel=0.02)
    assert times.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("bad", [{"rate_hz": 0}, {"factor": 0.5}, {"burst_s": 0}, {"gap_s": -1}])
def test_impossible_bursts_are_refused(bad):
    with pytest.raises(BadInput):
        Bursts(**bad)
