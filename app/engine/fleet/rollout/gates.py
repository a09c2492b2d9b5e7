"""What a group of a rollout must show, judged from its tasks: go on, go wrong, or wait.

Thresholds as in hawkBit (success, error) and AWS IoT Jobs (a share of those that have ended, and a least number of them, so
that one early failure of one does not end everything); latency and agreement are gates of this house. One of these
that was asked for and that nobody could measure does not hold: silence is no proof.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.fleet.rollout.records import Gate, Task
from app.engine.fleet.rollout.states import BAD, GONE, GOOD


@dataclass(frozen=True)
class Verdict:
    """The judgement of a group: `outcome` is pass, fail or wait, and why; the figures are what the gates look at.

    `replaced` is how many nodes took the new model in place of an old one, so that both could be measured.
    """

    outcome: str
    reason: str
    counted: int
    good: int
    bad: int
    p99_ratio: float | None
    agreement_ratio: float | None
    replaced: int = 0


def judge(gate: Gate, tasks: Iterable[Task]) -> Verdict:
    """Return the verdict on one group; nodes that were away when others began, or left, are not counted."""
    counted = [task for task in tasks if task.state not in GONE and not (task.deferred and task.state not in GOOD | BAD)]
    good = sum(task.state in GOOD for task in counted)
    bad = sum(task.state in BAD for task in counted)
    p99, agreement = p99_ratio_of(counted), agreement_of(counted)
    replaced = sum(task.state == "succeeded" and task.before > 0 for task in counted)
    told = Verdict("wait", "", len(counted), good, bad, p99, agreement, replaced)
    outcome, reason = _outcome(gate, told)
    return replace(told, outcome=outcome, reason=reason)


def _outcome(gate: Gate, told: Verdict) -> tuple[str, str]:
    counted, good, bad, p99, agreement = told.counted, told.good, told.bad, told.p99_ratio, told.agreement_ratio
    ended = good + bad
    if bad and ended >= min(gate.least_executed, counted) and bad / ended > gate.error_ratio:
        share = _share(gate.error_ratio)
        return "fail", tr("{bad} of {ended} nodes failed, {share} are allowed", bad=bad, ended=ended, share=share)
    if gate.agreement_least is not None and agreement is not None and agreement < gate.agreement_least:
        least = _share(gate.agreement_least)
        return "fail", tr("Both models agree on {share} of requests, {least} is asked", share=_share(agreement), least=least)
    if gate.p99_ratio_most is not None and p99 is not None and p99 > gate.p99_ratio_most:
        most = number_text(gate.p99_ratio_most, "g")
        return "fail", tr(
            "p99 latency is {ratio} times the old one, {most} is allowed", ratio=number_text(p99, ".2f"), most=most
        )
    if good >= gate.success_ratio * counted:
        have, unseen = tr("{good} of {counted} nodes have it", good=good, counted=counted), _unseen(gate, told)
        return ("fail", unseen) if unseen else ("pass", have)
    if ended >= counted:
        share = _share(gate.success_ratio)
        return "fail", tr("{good} of {counted} nodes have it, {share} are asked", good=good, counted=counted, share=share)
    return "wait", tr("{good} of {counted} nodes have it", good=good, counted=counted)


def _unseen(gate: Gate, told: Verdict) -> str:
    """Return what was asked for and not measured by any node that had an old model; empty when nothing is missing."""
    if not told.replaced:
        return ""
    if gate.agreement_least is not None and told.agreement_ratio is None:
        return tr("No node measured agreement with the old model: there are no recorded requests (model record)")
    if gate.p99_ratio_most is not None and told.p99_ratio is None:
        return tr("No node measured p99 latency with both models: it needs recorded requests, or traffic and --watch-s")
    return ""


def p99_ratio_of(tasks: Iterable[Task]) -> float | None:
    """Return the median of new to old p99 latency over the nodes that measured both."""
    ratios = [task.p99_after_s / task.p99_before_s for task in tasks if task.p99_after_s and task.p99_before_s]
    return statistics.median(ratios) if ratios else None


def agreement_of(tasks: Iterable[Task]) -> float | None:
    """Return the mean agreement over the nodes that measured it."""
    told = [task.agreement_ratio for task in tasks if task.agreement_ratio is not None]
    return statistics.fmean(told) if told else None


def _share(ratio: float) -> str:
    return number_text(100 * ratio, ".3g") + " %"
