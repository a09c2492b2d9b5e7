import logging
import threading

import pytest

from app.engine.control.abreast import abreast


def test_where_each_is_quick_one_thread_does_all_in_order():
    seen, threads = [], set()

    def work(row):
        seen.append(row)
        threads.add(threading.get_ident())

    assert abreast(work, range(20))
    assert seen == list(range(20))
    assert abreast(work, [])
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("hanging", [{0}, {3}, set(range(12))])
def test_those_that_hang_hold_up_no_other_and_are_left_behind(hanging):
    gate, seen = threading.Event(), set()

    def work(row):
        if row in hanging:
            assert gate.wait(20)
        seen.add(row)

    assert not abreast(work, range(20), 0.2)
    assert seen == set(range(20)) - hanging
    gate.set()


def test_one_that_raises_ends_no_other(caplog):
    seen = []
    with caplog.at_level(logging.CRITICAL):
        assert abreast(lambda row: seen.append(1 / row), range(3))
    assert seen == [1.0, 0.5]


def test_where_the_system_has_no_more_threads_the_work_is_done_here(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    seen = []
    assert abreast(seen.append, range(3))
    assert seen == [0, 1, 2]
