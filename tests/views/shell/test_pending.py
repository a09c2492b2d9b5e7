"""Changes that leave this machine wait, and can be taken back until they have left."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.commands.table import command_table
from app.engine.base.command import CommandTable


@pytest.fixture
def held(window, engine, start):
    row = engine.table.need("model.activate")
    engine.table = CommandTable([replace(row, leaves=True), *(one for one in engine.table if one.id != row.id)])
    return window


def test_it_leaves_after_the_time_and_not_before(held, start):
    held.start("model.activate", None, model="digits", nodes="all")
    assert "model.activate" not in start.names()
    assert held.pending.texts == ["Activate model leaves this machine in 5 s"]
    held.pending.pass_s(4.5)
    assert held.pending.texts == ["Activate model leaves this machine in 1 s"]
    held.pending.pass_s(0.5)
    assert start.asked[-1] == ("model.activate", {"model": "digits", "nodes": "all"})
    assert not held.pending.isVisible()


def test_the_timer_counts_by_itself(qtbot, held, engine, start):
    engine.settings.set("view.hold_s", 0.3)
    held.start("model.activate", None, model="digits")
    qtbot.waitUntil(lambda: "model.activate" in start.names())


def test_the_newest_is_taken_back_by_its_key_and_nothing_is_sent(qtbot, held, start):
    held.start("model.activate", None, model="a")
    held.start("model.activate", None, model="b")
    held.activateWindow()
    qtbot.keyClick(held, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(held.pending.texts) == 1
    held.pending.pass_s(60)
    assert [args for name, args in start.asked if name == "model.activate"] == [{"model": "a"}]


def test_it_can_be_sent_at_once_or_taken_back_by_its_buttons(held, start):
    held.start("model.activate", None, model="a")
    held.start("model.activate", None, model="b")
    buttons = {(row, one.text()): one for row in held.pending._rows for one in row.findChildren(QPushButton)}
    first, second = held.pending._rows
    buttons[second, "Take back"].click()
    buttons[first, "Send now"].click()
    assert [args for name, args in start.asked if name == "model.activate"] == [{"model": "a"}]


def test_what_stays_here_and_what_need_not_wait_goes_at_once(held, engine, start):
    held.start("qubo.solve", None, file="G1")
    engine.settings.set("view.hold_s", 0)
    held.start("model.activate", None, model="a")
    assert start.names()[-2:] == ["qubo.solve", "model.activate"]


def test_a_window_that_closes_sends_nothing(held, start):
    held.start("model.activate", None, model="a")
    held.close()
    assert "model.activate" not in start.names()


def test_what_reaches_other_machines_can_be_taken_back_and_a_stop_never_waits():
    leaving = {row.id for row in command_table() if row.leaves}
    assert leaving >= {
        "model.activate", "fleet.desire", "fleet.layer", "fleet.resolve", "rollout.start", "rollout.resume", "rollout.retry",
        "rollout.confirm",
    }  # fmt: skip
    assert leaving.isdisjoint({"rollout.pause", "rollout.stop", "job.cancel", "control.stop"})
