import pytest

from app.engine.control.metrics import mean_over_time, outside, percentile_s, resizes, series
from app.engine.control.records import FREE, Tick


def test_percentile_is_a_wait_that_really_happened():
    waits = list(range(1, 101))
    assert percentile_s(waits, 0.99) == 100
    assert percentile_s(waits, 0.5) == 51
    assert percentile_s([], 0.99) == 0


def test_mean_over_time_weighs_each_size_by_how_long_it_held():
    assert mean_over_time([0.0, 1.0], [10.0, 20.0], 4.0) == pytest.approx((10 + 3 * 20) / 4)
    assert mean_over_time([], [], 1.0) == 0.0
    assert mean_over_time([0.0], [7.0], 0.0) == 7.0


def test_resizes_count_changes_only():
    assert resizes([3, 3, 4, 4, 3]) == 2
    assert resizes([3]) == 0


def test_outside_counts_both_sides():
    assert outside([1, 2, 64, 65], 2, 64) == 2


def test_series_is_thinned_to_what_a_plot_can_show():
    ticks = [Tick(float(k), 1.0, 2.0, 0.0, 0.0, FREE) for k in range(1000)]
    columns = series(ticks, most=100)
    assert {len(column) for column in columns.values()} == {100}
    assert columns["at_s"][:2] == [0.0, 10.0]
    assert columns["reason"][0] == FREE
    names = ("at_s", "target", "size", "queue", "wait_s", "reason", "position", "velocity")
    assert series([]) == {name: [] for name in names}
