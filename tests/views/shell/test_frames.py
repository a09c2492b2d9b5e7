"""The frame timer: pulls what is visible, rests when told, slows down when nothing moves."""

import pytest
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QWidget

from app.views.shell.frames import IDLE_MS, Frames


@pytest.fixture
def frames(qapp):
    made = Frames(20)
    yield made
    made.stop()


@pytest.fixture
def shown(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_only_visible_widgets_are_drawn(frames, shown):
    drawn = []
    frames.add(shown, lambda: not drawn.append("seen"))
    hidden = QWidget(shown)
    hidden.hide()
    frames.add(hidden, lambda: not drawn.append("hidden"))
    frames.tick()
    assert drawn == ["seen"]
    shown.hide()
    frames.tick()
    assert drawn == ["seen"]


def test_it_slows_down_when_nothing_moves_and_speeds_up_again(frames, shown):
    moving = [False]
    frames.add(shown, lambda: moving[0])
    frames.start()
    assert frames.interval_ms == 50
    for _ in range(20):
        frames.tick()
    assert frames.interval_ms == IDLE_MS
    moving[0] = True
    frames.tick()
    assert frames.interval_ms == 50


def test_a_second_is_told_once_whatever_the_rate(frames, shown):
    moving = [True]
    frames.add(shown, lambda: moving[0])
    spy = QSignalSpy(frames.second)
    for _ in range(40):
        frames.tick()  # 40 looks of 50 ms
    assert spy.count() == 2
    moving[0] = False
    for _ in range(10 + 12):
        frames.tick()  # 10 more at that rate, then 12 of 250 ms
    assert spy.count() == 2 + 3


def test_a_destroyed_widget_is_forgotten(qtbot, frames):
    widget = QWidget()
    frames.add(widget, lambda: True)
    widget.deleteLater()
    qtbot.waitUntil(lambda: not frames._entries)


def test_the_rate_is_bounded(frames):
    frames.set_rate(1000)
    assert frames.interval_ms == 33
    frames.set_rate(2)
    assert frames.interval_ms == 500


def test_it_runs_and_stops(qtbot, frames, shown):
    drawn = []
    frames.add(shown, lambda: not drawn.append(1))
    frames.start()
    qtbot.waitUntil(lambda: len(drawn) > 2)
    frames.stop()
    assert not frames.running
