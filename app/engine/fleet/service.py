"""The verbs of the fleet: pair, remove, watch; every batch from the link becomes samples, rows and records here.

What is to be written is handed to `ledger.py`, deployments to `deployments.py`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import OutpostError
from app.engine.base.events import ModelActivated, NodePaired, NodeRemoved, TelemetryLost
from app.engine.base.records import Records
from app.engine.fleet import intake
from app.engine.fleet.adapters.processes import AgentHerd
from app.engine.fleet.budget import Budgets
from app.engine.fleet.deployments import Deployments
from app.engine.fleet.health import Health
from app.engine.fleet.ledger import Ledger
from app.engine.fleet.records import Node
from app.engine.fleet.roster import Roster
from app.engine.fleet.saved import SavedViews
from app.engine.fleet.targets import Targets
from app.engine.fleet.thrift import Thrift
from app.engine.fleet.twins import Twins
from app.engine.fleet.watch import Watch
from app.engine.jobs.base import Base
from app.engine.link.records import Batch, Peer, Target
from app.engine.link.service import Link
from app.engine.store import rows
from app.engine.store.threads import in_thread
from app.wire.identity import PublicIdentity
from app.wire.telemetry import Measurement

log = logging.getLogger(__name__)

_NODES: Final = "edge_nodes"
_TELEMETRY: Final = "edge_telemetry"
_TICK_S: Final = 0.5
_FLUSH_S: Final = 1.0
_PRUNE_S: Final = 60.0
_GAP_S: Final = 5.0
_SELF: Final = "engine"


class FleetService:
    """All nodes this console knows, their health, and what they measured."""

    def __init__(self, base: Base, link: Link) -> None:
        self._base, self._link = base, link
        self.records: Records[Node] = Records(lambda node: node.id, "node")
        self.herd = AgentHerd()
        self._identities: dict[str, PublicIdentity] = {}
        self._devices: dict[str, str] = {}
        self._shown_s: dict[str, float] = {}
        self._ledger = Ledger(base)
        self.deployments, self.budgets = Deployments(base), Budgets(base.clock)
        cadence_s = partial(base.settings.__getitem__, "fleet.cadence_s")
        self._thrift = Thrift(self.budgets, base.clock, self.records, link.pace, cadence_s)
        self._watch = Watch(base, self.records, self._ledger.mark, self._thrift.wait_s)
        self.twins = Twins(base, link, self.records)
        self.roster = Roster(base, self)
        self.views = SavedViews(base)
        self.targets = Targets(self.records, self.views, base.clock)
        self.judge, self.fail = self._watch.judge, self._watch.failed
        self.find, self.select, self.search = self.targets.find, self.targets.select, self.targets.search
        self._tasks: list[asyncio.Task[None]] = []
        self._undo: Callable[[], None] = _nothing

    async def start(self) -> None:
        """Load the nodes, show them as old as they are, and begin to pull from each."""
        stored = await self._base.store.read(lambda conn: rows.select(conn, _NODES, order="registered_at"))
        self._identities = await in_thread(partial(intake.identities_of, stored), "identities")
        nodes = [intake.node_of(row) for row in stored if row["id"] in self._identities]
        self._devices = {node.device_id: node.id for node in nodes}
        self.records.replace_all(map(self._watch.first, nodes))
        await self.herd.adopt(Path(node.home) for node in nodes if node.home)
        for part in (self.twins, self.roster, self.views):
            await part.start()
        await self.budgets.load(self._base.store)
        self._undo = self._link.on_batch(self._took)
        for node in self.records:
            self.attach(node)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._every(_TICK_S, self._tick), name="fleet-health"),
            loop.create_task(self._every(_FLUSH_S, self._flush), name="fleet-flush"),
            loop.create_task(self._every(_PRUNE_S, self._ledger.prune), name="fleet-prune"),
        ]

    async def stop(self) -> None:
        """Take no more, write what was taken, and end the demo agents that are on a leash."""
        self._undo()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.twins.stop()
        await self._flush()
        await self.herd.close()

    async def show(self, key: str, count: int = 20) -> dict[str, Any]:
        """Return everything known of one node, with its newest `count` measurements, newest first."""
        node = self.find(key)
        where = {"node_id": node.id}
        newest = await self._base.store.read(
            lambda conn: rows.select(conn, _TELEMETRY, where=where, order="collected_at", descending=True, limit=count)
        )
        return {**intake.document_of(node), "certificate": self._identities[node.id].certificate_pem, "telemetry": newest}

    # Coming and going.

    async def pair(
        self, address: str, code: str, *, about: Mapping[str, Any] | None = None, actor: str, cause: str = ""
    ) -> Node:
        """Pair with the node at `address` that shows `code`, and pull from it from now on.

        `about` may hold columns of `edge_nodes` that the console knows better: name, site, location_lat, location_lon,
        labels, home.
        """
        paired = await self._link.pair(address, code)
        return await self._admit(paired.address, paired.identity, dict(about or {}), actor, cause)

    async def _admit(self, address: str, identity: PublicIdentity, about: dict[str, Any], actor: str, cause: str) -> Node:
        """Write a node that was just paired, in place of what was known of the same device."""
        now_us = self._base.clock.now_us()
        known = next((node for node in self.records if node.device_id == identity.device_id), None)
        row = {
            "name": identity.name, **about, "node_identifier": identity.device_id, "address": address,
            "identity": identity.to_json(), "certificate": identity.certificate_pem, "last_heartbeat": now_us,
            "status": str(Health.ONLINE),
        }  # fmt: skip
        row |= {"registered_at": now_us} if known is None else {"id": known.id}
        stored = await self._base.store.write(lambda conn: rows.put(conn, _NODES, row, actor=actor, cause=cause, now_us=now_us))
        node = replace(intake.node_of(stored), state=Health.ONLINE)
        self._identities[node.id] = identity
        self._devices[node.device_id] = node.id
        self._watch.heard(node.id)
        self.records.put(node)
        self._base.bus.publish(NodePaired(at_us=now_us, actor=actor, cause=cause, node_id=node.id, name=node.name))
        self.attach(node)
        return await self._learn_hardware(node, actor, cause)

    async def _learn_hardware(self, node: Node, actor: str, cause: str) -> Node:
        """Ask what the node is made of; a node that does not say so is still a node."""
        try:
            inventory = (await self._link.client(node.id).inventory()).to_json()
        except OutpostError as error:
            self._change(node.id, trouble=str(error))
            return self.records.need(node.id)
        hardware = {key: value for key, value in inventory.items() if key not in ("schema", "device", "name", "labels")}
        await self._put(node.id, {"hardware_profile": hardware}, actor, cause)
        self._change(node.id, hardware=hardware)
        return self.records.need(node.id)

    async def move(self, node: Node, address: str, *, actor: str, cause: str = "") -> Node:
        """Pull from `node` at a new address; its identity, and so its cursor, stay."""
        await self._put(node.id, {"address": address}, actor, cause)
        self._change(node.id, address=address)
        self.attach(self.records.need(node.id))
        return self.records.need(node.id)

    async def remove(self, key: str, *, actor: str, cause: str = "") -> Node:
        """Take a node out of the fleet: both sides unpin each other; a demo agent ends and its home goes.

        A node that cannot be reached now is unpinned on this side alone.
        """
        node = self.find(key)
        if not node.home and node.state is not Health.OFFLINE:
            try:
                await self._link.client(node.id).unpair()
            except OutpostError as error:
                log.info("%s was not told that it is removed: %s", node.name, error)
        await self.drop(node, actor=actor, cause=cause)
        if node.home:
            await self.herd.discard(Path(node.home))
        return node

    async def stop_demo(self) -> list[Node]:
        """End the agents of all demo nodes; the nodes stay, and come back with `fleet demo`. Return them."""
        nodes = [node for node in self.records if node.home]
        await self.herd.end_all()
        for node in nodes:
            self.fail(node.id)
        return nodes

    async def drop(self, node: Node, *, actor: str, cause: str = "") -> None:
        """Unpin `node` and pull from it no longer; whatever runs there goes on running."""
        now_us = self._base.clock.now_us()
        await self._base.store.write(lambda conn: rows.delete(conn, _NODES, node.id, actor=actor, cause=cause, now_us=now_us))
        self._link.detach(node.id)
        self._forget(node.id)
        await self.twins.forget(node.id, actor=actor, cause=cause)
        self._base.bus.publish(NodeRemoved(at_us=now_us, actor=actor, cause=cause, node_id=node.id, name=node.name))

    def identity(self, device_id: str) -> PublicIdentity | None:
        """Return the pinned identity of the node with this device id, or None."""
        return self._identities.get(self._devices.get(device_id, ""))

    def activated(self, node_id: str, model_id: str, slot: str, *, version: int, actor: str, cause: str) -> None:
        """Note and tell that a node committed a version of a model, and ask it how it is."""
        now_us = self._base.clock.now_us()
        node = self.records.get(node_id)
        name = node.name if node is not None else node_id
        if node is not None:
            self._heard(node, intake.with_model(node, slot, version))
        self._base.bus.publish(
            ModelActivated(at_us=now_us, actor=actor, cause=cause, node_id=node_id, name=name, model_id=model_id, slot=slot)
        )
        self._link.poke(node_id)

    async def refresh(self) -> None:
        """Take over what other consoles wrote: nodes that came, went or are described differently; views; twins and layers."""
        stored = await self._base.store.read(lambda conn: rows.select(conn, _NODES, order="registered_at"))
        for gone in {node.id for node in self.records} - {row["id"] for row in stored}:
            self._link.detach(gone)
            self._forget(gone)
        fresh = [row for row in stored if row["id"] not in self.records]
        self._identities |= await in_thread(partial(intake.identities_of, fresh), "identities")
        for row in stored:
            told, known = intake.node_of(row), self.records.get(row["id"])
            if known is not None:
                self.records.put(replace(known, **{name: getattr(told, name) for name in intake.WRITTEN}))
            elif told.id in self._identities:
                self._devices[told.device_id] = told.id
                self.records.put(self._watch.first(told))
            if told.id in self.records and (known is None or known.address != told.address):
                self.attach(self.records.need(told.id))
        await self.twins.start()
        await self.views.start()

    # What the link brings.

    def _took(self, batch: Batch) -> None:
        node = self.records.get(batch.node_id)
        if node is None:
            return
        if batch.problem is not None:
            self.records.put(intake.missed(node, batch))
            self.fail(node.id)
            return
        items = self._keep(node, batch)
        self._watch.heard(node.id)
        self._heard(node, intake.heard(node, batch, items))
        self._thrift.after(node, batch)
        back = node.state is not Health.ONLINE
        self.judge(node.id)
        for device, age_s in intake.peers_of(batch).items():
            if (other := self._devices.get(device)) is not None:
                self._watch.vouched(other, age_s)
        self.twins.look(self.records.need(node.id), None if batch.status is None else batch.status.twin_version, back=back)

    def is_away(self, node_id: str) -> bool:
        """Tell whether a node is known to be offline: it was asked and did not answer."""
        node = self.records.get(node_id)
        return node is not None and node.state is Health.OFFLINE and bool(node.trouble)

    def _heard(self, before: Node, now: Node) -> None:
        self.records.put(now)
        if now.models != before.models:
            self._ledger.mark(now.id, models=list(now.models))

    def carry(self, batch: Batch) -> int:
        """Take what was carried here from a node nobody reached: its figures, not its presence; return how many."""
        node = self.records.need(batch.node_id)
        behind = batch.epoch == node.epoch and batch.seq <= node.seq
        if behind or (batch.epoch != node.epoch and batch.at_us < node.last_heartbeat_us):
            return 0
        items = self._keep(node, batch)
        told = intake.heard(node, batch, items)
        heard_us = max(node.last_heartbeat_us, batch.at_us)
        self.records.put(
            replace(told, last_heartbeat_us=heard_us, trouble=node.trouble, round_trip_s=node.round_trip_s, state=node.state)
        )
        self._ledger.mark(node.id, last_heartbeat=heard_us)
        self.attach(self.records.need(node.id))
        return len(items)

    def _keep(self, node: Node, batch: Batch) -> tuple[Measurement, ...]:
        """Have what is new in a batch drawn and written, with the cursor behind it; return it."""
        items = intake.fresh(batch.items, batch.epoch, node.epoch, node.seq)
        for first, last in batch.lost:
            event = TelemetryLost(
                at_us=batch.at_us,
                actor=_SELF,
                node_id=node.id,
                name=node.name,
                epoch=batch.epoch,
                first_seq=first,
                last_seq=last,
            )
            self._base.bus.publish(event)
        if items:
            self._draw_samples(node.id, items)
            self._ledger.take(intake.rows_of(node.id, batch.epoch, items))
        self._ledger.mark(node.id, cursor_epoch=batch.epoch, cursor_seq=batch.seq, last_heartbeat=batch.at_us)
        return items

    def _draw_samples(self, node_id: str, items: tuple[Measurement, ...]) -> None:
        shown_s = self._shown_s.get(node_id)
        new = [item for item in items if shown_s is None or item.at_us / 1e6 > shown_s]
        if not new:
            return
        gap_s = max(_GAP_S, 3 * self._base.settings["fleet.cadence_s"])
        times, values = intake.series_of(new, shown_s, gap_s)
        self._shown_s[node_id] = float(times[-1])
        for name, series in values.items():
            self._base.samples.ring(node_id, name).extend(times, series)

    async def _flush(self) -> None:
        states = {node_id: str(node.state) if (node := self.records.get(node_id)) else "" for node_id in self._ledger.marked}
        await self.budgets.save(self._base.store)
        if await self._ledger.flush(states):
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Pull again from the cursors that the store holds."""
        for row in await self._ledger.stored():
            if row["id"] in self.records:
                self._change(row["id"], epoch=row["cursor_epoch"] or "", seq=row["cursor_seq"] or 0)
                self.attach(self.records.need(row["id"]))

    async def _tick(self) -> None:
        self._thrift.look()
        self._watch.look(self._ended)

    def _ended(self, node: Node) -> bool:
        agent = self.herd.get(_folder(node.home)) if node.home else None
        return agent is not None and not agent.alive

    # Inside.

    def attach(self, node: Node) -> None:
        """Pull from a node from its cursor on, unless it is out of service."""
        if node.state is Health.DECOMMISSIONED or node.id not in self._identities:
            return
        peer = Peer(node.id, node.address, self._identities[node.id])
        self._link.attach(Target(peer, node.epoch, node.seq, self._thrift.first_s(node)))

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer; it stays known."""
        self._link.detach(node_id)

    def _change(self, node_id: str, **fields: Any) -> None:
        node = self.records.get(node_id)
        if node is not None:
            self.records.put(replace(node, **fields))

    def _forget(self, node_id: str) -> None:
        self._devices = {device: other for device, other in self._devices.items() if other != node_id}
        self.records.discard(node_id)
        self._base.samples.forget(node_id)
        self._identities.pop(node_id, None)
        self._shown_s.pop(node_id, None)
        self._ledger.forget(node_id)
        self._watch.forget(node_id)
        self._thrift.forget(node_id)

    async def _put(self, node_id: str, fields: dict[str, Any], actor: str, cause: str) -> None:
        now_us = self._base.clock.now_us()
        row = {"id": node_id, **fields}
        await self._base.store.write(lambda conn: rows.put(conn, _NODES, row, actor=actor, cause=cause, now_us=now_us))

    async def _every(self, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(period_s)
            try:
                await work()
            except OutpostError as error:
                log.warning("fleet: %s", error)


@lru_cache(maxsize=1024)
def _folder(home: str) -> Path:
    return Path(home)


def _nothing() -> None:
    """Stand in for the end of a subscription that was not begun."""
