import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agent.meter import Interval, Meter


def test_nothing_seen_is_unknown_not_zero():
    assert Meter().take() == Interval(0, None, None, None, None)


@given(st.lists(st.floats(1e-6, 100), min_size=1, max_size=300), st.integers(0, 20))
def test_figures_agree_with_numpy_to_a_bucket(times, failures):
    meter = Meter()
    for seconds in times:
        meter.good(seconds)
    for _ in range(failures):
        meter.bad()
    told = meter.take()
    assert told.inference_count == len(times)
    assert told.latency_mean_s == pytest.approx(np.mean(times))
    assert told.latency_p50_s == pytest.approx(np.quantile(times, 0.5, method="inverted_cdf"), rel=0.06)
    assert told.latency_p99_s == pytest.approx(np.quantile(times, 0.99, method="inverted_cdf"), rel=0.06)
    assert told.error_ratio == pytest.approx(failures / (len(times) + failures))


@given(st.lists(st.floats(1e-6, 100), min_size=1, max_size=300))
def test_the_histogram_counts_everything_below_its_edges(times):
    meter = Meter()
    for seconds in times:
        meter.good(seconds)
    told = {float(edge) / 1e6: count for edge, count in meter.histogram().items()}
    assert sum(told.values()) == len(times)
    assert list(told) == sorted(told)
    for edge_s, below in zip(told, np.cumsum(list(told.values())), strict=True):
        assert np.count_nonzero(np.array(times) <= edge_s * 1.001) >= below
        assert np.count_nonzero(np.array(times) <= edge_s / 1.3) <= below
    meter.take()
    assert meter.histogram() == {}


def test_an_interval_begins_anew():
    meter = Meter()
    meter.good(0.5)
    meter.take()
    assert meter.take() == Interval()
    meter.bad()
    assert meter.take() == Interval(error_ratio=1.0)
    assert meter.total_count == 1


@pytest.mark.parametrize("seconds", [0.0, 1e-12, 1e9])
def test_times_beyond_the_scale_are_counted(seconds):
    meter = Meter()
    meter.good(seconds)
    assert meter.take().latency_p99_s is not None
