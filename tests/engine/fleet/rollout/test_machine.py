from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import Conflict
from app.engine.fleet.rollout.machine import advance, backoff_s, decide, move, outcome_counts, resume, retry_failed
from app.engine.fleet.rollout.records import Gate, Group, Rate, Rollout, Spec, Task, Window, rollout_from, task_from, to_json

ONLINE = dict.fromkeys("abcdefghij", "online")


def made(spec=Spec(), groups=("one", "rest"), state="running"):  # noqa: B008
    return Rollout("r", "r", "m1", "digits", 2, state, spec, tuple(Group(name, "ready") for name in groups))


def tasks_of(*groups):
    return {name: Task(name, name, place) for place, names in enumerate(groups) for name in names}


def drive(tasks, node_id, *events, now_s=0.0, **told):
    for event in events:
        tasks[node_id] = advance(tasks[node_id], event, now_s, **told)


FETCH = ("notify", "download", "downloaded")
INSTALL = ("verify", "install", "warm", "activate", "commit", "succeed")


def test_groups_go_one_after_the_other_and_the_end_is_finished():
    tasks, rollout = tasks_of("a", "bc"), move(made(state="ready"), "start")
    for names in ("a", "bc"):
        told = decide(rollout, tasks, ONLINE, 0.0)
        assert (told.fetch, told.install) == (tuple(names), ())
        for name in names:
            drive(tasks, name, *FETCH)
        told = decide(told.rollout, tasks, ONLINE, 1.0)
        assert told.install == tuple(names)
        for name in names:
            drive(tasks, name, *INSTALL)
        rollout = told.rollout
    told = decide(rollout, tasks, ONLINE, 2.0)
    assert (told.rollout.state, [group.state for group in told.rollout.groups]) == ("finished", ["finished", "finished"])
    assert told.rollout.waiting == ""


def test_with_prefetch_all_are_sent_to_but_installed_by_group():
    tasks = tasks_of("a", "bc")
    told = decide(made(Spec(prefetch=True)), tasks, ONLINE, 0.0)
    assert told.fetch == ("a", "b", "c")
    for name in "abc":
        drive(tasks, name, *FETCH)
    assert decide(told.rollout, tasks, ONLINE, 1.0).install == ("a",)


def test_an_error_pauses_and_a_person_goes_on_or_tries_the_failed_again():
    tasks = tasks_of("ab", "c")
    rollout = decide(made(), tasks, ONLINE, 0.0).rollout
    drive(tasks, "a", *FETCH, *INSTALL)
    drive(tasks, "b", *FETCH, "verify", "roll_back", "rolled_back")
    told = decide(rollout, tasks, ONLINE, 1.0)
    assert (told.rollout.state, told.rollout.groups[0].state) == ("paused", "error")
    assert told.rollout.waiting == "Paused: 1 of 2 nodes failed, 0 % are allowed"
    assert decide(told.rollout, tasks, ONLINE, 2.0).fetch == ()
    assert decide(resume(told.rollout), tasks, ONLINE, 3.0).fetch == ("c",)
    again, failed = retry_failed(told.rollout, tasks.values(), 3.0)
    assert [task.node_id for task in failed] == ["b"]
    tasks.update((task.node_id, task) for task in failed)
    assert decide(again, tasks, ONLINE, 4.0).fetch == ("b",)
    assert outcome_counts(tasks.values()) == {"good": 1, "bad": 0, "open": 2}


def test_one_early_failure_of_one_does_not_end_a_rollout_that_asks_for_more():
    tasks = tasks_of("abcd")
    gate = Gate(success_ratio=0.5, error_ratio=0.4, least_executed=3)
    rollout = decide(made(Spec(gate=gate), ("all",)), tasks, ONLINE, 0.0).rollout
    drive(tasks, "a", "fail")
    assert decide(rollout, tasks, ONLINE, 1.0).rollout.state == "running"
    drive(tasks, "b", *FETCH, *INSTALL)
    drive(tasks, "c", "fail")
    assert decide(rollout, tasks, ONLINE, 2.0).rollout.state == "paused"


@pytest.mark.parametrize(
    ("policy", "state", "sentence"),
    [("wait", "running", "Waiting for 1 of 2: b offline"), ("skip", "finished", ""), ("count", "paused", "Paused: 1 of 1 nodes failed, 0 % are allowed")],
)  # fmt: skip
def test_a_node_that_is_away_waits_is_caught_up_or_counts(policy, state, sentence):
    tasks, health = tasks_of("ab"), {**ONLINE, "b": "offline"}
    rollout = made(Spec(offline=policy), ("all",))
    told = decide(rollout, tasks, health, 0.0)
    assert told.fetch == (() if policy == "count" else ("a",))
    tasks.update((task.node_id, task) for task in told.changed)
    if policy != "count":
        drive(tasks, "a", *FETCH, *INSTALL)
        told = decide(told.rollout, tasks, health, 1.0)
    tasks.update((task.node_id, task) for task in told.changed)
    assert (told.rollout.state, told.rollout.waiting) == (state, sentence)
    if policy == "skip":
        assert decide(told.rollout, tasks, ONLINE, 2.0).fetch == ("b",)
        drive(tasks, "b", *FETCH)
        assert decide(told.rollout, tasks, ONLINE, 3.0).install == ("b",)


def test_what_nobody_answers_for_is_unknown_and_asked_when_it_is_back():
    tasks, health = tasks_of("ab"), {**ONLINE, "a": "offline"}
    drive(tasks, "a", *FETCH, "verify", "lose")
    told = decide(made(), tasks, health, 9.0)
    assert (told.rollout.state, told.ask) == ("running", ())
    assert decide(made(), tasks, ONLINE, 9.0).ask == ("a",)
    drive(tasks, "a", "find_old")
    assert "a" in decide(made(), tasks, ONLINE, 9.0).fetch


def test_nothing_is_installed_outside_the_window_and_the_sentence_says_so():
    tasks, night = tasks_of("a"), Window(22 * 3600, 4 * 3600)
    drive(tasks, "a", *FETCH)
    rollout = made(Spec(windows=(night,)), ("all",))
    told = decide(rollout, tasks, ONLINE, 12 * 3600.0)
    assert told.install == ()
    assert told.rollout.waiting == "Waiting for 1 of 1: a waits for its maintenance window"
    assert decide(rollout, tasks, ONLINE, 23 * 3600.0).install == ("a",)


def test_no_more_are_away_at_once_than_allowed():
    tasks = tasks_of("abcd")
    for name in "abcd":
        drive(tasks, name, *FETCH)
    told = decide(made(Spec(max_unavailable=2), ("all",)), tasks, ONLINE, 0.0)
    assert told.install == ("a", "b")
    drive(tasks, "a", "verify")
    assert decide(told.rollout, tasks, ONLINE, 0.0).install == ("b",)


@pytest.mark.parametrize(("offline", "install"), [("wait", ("a",)), ("skip", ("a", "b"))])
def test_who_is_away_by_itself_counts_as_unavailable_unless_skipped(offline, install):
    tasks, health = tasks_of("abcd"), {**ONLINE, "d": "offline"}
    for name in "abc":
        drive(tasks, name, *FETCH)
    rollout = made(Spec(max_unavailable=2, offline=offline), ("all",))
    assert decide(rollout, tasks, health, 0.0).install == install
    none = decide(rollout, tasks, {**health, "c": "offline"}, 0.0)
    assert none.install == (() if offline == "wait" else install)
    if offline == "wait":
        assert none.rollout.waiting == "2 of its nodes are away, and no more than 2 may be unavailable at once"
    assert len(decide(made(Spec(at_once=1, max_unavailable=9), ("all",)), tasks, ONLINE, 0.0).install) == 1


def test_the_rate_is_kept_and_an_exponential_one_grows_with_success():
    names = [f"n{number:03}" for number in range(400)]
    health = dict.fromkeys(names, "online")
    for kind, within in (("constant", (58, 62)), ("exponential", (130, 400))):
        tasks = {name: Task(name, name, 0) for name in names}
        rollout = made(Spec(rate=Rate(kind, 30.0, 2.0, 10), at_once=1000, gate=Gate(success_ratio=1.0)), ("all",))
        for second in range(120):
            told = decide(rollout, tasks, health, float(second))
            rollout = told.rollout
            for name in told.fetch:
                drive(tasks, name, *FETCH, *INSTALL)
        assert within[0] <= outcome_counts(tasks.values())["good"] <= within[1]


def test_failed_nodes_are_tried_again_with_backoff_that_only_seed_node_and_attempt_decide():
    spec = Spec(retries=2, backoff_s=10.0, backoff_most_s=15.0)
    tasks = tasks_of("a")
    for attempt in range(1, 3):
        drive(tasks, "a", "fail")
        told = decide(made(spec, ("all",)), tasks, ONLINE, 100.0)
        (task,) = told.changed
        assert (task.state, task.attempt, told.rollout.state) == ("queued", attempt, "running")
        assert 100.0 <= task.due_s <= 115.0
        assert task.due_s == 100.0 + backoff_s(spec, replace(task, attempt=attempt - 1))
        tasks["a"] = task
        if task.due_s > 100.0:
            assert decide(made(spec, ("all",)), tasks, ONLINE, 100.0).fetch == ()
    drive(tasks, "a", "fail")
    assert decide(made(spec, ("all",)), tasks, ONLINE, 200.0).rollout.state == "paused"


def test_an_emergency_stop_settles_when_nothing_moves_any_more():
    tasks = tasks_of("ab")
    drive(tasks, "a", "notify", "download")
    stopping = move(made(), "stop")
    assert decide(stopping, tasks, ONLINE, 0.0).rollout.state == "stopping"
    drive(tasks, "a", "cancel", "canceled")
    told = decide(stopping, tasks, ONLINE, 0.0)
    assert (told.rollout.state, told.fetch) == ("stopped", ())


def test_a_node_that_left_is_removed_and_one_taken_out_of_service_too():
    tasks = tasks_of("abc")
    told = decide(made(), tasks, {"a": "online", "b": "decommissioned"}, 0.0)
    assert {task.node_id: task.state for task in told.changed} == {"b": "decommissioned", "c": "removed"}


def test_a_dynamic_rollout_never_finishes_by_itself():
    tasks = tasks_of("a")
    drive(tasks, "a", *FETCH, *INSTALL)
    assert decide(made(Spec(dynamic=True), ("all",)), tasks, ONLINE, 0.0).rollout.state == "running"


def test_records_survive_json():
    rollout = made(Spec(windows=(Window(1, 2, (3,)),), gate=Gate(agreement_least=0.9), rate=Rate("exponential", 3)))
    assert rollout_from(to_json(replace(rollout, excluded=(("a", "away"),)))) == replace(rollout, excluded=(("a", "away"),))
    task = advance(Task("a", "a", 0), "notify", 3.0, bytes_sent=4)
    assert task_from({**to_json(task), "newer": 1}) == task
    with pytest.raises(Conflict):
        advance(task, "commit", 4.0)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_happens_the_bounds_hold(data):
    """Random events: never more at once than allowed, no install before its group, no success undone."""
    spec = Spec(
        max_unavailable=2, at_once=3, retries=1, backoff_s=0.0, offline=data.draw(st.sampled_from(["wait", "skip", "count"]))
    )
    tasks, rollout, health = tasks_of("abc", "defg"), made(spec), dict(ONLINE)
    for second in range(data.draw(st.integers(1, 40))):
        told = decide(rollout, tasks, health, float(second))
        rollout = told.rollout
        tasks.update((task.node_id, task) for task in told.changed)
        done = {name for name, task in tasks.items() if task.state == "succeeded"}
        assert not done & {*told.fetch, *told.install}
        for name in told.fetch:
            drive(tasks, name, "notify")
        for name in told.install:
            assert tasks[name].group == 0 or rollout.groups[0].state == "finished"
            drive(tasks, name, "verify")
        busy = sum(
            task.state in ("verifying", "installing", "warming", "activated", "committing", "rolling_back")
            for task in tasks.values()
        )
        assert busy <= 2
        name = data.draw(st.sampled_from(sorted(tasks)))
        allowed = {"notified": ["download", "fail", "lose"], "downloading": ["downloaded", "lose"], "verifying": ["install", "roll_back", "lose"],
                   "installing": ["warm"], "warming": ["activate", "roll_back"], "activated": ["commit", "roll_back"], "committing": ["succeed"],
                   "rolling_back": ["rolled_back", "fail_rollback"], "unknown": ["find_old", "succeed"]}.get(tasks[name].state, [])  # fmt: skip
        if allowed:
            drive(tasks, name, data.draw(st.sampled_from(allowed)), now_s=float(second))
        health[data.draw(st.sampled_from(sorted(tasks)))] = data.draw(st.sampled_from(["online", "offline"]))
