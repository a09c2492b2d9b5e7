"""Makes the plan of a rollout from what models and fleet know now, and the rollout that stands for it; part of its service."""

from collections.abc import Iterable
from functools import partial
from typing import Final

from app.engine.base.clock import Clock
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
            targets=nodes, excluded=made.excluded, created_s=self._clock.now_us() / 1e6, author=actor,
        )  # fmt: skip
        return machine.move(rollout, "ask_approval" if made.needs_approval else "plan")


def rehearsal_of(rollout: Rollout, tasks: Iterable[Task]) -> tuple[planning.Plan, dict[str, str]]:
    """Return the plan and the health that a simulation of `rollout` begins with, every node as new."""
    fresh = tuple(
        Task(task.node_id, task.name, task.group, before=task.before, site=task.site, bytes_planned=task.bytes_planned)
        for task in tasks
    )
    groups = tuple(Group(group.name, "ready") for group in rollout.groups)
    health = {task.node_id: "online" for task in fresh}
    return planning.Plan(groups, fresh, rollout.excluded, (), {}, needs_approval=False), health
