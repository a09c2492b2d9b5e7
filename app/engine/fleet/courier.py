"""One node's part of a rollout, carried out over the link: send, then install; every step is told as an event of its machine.

What goes wrong is told by its kind: nobody answers is `lose` (unknown, not failed), everything else fails, and after the
preparation goes back first. Being cancelled means a stop: before traffic the node is put back, after it the step is finished.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.errors import Conflict, Missing, Offline, OutpostError, Refused, Timeout
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.fleet.budget import DaySpent, Pace
from app.engine.fleet.rollout.records import Gate, Spec, Task
from app.engine.link.transfer import DeltaFrom, Parcel, send

if TYPE_CHECKING:
    from app.engine.link.client import NodeClient

Tell = Callable[..., None]
_LOST: Final = (Offline, Timeout, TimeoutError)


@dataclass(frozen=True)
class Load:
    """What is brought: the parcel, its version, and what finds a delta for it."""

    parcel: Parcel
    version: int
    deltas: DeltaFrom


class Courier:
    """Brings one model to nodes; `tell(node id, event, **what)` moves the node's task.

    `p99_of(node id)` is its latest p99 latency in s, and how many answers it has given by then.
    """

    def __init__(self, load: Load, spec: Spec, tell: Tell, p99_of: Callable[[str], tuple[float | None, int]]) -> None:
        self._load, self._spec, self._tell, self._p99_of = load, spec, tell, p99_of
        self.leaving = False  # The engine stops: nodes stay as they are and are asked when it is back.

    async def fetch(self, client: "NodeClient", task: Task, pace: Pace) -> None:
        """Send the artifact to a node; it ends `downloaded`, failed, rejected or unknown."""
        node_id = task.node_id
        if task.state == "queued":
            self._tell(node_id, "notify")
        try:
            if task.state == "queued" and await self._has_it(client, task):
                self._tell(node_id, "present")
                return
            self._tell(node_id, "download")
            async with asyncio.timeout(self._spec.deadline_s or None):
                sent = await send(
                    client, self._load.parcel, delta_from=self._load.deltas, pace=pace,
                    progress=lambda have, size: self._tell(node_id, "", done_ratio=have / max(size, 1)),
                )  # fmt: skip
        except asyncio.CancelledError:
            if not self.leaving:
                self._tell(node_id, "cancel", reason=tr("stopped"))
                self._tell(node_id, "canceled")
            raise
        except DaySpent as error:
            self._tell(node_id, "pause_download", reason=str(error), due_s=error.due_s)
        except _LOST as error:
            self._tell(node_id, "lose", reason=_reason(error))
        except Refused as error:
            self._tell(node_id, "reject", reason=str(error))
        except OutpostError as error:
            self._tell(node_id, "fail", reason=str(error))
        else:
            self._tell(node_id, "downloaded", way=sent.way, bytes_sent=task.bytes_sent + sent.sent_bytes, done_ratio=1.0)

    async def install(self, client: "NodeClient", task: Task) -> None:
        """Prepare, try, activate and commit what was sent; on any failure before the commit the node goes back."""
        node_id, name = task.node_id, self._load.parcel.name
        self._tell(node_id, "verify")
        try:
            async with asyncio.timeout(self._spec.deadline_s or None):
                await client.prepare(name, self._load.parcel.sealed)
                self._tell(node_id, "install")
                self._tell(node_id, "warm")
                figures = await self._try_out(client, node_id)
                await client.activate(name, self._load.version)
                self._tell(node_id, "activate", **figures)
                await self._watch(node_id)
                self._tell(node_id, "commit")
                await client.commit(name)
        except asyncio.CancelledError:
            if not self.leaving:
                await asyncio.shield(self._settle(client, node_id))
            raise
        except _LOST as error:
            self._tell(node_id, "lose", reason=_reason(error))
        except OutpostError as error:
            self._tell(node_id, "roll_back", reason=str(error))
            await self._go_back(client, node_id)
        else:
            self._tell(node_id, "succeed")

    async def ask(self, client: "NodeClient", task: Task) -> None:
        """Find out how a node stands that fell silent, and put it where it can go on from."""
        name = self._load.parcel.name
        try:
            status = await client.status()
            mine = next((model for model in status.models if model.name == name), None)
            done = mine is not None and mine.artifact == self._load.parcel.artifact and mine.committed
            if mine is not None and not mine.committed:
                await client.rollback(name)
        except OutpostError:
            return  # It is as silent as before.
        self._tell(task.node_id, "succeed" if done else "find_old")

    async def _has_it(self, client: "NodeClient", task: Task) -> bool:
        """Tell whether a node has it already; the version it really has is noted, for the plan may have known another."""
        mine = next((model for model in (await client.status()).models if model.name == self._load.parcel.name), None)
        if mine is None:
            return False
        if mine.artifact == self._load.parcel.artifact and mine.committed and mine.version == self._load.version:
            return True
        if mine.committed and mine.version and mine.version != task.before:
            self._tell(task.node_id, "", before=mine.version)
        return False

    async def _try_out(self, client: "NodeClient", node_id: str) -> dict[str, Any]:
        """Return what shadow traffic shows; raise `Conflict` when the node's own gate does not hold."""
        told = await client.shadow(self._load.parcel.name)
        if not told.get("has_old") or told.get("source") != "recorded":
            return {"p99_before_s": self._p99_of(node_id)[0]} if told.get("has_old") else {}
        figures = {
            "agreement_ratio": told.get("agreement_ratio"), "p99_before_s": told.get("old_p99_s"),
            "p99_after_s": told.get("new_p99_s"),
        }  # fmt: skip
        check_figures(self._spec.gate, figures)
        return figures

    async def _watch(self, node_id: str) -> None:
        """Wait while the new model answers real requests, and note its latency; an older figure is not taken for it."""
        if not self._spec.watch_s:
            return
        _, answered = self._p99_of(node_id)
        await asyncio.sleep(self._spec.watch_s)
        after_s, by_then = self._p99_of(node_id)
        if after_s is not None and by_then > answered:
            self._tell(node_id, "", p99_after_s=after_s)

    async def _settle(self, client: "NodeClient", node_id: str) -> None:
        """Leave a node in order that was stopped on its way: it goes back, whatever it had reached."""
        self._tell(node_id, "roll_back", reason=tr("stopped"))
        await self._go_back(client, node_id)

    async def _go_back(self, client: "NodeClient", node_id: str) -> None:
        try:
            await client.rollback(self._load.parcel.name)
        except (Conflict, Missing):
            self._tell(node_id, "fail")  # Nothing of the new model had been kept.
        except OutpostError as error:
            self._tell(node_id, "fail_rollback", reason=str(error))
        else:
            self._tell(node_id, "rolled_back")


def check_figures(gate: Gate, figures: Mapping[str, Any]) -> None:
    """Raise `Conflict` when one node's shadow traffic does not show what its gate asks."""
    agreement, old_s, new_s = (figures.get(name) for name in ("agreement_ratio", "p99_before_s", "p99_after_s"))
    if gate.agreement_least is not None and agreement is not None and agreement < gate.agreement_least:
        raise Conflict(
            "Under shadow traffic both models agree on {ratio} of the requests, {least} is asked",
            ratio=number_text(agreement, ".3f"), least=number_text(gate.agreement_least, "g"),
        )  # fmt: skip
    if gate.p99_ratio_most is not None and old_s and new_s and new_s / old_s > gate.p99_ratio_most:
        raise Conflict(
            "Under shadow traffic p99 latency is {ratio} times the old one, {most} is allowed",
            ratio=number_text(new_s / old_s, ".2f"), most=number_text(gate.p99_ratio_most, "g"),
        )  # fmt: skip


def _reason(error: Exception) -> str:
    return str(error) or tr("no answer in time")
