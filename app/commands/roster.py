"""The rows of the fleet's roster: the accept queue, import, labels, place, maintenance."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def queue(call: "Call") -> dict[str, Any]:
    """List the nodes that wait to be let in."""
    return {
        "nodes": [
            {name: getattr(each, name) for name in ("name", "address", "device_id", "source", "state", "found_us", "id")}
            for each in call.engine.fleet.roster.queue
        ]
    }


async def accept(call: "Call", *, node: str, code: str) -> dict[str, Any]:
    """Let a queued node in."""
    from app.engine.fleet.intake import document_of

    return document_of(await call.engine.fleet.roster.accept(node, code, actor=call.actor, cause=call.cause))


async def reject(call: "Call", *, node: str) -> dict[str, Any]:
    """Turn a queued node away."""
    found = await call.engine.fleet.roster.reject(node)
    return {"id": found.id, "name": found.name, "state": found.state}


async def import_nodes(call: "Call", *, file: Path) -> dict[str, Any]:
    """Import nodes from a CSV file."""
    return await call.engine.fleet.roster.import_file(file, actor=call.actor, cause=call.cause)


async def label(call: "Call", *, nodes: str, add: str, remove: str) -> dict[str, Any]:
    """Label nodes."""
    return await call.engine.fleet.roster.label(nodes, add, remove, actor=call.actor, cause=call.cause)


async def place(call: "Call", *, nodes: str, **given: Any) -> dict[str, Any]:
    """Say where nodes stand and how they are connected."""
    names = {"lat": "location_lat", "lon": "location_lon", "connectivity": "connectivity_type"}
    fields = {names.get(name, name): value for name, value in given.items() if value not in (None, "")}
    return await call.engine.fleet.roster.place(nodes, fields, actor=call.actor, cause=call.cause)


async def maintenance(call: "Call", *, nodes: str, off: bool) -> dict[str, Any]:
    """Put nodes into maintenance, or end it."""
    from app.engine.fleet.health import Health

    state = None if off else Health.MAINTENANCE
    return await call.engine.fleet.roster.hold(nodes, state, actor=call.actor, cause=call.cause)


async def decommission(call: "Call", *, nodes: str, undo: bool) -> dict[str, Any]:
    """Take nodes out of service, or back."""
    from app.engine.fleet.health import Health

    state = None if undo else Health.DECOMMISSIONED
    return await call.engine.fleet.roster.hold(nodes, state, actor=call.actor, cause=call.cause)


async def neighbours(call: "Call", *, nodes: str, count: int) -> dict[str, Any]:
    """Have the nodes of each site look after each other."""
    from app.engine.fleet.neighbours import rings_of

    fleet, told, changed = call.engine.fleet, [], 0
    for node_id, peers in rings_of(fleet.select(nodes), count).items():
        node = fleet.records.need(node_id)
        before = fleet.twins.desired(node).get("peers") or {}
        differs = dict(before) != peers
        if differs:
            changes = {"peers": {**dict.fromkeys(before), **peers}}
            await fleet.twins.change(node, changes, None, actor=call.actor, cause=call.cause)
        changed += differs
        told.append({"id": node.id, "name": node.name, "changed": differs, "neighbours": len(peers)})
    return {"nodes": told, "changed_count": changed, "skipped_count": len(told) - changed}


_NODES = Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", positional=True)
_QUEUED = Arg("node", str, "Name, address or id in the queue.", positional=True)
_TOLD = "{nodes: [{id, name, changed}], changed_count, skipped_count}"

ROWS: tuple[Command, ...] = (
    Command(
        "fleet.queue", "List waiting nodes", "Lists the nodes that were found or imported and are not paired yet.", queue,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{nodes: [{name, address, device_id, source, state, found_us, id}]}",
    ),
    Command(
        "fleet.accept", "Accept a waiting node",
        "Pairs with a node of the queue by the one-use code it shows; what the import said of it is kept.",
        accept,
        (_QUEUED, Arg("code", str, "The code the agent shows.", positional=True, secret=True)),
        returns="{id, device_id, name, address, state, …}",
    ),
    Command(
        "fleet.reject", "Turn a waiting node away", "Takes a node out of the queue; finding it again does not bring it back.",
        reject, (_QUEUED,), returns="{id, name, state}",
    ),
    Command(
        "fleet.import", "Import nodes",
        "Reads a CSV file with a header (address, name, code, site, lat, lon, tier, connectivity, link_bytes_s, "
        "link_bytes_day, labels): pairs with the nodes that have a code, queues the others, amends those known, and says "
        "what became of each line.",
        import_nodes,
        (Arg("file", Path, "The CSV file.", positional=True),),
        returns="{nodes: [{line, address, outcome, detail, node}], counts}",
    ),
    Command(
        "fleet.label", "Label nodes", "Adds labels to nodes and takes others away; nodes that have them so are skipped.", label,
        (_NODES, Arg("add", str, "Labels, as key=value.", ""), Arg("remove", str, "Names of labels to take away.", "")),
        returns=_TOLD,
    ),
    Command(
        "fleet.place", "Place nodes", "Says where nodes stand, what tier they are of, and what their link may carry.", place,
        (
            _NODES,
            Arg("site", str, "Where they stand.", ""),
            Arg("lat", float, "Latitude, north.", None, unit="°", low=-90, high=90),
            Arg("lon", float, "Longitude, east.", None, unit="°", low=-180, high=180),
            Arg("tier", str, "tier-1 (below 1 ms), tier-2 (10 ms), tier-3 (50 ms) or cloud.", ""),
            Arg("connectivity", str, "How they are connected, such as lte or satellite.", ""),
            Arg("link_bytes_s", int, "What the link may carry in a second.", None, unit="B/s", low=1),
            Arg("link_bytes_day", int, "What the link may carry in a day.", None, unit="B", low=1),
        ),
        returns=_TOLD,
    ),
    Command(
        "fleet.maintenance", "Maintenance",
        "Puts nodes into maintenance: they are measured on, but nothing is rolled out to them and their silence is no alarm.",
        maintenance,
        (_NODES, Arg("off", bool, "End the maintenance.", default=False)),
        returns=_TOLD,
    ),
    Command(
        "fleet.neighbours", "Look after neighbours",
        "Has the nodes of each site knock at each other's doors, so that a node whose link is down is told from a dead one.",
        neighbours,
        (_NODES, Arg("count", int, "How many neighbours each looks after; 0 ends it.", 2, low=0, high=16)),
        returns="{nodes: [{id, name, changed, neighbours}], changed_count, skipped_count}", leaves=True,
    ),
    Command(
        "fleet.decommission", "Take out of service",
        "Takes nodes out of service: they stay known and paired, but are asked no longer.",
        decommission,
        (_NODES, Arg("undo", bool, "Take them back into service.", default=False)),
        danger=Danger.DESTRUCTIVE, returns=_TOLD,
    ),
)  # fmt: skip
