"""Heatmap, graph, bars, bins and Bloch spheres: what is drawn is what the data says, in words and in a table too."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip

from app.views.shell import theme
from app.views.widgets.bars import Bar, Bars, BinChart
from app.views.widgets.bloch import BlochSpheres, seen
from app.views.widgets.graph_view import GraphView
from app.views.widgets.heatmap import Heatmap, colours, level_text
from app.views.widgets.histogram import Histogram


@pytest.fixture
def show(qtbot):
    def _show(widget, size=(420, 320)):
        qtbot.addWidget(widget)
        widget.resize(*size)
        widget.show()
        return widget

    return _show


def test_a_heatmap_shows_each_block_in_its_colour(show):
    chart = show(Heatmap("Matrix"))
    chart.show_blocks([[4.0, 0.0], [0.0, -4.0]], 2)
    shot, area = chart.grab().toImage(), chart._area()
    quarter = area.width() / 4
    spots = [QPoint(int(area.left() + x * quarter), int(area.top() + y * quarter)) for x, y in [(1, 1), (3, 1), (3, 3)]]
    tokens = theme.now()
    assert [shot.pixelColor(at).name() for at in spots] == [tokens.series[0], tokens.surface, tokens.series[1]]
    assert len(colours()) == 255


def test_a_level_of_the_scale_is_written_plainly_as_long_as_it_fits():
    assert [level_text(value) for value in (13_060.0, -13_060.4, 0.0, 3.14159, 2e9)] == [
        "13,060", "-13,060", "0", "3.142", "2e+09",
    ]  # fmt: skip


def test_a_heatmap_is_read_by_pointer_and_by_arrows(show, qtbot, monkeypatch):
    told = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _widget: told.append(text))
    chart = show(Heatmap("Matrix"))
    chart.show_blocks(np.arange(16.0).reshape(4, 4) - 8, 1000)
    chart.event(QHelpEvent(QEvent.Type.ToolTip, QPoint(4, 4), QPoint()))
    chart.event(QHelpEvent(QEvent.Type.ToolTip, QPoint(415, 4), QPoint()))
    assert told == ["rows 0–249, columns 0–249: -8", ""]
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert chart.accessibleDescription() == "rows 250–499, columns 250–499: -3"
    qtbot.keyClick(chart, Qt.Key.Key_A)
    chart.grab()
    assert chart.twin().rows[0] == ("0–249", "0–249", -8.0)
    chart.show_blocks([], 0)
    chart.grab()
    assert chart.twin().rows == []


def test_a_graph_shows_sides_by_shape_and_colour(show):
    view = show(GraphView("Graph"))
    view.show_graph({"at": [[0.1, 0.5], [0.9, 0.5]], "edges": [[0, 1, 3.0]], "left_out": 12})
    view.show_sides("01")
    shot = view.grab().toImage()
    first, second = (at.toPoint() for at in view._points())
    assert shot.pixelColor(first).name() == theme.now().series[0]
    assert shot.pixelColor(second).name() == theme.now().series[1]
    assert view.twin().rows == [(0, "0", 1, 3.0), (1, "1", 1, 3.0)]
    view.show_graph(None)
    view.grab()
    assert view.twin().rows == []


def test_bars_run_from_zero_both_ways_and_an_unknown_one_is_a_dash(show):
    bars = show(Bars("Gain per node", "Gain", lambda value: f"{value:+.1f}"))
    bars.grab()
    bars.show_bars([Bar("a", 2.0, "done"), Bar("b", -1.0, "late"), Bar("c", None)])
    assert bars.accessibleDescription() == "a +2.0; b -1.0; c –"
    shot = bars.grab().toImage()
    blue = theme.now().series[0]
    rows = [[x for x in range(420) if shot.pixelColor(x, 11 + 22 * at).name() == blue] for at in range(3)]
    assert len(rows[0]) == pytest.approx(2 * len(rows[1]), abs=2)
    assert max(rows[1]) < min(rows[0]) + 2
    assert rows[2] == []
    assert bars.sizeHint().height() == 70


def test_bins_count_every_value_as_often_as_it_was_found(show):
    chart = show(BinChart("Energies", "Energy"))
    chart.grab()
    chart.show_values([-3.0, -3.0, 1.0, 5.0], [1, 2, 4, 8])
    rows = chart.twin().rows
    assert (rows[0][0], rows[-1][1]) == (-3.0, 5.0)
    assert [row[2] for row in rows] == [3, 4, 8]
    chart.grab()
    chart.show_values([7.0, 7.0], [1, 1])
    assert [row[2] for row in chart.twin().rows] == [2]
    chart.show_values([], [])
    assert chart.twin().rows == []


def test_bloch_vectors_are_seen_from_the_front_and_above(show):
    assert seen(0, 0, 1)[0] == 0
    assert seen(0, 0, 1)[1] > 0.9
    assert seen(0, 1, 0)[0] > 0.9
    assert seen(1, 0, 0)[1] < 0
    chart = show(BlochSpheres("Bloch"), (300, 300))
    chart.show_vectors(["q0", "q1", "q2"], [[1, 0, 0], [0, 0, -1], [0.3, 0, 0.4]])
    rows = chart.twin().rows
    assert [row[4] for row in rows] == pytest.approx([1, 1, 0.5])
    assert [row[5] for row in rows] == pytest.approx([0.5, 1, 0.3])
    assert chart.minimumHeight() >= 2 * 132
    chart.grab()


def test_the_table_of_outcomes_has_the_rare_ones_too(show):
    chart = show(Histogram("Outcomes"))
    chart.show_counts({f"{k:05b}": k + 1 for k in range(32)})
    rows = chart.twin().rows
    assert len(rows) == 32
    assert rows[0] == ("11111", 32, 32 / 528)
