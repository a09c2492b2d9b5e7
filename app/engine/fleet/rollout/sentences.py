"""Why a rollout waits, as one sentence a person can act on."""

from collections.abc import Iterable, Mapping
from typing import Final

from app.engine.base.text import tr
from app.engine.base.units import clock_text, number_text
from app.engine.fleet.rollout.records import Rollout, Task
from app.engine.fleet.rollout.states import BAD, GONE, GOOD, INSTALLING, READY
from app.engine.fleet.rollout.words import word_of

AWAY: Final = frozenset({"offline", "maintenance"})
_MOST_NAMED: Final = 3
_QUIET: Final = frozenset({"running", "paused", "starting", "stopping"})


def waiting_for(rollout: Rollout, tasks: Mapping[str, Task], health: Mapping[str, str], now_s: float) -> str:
    """Return what a rollout waits for; empty when it waits for nothing."""
    if rollout.state not in _QUIET:
        return ""
    if rollout.state == "paused":
        return tr("Paused: {reason}", reason=rollout.reason or tr("by a person"))
    place = next((index for index, group in enumerate(rollout.groups) if group.state != "finished"), None)
    if place is None:
        mine = [task for task in tasks.values() if task.state not in GOOD | BAD | GONE]
    else:
        mine = [task for task in tasks.values() if task.group == place and task.state not in GONE and not task.deferred]
    left = [task for task in mine if task.state not in GOOD | BAD]
    if not left:
        return ""
    most, away = rollout.spec.max_unavailable, away_count(rollout, tasks.values(), health)
    if most and away >= most and any(task.state in READY for task in left):
        return tr("{away} of its nodes are away, and no more than {most} may be unavailable at once", away=away, most=most)
    left.sort(key=lambda task: (task.state == "queued", task.name))
    told = [_one(task, health, now_s) for task in left[:_MOST_NAMED]]
    if len(left) > _MOST_NAMED:
        told.append(tr("{count} more", count=len(left) - _MOST_NAMED))
    return tr("Waiting for {left} of {all}: {nodes}", left=len(left), all=len(mine), nodes=", ".join(told))


def away_count(rollout: Rollout, tasks: Iterable[Task], health: Mapping[str, str]) -> int:
    """Return how many nodes of a rollout are unavailable by themselves; where those away are skipped, they do not count."""
    if rollout.spec.offline == "skip":
        return 0
    others = BAD | GONE | {*INSTALLING, "rolling_back"}
    return sum(health.get(task.node_id, "") in AWAY and task.state not in others for task in tasks)


def _one(task: Task, health: Mapping[str, str], now_s: float) -> str:
    state = health.get(task.node_id, "")
    if task.state in ("queued", "unknown") and state in AWAY:
        return tr("{node} {state}", node=task.name, state=word_of(state))
    if task.state == "unknown":
        return tr("{node} unknown since {time}", node=task.name, time=clock_text(round(1e6 * task.changed_s)))
    if task.due_s > now_s and task.state in ("queued", "download_paused"):
        time = clock_text(round(1e6 * task.due_s))
        paused = tr("{node} goes on at {time}, its link has carried its bytes of today", node=task.name, time=time)
        return paused if task.state != "queued" else tr("{node} tries again at {time}", node=task.name, time=time)
    if task.state in ("downloading", "download_paused"):
        return tr("{node} downloading {share} %", node=task.name, share=number_text(100 * task.done_ratio, ".0f"))
    if task.state in ("wait_confirmation", "wait_window"):
        person = task.state == "wait_confirmation"
        words = tr("{node} waits for a person", node=task.name)
        return words if person else tr("{node} waits for its maintenance window", node=task.name)
    return tr("{node} {state}", node=task.name, state=word_of(task.state))
