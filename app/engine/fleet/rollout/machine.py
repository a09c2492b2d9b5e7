"""The decisions of a rollout, as pure functions: data in, data out; the clock, the fleet's health and chance are handed in.

`advance` moves one task by one event; `decide` looks at all of it and says what is to be done now and what it waits for. The
service that runs a rollout and the simulator that rehearses it call the same two.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.engine.base.text import tr
from app.engine.fleet.rollout.gates import judge
from app.engine.fleet.rollout.records import Group, Rollout, Spec, Task
from app.engine.fleet.rollout.sentences import AWAY, away_count, waiting_for
from app.engine.fleet.rollout.states import BAD, GOOD, GROUP, INSTALLING, MOVING, NODE, READY, RETRIED, ROLLOUT

_FETCHED: Final = ("queued", "download_paused")
_ONE_DAY_S: Final = 86400.0


@dataclass(frozen=True)
class Decision:
    """What is to be done now: the rollout as it stands, tasks that changed, nodes to send to, to install on, to ask."""

    rollout: Rollout
    changed: tuple[Task, ...] = ()
    fetch: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


def advance(task: Task, event: str, now_s: float, **told: Any) -> Task:
    """Return `task` after `event`, with what was told of it; raise `Conflict` when it cannot happen now."""
    fresh = {"reason": ""} if event in ("retry", "find_old", "succeed") else {}
    return replace(task, state=NODE.step(task.state, event), changed_s=now_s, **{**fresh, **told})


def move(rollout: Rollout, event: str, **told: Any) -> Rollout:
    """Return `rollout` after `event`; raise `Conflict` when it cannot happen now."""
    return replace(rollout, state=ROLLOUT.step(rollout.state, event), **told)


def decide(rollout: Rollout, tasks: Mapping[str, Task], health: Mapping[str, str], now_s: float) -> Decision:
    """Return what a rollout does at `now_s`; `health` is each node's state by id (absent: it left the fleet)."""
    changed: dict[str, Task] = {}
    if rollout.state == "stopping":
        busy = any(task.state in MOVING for task in tasks.values())
        return Decision(rollout if busy else move(rollout, "settle", waiting=""))
    if rollout.state not in ("starting", "running", "paused", "finished"):
        return Decision(rollout)
    reached = current_group(rollout) if rollout.state == "running" else -1
    for task in tasks.values():
        fresh = _tended(task, rollout.spec, health.get(task.node_id, ""), now_s, counting=task.group <= reached)
        if fresh is not task:
            changed[task.node_id] = fresh
    now = {**tasks, **changed} if changed else tasks
    if rollout.state == "starting":
        rollout = move(rollout, "begin")
    if rollout.state == "running":
        rollout = _grouped(rollout, now, changed, health, now_s)
        now = {**tasks, **changed} if changed else tasks
    fetch, install, rollout = _chosen(rollout, now, health, now_s)
    ask = tuple(task.node_id for task in now.values() if task.state == "unknown" and _here(health, task))
    told = replace(rollout, waiting=waiting_for(rollout, now, health, now_s))
    return Decision(told, tuple(changed.values()), fetch, install, ask)


def retry_failed(rollout: Rollout, tasks: Iterable[Task], now_s: float) -> tuple[Rollout, list[Task]]:
    """Return the rollout running again and its failed tasks back in the queue; those that have it stay."""
    again = [advance(task, "retry", now_s, attempt=0, due_s=0.0) for task in tasks if NODE.allows(task.state, "retry")]
    places = {task.group for task in again}
    groups = tuple(
        replace(group, state=GROUP.step(group.state, "retry"), reason="")
        if index in places and GROUP.allows(group.state, "retry")
        else group
        for index, group in enumerate(rollout.groups)
    )
    return move(replace(rollout, groups=groups, reason=""), "retry"), again


def resume(rollout: Rollout) -> Rollout:
    """Return a paused rollout running again; a group that went wrong is taken as it is."""
    groups = tuple(
        replace(group, state=GROUP.step(group.state, "accept")) if group.state == "error" else group for group in rollout.groups
    )
    return move(replace(rollout, groups=groups), "resume", reason="")


def backoff_s(spec: Spec, task: Task) -> float:
    """Return the wait before the next try: full jitter up to base 2^attempt (AWS, 2015), drawn from seed, node and attempt."""
    draw = random.Random(f"{spec.seed}:{task.node_id}:{task.attempt}")
    return draw.uniform(0.0, min(spec.backoff_most_s, spec.backoff_s * 2.0 ** min(task.attempt, 30)))


def is_window_open(spec: Spec, now_s: float) -> bool:
    """Tell whether nodes may change now."""
    return not spec.windows or any(window.is_open(now_s) for window in spec.windows)


def current_group(rollout: Rollout) -> int:
    """Return the first group that has not finished; the number of groups when all have."""
    return next((index for index, group in enumerate(rollout.groups) if group.state != "finished"), len(rollout.groups))


def _tended(task: Task, spec: Spec, health: str, now_s: float, *, counting: bool) -> Task:
    """Return a task after what time and health do to it: lost, given up, tried again, gone."""
    if health in ("", "decommissioned") and task.state in ("queued", "unknown"):
        event, reason = ("decommission", tr("out of service")) if health else ("remove", tr("it left the fleet"))
        return advance(task, event, now_s, reason=reason)
    silent_s = now_s - task.changed_s
    if task.state == "unknown" and silent_s > _ONE_DAY_S and spec.offline == "count":
        return advance(task, "time_out", now_s, reason=tr("no answer for a day"))
    if task.state in RETRIED and task.attempt < spec.retries:
        return advance(task, "retry", now_s, attempt=task.attempt + 1, due_s=now_s + backoff_s(spec, task))
    if task.state in ("downloaded", "wait_confirmation"):
        return _held_back(task, spec, now_s)
    if counting and task.state == "queued" and spec.offline == "count" and health in AWAY and task.due_s <= now_s:
        return advance(task, "fail", now_s, reason=tr("it was away"))
    return task


def _held_back(task: Task, spec: Spec, now_s: float) -> Task:
    """Return a task that has its artifact as it waits: for a person first, then for its window."""
    if spec.confirm and not task.confirmed:
        return advance(task, "ask", now_s) if task.state == "downloaded" else task
    return task if is_window_open(spec, now_s) else advance(task, "close_window", now_s)


def _grouped(
    rollout: Rollout, tasks: Mapping[str, Task], changed: dict[str, Task], health: Mapping[str, str], now_s: float
) -> Rollout:
    """Return the rollout with its groups moved as far as they go; deferring tasks is noted in `changed`."""
    groups = list(rollout.groups)
    members: dict[int, list[Task]] = {}
    for task in tasks.values():
        members.setdefault(task.group, []).append(task)
    while (place := current_group(rollout)) < len(groups):
        mine = members.get(place, [])
        if rollout.spec.offline == "skip":
            mine = [_deferred(task, health, changed) for task in mine]
        group = groups[place] = _stepped(groups[place], rollout.spec, mine, now_s)
        rollout = replace(rollout, groups=tuple(groups))
        if group.state == "error":
            return move(rollout, "pause", reason=group.reason)
        if group.state != "finished":
            return rollout
    now = {**tasks, **changed}
    if rollout.spec.dynamic or any(_is_open(task, health) for task in now.values()):
        return rollout
    return move(rollout, "finish")


def _stepped(group: Group, spec: Spec, tasks: Sequence[Task], now_s: float) -> Group:
    """Return a group moved as far as its gate lets it."""
    if group.state == "ready":
        group = replace(group, state=GROUP.step(group.state, "schedule"))
    if group.state == "scheduled":
        group = replace(group, state=GROUP.step(group.state, "begin"), began_s=now_s)
    verdict = judge(spec.gate, tasks)
    if verdict.outcome == "pass":
        return replace(group, state=GROUP.step(group.state, "succeed"), ended_s=now_s, reason=verdict.reason)
    if verdict.outcome == "fail" and not _may_mend(spec, tasks):
        return replace(group, state=GROUP.step(group.state, "fail"), ended_s=now_s, reason=verdict.reason)
    return group


def _is_open(task: Task, health: Mapping[str, str]) -> bool:
    """Tell whether a node is on its way, or is here and about to be."""
    return task.state in (*MOVING, *READY) or (task.state == "queued" and not task.deferred and _here(health, task))


def _deferred(task: Task, health: Mapping[str, str], changed: dict[str, Task]) -> Task:
    away = task.state in ("queued", "unknown") and health.get(task.node_id, "") in AWAY
    if task.deferred == away or task.state not in ("queued", "unknown"):
        return task
    changed[task.node_id] = replace(task, deferred=away)
    return changed[task.node_id]


def _may_mend(spec: Spec, tasks: Sequence[Task]) -> bool:
    """Tell whether a failed node of these will be tried again by itself."""
    return any(task.state in RETRIED and task.attempt < spec.retries for task in tasks)


def _chosen(
    rollout: Rollout, tasks: Mapping[str, Task], health: Mapping[str, str], now_s: float
) -> tuple[tuple[str, ...], tuple[str, ...], Rollout]:
    """Return the nodes to fetch to and those to install on now, in the order of groups and names."""
    if rollout.state not in ("running", "finished"):
        return (), (), rollout
    spec, reached = rollout.spec, current_group(rollout)
    order = sorted(tasks.values(), key=lambda task: (task.group, task.name))
    installing = sum(task.state in INSTALLING or task.state == "rolling_back" for task in order)
    within = reached if not spec.prefetch else len(rollout.groups)
    able = [task for task in order if task.state in _FETCHED and task.group <= within and task.due_s <= now_s]
    fetch, rollout = _to_fetch(rollout, order, [task for task in able if _here(health, task)], now_s)
    room = spec.at_once - installing
    if spec.max_unavailable:
        room = min(room, spec.max_unavailable - installing - away_count(rollout, order, health))
    there = [task for task in order if _may_install(task, spec, reached) and _here(health, task)]
    install = there[: max(room, 0)] if is_window_open(spec, now_s) else []
    return fetch, tuple(task.node_id for task in install), rollout


def _to_fetch(rollout: Rollout, order: Sequence[Task], able: Sequence[Task], now_s: float) -> tuple[tuple[str, ...], Rollout]:
    """Return which of the `able` begin now, within what may run at once and what the rate allows."""
    fetching = sum(task.state in MOVING and task.state not in (*INSTALLING, "download_paused") for task in order)
    per_minute = rollout.spec.rate.now(sum(task.state in GOOD for task in order))
    chosen: list[str] = []
    for task in able:
        if len(chosen) + fetching >= rollout.spec.at_once or (per_minute and rollout.next_start_s > now_s):
            break
        chosen.append(task.node_id)
        if per_minute:
            rollout = replace(rollout, next_start_s=max(rollout.next_start_s, now_s - 60.0 / per_minute) + 60.0 / per_minute)
    return tuple(chosen), rollout


def _may_install(task: Task, spec: Spec, reached: int) -> bool:
    return task.state in READY and task.group <= reached and (not spec.confirm or bool(task.confirmed))


def _here(health: Mapping[str, str], task: Task) -> bool:
    return health.get(task.node_id, "") not in ("", *AWAY, "decommissioned")


def outcome_counts(tasks: Iterable[Task]) -> dict[str, int]:
    """Return how many tasks ended well, badly, or have not ended."""
    counts = {"good": 0, "bad": 0, "open": 0}
    for task in tasks:
        counts["good" if task.state in GOOD else "bad" if task.state in BAD else "open"] += 1
    return counts
