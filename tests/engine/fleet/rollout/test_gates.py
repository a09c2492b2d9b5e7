from dataclasses import replace

import pytest

from app.engine.fleet.rollout.gates import agreement_of, judge, p99_ratio_of
from app.engine.fleet.rollout.records import Gate, Task


def tasks(states, **told):
    return [Task(str(n), str(n), 0, state, **told) for n, state in enumerate(states.split())]


@pytest.mark.parametrize(
    ("gate", "states", "outcome"),
    [
        (Gate(), "succeeded succeeded", "pass"),
        (Gate(), "succeeded already_installed", "pass"),
        (Gate(), "succeeded queued", "wait"),
        (Gate(), "succeeded unknown", "wait"),
        (Gate(), "succeeded failed", "fail"),
        (Gate(), "rollback_failed queued", "fail"),
        (Gate(success_ratio=0.5), "succeeded queued", "pass"),
        (Gate(success_ratio=0.8, error_ratio=0.5), "succeeded failed", "fail"),
        (Gate(success_ratio=0.5, error_ratio=0.5), "succeeded failed", "pass"),
        (Gate(least_executed=3, error_ratio=0.4), "failed queued queued queued", "wait"),
        (Gate(least_executed=3, error_ratio=0.4), "failed failed succeeded queued", "fail"),
        (Gate(least_executed=9), "failed", "fail"),
        (Gate(), "succeeded canceled removed decommissioned", "pass"),
        (Gate(), "", "pass"),
    ],
)
def test_thresholds_decide(gate, states, outcome):
    assert judge(gate, tasks(states)).outcome == outcome


def test_deferred_nodes_are_not_counted_until_they_have_ended():
    away = replace(Task("x", "x", 0), deferred=True)
    assert judge(Gate(), [*tasks("succeeded"), away]).counted == 1
    assert judge(Gate(), [*tasks("succeeded"), replace(away, state="failed")]).outcome == "fail"


@pytest.mark.parametrize(
    ("gate", "words"), [(Gate(agreement_least=0.9), "recorded requests"), (Gate(p99_ratio_most=2.0), "p99 latency")]
)
def test_a_gate_that_nobody_could_measure_does_not_hold_where_there_was_an_old_model(gate, words):
    unseen = judge(gate, tasks("succeeded already_installed", before=1))
    assert (unseen.outcome, words in unseen.reason) == ("fail", True)
    assert judge(gate, tasks("succeeded queued", before=1)).outcome == "wait"
    assert judge(gate, tasks("succeeded", before=0)).outcome == "pass"
    seen = tasks("succeeded succeeded", before=1, agreement_ratio=0.95, p99_before_s=1.0, p99_after_s=1.5)
    assert judge(gate, seen).outcome == "pass"


def test_latency_is_the_median_and_agreement_the_mean_of_what_was_measured():
    measured = [
        Task(str(n), str(n), 0, "succeeded", p99_before_s=1.0, p99_after_s=after, agreement_ratio=agreement)
        for n, (after, agreement) in enumerate([(1.0, 1.0), (2.0, 0.8), (9.0, None)])
    ]
    assert p99_ratio_of(measured) == 2.0
    assert agreement_of(measured) == 0.9
    assert p99_ratio_of([]) is agreement_of([]) is None
    assert judge(Gate(p99_ratio_most=1.9), measured).outcome == "fail"
    assert judge(Gate(p99_ratio_most=2.0, agreement_least=0.9), measured).outcome == "pass"
    assert "agree on 90 %" in judge(Gate(agreement_least=0.95), measured).reason
