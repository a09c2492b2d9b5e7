"""Rollouts: lanes by group, the sentence, and only the controls that can be used now."""

from dataclasses import replace

import pytest

from app.engine.fleet.rollout.records import Gate, Group, Link, Rollout, Spec, Task
from app.engine.fleet.saved import SavedView
from app.engine.models.records import ModelVersion
from app.views.rollout import gate_text, gauges_of, lanes_of, look_of

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
        ("waiting_for_approval", {"approve", "ask"}), ("ready", {"start"}), ("running", {"pause", "stop", "halt"}),
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


def test_the_gate_of_the_group_under_way_is_gauged(page):
    page.context.engine.rollouts.records.put(RUNNING)
    page.shown()
    assert [(gauge.name, gauge.said, gauge.holds) for gauge in gauges_of(RUNNING, TASKS)] == [
        ("Have it", "0 / 2", None), ("Failed", "1 / 1", False), ("p99 latency", "–", True), ("Agreement", "–", True),
    ]  # fmt: skip
    first = gauges_of(replace(RUNNING, groups=(Group("1", "running"), Group("rest", "ready"))), TASKS)
    assert [(gauge.said, gauge.seen, gauge.mark) for gauge in first] == [
        ("1 / 1", 1.0, 1.0), ("0 / 1", 0.0, 0.0), ("1.20", pytest.approx(0.4), 0.5), ("97.0 %", 0.97, 0.9),
    ]  # fmt: skip
    assert not page.controls["confirm"].isVisible()
    waiting = [replace(TASKS[1], state="wait_confirmation")]
    page.context.engine.rollouts.tasks = lambda _key: waiting
    page.shown()
    assert page.controls["confirm"].isVisible()
    page.context.engine.rollouts.tasks = lambda _key: TASKS
    page.shown()
    assert "Failed: 1 / 1 (allowed 0 %)" in page.gauges.accessibleDescription()


PLAN = {
    "rollout": "", "title": "digits:2", "state": "ready", "nodes": 3, "bytes": 3000, "needs_approval": True, "undoes": "",
    "groups": [{"name": "1", "nodes": ["a"], "count": 1}, {"name": "rest", "nodes": ["b", "c"], "count": 2}],
    "excluded": [{"name": "d", "reason": "it has this version"}],
    "links": [{"site": "north", "nodes": 3, "bytes": 3000, "seconds": 3.0}, {"site": "x", "nodes": 1, "bytes": 1, "seconds": None}],
    "undo": [{"version": None, "nodes": 1, "possible": False}, {"version": 1, "nodes": 2, "possible": True}],
}  # fmt: skip


def test_a_plan_is_shown_before_it_is_kept_and_a_change_must_be_shown_again(page, start):
    engine, sheet = page.context.engine, page.sheet
    engine.models.records.put(ModelVersion("m2", "digits", 2, "sha256:2", 10), ModelVersion("m1", "digits", 1, "sha256:1", 10))
    engine.fleet.views.records.put(SavedView("v", "the north"))
    assert [sheet.nodes.itemText(at) for at in range(sheet.nodes.count())] == ["all", "view:the north"]
    start.answers["rollout.plan"] = PLAN
    page.plan.click()
    assert page.tabs.currentWidget() is sheet
    sheet.nodes.setCurrentText("view:the north")
    assert not sheet.keep.isEnabled()
    sheet.show_plan.click()
    asked = {"model": "digits:2", "nodes": "view:the north", "groups": "10%,rest"}
    assert start.asked[-1] == ("rollout.plan", {"keep": False, **asked})
    assert "digits:2 to 3 nodes" in sheet.said.text()
    assert "2 back to version 1" in sheet.said.text()
    assert "Somebody else must approve it" in sheet.said.text()
    assert [row["site"] for row in sheet.links] == ["north", "x"]
    assert [row["reason"] for row in sheet.excluded] == ["it has this version"]
    sheet.groups.setText("rest")
    assert not sheet.keep.isEnabled()
    sheet.groups.setText("10%,rest")
    engine.rollouts.records.put(replace(RUNNING, id="r9", state="ready"))
    start.answers["rollout.plan"] = {**PLAN, "rollout": "r9"}
    sheet.keep.click()
    assert start.asked[-1] == ("rollout.plan", {"keep": True, **asked})
    assert (page.tabs.currentIndex(), page._key) == (0, "r9")


def test_every_state_has_a_mark_and_unknown_is_no_failure():
    assert [look_of(Task("x", "x", 0, state)) for state in ("queued", "unknown", "warming", "rejected", "already_installed")] == [
        "queued", "suspect", "running", "failed", "done",
    ]  # fmt: skip
    assert [lane.look for lane in lanes_of(RUNNING, TASKS)] == ["done", "running"]
    assert "–" in gate_text(SPEC.gate, [])


def test_the_plan_of_a_rollout_can_be_seen_whatever_became_of_it(page):
    rollout = replace(RUNNING, state="finished", excluded=(("d", "maintenance"),), links=(Link("north", 3, 2048, 20.0),))
    page.context.engine.rollouts.records.put(rollout)
    page.shown()
    page.show_plan.click()
    assert page.tabs.currentWidget() is page.sheet
    assert [(row["site"], row["seconds"]) for row in page.sheet.links] == [("north", 20.0)]
    assert [row["reason"] for row in page.sheet.excluded] == ["maintenance"]
    assert not page.sheet.keep.isEnabled()
    page.sheet.groups.setText("5,rest")
    assert not page.sheet.keep.isEnabled()


def test_another_consoles_rollout_is_shown_without_controls_and_a_paper_is_asked_for_in_a_form(page, window, start):
    records = page.context.engine.rollouts
    records.records.put(replace(RUNNING, state="waiting_for_approval"))
    page.shown()
    page.controls["ask"].click()
    assert window.inspector.isVisible()
    assert "rollout.ask" not in start.names()
    records.tasks = lambda _key: ()
    page.shown()
    assert not any(button.isVisible() for button in page.controls.values())
