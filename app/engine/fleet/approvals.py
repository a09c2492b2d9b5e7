"""The papers of a second person's approval, as files between consoles; part of the service of rollouts."""

from functools import partial
from pathlib import Path
from typing import Any

from app.engine.base.errors import Conflict, Missing, Refused
from app.engine.base.platform import replace_file, user_id
from app.engine.fleet.rollout import approval
from app.engine.fleet.rollout.records import Rollout, Task
from app.engine.jobs.base import Base
from app.engine.link.service import Link
from app.engine.store.threads import in_thread
from app.wire.documents import parse_object, to_bytes

_MOST_BYTES = 64 << 20


def planner_of(actor: str) -> dict[str, str]:
    """Return where and by whom, as the system knows it, something is planned: {device, user}."""
    return {"device": actor.partition("@")[2], "user": user_id()}


class Approvals:
    """Writes, seals and reads papers."""

    def __init__(self, base: Base, link: Link) -> None:
        self._base, self._link = base, link

    async def ask(self, rollout: Rollout, tasks: list[Task], file: Path) -> dict[str, Any]:
        """Write the plan of a rollout to `file`, to be carried to whoever is to approve it."""
        asked = approval.ask(rollout, tasks)
        await _write(file, asked)
        return {"rollout": rollout.id, "title": rollout.title, "file": str(file), "digest": asked["digest"]}

    async def vouch(self, file: Path, out: Path) -> dict[str, Any]:
        """Approve the plan in `file` with this console's keys; the sealed paper goes to `out`."""
        asked, identity = await _read(file), await self._link.identity()
        paper = approval.vouch(asked, identity, self._base.clock.now_us())
        await _write(out, paper)
        facts = asked["plan"]
        return {
            "title": facts.get("title", ""), "nodes": len(facts.get("nodes", [])), "digest": asked["digest"],
            "file": str(out), "device": identity.public.device_id,
        }  # fmt: skip

    async def approver(self, rollout: Rollout, tasks: list[Task], paper: Path | None, actor: str) -> tuple[str, dict[str, Any]]:
        """Return who approves a rollout, and their paper; raise `Refused` when that is not somebody else than the planner."""
        if paper is None:
            here = planner_of(actor)
            if dict(rollout.planner) == here:
                raise Refused(
                    "{title} was planned on this console by this user of the system, who cannot approve it too",
                    title=rollout.title, hint="On another console: outpost rollout ask here, rollout vouch there.",
                )  # fmt: skip
            return actor, {}
        told = await _read(paper)
        named = str(self._base.settings["fleet.approvers"])
        approvers = {part.strip() for part in named.split(",") if part.strip()}
        digest = approval.plan_digest(rollout, tasks)
        giver = approval.checked(told, digest, approvers, rollout.planner.get("device", ""))
        return f"{giver.name}@{giver.device_id[:8]}", told


async def _read(file: Path) -> dict[str, Any]:
    def read() -> bytes:
        if file.stat().st_size > _MOST_BYTES:
            raise Conflict("{file} is larger than {most} bytes", file=file, most=_MOST_BYTES)
        return file.read_bytes()

    try:
        return parse_object(await in_thread(read, "paper"))
    except OSError as error:
        raise Missing("{file} cannot be read: {reason}", file=file, reason=error.strerror, field="file") from None


async def _write(file: Path, document: dict[str, Any]) -> None:
    try:
        await in_thread(partial(replace_file, file, to_bytes(document)), "paper")
    except OSError as error:
        raise Conflict("{file} cannot be written: {reason}", file=file, reason=error.strerror or str(error)) from None
