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


async def now(call: "Call") -> dict[str, Any]:
    """Exchange with every hub."""
    return await call.engine.sync.now()


async def export(call: "Call", *, file: Path, peer: str) -> dict[str, Any]:
    """Write what a peer lacks to a stick."""
    return await call.engine.sync.export(file, peer)


async def import_bundle(call: "Call", *, file: Path) -> dict[str, Any]:
    """Take what a peer wrote to a stick."""
    return await call.engine.sync.take(file)


async def status(call: "Call") -> dict[str, Any]:
    """Say how sync stands."""
    return await call.engine.sync.status()


async def peers(call: "Call") -> dict[str, Any]:
    """List the peers."""
    return {"peers": [peer.to_json() for peer in call.engine.sync.peers]}


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
        "sync.status", "Sync status", "Tells what waits to be handed over, and how things stand with every peer.", status,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{replica, schema, pending_count, oldest_pending_us, conflicts_count, busy, clock_skew_s, hub, peers}",
    ),
    Command(
        "sync.peers", "Sync peers", "Lists hubs and consoles this home exchanges changes with.", peers,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{peers: [{id, kind, name, address, acked, durable, cursor, synced_us, error}]}",
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
