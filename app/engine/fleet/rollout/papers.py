"""What people and scripts are shown of a rollout, as plain JSON; and how its tasks are read again after a restart."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.fleet.rollout.approval import plan_digest
from app.engine.fleet.rollout.gates import judge
from app.engine.fleet.rollout.machine import advance, outcome_counts
from app.engine.fleet.rollout.plan import Plan, plan_of
from app.engine.fleet.rollout.records import Rollout, Task, to_json
from app.engine.fleet.rollout.simulate import Faults
from app.engine.fleet.rollout.states import MOVING


def summary_of(rollout: Rollout, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return what a list of rollouts shows of one."""
    tasks = list(tasks)
    return {
        "id": rollout.id, "title": rollout.title, "state": rollout.state, "nodes": len(tasks), **outcome_counts(tasks),
        "waiting": rollout.waiting, "reason": rollout.reason, "created_us": round(rollout.created_s * 1e6),
        "author": rollout.author, "undoes": rollout.undoes,
    }  # fmt: skip


def document_of(rollout: Rollout, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return one rollout with its groups, their gates' figures, and every node."""
    tasks = sorted(tasks, key=lambda task: (task.group, task.name))
    groups = []
    for index, group in enumerate(rollout.groups):
        told = judge(rollout.spec.gate, [task for task in tasks if task.group == index])
        figures = {"counted": told.counted, "good": told.good, "bad": told.bad}
        quality = {"p99_ratio": told.p99_ratio, "agreement_ratio": told.agreement_ratio}
        groups.append({**to_json(group), **figures, **quality})
    return {
        **summary_of(rollout, tasks), "model_id": rollout.model_id, "spec": to_json(rollout.spec), "groups": groups,
        "excluded": [{"name": name, "reason": reason} for name, reason in rollout.excluded],
        "tasks": [to_json(task) for task in tasks], "approver": rollout.approver,
        "plan": plan_document(rollout, plan_of(rollout, tasks)), "digest": plan_digest(rollout, tasks),
    }  # fmt: skip


def adrift(task: Task, now_s: float) -> Task:
    """Return a task as it is after a restart: what was on its way is unknown until asked."""
    if task.state == "canceling":
        return advance(task, "canceled", now_s)
    return advance(task, "lose", now_s, reason=tr("the console was restarted")) if task.state in MOVING else task


def is_waiting_on(tasks: Iterable[Task], rollout: Rollout) -> bool:
    """Tell whether a finished rollout still has nodes to catch up."""
    return rollout.state == "finished" and any(task.deferred and task.state in ("queued", "unknown") for task in tasks)


def plan_document(rollout: Rollout, made: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON: who, excluded and why, bytes and time per link, and what undoing it means."""
    names: dict[int, list[str]] = {}
    for task in made.tasks:
        names.setdefault(task.group, []).append(task.name)
    groups = [
        {"name": group.name, "nodes": names.get(index, [])[:1000], "count": len(names.get(index, []))}
        for index, group in enumerate(made.groups)
    ]
    undo = [
        {"version": version or None, "nodes": count, "possible": bool(version)} for version, count in sorted(made.undo.items())
    ]
    return {
        "rollout": rollout.id, "title": rollout.title, "state": rollout.state, "groups": groups, "nodes": len(made.tasks),
        "excluded": [{"name": name, "reason": reason} for name, reason in made.excluded],
        "bytes": sum(task.bytes_planned for task in made.tasks), "links": [to_json(link) for link in made.links], "undo": undo,
        "needs_approval": made.needs_approval, "undoes": rollout.undoes,
    }  # fmt: skip


def faults_from(given: Mapping[str, Any]) -> Faults:
    """Return the faults of a rehearsal; raise `BadInput` for a ratio that is none."""
    for name, value in given.items():
        if name.endswith("_ratio") and name != "p99_ratio" and not 0 <= value <= 1:
            raise BadInput("{name} is a ratio from 0 to 1", name=name, field=name)
    return Faults(**given)
