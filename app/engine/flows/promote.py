"""A version becomes the active one of its name, and a rollout of it is opened if it does well enough beside the one before."""

from dataclasses import dataclass
from typing import Any

from app.engine.base.errors import Refused
from app.engine.fleet.rollout.records import Spec
from app.engine.fleet.rollouts import RolloutService
from app.engine.flows.shrink import trial_for
from app.engine.models.limits import Limits, check_trial
from app.engine.models.records import ModelVersion, summary_of
from app.engine.models.service import ModelsService

_ROWS = 256
_GROUPS = ("10%", "rest")
_MANY = 100  # above so many nodes somebody must approve, as in a plan made by hand


@dataclass(frozen=True)
class Gates:
    """What a version must show before nodes get it: its own accuracy, and what it may lose beside the active version."""

    accuracy_least: float = 0.0
    loss_most: float = 0.02


async def promote(
    models: ModelsService, rollouts: RolloutService, key: str, gates: Gates, *, rollout: str = "none", nodes: str = "all",
    actor: str, cause: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Make a version active; with `rollout` "plan" or "start" open one over `nodes`, too. Return its summary and that rollout.

    Raises `Refused` when a rollout was asked for and the gates do not hold; nothing is changed then.
    """
    model = models.find(key)
    if rollout == "none":
        return summary_of(await models.make_active(model, actor=actor, cause=cause))
    tried = await _judge(models, model, gates, actor, cause)
    plan = await rollouts.plan(model.id, nodes, Spec(groups=_GROUPS, approve_above=_MANY), actor=actor, cause=cause)
    made = summary_of(await models.make_active(model, actor=actor, cause=cause))
    if rollout == "start" and not plan["needs_approval"]:
        await rollouts.begin(plan["rollout"], actor=actor, cause=cause)
    opened = {"id": plan["rollout"], "title": plan["title"], "state": rollouts.find(plan["rollout"]).state}
    return {**made, "trial": tried, "rollout": opened}


async def _judge(models: ModelsService, model: ModelVersion, gates: Gates, actor: str, cause: str) -> dict[str, Any]:
    """Return how the version did beside the active one; raise `Refused` when that is not good enough."""
    accuracy = model.metrics.get("accuracy")
    if gates.accuracy_least > 0 and (accuracy is None or accuracy < gates.accuracy_least):
        raise Refused(
            "{title} has the accuracy {accuracy}, not the {least} asked for", title=model.title,
            accuracy="unknown" if accuracy is None else round(accuracy, 4), least=gates.accuracy_least, field="accuracy_least",
        )  # fmt: skip
    before = next((one for one in models.records if one.name == model.name and one.state == "active"), None)
    if before is None or before.id == model.id:
        return {}
    trial = await trial_for(model, None, _ROWS)
    told = await models.workshop.compare(before.id, model.id, trial, actor=actor, cause=cause)
    check_trial(told, Limits(gates.loss_most, 0.0))
    return {name: told[name] for name in ("rows", "agreement_ratio", "accuracy_before", "accuracy_after") if name in told}
