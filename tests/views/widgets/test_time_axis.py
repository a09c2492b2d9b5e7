"""Plots that share a time axis zoom, pan, point and pause together, by mouse and by keyboard."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.engine.base.rings import Ring
from app.views.widgets.plot import LivePlot
from app.views.widgets.time_axis import TimeAxis


@pytest.fixture
def rings():
    long, short = Ring(1 << 16), Ring(1 << 16)
    t = 1e9 + np.arange(60_000) / 10
    long.extend(t, np.sin(t / 50))
    short.extend(t[30_000:], np.cos(t[30_000:] / 50))
    return long, short


@pytest.fixture
def pair(qtbot, rings):
    axis = TimeAxis()
    plots = []
    for ring in rings:
        plot = LivePlot("Load")
        qtbot.addWidget(plot)
        plot.resize(400, 240)
        plot.add("load", lambda ring=ring: ring)
        plot.share(axis)
        plot.show()
        plot.draw(wait=True)
        plots.append(plot)
    return plots


def _shown(plot):
    low, high = plot._plot.viewRange()[0]
    return round(low + plot._origin, 3), round(high + plot._origin, 3)


def test_a_zoom_reaches_every_plot_and_draws_the_history_in_full(pair):
    first, second = pair
    first.axis.zoom((1e9 + 4000, 1e9 + 4010))
    assert _shown(first) == _shown(second) == (1e9 + 4000, 1e9 + 4010)
    assert 100 <= len(first._series[0].t) <= 103
    first.axis.zoom(None)
    assert first.draw() or _shown(first)[0] == 1e9
    assert first.axis.span() == (1e9, 1e9 + 5999.9)


def test_the_mouse_chooses_a_range_and_a_double_click_gives_it_back(pair):
    first, _ = pair
    box = first._plot.getPlotItem().getViewBox()
    box.setRange(xRange=(100, 200), padding=0)
    box.sigRangeChangedManually.emit([True, False])
    assert first.axis.window == pytest.approx((1e9 + 100, 1e9 + 200))
    first.axis.zoom(None)
    assert first.axis.window is None


def test_the_keyboard_zooms_pans_reads_and_holds(qtbot, pair):
    first, second = pair
    qtbot.keyClick(first, Qt.Key.Key_Plus)
    low, high = first.axis.window
    assert high - low == pytest.approx(5999.9 / 2)
    qtbot.keyClick(first, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert first.axis.window[0] == pytest.approx(low + 5999.9 / 8)
    qtbot.keyClick(first, Qt.Key.Key_Right)
    qtbot.keyClick(first, Qt.Key.Key_Left)
    assert "load" in first.readout.text()
    assert "load" in second.readout.text()
    qtbot.keyClick(first, Qt.Key.Key_Escape)
    assert first.readout.text() == ""
    qtbot.keyClick(first, Qt.Key.Key_0)
    assert first.axis.window is None
    qtbot.keyClick(first, Qt.Key.Key_Minus)
    assert first.axis.window is None


def test_a_held_plot_stands_still_and_goes_on_with_what_came_meanwhile(qtbot, pair, rings):
    first, second = pair
    qtbot.keyClick(first, Qt.Key.Key_Space)
    assert second.axis.paused
    rings[0].push(1e9 + 7000, 40.0)
    assert not first.draw()
    assert first._series[0].t[-1] < 1e9 + 7000
    qtbot.keyClick(second, Qt.Key.Key_Space)
    assert first.draw()
    assert first._series[0].v[-1] == 40.0


def test_the_crosshair_reads_the_sample_itself_not_the_drawn_one(pair, rings):
    first, second = pair
    at = 1e9 + 3500.1
    first.axis.point(at)
    assert f"{rings[0].nearest(at)[1]:,.6g}" in first.readout.text()
    assert f"{rings[1].nearest(at)[1]:,.6g}" in second.readout.text()
    first.axis.point(None)


def test_the_pointer_moves_the_crosshair_and_takes_it_along_as_it_leaves(pair):
    first, _ = pair
    box = first._plot.getPlotItem().getViewBox()
    first._plot.scene().sigMouseMoved.emit(box.mapViewToScene(QPointF(1000.0, 0.0)))
    assert first.axis.cross_s == pytest.approx(1e9 + 1000)
    first._plot.scene().sigMouseMoved.emit(QPointF(-500, -500))
    assert first.axis.cross_s is None


def test_a_level_is_drawn_with_its_name_and_is_in_range(qtbot):
    plot = LivePlot("Energy")
    qtbot.addWidget(plot)
    plot.add("best")
    plot.show_lines([(-20.0, "best known")])
    plot.show_data(0, np.array([0.0, 1.0]), np.array([-5.0, -9.0]))
    plot.draw(wait=True)
    assert plot._plot.viewRange()[1][0] < -20
    plot.show_lines([])
    plot.draw(wait=True)
    assert plot._plot.viewRange()[1][0] > -20
