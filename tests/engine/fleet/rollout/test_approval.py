"""A paper holds for exactly one plan, from exactly the consoles that were named."""

import json
from dataclasses import replace

import pytest

from app.engine.base.errors import BadInput, Refused
from app.engine.fleet.rollout.approval import ask, checked, digest_of, facts_of, plan_digest, vouch
from app.engine.fleet.rollout.records import Gate, Group, Rollout, Spec, Task, rollout_from, to_json
from app.wire.identity import DeviceIdentity

GROUPS = (Group("1", "ready"), Group("rest", "ready"))
ROLLOUT = Rollout(
    "r1", "digits:2", "m2", "digits", 2, "waiting_for_approval", Spec(groups=("1", "rest")), GROUPS, author="me@here"
)
TASKS = [Task("a", "a", 0, before=1), Task("b", "b", 1)]


@pytest.fixture(scope="module")
def second():
    return DeviceIdentity.generate("desk of the second")


@pytest.fixture(scope="module")
def paper(second):
    return json.loads(json.dumps(vouch(json.loads(json.dumps(ask(ROLLOUT, TASKS))), second, 5)))


def test_an_approvers_paper_over_this_plan_holds(paper, second):
    giver = checked(paper, plan_digest(ROLLOUT, TASKS), {second.public.device_id}, "12345678")
    assert giver.device_id == second.public.device_id


@pytest.mark.parametrize(
    "changed",
    [
        (replace(ROLLOUT, model_id="m3"), TASKS), (replace(ROLLOUT, version=3), TASKS), (replace(ROLLOUT, id="r2"), TASKS),
        (replace(ROLLOUT, artifact="sha256:" + 64 * "1"), TASKS),
        (replace(ROLLOUT, spec=replace(ROLLOUT.spec, gate=Gate(success_ratio=0.1))), TASKS), (ROLLOUT, TASKS[:1]),
        (ROLLOUT, [TASKS[0], replace(TASKS[1], group=0)]), (ROLLOUT, [*TASKS, Task("c", "c", 1)]),
    ],
)  # fmt: skip
def test_a_paper_over_another_plan_is_refused(paper, second, changed):
    with pytest.raises(Refused, match="another plan"):
        checked(paper, plan_digest(*changed), {second.public.device_id}, "")


def test_progress_does_not_change_what_was_approved():
    moved = [replace(task, state="succeeded", bytes_sent=5, done_ratio=1.0) for task in reversed(TASKS)]
    assert plan_digest(replace(ROLLOUT, state="running"), moved) == plan_digest(ROLLOUT, TASKS)
    again = rollout_from(json.loads(json.dumps(to_json(ROLLOUT))))
    assert plan_digest(again, TASKS) == plan_digest(ROLLOUT, TASKS)


def test_who_was_not_named_or_planned_it_is_refused(paper, second):
    digest = plan_digest(ROLLOUT, TASKS)
    with pytest.raises(Refused, match="no approver here"):
        checked(paper, digest, set(), "")
    with pytest.raises(Refused, match="planned it"):
        checked(paper, digest, {second.public.device_id}, second.public.device_id[:8])


def test_a_paper_that_was_touched_is_refused(paper, second):
    approvers, digest = {second.public.device_id}, plan_digest(ROLLOUT, TASKS)
    other = DeviceIdentity.generate("other")
    word = {**paper["sealed"]["manifest"], "digest": "0" * 64}
    with pytest.raises(Refused, match="does not hold"):
        checked({**paper, "sealed": {**paper["sealed"], "manifest": word}}, "0" * 64, approvers, "")
    with pytest.raises(Refused, match="no approver here"):
        checked({**paper, "identity": other.public.to_json()}, digest, approvers, "")
    lent = {**paper["identity"], "ed25519": other.public.ed25519.hex()}
    with pytest.raises(BadInput, match="does not belong"):
        checked({**paper, "identity": lent}, digest, approvers, "")


def test_only_a_whole_plan_is_vouched_for(second):
    asked = ask(ROLLOUT, TASKS)
    facts = facts_of(ROLLOUT, TASKS[:1])
    for wrong in ({}, {**asked, "kind": "x"}, {**asked, "plan": facts}):
        with pytest.raises(BadInput):
            vouch(wrong, second, 0)
    assert vouch({**asked, "plan": facts, "digest": digest_of(facts)}, second, 0)["sealed"]["manifest"]["digest"] == digest_of(
        facts
    )
