"""Makes the plan of a rollout from what models and fleet know now, and the rollout that stands for it; part of its service."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from app.engine.base.clock import Clock
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.fleet.approvals import planner_of
from app.engine.fleet.records import Node
from app.engine.fleet.rollout import machine
from app.engine.fleet.rollout import plan as planning
from app.engine.fleet.rollout.records import Group, Rollout, Spec, Task
from app.engine.fleet.targets import has_version
from app.engine.models.records import ModelVersion
from app.engine.models.service import ModelsService
from app.engine.store.threads import in_thread

_MANY: Final = 500  # above this a plan is made beside the loop


class Planner:
    """Plans; changes nothing."""

    def __init__(self, models: ModelsService, clock: Clock) -> None:
        self._models, self._clock = models, clock

    async def plan(self, model: ModelVersion, nodes: Iterable[Node], spec: Spec) -> planning.Plan:
        """Return the plan of bringing `model` to `nodes`; raise `BadInput` for a spec that cannot be."""
        sites = [
            planning.Site(
                node.id, node.name, str(node.state), node.site, node.labels, has_version(node, model.name),
                node.link_bytes_s or 0, node.link_bytes_day or 0,
            )
            for node in nodes
        ]  # fmt: skip
        sizes = {0: model.size_bytes}
        for version in sorted({site.has for site in sites}):
            sizes[version] = await self._models.transfer_bytes(model, version)
        make = partial(planning.make_plan, model.version, sites, spec, sizes.__getitem__, {})
        return make() if len(sites) < _MANY else await in_thread(make, "plan")

    def rollout(self, model: ModelVersion, made: planning.Plan, spec: Spec, nodes: str, actor: str) -> Rollout:
        """Return the rollout of a plan: ready, or waiting for approval; it has no id before it is kept."""
        rollout = Rollout(
            id="", title=model.title, model_id=model.id, model=model.name, version=model.version, spec=spec, groups=made.groups,
            targets=nodes, excluded=made.excluded, links=made.links, artifact=model.artifact,
            planner=planner_of(actor), created_s=self._clock.now_us() / 1e6, author=actor,
        )  # fmt: skip
        return machine.move(rollout, "ask_approval" if made.needs_approval else "plan")

    async def joining(self, rollout: Rollout, fresh: Sequence[Node], have: int) -> tuple[Rollout, list[Task]]:
        """Return the tasks of nodes that match by now, in the last group; those above a limit nobody approved are left out."""
        spec, named = rollout.spec, {name for name, _ in rollout.excluded}
        room = max(spec.approve_above - have, 0) if spec.approve_above and not rollout.approver else len(fresh)
        if not room and all(node.name in named for node in fresh):
            return rollout, []
        made = await self.plan(self._models.find(rollout.model_id), fresh, spec)
        last = len(rollout.groups) - 1
        reason = tr("above the number of nodes that may have it without approval")
        out = tuple((task.name, reason) for task in made.tasks[room:] if task.name not in named)
        return replace(rollout, excluded=rollout.excluded + out), [replace(task, group=last) for task in made.tasks[:room]]


def rehearsal_of(
    rollout: Rollout, tasks: Iterable[Task], *, nodes: int = 0, as_they_are: Records[Node] | None = None
) -> tuple[planning.Plan, dict[str, str], dict[str, float]]:
    """Return plan, health and links (bytes/s by node) that a simulation of `rollout` begins with, every node as new.

    With `nodes` that many are made up, in the same mix of groups, sites and versions. Without `as_they_are` every node is
    here and no link is known.
    """
    mix = [
        Task(task.node_id, task.name, task.group, before=task.before, site=task.site, bytes_planned=task.bytes_planned)
        for task in tasks
    ]
    made = [replace(mix[at % len(mix)], node_id=f"made-{at}", name=f"made-{at:05}") for at in range(nodes)] if mix else []
    fresh = tuple(made or mix)
    groups = tuple(Group(group.name, "ready") for group in rollout.groups)
    health, links = {task.node_id: "online" for task in fresh}, dict[str, float]()
    if as_they_are is not None and not made:
        for task in fresh:
            node = as_they_are.get(task.node_id)
            health[task.node_id] = "" if node is None else str(node.state)
            if node is not None and node.link_bytes_s:
                links[task.node_id] = float(node.link_bytes_s)
    return planning.Plan(groups, fresh, rollout.excluded, (), {}, needs_approval=False), health, links
