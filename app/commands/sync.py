"""The rows of sync: join a hub, exchange now, say how things stand, and choose where two writes met."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import BadInput, Refused

if TYPE_CHECKING:
    from app.engine.engine import Call

_CODE: Final = "Copy the code as the hub shows it: outpost hub token"
_STICKS: Final = {  # by what is wrong with one
    "file": "Take it on the device it was written for, or have its writer export for this one: sync status tells who this is.",
    "signer": "Join the hub that wrote it (outpost sync join), or trust the card of the console that did (outpost sync trust).",
}


async def join(call: "Call", *, address: str, code: str) -> dict[str, Any]:
    """Pair with a hub."""
    try:
        return await call.engine.sync.join(address, code, actor=call.actor, cause=call.cause)
    except BadInput as error:
        if error.field == "code":
            error.hint_source = _CODE
        raise


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
    return await call.engine.sync.sticks.export(file, peer)


async def import_bundle(call: "Call", *, file: Path) -> dict[str, Any]:
    """Take what a peer wrote to a stick."""
    try:
        return await call.engine.sync.sticks.take(file)
    except (BadInput, Refused) as error:
        error.hint_source = error.hint_source or _STICKS.get(error.field, "")
        raise


async def card(call: "Call", *, file: Path) -> dict[str, Any]:
    """Write who this console is."""
    return await call.engine.sync.sticks.card(file)


async def trust(call: "Call", *, file: Path, device: str) -> dict[str, Any]:
    """Take bundles from another console."""
    return await call.engine.sync.sticks.trust(file, device)


async def renew(call: "Call", *, keep: bool) -> dict[str, Any]:
    """Make a copied home a device of its own, or take a moved one to be at home."""
    before = call.engine.link.device_id
    await call.engine.renew(keep=keep)
    return {"device": call.engine.link.device_id, "before": before}


async def status(call: "Call") -> dict[str, Any]:
    """Say how sync stands."""
    return await call.engine.sync.status()


async def peers(call: "Call") -> dict[str, Any]:
    """List the peers."""
    return {"as_of_us": call.engine.clock.now_us(), "peers": await call.engine.sync.look()}


async def nodes(call: "Call") -> dict[str, Any]:
    """List the nodes that called a hub."""
    host = call.engine.sync.host
    told = host.callers() if host is not None else [caller.to_json() for caller in call.engine.sync.callers]
    return {"nodes": told}


async def rules(call: "Call") -> dict[str, Any]:
    """List what holds for each table."""
    from app.engine.sync.rules import here_alone

    keeping = call.engine.sync.keeping
    told = [rule.to_json() for rule in await keeping.look()]
    return {"as_of_us": keeping.as_of_us, "never_leave": ", ".join(here_alone()), "rules": told}


async def rule(call: "Call", *, table: str, residency: str, keep_days: int) -> dict[str, Any]:
    """Change what holds for a table."""
    stays = {"stays": True, "travels": False}.get(residency)
    return await call.engine.sync.keeping.ask(table, stays=stays, keep_days=None if keep_days < 0 else keep_days)


async def retain(call: "Call") -> dict[str, Any]:
    """Let go of what is too old."""
    return {"rows": await call.engine.sync.keeping.retain()}


async def erase(call: "Call", *, table: str, row: str) -> dict[str, Any]:
    """Have a row forgotten everywhere."""
    return await call.engine.sync.keeping.erase(table, row, actor=call.actor)


async def conflicts(call: "Call", *, conflict: str, resolved: bool) -> dict[str, Any]:
    """List what met."""
    return await call.engine.sync.inbox.look(conflict, resolved=resolved)


def _conflicts_told(result: dict[str, Any]) -> str:
    from app.engine.sync import told

    return told.conflicts(result)


async def resolve(call: "Call", *, conflict: str, choice: str, shown: str) -> dict[str, Any]:
    """Choose between two values."""
    return await call.engine.sync.inbox.resolve(conflict, choice, shown=shown, actor=call.actor, cause=call.cause)


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
        (Arg("peer", str, "Name, address or id of the peer; the first eight signs of the id will do.", positional=True),),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.limit", "Limit a link",
        "Sets how many bytes a second the link to a hub may carry, and which hub's turn comes first.",
        limit,
        (
            Arg("peer", str, "Name, address or id of the peer; the first eight signs of the id will do.", positional=True),
            Arg("bytes_s", int, "Bytes per second; 0 means all there is.", None, low=0, high=1_000_000_000),
            Arg("priority", int, "Peers with a greater one come first.", None, low=0, high=100),
        ),
        role=Role.ADMIN, returns="the peer",
    ),
    Command(
        "sync.now", "Sync now", "Exchanges changes with every hub until both sides have the same.", now,
        returns="{peers: [{peer, device, sent_count, taken_count, sent_bytes, received_bytes, error}], pending_count}",
    ),
    Command(
        "sync.export", "Export changes",
        "Writes what a peer lacks into one signed file, to be carried where no network is: from a console to its hub, or back.",
        export,
        (
            Arg("file", Path, "The file to write.", positional=True),
            Arg("peer", str, "Name, address or id (its first eight signs will do) of the peer; the only one if left out.", ""),
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
        "sync.renew", "Give this copy its own keys",
        "Makes this home a device of its own, where it is a copy of one that another machine uses: new keys, the old ones are "
        "removed here, and nothing that waits is lost. Hubs are then to be joined anew and nodes to be paired with anew; "
        "rollouts and training under way are left to the other machine.",
        renew,
        (
            Arg("keep", bool, "This is no copy: the disk was moved here and keeps its keys, which nothing else uses.", False),
        ),
        role=Role.ADMIN, danger=Danger.DESTRUCTIVE, returns="{device, before}",
    ),
    Command(
        "sync.status", "Sync status", "Tells what waits to be handed over, and how things stand with every peer.", status,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{device, replica, schema, pending_count, oldest_pending_us, conflicts_count, busy, clock_skew_s, hub, peers, "
        "backup: {file, at_us, drill_us, rows_count, problem}, undecided: [{table, row, column, to}], copy, elsewhere, damage}",
    ),
    Command(
        "sync.peers", "Sync peers", "Lists hubs and consoles this home exchanges changes with.", peers,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{as_of_us, peers: [{id, kind, name, address, acked, durable, cursor, synced_us, error, bytes_s, priority}]}",
    ),
    Command(
        "sync.nodes", "Nodes that call a hub",
        "Lists nodes that told a hub that they are there, for consoles may not reach them: as of the last exchange with it.",
        nodes,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{nodes: [{id, name, address, seen_from, hub, known, heard_us}]}",
    ),
    Command(
        "sync.rules", "Rules per table",
        "Lists, per table that travels, whether its rows stay on this machine, how long they are kept, how much it holds, and "
        "what an erasure takes along; and the tables that never leave a machine.",
        rules, role=Role.OBSERVER, danger=Danger.READ,
        returns="{as_of_us, never_leave, rules: [{id, stays, keep_days, lasting, rows_count, oldest_us, takes}]}",
    ),
    Command(
        "sync.rule", "Set a table's rule",
        "Says whether what is written in a table on this machine leaves it, and after how many days rows are deleted "
        "everywhere. What was handed over before stays where it is; what stayed so far is handed over when it may travel "
        "again.",
        rule,
        (
            Arg("table", str, "The table.", positional=True),
            Arg("residency", str, "Whether rows leave this machine.", "", choices=("", "travels", "stays")),
            Arg("keep_days", int, "Days after its last change that a row is kept; 0 for ever, -1 as it was.", -1, low=-1,
                high=36_500),
        ),
        role=Role.ADMIN, returns="the rule",
    ),
    Command(
        "sync.retain", "Apply retention",
        "Deletes rows older than their table's rule allows; it happens by itself once an hour.", retain,
        role=Role.ADMIN, danger=Danger.DESTRUCTIVE, returns="{rows: {table: count}}",
    ),
    Command(
        "sync.erase", "Erase a row",
        "Has a row forgotten with everything that was ever written in it, here and at every hub and console as they exchange: "
        "row, log, waiting changes, conflicts. Backups that still hold it are listed; the audit trail keeps that it was "
        "erased.",
        erase,
        (
            Arg("table", str, "The table.", positional=True),
            Arg("row", str, "The row's id.", positional=True),
        ),
        role=Role.ADMIN, danger=Danger.DESTRUCTIVE, returns="{table, row, backups: [{file, at_us}]}",
    ),
    Command(
        "sync.conflicts", "Sync conflicts",
        "Lists values that were covered by a write that did not know of them, beside what held then and what holds now: the "
        "newest 2,000, and how many there are.",
        conflicts,
        (
            Arg("conflict", str, "This one alone: its id, or how that begins or ends.", "", positional=True),
            Arg("resolved", bool, "Those that were resolved, too.", False),
        ),
        role=Role.OBSERVER, danger=Danger.READ, words=_conflicts_told,
        returns="{conflicts: [{id, table_name, row_id, column_name, title, reason, kept, kept_by, kept_us, kept_seen_us, lost, "
        "lost_by, lost_us, lost_seen_us, state, choice, resolved_by, resolved_us, now, now_state, now_by, now_us, now_mark, "
        "changed}], total_count, as_of_us}: kept is what held when they met, now what holds today",
    ),
    Command(
        "sync.resolve", "Resolve a conflict", "Lets the value that holds now stand, or brings back the one that lost.", resolve,
        (
            Arg("conflict", str, "The conflict's id, or how that begins or ends; several, parted by commas, are resolved "
                "alike, all or none.", positional=True),
            Arg("choice", str, "Which value to have: kept, what holds now, or lost.", choices=("kept", "lost"),
                positional=True),
            Arg("shown", str, "What sync conflicts told as now_mark: nothing is written if another value holds by then. Of "
                "several, parted by commas.", ""),
        ),
        returns="the conflict; {conflicts} of several",
    ),
)  # fmt: skip
