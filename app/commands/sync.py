"""The rows of sync: join a hub, exchange now, say how things stand, and choose where two writes met."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def join(call: "Call", *, address: str, code: str) -> dict[str, Any]:
    """Pair with a hub."""
    return await call.engine.sync.join(address, code, actor=call.actor, cause=call.cause)


async def leave(call: "Call", *, peer: str) -> dict[str, Any]:
    """Exchange with a peer no longer."""
    return await call.engine.sync.leave(peer)


async def limit(call: "Call", *, peer: str, bytes_s: int | None, priority: int | None) -> dict[str, Any]:
    """Bound the link to a peer."""
    return await call.engine.sync.limit(peer, bytes_s=bytes_s, priority=priority)


async def now(call: "Call") -> dict[str, Any]:
    """Exchange with every hub."""
    return await call.engine.sync.now()


async def export(call: "Call", *, file: Path, peer: str) -> dict[str, Any]:
    """Write what a peer lacks to a stick."""
    return await call.engine.sync.export(file, peer)


async def import_bundle(call: "Call", *, file: Path) -> dict[str, Any]:
    """Take what a peer wrote to a stick."""
    return await call.engine.sync.take(file)


async def card(call: "Call", *, file: Path) -> dict[str, Any]:
    """Write who this console is."""
    return await call.engine.sync.card(file)


async def trust(call: "Call", *, file: Path, device: str) -> dict[str, Any]:
    """Take bundles from another console."""
    return await call.engine.sync.trust(file, device)


async def status(call: "Call") -> dict[str, Any]:
    """Say how sync stands."""
    return await call.engine.sync.status()


async def peers(call: "Call") -> dict[str, Any]:
    """List the peers."""
    return {"peers": [peer.to_json() for peer in call.engine.sync.peers]}


async def nodes(call: "Call") -> dict[str, Any]:
    """List the nodes that called a hub."""
    host = call.engine.sync.host
    told = host.callers() if host is not None else [caller.to_json() for caller in call.engine.sync.callers]
    return {"nodes": told}


async def conflicts(call: "Call", *, resolved: bool) -> dict[str, Any]:
    """List what met."""
    found = [met for met in call.engine.sync.conflicts if resolved or met.state == "open"]
    return {"conflicts": [met.to_json() for met in found]}


async def resolve(call: "Call", *, conflict: str, choice: str) -> dict[str, Any]:
    """Choose between two values."""
    return await call.engine.sync.resolve(conflict, choice, actor=call.actor, cause=call.cause)


ROWS: tuple[Command, ...] = (
    Command(
        "sync.join", "Join a hub",
        "Pairs with the hub at an address by the code it shows; from then on changes are exchanged with it.", join,
        (
            Arg("address", str, "Where the hub listens, host:port.", positional=True),
            Arg("code", str, "The code that hub token shows.", positional=True, secret=True),
        ),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.leave", "Leave a hub", "Exchanges with a peer no longer; what came from it stays.", leave,
        (Arg("peer", str, "Name, address or id of the peer.", positional=True),),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.limit", "Limit a link", "Sets how many bytes a second the link to a peer may carry, and whose turn comes first.",
        limit,
        (
            Arg("peer", str, "Name, address or id of the peer.", positional=True),
            Arg("bytes_s", int, "Bytes per second; 0 means all there is.", None, low=0, high=1_000_000_000),
            Arg("priority", int, "Peers with a greater one come first.", None, low=0, high=100),
        ),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.now", "Sync now", "Exchanges changes with every hub until both sides have the same.", now,
        returns="{peers: [{peer, sent_count, taken_count, error}], pending_count}",
    ),
    Command(
        "sync.export", "Export changes",
        "Writes what a peer lacks into one signed file, to be carried where no network is: from a console to its hub, or back.",
        export,
        (
            Arg("file", Path, "The file to write.", positional=True),
            Arg("peer", str, "Name, address or id of the peer; the only one if left out.", ""),
        ),
        returns="{file, size_bytes, peer, parts}",
    ),
    Command(
        "sync.import", "Import changes",
        "Takes a file that a peer exported for this device: all of it or nothing, and nothing twice.", import_bundle,
        (Arg("file", Path, "The file a peer wrote.", positional=True),),
        returns="{peer, as_of_us, taken_count}",
    ),
    Command(
        "sync.card", "Write this console's card",
        "Writes who this console is into a file, for another console that is to take its bundles without a hub.", card,
        (Arg("file", Path, "The file to write.", positional=True),),
        returns="{file, device, name}",
    ),
    Command(
        "sync.trust", "Trust a console's card",
        "From now on takes bundles of the console whose card this is, and writes bundles for it: directly, without a hub.",
        trust,
        (
            Arg("file", Path, "The card that the other console wrote.", positional=True),
            Arg("device", str, "The device id that the other console showed when it wrote the card.", positional=True),
        ),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.status", "Sync status", "Tells what waits to be handed over, and how things stand with every peer.", status,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{replica, schema, pending_count, oldest_pending_us, conflicts_count, busy, clock_skew_s, hub, peers}",
    ),
    Command(
        "sync.peers", "Sync peers", "Lists hubs and consoles this home exchanges changes with.", peers,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{peers: [{id, kind, name, address, acked, durable, cursor, synced_us, error, bytes_s, priority}]}",
    ),
    Command(
        "sync.nodes", "Nodes that call a hub",
        "Lists nodes that told a hub that they are there, for consoles may not reach them: as of the last exchange with it.",
        nodes,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{nodes: [{id, name, address, seen_from, hub, known, heard_us}]}",
    ),
    Command(
        "sync.conflicts", "Sync conflicts", "Lists values that were covered by a write that did not know of them.", conflicts,
        (Arg("resolved", bool, "Those that were resolved, too.", False),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{conflicts: [{id, table_name, row_id, column_name, kept, kept_by, kept_us, lost, lost_by, lost_us, state}]}",
    ),
    Command(
        "sync.resolve", "Resolve a conflict", "Lets the value that stands stand, or brings back the one that lost.", resolve,
        (
            Arg("conflict", str, "The conflict's id, or its end.", positional=True),
            Arg("choice", str, "Which value to have: kept or lost.", choices=("kept", "lost"), positional=True),
        ),
        returns="the conflict",
    ),
)  # fmt: skip
