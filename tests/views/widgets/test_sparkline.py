"""Sparklines: pulled, gaps kept, stale figures said to be old by colour."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from app.engine.base.rings import Ring
from app.engine.base.units import ratio_text
from app.views.widgets.sparkline import Sparkline, _polylines


@pytest.fixture
def spark(qtbot):
    made = Sparkline("CPU", ratio_text, top=1.0)
    qtbot.addWidget(made)
    made.resize(200, 56)
    made.show()
    return made


def test_draws_only_when_there_is_something_new(spark):
    ring = Ring(64)
    assert not spark.draw()
    spark.follow(lambda: ring)
    ring.push(0, 0.5)
    assert spark.draw()
    assert not spark.draw()
    assert spark.accessibleDescription() == "CPU is 50\u2009%"
    spark.grab()


def test_a_gap_splits_the_curve():
    area = QRectF(0, 0, 100, 10)
    values = np.array([0, 1, np.nan, 1, 0.5, 0.2])
    assert [part.size() for part in _polylines(values, area, 1.0)] == [2, 3]
    assert _polylines(np.array([np.nan, 1.0]), area, None) == []


def test_a_silent_node_keeps_its_last_figure(spark):
    ring = Ring(64)
    ring.push(0, 0.5)
    ring.push(1, float("nan"))
    spark.follow(lambda: ring)
    spark.draw()
    spark.show_stale(stale=True)
    assert spark._said() == "50\u2009%"
