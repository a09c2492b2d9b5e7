"""Many asks are one call."""

from PySide6.QtCore import QObject

from app.views.shell.later import Later


def test_many_asks_become_one_call(qtbot, qapp):
    called = []
    later = Later(lambda: called.append(1), 5, qapp)
    for _ in range(100):
        later.ask()
    assert later.pending
    qtbot.waitUntil(lambda: called == [1])
    assert not later.pending


def test_now_does_not_wait_and_stop_forgets(qapp):
    called = []
    parent = QObject()
    later = Later(lambda: called.append(1), 5, parent)
    later.ask()
    later.now()
    assert (called, later.pending) == ([1], False)
    later.ask()
    later.stop()
    assert (called, later.pending) == ([1], False)
