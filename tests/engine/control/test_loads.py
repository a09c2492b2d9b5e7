import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.control.loads import AGAIN, TEST, TUNE, Load, draw, trace_load


@pytest.mark.parametrize("name", ["bursty", "periodic", "drift", "steady"])
def test_rates_services_and_order(name):
    load = Load(name, seconds=60)
    batch = draw(load, TEST, 0, 12)
    for times, count in zip(batch.times, batch.counts, strict=True):
        assert np.all(np.diff(times[:count]) >= 0)
        assert times[count - 1] < 60
        assert np.all(np.isinf(times[count:]))
    mean_hz = batch.counts.mean() / 60
    assert mean_hz == pytest.approx(200 * (1 + 2 * 0.8 / 2.8) if name == "bursty" else 200, rel=0.2)
    assert np.concatenate([s[:c] for s, c in zip(batch.services, batch.counts, strict=True)]).mean() == pytest.approx(
        0.05, rel=0.02
    )


def test_a_load_does_not_depend_on_how_many_are_drawn_with_it():
    many, one = draw(Load(seconds=5), TEST, 7, 6), draw(Load(seconds=5), TEST, 7, 1, first=4)
    count = one.counts[0]
    assert many.times[4, :count].tolist() == one.times[0, :count].tolist()


def test_tuning_never_meets_a_load_of_the_test():
    tune, test = draw(Load(seconds=10), TUNE, 0, 3), draw(Load(seconds=10), TEST, 0, 3)
    assert not set(tune.times[np.isfinite(tune.times)]) & set(test.times[np.isfinite(test.times)])


def test_again_has_the_same_arrivals_and_other_services():
    test, again = draw(Load(seconds=10), TEST, 0, 3), draw(Load(seconds=10), AGAIN, 0, 3)
    assert np.array_equal(test.times, again.times)
    assert not np.array_equal(test.services, again.services)


def test_a_trace_is_cut_in_halves_that_share_nothing():
    random = np.random.default_rng(0)
    # Arrivals of the first half lie on even milliseconds, of the second on odd ones.
    first = np.unique(random.integers(0, 50_000, 8000) * 2) / 1000
    second = 100.0005 + np.unique(random.integers(0, 50_000, 8000) * 2) / 1000
    load, faster = trace_load(np.concatenate([first, second]), 0.05)
    assert faster > 1
    tune, test = draw(load, TUNE, 0, 2), draw(load, TEST, 0, 2)
    assert abs(tune.counts[0] - len(first)) < 5
    assert abs(test.counts[0] - len(second)) < 5


def test_a_dense_trace_is_played_slower_and_no_load_of_it_is_too_large_to_be_held():
    load, faster = trace_load(np.arange(50_000) / 5000.0, 0.05, most_erlang=50.0)
    assert faster == pytest.approx(0.2, rel=0.01)
    assert load.rate_hz * load.service_s == pytest.approx(50.0)
    assert load.trace_s[-1] == pytest.approx(50.0, rel=0.01)
    kept, faster = trace_load(np.arange(5000) / 500.0, 0.05, most_erlang=50.0)
    assert (faster, kept.trace_s[-1]) == (1.0, pytest.approx(9.998))
    many, _ = trace_load(np.arange(1_000_000) / 50_000.0, 0.001, most_erlang=50.0)
    assert many.seconds * many.rate_hz <= 200_000


@pytest.mark.parametrize("ends", [(-1.7e308, 1.7e308), (0.0, 5e-324)])
def test_a_trace_whose_stamps_are_beyond_what_can_be_counted_is_refused(ends):
    times = [*ends, *np.linspace(0, min(ends[1], 100.0), 100)]
    with pytest.raises(BadInput, match="too far apart or too close together"):
        trace_load(np.array(times), 0.05, most_erlang=48.0)


def test_what_is_no_trace_and_no_load_is_refused():
    with pytest.raises(BadInput, match="at least 100 arrivals"):
        trace_load(np.arange(20.0), 0.05)
    with pytest.raises(BadInput, match="no load storm; choose from bursty"):
        draw(Load("storm"), TEST, 0, 1)
