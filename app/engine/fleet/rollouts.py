"""The verbs of rollouts: plan, approve, start, pause, resume, stop, retry, undo; and the loop that runs them.

The decisions are those of `rollout/machine.py`. Here they meet the link, the store and the clock: a decision starts or ends
tasks of this loop, what they tell moves the nodes' machines, and both are written at most twice a second. After a restart
every node that was on its way is unknown until it was asked.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import Conflict, Missing, OutpostError, Refused
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.fleet.approvals import Approvals
from app.engine.fleet.courier import Courier, Load
from app.engine.fleet.live import Live
from app.engine.fleet.planner import Planner
from app.engine.fleet.rollout import machine
from app.engine.fleet.rollout import plan as planning
from app.engine.fleet.rollout.papers import adrift, is_waiting_on, plan_document
from app.engine.fleet.rollout.records import Rollout, Spec, Task
from app.engine.fleet.rollout.states import INSTALLING, NODE, ROLLOUT
from app.engine.fleet.rollout_store import RolloutStore
from app.engine.fleet.service import FleetService
from app.engine.jobs.base import Base
from app.engine.link.service import Link
from app.engine.models.service import ModelsService

log = logging.getLogger(__name__)

_TICK_S: Final = 0.5
_SELF: Final = "engine"
_ACTIVE: Final = ("starting", "running", "paused", "stopping")


class RolloutService:
    """All rollouts of this console; one loop per rollout that is not at rest."""

    def __init__(self, base: Base, link: Link, models: ModelsService, fleet: FleetService) -> None:
        self._base, self._link, self._models, self._fleet = base, link, models, fleet
        self.records: Records[Rollout] = Records(lambda rollout: rollout.id, "rollout")
        self._store = RolloutStore(base.store, base.clock)
        self._live: dict[str, Live] = {}
        self._planner = Planner(models, base.clock)
        self.approvals = Approvals(base, link)

    async def start(self) -> None:
        """Load the rollouts and go on with those that were under way."""
        for rollout, tasks in await self._store.load():
            live = self._live[rollout.id] = Live(saved=rollout)
            now_s = self._now_s()
            live.tasks.replace_all(adrift(task, now_s) for task in tasks)
            self.records.put(rollout)
            if tasks and (rollout.state in _ACTIVE or is_waiting_on(live.tasks, rollout)):
                self._run(rollout.id)

    async def refresh(self) -> None:
        """Show what other consoles wrote of theirs."""
        stored = {rollout.id: rollout for rollout, tasks in await self._store.load() if not tasks}
        for rollout in stored.values():
            self._live.setdefault(rollout.id, Live()).saved = rollout
            self.records.put(rollout)
        for key in [one.id for one in self.records if not len(self._live[one.id].tasks) and one.id not in stored]:
            self.records.discard(key)
            del self._live[key]

    async def stop(self) -> None:
        """Let go of every rollout; nodes on their way are asked when the engine is back."""
        for live in self._live.values():
            if live.courier is not None:
                live.courier.leaving = True
            for task in (live.runner, *live.going.values()):
                if task is not None:
                    task.cancel()
        for key, live in self._live.items():
            await asyncio.gather(*(t for t in (live.runner, *live.going.values()) if t), return_exceptions=True)
            await self._save(key)

    # What there is.

    def find(self, key: str) -> Rollout:
        """Return the rollout with the id `key`, or the newest whose title is `key`; empty is the newest of all."""
        if key in self.records:
            return self.records.need(key)
        found = [rollout for rollout in self.records if key in ("", rollout.title) or rollout.id.startswith(key)]
        if not found:
            raise Missing("There is no rollout {key}", key=key, field="rollout", hint="See: outpost rollout list")
        return found[-1]

    def _ours(self, key: str) -> Rollout:
        """Return a rollout that this console runs; raise `Refused` for one of another console."""
        rollout = self.find(key)
        if not len(self._live[rollout.id].tasks):
            raise Refused("{title} is run by another console", title=rollout.title)
        return rollout

    def tasks(self, rollout_id: str) -> Records[Task]:
        """Return the tasks of a rollout, observable."""
        return self._live[rollout_id].tasks

    def health(self) -> dict[str, str]:
        """Return each node's state by id, as the decisions see it."""
        return {node.id: str(node.state) for node in self._fleet.records}

    # Before it runs.

    async def plan(self, key: str, nodes: str, spec: Spec, *, actor: str, cause: str = "", keep: bool = True) -> dict[str, Any]:
        """Plan bringing the model version `key` to `nodes`; return the plan. It is kept as a rollout unless `keep` is False.

        Raises `Missing` when there is no such model or no node is left to bring it to.
        """
        model = self._models.find(key)
        self._models.manifest(model)
        if keep:
            await self._models.keeping.hold(model, actor=actor, cause=cause)
        made = await self._planner.plan(model, self._fleet.select(nodes, held=True), spec)
        if not made.tasks:
            reason = "; ".join(f"{name}: {why}" for name, why in made.excluded[:5])
            raise Missing("There is no node to bring {model} to ({reason})", model=model.title, reason=reason or "none matches")
        rollout = self._planner.rollout(model, made, spec, nodes, actor)
        if not keep:
            return plan_document(rollout, made)
        return plan_document(await self._keep(rollout, made, actor, cause), made)

    async def approve(self, key: str, *, accept: bool, paper: Path | None = None, actor: str, cause: str = "") -> Rollout:
        """Let a rollout above the limit start, or not; raise `Refused` when who planned it approves it.

        `paper` is another console's sealed word over exactly this plan.
        """
        rollout = self._ours(key)
        if accept and paper is None and _person(actor) == _person(rollout.author):
            raise Refused(
                "{person} planned {title} and cannot approve it too", person=_person(actor), title=rollout.title,
                hint="Somebody else must look at it: outpost rollout show",
            )  # fmt: skip
        moved = machine.move(rollout, "approve" if accept else "deny", approver=actor)
        if accept:
            approver, told = await self.approvals.approver(rollout, list(self.tasks(rollout.id)), paper, actor)
            moved = replace(moved, approver=approver, paper=told)
        return await self._put(moved, actor, cause)

    async def begin(self, key: str, *, actor: str, cause: str = "") -> Rollout:
        """Start a rollout that is ready; it goes on by itself."""
        rollout = self._ours(key)
        if rollout.state == "waiting_for_approval":
            raise Refused("{title} waits for approval", title=rollout.title, hint="outpost rollout approve")
        moved = await self._put(machine.move(rollout, "start"), actor, cause)
        self._run(rollout.id)
        return moved

    async def confirm(self, key: str, nodes: str, *, actor: str, cause: str = "") -> int:
        """Let nodes install that wait for a person; return how many were let go. Others of `nodes` are left as they are."""
        rollout = self.find(key)
        chosen = {node.id for node in self._fleet.select(nodes)}
        mine = [task for task in self.tasks(rollout.id) if task.node_id in chosen and not task.confirmed]
        if not rollout.spec.confirm or not mine:
            raise Conflict("No node of {title} waits for a person", title=rollout.title)
        self._note(rollout.id, [replace(task, confirmed=actor) for task in mine])
        await self._save(rollout.id, actor, cause)
        self._live[rollout.id].news.set()
        return len(mine)

    async def settled(self, rollout_id: str, wait_s: float) -> None:
        """Wait until a rollout neither starts nor runs nor stops, at most `wait_s`."""
        over = asyncio.Event()

        def look(_change: object = None) -> None:
            rollout = self.records.get(rollout_id)
            if rollout is None or rollout.state not in ("starting", "running", "stopping"):
                over.set()

        undo = self.records.watch(look)
        look()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), wait_s)
        finally:
            undo()

    # While it runs.

    async def pause(self, key: str, *, actor: str, cause: str = "") -> Rollout:
        """Begin no more nodes; those on their way finish."""
        return await self._put(machine.move(self._ours(key), "pause", reason=""), actor, cause)

    async def resume(self, key: str, *, actor: str, cause: str = "") -> Rollout:
        """Go on; a group that went wrong is taken as it is."""
        rollout = await self._put(machine.resume(self._ours(key)), actor, cause)
        self._run(rollout.id)
        return rollout

    async def halt(self, key: str, *, emergency: bool, actor: str, cause: str = "") -> Rollout:
        """Stop for good: queued nodes are canceled, those on their way finish, or in an emergency go back at once."""
        rollout = await self._put(machine.move(self._ours(key), "stop"), actor, cause)
        live = self._live[rollout.id]
        for task in live.tasks:
            idle = task.node_id not in live.going
            if idle and NODE.allows(task.state, "cancel"):
                self._tell(rollout.id, task.node_id, "cancel", reason=tr("stopped"))
                if NODE.allows(live.tasks.need(task.node_id).state, "canceled"):
                    self._tell(rollout.id, task.node_id, "canceled")
        for node_id, going in tuple(live.going.items()):
            if emergency or live.tasks.need(node_id).state not in INSTALLING:
                going.cancel()
        self._run(rollout.id)
        return rollout

    async def retry(self, key: str, *, actor: str, cause: str = "") -> Rollout:
        """Try the nodes again that failed, and only those."""
        rollout = self._ours(key)
        again, failed = machine.retry_failed(rollout, self.tasks(rollout.id), self._now_s())
        if not failed:
            raise Conflict("No node of {title} failed", title=rollout.title)
        self._note(rollout.id, failed)
        moved = await self._put(again, actor, cause)
        self._run(rollout.id)
        return moved

    async def undo(self, key: str, *, actor: str, cause: str = "") -> list[dict[str, Any]]:
        """Plan the inverse: each node that has it back to the version it had; return one plan per such version."""
        rollout = self._ours(key)
        if rollout.state not in ROLLOUT.ends and rollout.state != "paused":
            raise Conflict("{title} is {state}", title=rollout.title, state=rollout.state, hint="Stop or pause it first.")
        done = [task for task in self.tasks(rollout.id) if task.state == "succeeded"]
        versions = sorted({task.before for task in done if task.before})
        if not versions:
            raise Missing("No node of {title} had a version to go back to", title=rollout.title)
        spec, plans = replace(rollout.spec, downgrade=True, dynamic=False), []
        for version in versions:
            model = self._models.find(f"{rollout.model}:{version}")
            nodes = [node for task in done if task.before == version and (node := self._fleet.records.get(task.node_id))]
            made = await self._planner.plan(model, nodes, spec)
            back = replace(self._planner.rollout(model, made, spec, "", actor), undoes=rollout.id)
            plans.append(plan_document(await self._keep(back, made, actor, cause), made))
        return plans

    async def remove(self, key: str, *, actor: str, cause: str = "") -> Rollout:
        """Take a rollout that is at rest out of the list."""
        rollout = machine.move(machine.move(self.find(key), "delete"), "settle")
        await self._store.remove(rollout.id, actor=actor, cause=cause)
        self.records.discard(rollout.id)
        del self._live[rollout.id]
        return rollout

    # Inside.

    async def _keep(self, rollout: Rollout, made: planning.Plan, actor: str, cause: str) -> Rollout:
        kept = await self._store.add(rollout, made.tasks, actor=actor, cause=cause)
        live = self._live[kept.id] = Live(saved=kept)
        live.tasks.replace_all(made.tasks)
        self.records.put(kept)
        return kept

    def _run(self, rollout_id: str) -> None:
        live = self._live[rollout_id]
        live.news.set()
        if live.runner is None or live.runner.done():
            live.runner = asyncio.get_running_loop().create_task(self._follow(rollout_id), name=f"rollout-{rollout_id}")

    async def _follow(self, rollout_id: str) -> None:
        """Decide, do, wait for news; until nothing is left to do."""
        live = self._live[rollout_id]
        while True:
            live.news.clear()
            try:
                await self._step(rollout_id)
                await self._save(rollout_id)
            except OutpostError as error:
                log.warning("rollout %s: %s", rollout_id, error)
            rollout = self.records.need(rollout_id)
            if not live.going and rollout.state not in _ACTIVE and not is_waiting_on(live.tasks, rollout):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):  # wait_for may swallow the end when it comes with news (Python 3.11)
                    await live.news.wait()

    async def _step(self, rollout_id: str) -> None:
        live, rollout = self._live[rollout_id], self.records.need(rollout_id)
        if rollout.spec.dynamic and rollout.state == "running":
            rollout = await self._join_new(rollout)
        told = machine.decide(rollout, {task.node_id: task for task in live.tasks}, self.health(), self._now_s())
        self._note(rollout_id, told.changed)
        self.records.put(told.rollout)
        if told.rollout.state == "finished" and rollout.state != "finished":
            await self._models.make_active(self._models.find(rollout.model_id), actor=_SELF, cause=rollout_id)
        if told.fetch or told.install or told.ask:
            courier = live.courier or await self._courier(rollout)
            live.courier = courier
            client, task = self._link.client, live.tasks.need
            for key in told.fetch:
                self._go(rollout_id, key, courier.fetch(client(key), task(key), self._pace(rollout, key)))
            for key in told.install:
                self._go(rollout_id, key, courier.install(client(key), task(key)))
            for key in told.ask:
                self._go(rollout_id, key, courier.ask(client(key), task(key)))

    async def _courier(self, rollout: Rollout) -> Courier:
        """Return what brings the rollout's model; its manifest is signed now, so that it is no replay."""
        model = self._models.find(rollout.model_id)
        spec = rollout.spec
        sealed = await self._models.seal(model, await self._link.identity(), downgrade=spec.downgrade, limits=spec.limits)
        load = Load(self._models.parcel(model, sealed), model.version, self._models.deltas(model))

        def tell(node_id: str, event: str, **told: Any) -> None:
            self._tell(rollout.id, node_id, event, **told)
            if event == "succeed":
                self._fleet.activated(
                    node_id, model.id, model.name, version=model.version, actor=rollout.author, cause=rollout.id
                )

        def p99_of(node_id: str) -> tuple[float | None, int]:
            node = self._fleet.records.get(node_id)
            return (None, 0) if node is None else (node.latency_p99_s, node.inference_count)

        return Courier(load, spec, tell, p99_of)

    def _pace(self, rollout: Rollout, node_id: str) -> Any:
        return self._fleet.budgets.for_node(self._fleet.records.need(node_id), rollout.spec.site_bytes_s)

    def _go(self, rollout_id: str, node_id: str, work: Coroutine[Any, Any, None]) -> None:
        live = self._live[rollout_id]
        if node_id in live.going:
            work.close()
            return
        going = live.going[node_id] = asyncio.get_running_loop().create_task(work, name=f"rollout-{node_id}")

        def ended(done: asyncio.Task[None]) -> None:
            live.going.pop(node_id, None)
            live.news.set()
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("rollout %s, node %s: %r", rollout_id, node_id, error)
                if NODE.allows(live.tasks.need(node_id).state, "lose"):
                    self._tell(rollout_id, node_id, "lose", reason=repr(error))

        going.add_done_callback(ended)

    def _tell(self, rollout_id: str, node_id: str, event: str, **told: Any) -> None:
        """Move one node's task by an event, or only note what was told of it."""
        live = self._live[rollout_id]
        task = live.tasks.need(node_id)
        if event and not NODE.allows(task.state, event):
            log.info("rollout %s: %s is %s and cannot %s", rollout_id, task.name, task.state, event)
            return
        if event == "find_old":
            told["due_s"] = self._now_s() + machine.backoff_s(self.records.need(rollout_id).spec, task)
        fresh = machine.advance(task, event, self._now_s(), **told) if event else replace(task, **told)
        self._note(rollout_id, [fresh])
        if event:
            live.news.set()

    def _note(self, rollout_id: str, tasks: Iterable[Task]) -> None:
        live, tasks = self._live[rollout_id], tuple(tasks)
        live.tasks.put(*tasks)
        live.dirty.update(task.node_id for task in tasks)

    async def _join_new(self, rollout: Rollout) -> Rollout:
        """Let nodes that match by now join the last group; return the rollout, which names those that may not."""
        live = self._live[rollout.id]
        matching = self._fleet.select(rollout.targets, held=True)
        fresh = [node for node in matching if node.id not in live.tasks]
        if not fresh:
            return rollout
        rollout, joined = await self._planner.joining(rollout, fresh, len(live.tasks))
        self._note(rollout.id, joined)
        return rollout

    async def _put(self, rollout: Rollout, actor: str, cause: str) -> Rollout:
        self.records.put(rollout)
        await self._save(rollout.id, actor, cause)
        return rollout

    async def _save(self, rollout_id: str, actor: str = _SELF, cause: str = "") -> None:
        live, rollout = self._live[rollout_id], self.records.need(rollout_id)
        changed = None if live.saved == replace(rollout, waiting="") else rollout
        dirty, live.dirty = live.dirty, set()
        if changed is None and not dirty:
            return
        tasks = [task for node_id in dirty if (task := live.tasks.get(node_id)) is not None]
        try:
            await self._store.save(changed, rollout_id, tasks, actor=actor, cause=cause)
        except BaseException:
            live.dirty |= dirty  # Nothing is forgotten, whether the store refused or the engine stops.
            raise
        live.saved = replace(rollout, waiting="")

    def _now_s(self) -> float:
        return self._base.clock.now_us() / 1e6


def _person(actor: str) -> str:
    """Return the person in an actor, `user@device`: another device of theirs is no second person."""
    return actor.partition("@")[0]
