"""A second person's word over a plan: its digest, the paper that asks for it, and the sealed one that gives it.

What is proved: that the holder of the keys of another console, one that an administrator named as an approver here, saw exactly
this plan and said yes. What is not: that another human being sat there. A name alone proves nothing, so it is not asked.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from app.engine.base.errors import BadInput, Refused
from app.engine.fleet.rollout.records import Rollout, Task, to_json
from app.wire.documents import SCHEMA, object_of, text_of
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.manifests import canonical, seal, unseal

_ASKED: Final = "rollout plan"
_GIVEN: Final = "rollout approval"


def facts_of(rollout: Rollout, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return what a plan decides: which model, how, and who in which group; not how far it has come."""
    nodes = sorted([task.node_id, task.name, rollout.groups[task.group].name, task.before] for task in tasks)
    return {
        "rollout": rollout.id, "title": rollout.title, "model": rollout.model_id, "version": rollout.version,
        "artifact": rollout.artifact, "spec": to_json(rollout.spec), "targets": rollout.targets, "nodes": nodes,
        "author": rollout.author,
    }  # fmt: skip


def digest_of(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a plan's facts, hex."""
    return hashlib.sha256(canonical(facts)).hexdigest()


def plan_digest(rollout: Rollout, tasks: Iterable[Task]) -> str:
    """Return the digest that an approval is over."""
    return digest_of(facts_of(rollout, tasks))


def ask(rollout: Rollout, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return the paper that asks for approval; whoever gets it can read the whole plan."""
    facts = facts_of(rollout, tasks)
    return {"schema": SCHEMA, "kind": _ASKED, "plan": facts, "digest": digest_of(facts)}


def vouch(asked: dict[str, Any], identity: DeviceIdentity, at_us: int) -> dict[str, Any]:
    """Return the sealed paper by which `identity` approves the plan in `asked`; raise `BadInput` for another document."""
    facts = object_of(asked, "plan")
    if asked.get("kind") != _ASKED or digest_of(facts) != text_of(asked, "digest", ""):
        raise BadInput("The file is no plan of a rollout, or was changed", field="file", hint="Make it: outpost rollout ask")
    word = {"kind": _GIVEN, "digest": digest_of(facts), "title": str(facts.get("title", "")), "at_us": at_us}
    return {"schema": SCHEMA, "identity": identity.public.to_json(), "sealed": seal(identity, word)}


def checked(paper: dict[str, Any], digest: str, approvers: Collection[str], planner_device: str) -> PublicIdentity:
    """Return who gave `paper`; raise `Refused` unless an approver, not the planner's own console, sealed exactly `digest`."""
    giver = PublicIdentity.from_json(object_of(paper, "identity"))
    if planner_device and giver.device_id.startswith(planner_device):
        raise Refused("The console that planned it cannot approve it too", field="paper")
    if giver.device_id not in approvers:
        raise Refused(
            "{name} ({device}) is no approver here", name=giver.name, device=giver.device_id, field="paper",
            hint="An administrator names approvers by their device: outpost settings set fleet.approvers",
        )  # fmt: skip
    word = unseal(object_of(paper, "sealed"), {giver.device_id: giver}.get)
    if word.get("kind") != _GIVEN or word.get("digest") != digest:
        raise Refused("The approval is of another plan, or the plan changed since", field="paper", hint="Ask anew.")
    return giver
