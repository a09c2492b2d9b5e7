"""Who is let in, and what a person says of the nodes: accept queue, import, labels, place, maintenance; part of the service.

A change over many nodes skips those that are as wanted already, is written in a few transactions, and tells what became of
each.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from app.engine.base.contracts import Report, silent
from app.engine.base.errors import BadInput, Conflict, Missing, OutpostError
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.fleet.health import HELD, Health
from app.engine.fleet.records import TIER_NAMES, Node
from app.engine.fleet.sheet import Entry, labels_of, read_sheet
from app.engine.jobs.base import Base
from app.engine.link.discover import Found
from app.engine.store import rows
from app.engine.store.threads import in_thread

_CANDIDATES: Final = "edge_candidates"
_NODES: Final = "edge_nodes"
_AT_ONCE: Final = 1000
_ONE_ITEM: Final = 20  # from so many changes on they are an item in the activity
_Show = Callable[[list[str]], None]
_Written = tuple[str, dict[str, Any]]
_MOST_BYTES: Final = 64 << 20
_SHOWN: Final = {
    "name": "name", "site": "site", "location_lat": "lat", "location_lon": "lon", "tier": "tier", "labels": "labels",
    "connectivity_type": "connectivity", "link_bytes_s": "link_bytes_s", "link_bytes_day": "link_bytes_day",
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A node that was found, listed or announced, and that nobody has paired with yet."""

    id: str
    name: str
    address: str
    device_id: str = ""
    source: str = ""
    state: str = "waiting"
    about: Mapping[str, Any] = field(default_factory=dict)
    found_us: int = 0


class Gate(Protocol):
    """What the roster asks of the fleet."""

    records: Records[Node]

    def select(self, nodes: str) -> list[Node]:
        """Return the nodes named."""

    async def pair(
        self, address: str, code: str, *, about: Mapping[str, Any] | None = None, actor: str, cause: str = ""
    ) -> Node:
        """Pair with a node."""

    def judge(self, node_id: str) -> None:
        """Show the health of a node anew."""

    def attach(self, node: Node) -> None:
        """Pull from a node."""

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer."""


class Roster:
    """The accept queue and the changes over many nodes."""

    def __init__(self, base: Base, fleet: Gate) -> None:
        self._base, self._fleet = base, fleet
        self.queue: Records[Candidate] = Records(lambda candidate: candidate.id, "candidate")

    async def start(self) -> None:
        """Load the queue."""
        stored = await self._base.store.read(lambda conn: rows.select(conn, _CANDIDATES, order="found_us"))
        self.queue.replace_all(Candidate(**row) for row in stored)

    # The accept queue.

    async def offer(self, found: Iterable[Found], source: str) -> list[Candidate]:
        """Queue the nodes in `found` that are neither paired nor turned away; one queued before moves to its new address."""
        known = {node.device_id for node in self._fleet.records}
        queued: list[Candidate] = []
        for each in found:
            if each.device_id and each.device_id in known:
                continue
            before = self._queued(each.device_id, each.address)
            if before is None:
                fresh = Candidate(new_id(), each.name, each.address, each.device_id, source, found_us=self._base.clock.now_us())
            else:
                fresh = replace(before, name=each.name, address=each.address, device_id=each.device_id or before.device_id)
            queued.append(fresh)
        await self._put(queued)
        return [candidate for candidate in queued if candidate.state == "waiting"]

    def candidate(self, key: str) -> Candidate:
        """Return the queued node called `key`: its id, name, address or device id."""
        found = [each for each in self.queue if key in (each.id, each.name, each.address, each.device_id)]
        if len(found) != 1:
            raise Missing(
                "{count} queued nodes are called {name}", count=len(found) or "No", name=key, field="node",
                hint="See: outpost fleet queue",
            )  # fmt: skip
        return found[0]

    async def accept(self, key: str, code: str, *, actor: str, cause: str = "") -> Node:
        """Pair with a queued node by the code it shows; it leaves the queue."""
        candidate = self.candidate(key)
        about = {key: value for key, value in candidate.about.items() if value not in (None, "")}
        node = await self._fleet.pair(candidate.address, code, about=about, actor=actor, cause=cause)
        await self._drop(candidate.id)
        return node

    async def reject(self, key: str) -> Candidate:
        """Turn a queued node away; finding it again does not bring it back."""
        candidate = replace(self.candidate(key), state="rejected")
        await self._put([candidate])
        return candidate

    # Import.

    async def import_file(self, file: Path, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Take the nodes of a CSV file: pair with those that have a code, queue the others, amend those known.

        Returns {"nodes": [{line, address, outcome, detail}], "counts"}; a line that fails stops no other.
        """
        entries, mistakes = read_sheet(await in_thread(partial(_text_of, file), "import"), str(file))
        told = [
            {"line": each.line, "address": "", "outcome": "refused", "detail": each.reason, "node": ""} for each in mistakes
        ]
        for entry in entries:
            outcome, detail, node_id = "refused", "", ""
            try:
                outcome, node_id = await self._take(entry, actor, cause)
            except OutpostError as error:
                detail = str(error)
            told.append({"line": entry.line, "address": entry.address, "outcome": outcome, "detail": detail, "node": node_id})
        told.sort(key=lambda row: int(str(row["line"])))
        counts: dict[str, int] = {}
        for row in told:
            counts[str(row["outcome"])] = counts.get(str(row["outcome"]), 0) + 1
        return {"nodes": told, "counts": counts}

    async def _take(self, entry: Entry, actor: str, cause: str) -> tuple[str, str]:
        known = next((node for node in self._fleet.records if node.address == entry.address), None)
        if known is not None:
            changed = await self._amend([(known, entry.about)], actor, cause)
            return ("amended" if changed else "unchanged"), known.id
        if entry.code:
            node = await self._fleet.pair(entry.address, entry.code, about=entry.about, actor=actor, cause=cause)
            return "paired", node.id
        before = self._queued("", entry.address)
        name = str(entry.about.get("name", entry.address))
        fresh = Candidate(
            before.id if before else new_id(), name, entry.address, before.device_id if before else "", "csv",
            "waiting", entry.about, self._base.clock.now_us(),
        )  # fmt: skip
        await self._put([fresh])
        return "queued", ""

    # Changes over many.

    async def label(self, nodes: str, add: str, remove: str, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Add labels (`key=value …`) to nodes and take others (`key …`) from them."""
        fresh, gone = labels_of(add), set(labels_of(remove))
        if not fresh and not gone:
            raise BadInput("No label is named", field="add", hint="Write --add key=value or --remove key.")
        chosen = self._fleet.select(nodes)
        wanted = [
            (node, {"labels": {**{key: value for key, value in node.labels.items() if key not in gone}, **fresh}})
            for node in chosen
        ]
        return self._told(chosen, await self._amend(wanted, actor, cause))

    async def place(self, nodes: str, fields: Mapping[str, Any], *, actor: str, cause: str = "") -> dict[str, Any]:
        """Say of nodes where they stand and how they are connected; `fields` are columns of `edge_nodes`."""
        if not fields:
            raise BadInput("Nothing is to be changed", field="nodes", hint="Name a site, a tier, a place or a budget.")
        if fields.get("tier") not in (None, "", *TIER_NAMES):
            raise BadInput("tier must be one of {tiers}", tiers=", ".join(TIER_NAMES), field="tier")
        chosen = self._fleet.select(nodes)
        return self._told(chosen, await self._amend([(node, dict(fields)) for node in chosen], actor, cause))

    async def hold(self, nodes: str, state: Health | None, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Put nodes into maintenance or out of service, or (None) back; a node out of service is asked no longer."""
        chosen = [self._fleet.records.need(node.id) for node in self._select_held(nodes)]
        wanted = [node for node in chosen if (node.state if node.state in HELD else None) is not state]
        fields = {"held": str(state) if state else "", "status": str(state or Health.OFFLINE)}

        def show(ids: list[str]) -> None:
            for node_id in ids:
                self._show_held(node_id, state)

        count = len(wanted)
        title = tr("Take {count} nodes back into service", count=count)
        if state is not None:
            held = state is Health.MAINTENANCE
            out = tr("Take {count} nodes out of service", count=count)
            title = tr("Maintenance for {count} nodes", count=count) if held else out
        await self._write([(node.id, fields) for node in wanted], show, title, actor, cause)
        return self._told(chosen, [node.id for node in wanted])

    def _show_held(self, node_id: str, state: Health | None) -> None:
        node = self._fleet.records.get(node_id)
        if node is None:
            return
        self._fleet.records.put(replace(node, state=state or Health.OFFLINE))
        if state is Health.DECOMMISSIONED:
            self._fleet.detach(node.id)
        elif node.state is Health.DECOMMISSIONED:
            self._fleet.attach(self._fleet.records.need(node.id))
        self._fleet.judge(node.id)

    def _select_held(self, nodes: str) -> list[Node]:
        return list(self._fleet.records) if nodes.strip() == "all" else self._fleet.select(nodes)

    async def _amend(self, wanted: list[tuple[Node, dict[str, Any]]], actor: str, cause: str) -> list[str]:
        """Write what differs and show it; return the ids of the nodes that changed."""
        changes = []
        for node, fields in wanted:
            differs = {name: value for name, value in fields.items() if getattr(node, _SHOWN[name]) != value}
            if differs:
                changes.append((node, differs))
        written = {node.id: differs for node, differs in changes}

        def show(ids: list[str]) -> None:
            self._fleet.records.put(
                *(
                    replace(there, **{_SHOWN[name]: value for name, value in written[node_id].items()})
                    for node_id in ids
                    if (there := self._fleet.records.get(node_id)) is not None
                )
            )

        await self._write(list(written.items()), show, tr("Change {count} nodes", count=len(written)), actor, cause)
        return [node.id for node, _ in changes]

    async def _write(
        self, changes: list[_Written], show: Callable[[list[str]], None], title: str, actor: str, cause: str
    ) -> None:
        """Write `changes` part by part and show each part; many of them are one item in the activity."""

        async def work(report: Report) -> dict[str, Any]:
            for at in range(0, len(changes), _AT_ONCE):
                part = changes[at : at + _AT_ONCE]
                await self._base.store.write(partial(_put_all, part, actor, cause, self._base.clock.now_us()))
                show([node_id for node_id, _ in part])
                report(float(at + len(part)), float(len(changes)), "nodes")
            return {"changed": len(changes)}

        if len(changes) < _ONE_ITEM:
            await work(silent)
        else:
            await self._base.jobs.run_local("fleet", work, title=title, actor=actor, cause=cause)

    def _told(self, chosen: list[Node], changed: list[str]) -> dict[str, Any]:
        done = set(changed)
        names = [(node.name, node.id in done) for node in chosen]
        return {
            "nodes": [{"id": node.id, "name": node.name, "changed": node.id in done} for node in chosen],
            "changed_count": sum(there for _, there in names), "skipped_count": sum(not there for _, there in names),
        }  # fmt: skip

    def _queued(self, device_id: str, address: str) -> Candidate | None:
        by_device = (each for each in self.queue if device_id and each.device_id == device_id)
        by_address = (each for each in self.queue if each.address == address)
        return next(by_device, None) or next(by_address, None)

    async def _put(self, candidates: list[Candidate]) -> None:
        fields = [{name: getattr(each, name) for name in Candidate.__dataclass_fields__} for each in candidates]

        def write(conn: rows.Conn) -> None:
            for row in fields:
                rows.drop_many(conn, _CANDIDATES, where={"id": row["id"]})
            rows.put_many(conn, _CANDIDATES, fields)

        await self._base.store.write(write)
        self.queue.put(*candidates)

    async def _drop(self, candidate_id: str) -> None:
        await self._base.store.write(lambda conn: rows.drop_many(conn, _CANDIDATES, where={"id": candidate_id}))
        self.queue.discard(candidate_id)


def _put_all(part: list[_Written], actor: str, cause: str, now_us: int, conn: rows.Conn) -> None:
    for node_id, fields in part:
        rows.put(conn, _NODES, {"id": node_id, **fields}, actor=actor, cause=cause, now_us=now_us)


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise BadInput("{file} is larger than {most} bytes", file=file, most=_MOST_BYTES)
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("{file} is not UTF-8 text: {reason}", file=file, reason=error.reason) from None
    except FileNotFoundError:
        raise Missing("There is no file {file}", file=file, field="file") from None
    except OSError as error:
        raise Conflict("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error)) from None
