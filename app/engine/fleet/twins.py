"""The twins of the fleet: what each node should be and what it said it is; part of the fleet's service.

Reconciling is level-triggered: a node that is back, or that tells another version than it took from here, is brought the
latest desired state and nothing of what lay between. A key that another console changed meanwhile is taken over; where both
changed it, nothing is written until a person has said which holds.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from app.engine.base.errors import Conflict, Missing, OutpostError
from app.engine.base.records import Records
from app.engine.fleet.query import compile_query
from app.engine.fleet.records import Node
from app.engine.fleet.twin import Layer, Twin, compose, delta, document_of, leaves, merged, patch_to, three_way
from app.engine.jobs.base import Base
from app.engine.link.service import Link
from app.engine.store import rows

log = logging.getLogger(__name__)
_TWINS: Final = "edge_twins"
_LAYERS: Final = "edge_layers"
_KEPT: Final = 8
_SELF: Final = "engine"

Keep = Literal["mine", "theirs"]


class Twins:
    """Twins by node id, and the layers they are composed of."""

    def __init__(self, base: Base, link: Link, nodes: Records[Node]) -> None:
        self._base, self._link, self._nodes = base, link, nodes
        self.records: Records[Twin] = Records(lambda twin: twin.id, "twin")
        self.layers: Records[Layer] = Records(lambda layer: layer.name, "layer")
        self._past: dict[str, dict[int, Mapping[str, Any]]] = {}
        self._due: set[str] = set()
        self._writing = asyncio.Lock()  # a twin is read, changed and written by one at a time
        self._running: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Load twins and layers."""
        twins, layers = await self._base.store.read(lambda conn: (rows.select(conn, _TWINS), rows.select(conn, _LAYERS)))
        self.records.replace_all(map(_twin_of, twins))
        self.layers.replace_all(map(_layer_of, layers))

    async def stop(self) -> None:
        """Bring nothing to nobody any more."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def of(self, node_id: str) -> Twin:
        """Return a node's twin; one that nobody wrote yet is empty."""
        return self.records.get(node_id) or Twin(node_id)

    def desired(self, node: Node) -> dict[str, Any]:
        """Return the desired state of `node`: its layers and its own keys."""
        return compose(self._layers_of(node), self.of(node.id).own)[0]

    def document(self, node: Node) -> dict[str, Any]:
        """Return all that is known of a node's twin, as plain JSON: provenance, delta and conflict included."""
        twin = self.of(node.id)
        desired, origins = compose(self._layers_of(node), twin.own)
        lacks = delta(desired, twin.reported)
        return {
            "node": node.name, "version": twin.version, "applied_version": twin.applied_version,
            "reported_us": twin.reported_us, "desired": desired, "reported": dict(twin.reported),
            "in_sync": not twin.conflict and not any(not lack.ignored for lack in lacks),
            "provenance": [
                {"path": ".".join(each.path), "value": each.value, "layer": each.layer, "over": list(map(list, each.over))}
                for each in origins
            ],
            "delta": [
                {"path": ".".join(each.path), "desired": each.desired, "reported": each.reported, "ignored": each.ignored}
                for each in lacks
            ],
            "conflict": list(twin.conflict.get("differences", ())),
        }  # fmt: skip

    async def change(
        self, node: Node, changes: Mapping[str, Any], if_match: int | None = None, *, actor: str, cause: str = ""
    ) -> Twin:
        """Merge `changes` (RFC 7396) into the node's own desired keys, if its version is still `if_match`.

        Raises `Conflict` that names the keys which changed meanwhile, and `BadInput` for no object.
        """
        async with self._writing:
            return await self._change(node, changes, if_match, actor=actor, cause=cause)

    async def _change(self, node: Node, changes: Mapping[str, Any], if_match: int | None, *, actor: str, cause: str) -> Twin:
        twin = self.of(node.id)
        if if_match is not None and if_match != twin.version:
            base = self._past.get(node.id, {}).get(if_match, {})
            differences = three_way(base, twin.own, merge_patch(base, changes))
            told = "; ".join(f"{'.'.join(each.path)}: {each.base} → {each.theirs}, not {each.mine}" for each in differences)
            raise Conflict(
                "The twin of {name} is at version {version} by now, not {asked} ({differences})", name=node.name,
                version=twin.version, asked=if_match, differences=told, hint="Read it again: outpost fleet twin NODE",
            )  # fmt: skip
        own = merge_patch(twin.own, changes)
        if own == dict(twin.own):
            return twin
        return await self._keep_own(node, twin, own, actor=actor, cause=cause)

    async def resolve(self, node: Node, keep: Keep, *, actor: str, cause: str = "") -> Twin:
        """End a conflict: the keys both sides changed are `mine` (this console's) or `theirs`; all others are kept."""
        twin = self.of(node.id)
        if not twin.conflict:
            raise Conflict("The twin of {name} has no conflict", name=node.name)
        base, theirs = twin.conflict["base"], twin.conflict["theirs"]
        async with self._writing:
            fresh = replace(self.of(node.id), conflict={}, acked=theirs, acked_version=twin.conflict["version"])
            own = self._taken_over(node, base, theirs, keep)
            return await self._keep_own(node, fresh, own, actor=actor, cause=cause)

    async def set_layer(self, layer: Layer, *, actor: str, cause: str = "") -> Layer:
        """Write a layer under its name, in place of the one so called; every node it holds for is brought the new state."""
        compile_query(layer.query)
        known = self.layers.get(layer.name)
        layer = replace(layer, id=known.id if known else "", version=known.version + 1 if known else 1)
        now_us = self._base.clock.now_us()
        row = {
            "name": layer.name, "query": layer.query, "priority": layer.priority, "document": dict(layer.document),
            "version": layer.version, **({"id": layer.id} if layer.id else {}),
        }  # fmt: skip
        stored = await self._base.store.write(
            lambda conn: rows.put(conn, _LAYERS, row, actor=actor, cause=cause, now_us=now_us)
        )
        self.layers.put(_layer_of(stored))
        self._all_due()
        return self.layers.need(layer.name)

    async def drop_layer(self, name: str, *, actor: str, cause: str = "") -> None:
        """Take a layer away."""
        layer = self.layers.get(name)
        if layer is None:
            raise Missing("There is no layer {name}", name=name, field="name", hint="See: outpost fleet layers")
        now_us = self._base.clock.now_us()
        await self._base.store.write(lambda conn: rows.delete(conn, _LAYERS, layer.id, actor=actor, cause=cause, now_us=now_us))
        self.layers.discard(name)
        self._all_due()

    async def forget(self, node_id: str, *, actor: str, cause: str = "") -> None:
        """Know nothing of a node that is gone."""
        if node_id not in self.records:
            return
        now_us = self._base.clock.now_us()
        await self._base.store.write(lambda conn: rows.delete(conn, _TWINS, node_id, actor=actor, cause=cause, now_us=now_us))
        self.records.discard(node_id)
        self._past.pop(node_id, None)

    # Reconciling.

    def look(self, node: Node, told_version: int | None, *, back: bool) -> None:
        """Bring the node what it lacks, if it is `back` or tells another version than it took from here."""
        twin = self.records.get(node.id)
        if twin is None and not len(self.layers):
            return
        if back or node.id in self._due or (told_version is not None and told_version != self.of(node.id).acked_version):
            self.begin(node.id)

    def begin(self, node_id: str) -> None:
        """Reconcile a node now; one that is being reconciled is looked at once more after that."""
        self._due.add(node_id)
        if node_id not in self._running:
            task = asyncio.get_running_loop().create_task(self._run(node_id), name="twin")
            self._running[node_id] = task
            task.add_done_callback(lambda _task: self._running.pop(node_id, None))

    async def _run(self, node_id: str) -> None:
        while node_id in self._due:
            self._due.discard(node_id)
            try:
                await self.reconcile(node_id)
            except OutpostError as error:
                self._due.add(node_id)  # the next time it answers
                log.info("the twin of %s waits: %s", node_id, error)
                return

    async def reconcile(self, node_id: str) -> Twin:
        """Make the node's desired state what it should be; return its twin. Raises what the link raises."""
        node, client = self._nodes.need(node_id), self._link.client(node_id)
        there = await client.twin()
        twin = self.of(node_id)
        theirs, version = dict(there.get("desired") or {}), int(there.get("version") or 0)
        if version != twin.acked_version and theirs != dict(twin.acked):
            differences = three_way(twin.acked, theirs, self.desired(node))
            if any(each.change == "conflict" for each in differences):
                told = {
                    "base": dict(twin.acked), "theirs": theirs, "version": version,
                    "differences": [each.to_json() for each in differences],
                }  # fmt: skip
                return await self._heard(node_id, there, conflict=told)
            if any(each.change == "theirs" for each in differences):
                own = self._taken_over(node, twin.acked, theirs, "mine")
                async with self._writing:
                    await self._write(replace(self.of(node_id), own=own, version=twin.version + 1), actor=_SELF)
        wanted = self.desired(node)
        if patch := patch_to(theirs, wanted):
            there = await client.patch_twin(patch, version)
        return await self._heard(node_id, there, acked=wanted, acked_version=int(there["version"]), conflict={})

    async def carried(self, node: Node, there: Mapping[str, Any]) -> Twin:
        """Take a twin document that was carried here; a node that follows what it should be is in sync."""
        theirs = dict(there.get("desired") or {})
        if theirs != self.desired(node):
            return await self._heard(node.id, there)
        return await self._heard(node.id, there, acked=theirs, acked_version=int(there.get("version") or 0), conflict={})

    def _taken_over(self, node: Node, base: Mapping[str, Any], theirs: Mapping[str, Any], keep: Keep) -> dict[str, Any]:
        """Return the node's own keys with those that another console changed."""
        whole = merged(base, three_way(base, theirs, self.desired(node)), keep=keep)
        below = compose(self._layers_of(node), {})[0]
        changed = {path: value for path, value in leaves(whole).items() if leaves(below).get(path) != value}
        return document_of(changed)

    async def _heard(self, node_id: str, there: Mapping[str, Any], **found: Any) -> Twin:
        """Note what a node said, and what was `found` of it; what was asked for meanwhile stays."""
        reported = dict(there.get("reported") or {})
        applied = int(reported.get("applied_version") or 0)
        async with self._writing:
            now_us = self._base.clock.now_us()
            twin = replace(self.of(node_id), reported=reported, applied_version=applied, reported_us=now_us, **found)
            return await self._write(twin, actor=_SELF)

    async def _keep_own(self, node: Node, twin: Twin, own: Mapping[str, Any], *, actor: str, cause: str) -> Twin:
        past = self._past.setdefault(node.id, {})
        past[twin.version] = twin.own
        for old in sorted(past)[:-_KEPT]:
            del past[old]
        twin = await self._write(replace(twin, own=own, version=twin.version + 1), actor=actor, cause=cause)
        self.begin(node.id)
        return twin

    async def _write(self, twin: Twin, *, actor: str, cause: str = "") -> Twin:
        now_us = self._base.clock.now_us()
        row = {
            "id": twin.id, "version": twin.version, "desired": dict(twin.own), "acked": dict(twin.acked),
            "acked_version": twin.acked_version, "reported": dict(twin.reported), "applied_version": twin.applied_version,
            "reported_us": twin.reported_us, "conflict": dict(twin.conflict),
        }  # fmt: skip
        await self._base.store.write(lambda conn: rows.put(conn, _TWINS, row, actor=actor, cause=cause, now_us=now_us))
        self.records.put(twin)
        return twin

    def _layers_of(self, node: Node) -> list[Layer]:
        now_us = self._base.clock.now_us()
        holds: Callable[[Layer], bool] = lambda layer: compile_query(layer.query)(node, now_us)  # noqa: E731
        return [layer for layer in self.layers if holds(layer)]

    def _all_due(self) -> None:
        """Look at every node the next time it answers; ten thousand are not asked at once."""
        self._due |= {node.id for node in self._nodes}


def merge_patch(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `document` with `patch` merged in (RFC 7396): null removes, objects merge, all else replaces."""
    whole = dict(document)
    for key, value in patch.items():
        if value is None:
            whole.pop(key, None)
        elif isinstance(value, Mapping):
            there = whole.get(key)
            whole[key] = merge_patch(there if isinstance(there, Mapping) else {}, value)
        else:
            whole[key] = value
    return whole


def _twin_of(row: dict[str, Any]) -> Twin:
    return Twin(
        row["id"], row["version"], row["desired"] or {}, row["acked"] or {}, row["acked_version"], row["reported"] or {},
        row["applied_version"], row["reported_us"], row["conflict"] or {},
    )  # fmt: skip


def _layer_of(row: dict[str, Any]) -> Layer:
    return Layer(row["id"], row["name"], row["query"], row["priority"], row["document"] or {}, row["version"])
