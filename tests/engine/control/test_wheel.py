import threading
import time

import pytest

from app.engine.control import wheel as module
from app.engine.control.wheel import Spoke, Wheel

PATIENCE_S = 30.0


class Counted:
    """Counts its turns; holds them in `gate` while that is closed."""

    def __init__(self, tick_s=0.01):
        self.turns, self.together, self.most = 0, 0, 0
        self.gate, self.changed = threading.Event(), threading.Condition()
        self.gate.set()
        self.spoke = Spoke(self.take, tick_s)

    def take(self):
        with self.changed:
            self.together += 1
            self.most = max(self.most, self.together)
            self.turns += 1
            self.changed.notify_all()
        self.gate.wait(PATIENCE_S)
        with self.changed:
            self.together -= 1

    def reaches(self, turns):
        with self.changed:
            return self.changed.wait_for(lambda: self.turns >= turns, PATIENCE_S)


@pytest.fixture
def wheel():
    made = Wheel()
    yield made
    until_s = time.monotonic() + PATIENCE_S
    while made.takers:
        assert time.monotonic() < until_s, "a thread was left"


def takers():
    return {thread for thread in threading.enumerate() if thread.name == "controller-turns"}


def test_quick_turns_of_many_are_taken_by_one_thread_at_the_same_moments(wheel):
    before, many = takers(), [Counted() for _ in range(20)]
    for one in many:
        assert wheel.add(one.spoke)
    assert all(one.reaches(5) for one in many)
    dues = {one.spoke.due_s for one in many if one.spoke.taker is None}
    assert len(dues) < 10
    assert all(round(due_s / 0.01) * 0.01 == pytest.approx(due_s, abs=1e-6) for due_s in dues)
    for one in many:
        assert wheel.remove(one.spoke, PATIENCE_S)
    ended = [one.turns for one in many]
    assert max(one.most for one in many) == 1
    assert len(takers() - before) <= 3  # a slow machine may have asked for help
    assert [one.turns for one in many] == ended


def test_a_turn_that_hangs_holds_up_no_other_once_help_is_asked_for(wheel):
    hung, other = Counted(), Counted()
    hung.gate.clear()
    assert wheel.add(hung.spoke)
    assert hung.reaches(1)
    assert wheel.add(other.spoke)
    until_s = time.monotonic() + PATIENCE_S
    while not other.turns:
        wheel.help()
        assert time.monotonic() < until_s
    assert other.reaches(5)
    assert (hung.turns, wheel.takers) == (1, 2)
    assert not wheel.remove(hung.spoke, 0.01)
    assert not wheel.add(hung.spoke)  # its last turn hangs
    hung.gate.set()
    assert wheel.remove(hung.spoke, PATIENCE_S)
    assert wheel.add(hung.spoke)
    assert hung.reaches(2)
    for one in (hung, other):
        assert wheel.remove(one.spoke, PATIENCE_S)


def test_who_was_slow_the_last_time_has_another_lead_on_without_help(wheel):
    slow, other = Counted(), Counted()
    slow.spoke.took_s = 1.0
    slow.gate.clear()
    assert wheel.add(slow.spoke)
    assert slow.reaches(1)
    assert wheel.add(other.spoke)
    assert other.reaches(3)
    slow.gate.set()
    for one in (slow, other):
        assert wheel.remove(one.spoke, PATIENCE_S)


def test_who_is_slow_goes_on_where_the_system_has_no_more_threads(wheel, monkeypatch):
    slow, start, scarce = Counted(), threading.Thread.start, threading.Event()

    def refuse(thread):
        if thread.name == "controller-turns" and scarce.is_set():
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    slow.spoke.took_s = 1.0
    slow.gate.clear()
    scarce.set()
    assert wheel.add(slow.spoke)
    assert wheel.takers == 0
    scarce.clear()
    time_out = time.monotonic() + PATIENCE_S
    while not wheel.takers:
        wheel.help()
        assert time.monotonic() < time_out
    assert slow.reaches(1)
    scarce.set()
    slow.spoke.took_s = 1.0
    slow.gate.set()
    for turns in range(2, 5):
        assert slow.reaches(turns)
        slow.spoke.took_s = 1.0
    scarce.clear()
    assert wheel.remove(slow.spoke, PATIENCE_S)


def test_a_thread_that_is_not_needed_ends(wheel, monkeypatch):
    monkeypatch.setattr(module, "_LINGER_S", 0.01)
    slow, other = Counted(), Counted()
    slow.spoke.took_s = 1.0
    assert wheel.add(slow.spoke)
    assert wheel.add(other.spoke)
    assert slow.reaches(3)
    until_s = time.monotonic() + PATIENCE_S
    while wheel.takers > 1:
        assert time.monotonic() < until_s
    assert other.reaches(5)
    for one in (slow, other):
        assert wheel.remove(one.spoke, PATIENCE_S)


def test_a_turn_may_end_its_own_turns_and_begin_them_anew(wheel):
    told, done = [], threading.Event()

    def take():
        if not told:
            told.append(wheel.remove(spoke, PATIENCE_S))
            told.append(wheel.add(spoke))
        else:
            done.set()

    spoke = Spoke(take, 0.01)
    assert wheel.add(spoke)
    assert not wheel.add(spoke)
    assert done.wait(PATIENCE_S)
    assert told == [False, True]
    assert wheel.remove(spoke, PATIENCE_S)
    assert wheel.remove(spoke, PATIENCE_S)
