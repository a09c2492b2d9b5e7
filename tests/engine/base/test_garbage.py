"""The collector rests while somebody is at work, and is found as it was left."""

import gc
import threading
import weakref

import pytest

from app.engine.base import garbage
from app.engine.base.garbage import uncollected


def test_the_collector_rests_until_the_last_one_is_done():
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def other():
        with uncollected():
            begun.set()
            go_on.wait(30)
        seen.append(gc.isenabled())

    thread = threading.Thread(target=other)
    with uncollected():
        thread.start()
        assert begun.wait(30)
        assert not gc.isenabled()
    assert not gc.isenabled()
    go_on.set()
    thread.join()
    assert seen == [True]


def test_work_that_fails_leaves_the_collector_on():
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_where_somebody_is_always_at_work_it_runs_now_and_then_all_the_same(monkeypatch):
    circle = Ring()
    circle.itself, gone = circle, weakref.ref(circle)
    with uncollected():
        with uncollected():
            del circle
        assert gone() is not None  # it has not rested for long
        monkeypatch.setattr(garbage, "_MOST_S", -1.0)
        with uncollected():
            pass
        assert gone() is None
        assert not gc.isenabled()
    assert gc.isenabled()


class Ring:
    itself = None
