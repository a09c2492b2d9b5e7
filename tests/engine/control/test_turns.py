import multiprocessing
import os
import threading
import time

import pytest

from app.engine.base.errors import BadInput, Conflict, Limit
from app.engine.control.turns import WATCH, Turns, Watch


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_takes_turns_of_its_own_and_leaves_none_of_its_parents():
    left, fork = [], multiprocessing.get_context("fork")
    turns = Turns("test", lambda: None, lambda: None, tick_s=0.01, patience_s=60.0, clock=time.monotonic,
                  leave=lambda: left.append(1))  # fmt: skip
    turns.start()
    told = fork.Queue()

    def child():
        WATCH.leave()
        taken = threading.Event()
        own = made(taken.set)
        own.start()
        told.put((len(left), taken.wait(20), own.stop(), turns.stop()))

    forked = fork.Process(target=child)
    forked.start()
    assert told.get(timeout=60) == (0, True, True, True)
    forked.join(60)
    turns.stop()


def made(turn, revert=lambda: None, patience_s=60.0, name="test"):
    return Turns(name, turn, revert, tick_s=0.01, patience_s=patience_s, clock=time.monotonic)


def test_turns_that_nobody_could_watch_over_are_not_taken_and_can_begin_later(monkeypatch):
    taken, start, refused = threading.Event(), threading.Thread.start, []

    def refuse(thread):
        if thread.name == "controller-watch" and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr("app.engine.control.turns.WATCH", Watch())
    turns = made(taken.set)
    with pytest.raises(Limit, match="can't start new thread"):
        turns.start()
    taken.clear()
    turns.start()
    assert taken.wait(20)
    assert turns.stop()
    assert refused


def test_turns_are_taken_until_the_stop_and_can_begin_anew():
    count, enough = [0], threading.Event()

    def turn():
        count[0] += 1
        if count[0] >= 3:
            enough.set()

    turns = made(turn)
    for _ in range(2):
        enough.clear()
        count[0] = 0
        turns.start()
        with pytest.raises(Conflict, match="runs already"):
            turns.start()
        assert enough.wait(20)
        turns.stop()
        after = count[0]
        turns.stop()
        assert count[0] == after


def test_one_watch_looks_at_all_and_a_revert_that_hangs_holds_up_no_other():
    gate, second, never = threading.Event(), threading.Event(), threading.Event()
    hung = made(lambda: never.wait(20), revert=lambda: gate.wait(20), patience_s=0.03, name="hung")
    other = made(lambda: never.wait(20), revert=second.set, patience_s=0.03, name="other")
    hung.start()
    other.start()
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("controller-watch") == 1
    assert second.wait(20)
    never.set()
    gate.set()
    hung.stop()
    other.stop()


def test_a_turn_that_raises_is_tried_again_and_the_watch_reverts_meanwhile(caplog):
    reverted, mended, again = threading.Event(), threading.Event(), threading.Event()

    def broken():
        if not mended.is_set():
            raise TypeError("a law of somebody else")
        again.set()

    turns = made(broken, revert=reverted.set, patience_s=0.03)
    turns.start()
    assert reverted.wait(20)
    mended.set()
    assert again.wait(20)
    turns.stop()
    assert "a law of somebody else" in caplog.text


def test_a_stop_does_not_wait_for_ever_and_is_watched_meanwhile():
    inside, gate, reverted = threading.Event(), threading.Event(), threading.Event()

    def hang():
        inside.set()
        gate.wait(60)

    turns = made(hang, revert=reverted.set, patience_s=0.03)
    turns.start()
    assert inside.wait(20)
    reverted.clear()
    assert not turns.stop(0.2)
    assert reverted.is_set()
    with pytest.raises(Conflict, match="runs already"):
        turns.start()
    gate.set()
    assert turns.stop(20)
    turns.start()
    assert turns.stop(20)


def test_a_stop_waits_for_a_revert_that_is_under_way_and_no_other_begins():
    inside, gate, over = threading.Event(), threading.Event(), threading.Event()

    def revert():
        inside.set()
        assert gate.wait(60)

    turns = made(lambda: over.wait(60), revert=revert, patience_s=0.03)
    turns.start()
    assert inside.wait(20)
    over.set()
    assert not turns.stop(0.2)
    gate.set()
    assert turns.stop(20)
    inside.clear()
    turns.look()  # as a watch that had not heard of the stop
    assert turns._reverting is None or not turns._reverting.is_alive()
    assert not inside.is_set()


def test_the_watch_goes_on_where_the_system_had_no_thread_for_a_revert(monkeypatch, caplog):
    reverted, over, refused, start = threading.Event(), threading.Event(), [], threading.Thread.start

    def scarce(thread):
        if thread.name == "test-revert" and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    turns = made(lambda: over.wait(60), revert=reverted.set, patience_s=0.03)
    turns.start()
    assert reverted.wait(20)
    assert len(refused) == 1
    assert "no more threads" in caplog.text
    over.set()
    assert turns.stop(20)


@pytest.mark.parametrize("tick_s", [0, -1, float("nan"), float("inf")])
def test_a_turn_of_no_time_is_refused_before_it_can_harm_the_others(tick_s):
    with pytest.raises(BadInput, match="A turn takes a number of seconds above 0"):
        Turns("test", lambda: None, lambda: None, tick_s=tick_s, patience_s=1.0, clock=time.monotonic)


def test_those_who_still_take_turns_at_the_end_of_the_program_leave_and_one_that_hangs_holds_up_no_other(monkeypatch):
    registered, left, gate = [], threading.Event(), threading.Event()
    monkeypatch.setattr("app.engine.control.turns.atexit.register", registered.append)
    monkeypatch.setattr("app.engine.control.abreast.PATIENCE_S", 0.1)
    watch = Watch()
    hung, other, idle = (
        Turns(name, lambda: None, lambda: None, tick_s=0.01, patience_s=60.0, clock=time.monotonic, leave=leave)
        for name, leave in (("hung", lambda: gate.wait(20)), ("other", left.set), ("idle", lambda: 1 / 0))
    )
    for one in (hung, other, idle):
        watch.add(one)
    watch.discard(idle)
    assert len(registered) == 1
    registered[0]()
    assert left.wait(20)
    gate.set()
    for one in (hung, other):
        watch.discard(one)


def test_the_watch_ends_with_the_last_of_those_it_watches():
    turns = made(lambda: None)
    turns.start()
    assert WATCH.running
    watch = next(thread for thread in threading.enumerate() if thread.name == "controller-watch")
    turns.stop()
    watch.join(20)
    assert not watch.is_alive()
    assert not WATCH.running
