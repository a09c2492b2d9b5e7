"""Rollouts: lanes by group, the sentence, and only the controls that can be used now."""

from dataclasses import replace

import pytest

from app.engine.fleet.rollout.records import Gate, Group, Rollout, Spec, Task
from app.views.rollout import gate_text, lanes_of, look_of

SPEC = Spec(groups=("1", "rest"), gate=Gate(p99_ratio_most=1.5, agreement_least=0.9))
RUNNING = Rollout(
    "r1", "digits:2", "m2", "digits", 2, "running", SPEC, (Group("1", "finished"), Group("rest", "running")),
    waiting="Waiting for 1 of 2: node-03 downloading 41 %",
)  # fmt: skip
TASKS = [
    Task("a", "a", 0, "succeeded", agreement_ratio=0.97, p99_before_s=1.0, p99_after_s=1.2),
    Task("b", "b", 1, "downloading"), Task("c", "c", 1, "rolled_back"),
]  # fmt: skip


@pytest.fixture
def page(window):
    engine = window.context.engine if hasattr(window, "context") else window._context.engine
    engine.rollouts.tasks = lambda _key: TASKS
    window.open_page("rollouts")
    return window.page


def test_before_the_first_rollout_the_page_says_what_one_is(page):
    assert page.table.empty_shown
    assert not page.detail.isVisible()


def test_the_newest_rollout_fills_its_lanes_and_says_why_it_waits(page):
    page.context.engine.rollouts.records.put(RUNNING)
    page.shown()
    assert page.waiting.text() == RUNNING.waiting
    assert [lane.marks for lane in page.lanes._lanes] == [("done",), ("running", "failed")]
    assert "p99 1.20 times the old (allowed 1.5)" in page.lanes.accessibleDescription()
    assert page.grab().width() > 0


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("waiting_for_approval", {"approve"}), ("ready", {"start"}), ("running", {"pause", "stop", "halt"}),
        ("paused", {"resume", "retry", "undo", "stop", "halt"}), ("finished", {"retry", "undo"}), ("stopping", set()),
    ],
)  # fmt: skip
def test_only_what_can_be_done_now_is_offered(page, state, shown):
    page.context.engine.rollouts.records.put(replace(RUNNING, state=state))
    page.shown()
    assert {event for event, button in page.controls.items() if not button.isHidden()} == shown


def test_a_control_starts_its_command_and_a_stop_asks_once_more(page, start):
    page.context.engine.rollouts.records.put(RUNNING)
    page.shown()
    page.controls["pause"].click()
    assert start.asked[-1] == ("rollout.pause", {"rollout": "r1"})
    page.controls["halt"].click()
    assert start.asked[-1][0] == "rollout.pause"
    page.controls["halt"].click()
    assert start.asked[-1] == ("rollout.stop", {"rollout": "r1", "emergency": True})


def test_every_state_has_a_mark_and_unknown_is_no_failure():
    assert [look_of(Task("x", "x", 0, state)) for state in ("queued", "unknown", "warming", "rejected", "already_installed")] == [
        "queued", "suspect", "running", "failed", "done",
    ]  # fmt: skip
    assert [lane.look for lane in lanes_of(RUNNING, TASKS)] == ["done", "running"]
    assert "–" in gate_text(SPEC.gate, [])
