"""Live plots: never more points than pixels, extremes kept, ranges fixed, nothing drawn when nothing is new."""

import time

import numpy as np
import pytest
from PySide6.QtGui import QFontMetricsF

from app.engine.base.rings import Ring
from app.views.shell import theme
from app.views.widgets.plot import LivePlot, graphs_ready
from app.views.widgets.plot_fit import padded, span_of


@pytest.fixture
def plot(qtbot):
    made = LivePlot("Load", unit="Hz")
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.show()
    return made


def test_a_long_series_is_drawn_with_few_points_and_all_its_extremes(plot):
    ring = Ring(65_536)
    values = np.sin(np.arange(60_000) / 500)
    values[12_345], values[43_210] = 9.0, -7.0
    ring.extend(np.arange(60_000, dtype=float), values)
    plot.add("load", lambda: ring)
    assert plot.draw(wait=True)
    assert plot.points <= 2 * 2 * plot.width()
    series = plot._series[0]
    assert (series.v.max(), series.v.min()) == (9.0, -7.0)


def test_nothing_new_draws_nothing(plot):
    ring = Ring(64)
    ring.push(0, 1)
    plot.add("load", lambda: ring)
    assert plot.draw(wait=True)
    assert not plot.draw(wait=True)
    ring.push(1, 2)
    assert plot.draw(wait=True)


def test_time_starts_at_zero_and_ranges_fit_the_data(plot):
    plot.add("load")
    plot.show_data(0, np.array([1000.0, 1010.0]), np.array([5.0, 15.0]))
    plot.draw(wait=True)
    (left, right), (low, high) = plot._plot.viewRange()
    assert (left, right) == (0, 10)
    assert low < 5.0
    assert high > 15.0


def test_a_short_time_is_told_in_seconds_not_in_thousandths_of_them(plot):
    plot.add("load")
    plot.show_data(0, np.array([0.0, 0.2]), np.array([5.0, 15.0]))
    plot.draw(wait=True)
    assert plot._plot.getAxis("bottom").labelString().count("x0.001") == 0


@pytest.mark.parametrize("value", [-3_931_583.0, -0.000835, 12.5])
def test_the_figures_at_the_side_have_room(plot, value):
    plot.add("load")
    plot.show_data(0, np.array([0.0, 1.0]), np.array([value, value * 1.001]))
    plot.draw(wait=True)
    axis, (low, high) = plot._plot.getAxis("left"), plot._plot.viewRange()[1]
    spacing, ticks = axis.tickValues(low, high, 150)[0]
    metrics = QFontMetricsF(axis.style["tickFont"])
    assert max(metrics.horizontalAdvance(text) for text in axis.tickStrings(ticks, 1.0, spacing)) < axis.maximumWidth() - 4


def test_rounds_are_counted_and_a_fixed_range_stays(qtbot):
    plot = LivePlot("Accuracy", fixed_y=(0, 1), counted="round")
    qtbot.addWidget(plot)
    ring = Ring(64)
    for value in (0.2, 0.5, 0.8):
        ring.push(1e9 + value, value)
    plot.add("accuracy", lambda: ring)
    plot.draw(wait=True)
    assert list(plot._series[0].t) == [1, 2, 3]
    assert plot._plot.viewRange()[1] == [0, 1]


def test_steps_hold_each_value_until_the_next(qtbot):
    plot = LivePlot("Size", steps=True)
    qtbot.addWidget(plot)
    plot.add("size")
    plot.show_data(0, np.array([0.0, 1.0, 2.0]), np.array([4.0, 6.0, 5.0]))
    plot.draw(wait=True)
    t, v = plot._series[0].curve.getData()
    assert (list(t), list(v)) == ([0, 1, 1, 2, 2], [4, 4, 6, 6, 5])


def test_a_gap_is_not_a_range(plot):
    plot.add("load")
    plot.show_data(0, np.array([0.0, 1.0, 2.0]), np.array([1.0, np.nan, 3.0]))
    plot.draw(wait=True)
    assert span_of([plot._series[0].v]) == (1, 3)
    plot.clear()
    assert plot.points == 0
    assert span_of([np.empty(0)]) is None


@pytest.mark.parametrize(("middle", "pieces"), [(2.0, 1), (np.nan, 2)])
def test_a_gap_parts_the_line_and_only_a_gap_does(plot, middle, pieces):
    plot.add("load")
    plot.show_data(0, np.arange(5.0), np.array([1.0, 2.0, middle, 3.0, 1.0]))
    plot.draw(wait=True)
    path = plot._series[0].curve.getPath()
    assert sum(path.elementAt(at).isMoveTo() for at in range(path.elementCount())) == pieces


def test_pens_are_one_pixel_wide_in_the_colours_of_the_theme(plot):
    plot.add("a")
    plot.add("b")
    plot.draw(wait=True)
    pens = [series.curve.opts["pen"] for series in plot._series]
    assert [pen.width() for pen in pens] == [1, 1]
    assert [pen.color().name() for pen in pens] == list(theme.now().series[:2])


@pytest.mark.parametrize(("low", "high"), [(0, 0), (5, 5), (-3, 4), (-0.000835 - 1e-17, -0.000835), (1e9, 1e9 + 10)])
def test_a_range_is_never_empty_and_never_shows_how_sums_round(low, high):
    bottom, top = padded(low, high)
    assert bottom < low <= high < top
    assert top - bottom > 1e-9 * abs(high)


def test_the_library_is_loaded_beside_the_window_and_the_plot_follows(qtbot, plot):
    plot.add("load")
    plot.show_data(0, np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    qtbot.waitUntil(lambda: plot.draw() and plot._plot is not None)
    assert plot.draw()
    assert plot._series[0].curve.getData()[1] is not None
    assert graphs_ready()


def test_a_curve_that_goes_on_keeps_its_range_until_it_is_used_up(plot, monkeypatch):
    now_s, ring = [100.0], Ring(64)
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    plot.add("load", lambda: ring)

    def drawn(t_s):
        now_s[0] += 1.0
        ring.push(t_s, t_s % 2)
        assert plot.draw(wait=True)
        return tuple(plot._plot.viewRange()[0])

    for t_s in range(10):
        drawn(t_s)
    assert drawn(10.0) == (0.0, pytest.approx(9 * 1.12))
    assert drawn(11.0) == (0.0, pytest.approx(11 * 1.12))
    assert drawn(12.0) == (0.0, pytest.approx(11 * 1.12))
    now_s[0] += 5.0  # nothing comes any more
    assert not plot.draw(wait=True)
    assert plot._plot.viewRange()[0] == [0.0, 12.0]
