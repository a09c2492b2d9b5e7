"""The rows of the hub: serve one, let a console in, back it up, restore it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import Conflict

if TYPE_CHECKING:
    from app.engine.engine import Call


def _host(call: "Call") -> Any:
    host = call.engine.sync.host
    if host is None:
        raise Conflict("No hub is served here", hint="outpost hub serve")
    return host


async def serve(call: "Call", *, host: str, port: int | None, database: str) -> dict[str, Any]:
    """Serve this home as a hub until it is stopped."""
    from app.hub.main import Host, announce

    if database:
        if call.engine.sync.host is not None:
            raise Conflict("The hub is being served", hint="Stop it, and serve it again.")
        Host(call.engine).check()
        await call.engine.move(database)
    return await Host(call.engine).serve(host, port, announce)


async def token(call: "Call") -> dict[str, Any]:
    """Show a fresh code for one console."""
    told: dict[str, Any] = _host(call).token()
    return told


async def backup(call: "Call", *, file: Path | None, replace: bool) -> dict[str, Any]:
    """Back up the hub that is served."""
    told: dict[str, Any] = await _host(call).backup(file, replace=replace)
    return told


async def compact(call: "Call") -> dict[str, Any]:
    """Drop what every console has seen."""
    told: dict[str, Any] = await _host(call).compact()
    return told


async def restore(call: "Call", *, file: Path) -> dict[str, Any]:
    """Put a backup in the hub's place, under a new epoch."""
    engine = call.engine
    kept = await engine.restore(file)
    return {"file": str(file), "kept": str(kept) if kept else "", "epoch": await engine.sync.epoch()}


ROWS: tuple[Command, ...] = (
    Command(
        "hub.serve", "Serve a hub",
        "Serves this home as the hub that consoles sync with, until it is stopped. The first line on standard output is JSON "
        "{address, code, code_ends_us, device, pid}; the code lets one console in for a quarter of an hour, hub token shows "
        "another.",
        serve,
        (
            Arg("host", str, "Address to listen on; 127.0.0.1 keeps it to this machine, 0.0.0.0 opens it to the network.",
                "127.0.0.1"),
            Arg("port", int, "Port to listen on; that of the last start if left out, 0 lets the system choose.", None, low=0,
                high=65535),
            Arg("database", str, "PostgreSQL database to keep this home's store in from now on, postgresql://user@host/name. "
                "A password belongs into the home's private file named database, or into libpq's password file.", "",
                secret=True),
        ),
        role=Role.ADMIN, returns="{address, pushed, pulled, refused, received_bytes, sent_bytes}, when it ends",
    ),
    Command(
        "hub.token", "Let a console in",
        "Shows a fresh code for one console, taken once and for a quarter of an hour; an earlier one is void. A hub must be "
        "served.", token,
        role=Role.ADMIN, returns="{address, code, code_ends_us}",
    ),
    Command(
        "hub.backup", "Back up the hub",
        "Writes a sound copy of the served hub, and tells the consoles that they may let go of what it holds.", backup,
        (
            Arg("file", Path, "Where to write the copy; by the time in the home's backups if left out.", None, positional=True),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
        ),
        role=Role.ADMIN, returns="{file, size_bytes, replicas_count}",
    ),
    Command(
        "hub.restore", "Restore the hub",
        "Puts a backup in the place of the hub's store and begins a new epoch: consoles hand over again what it does not hold.",
        restore, (Arg("file", Path, "The backup.", positional=True),),
        role=Role.ADMIN, danger=Danger.DESTRUCTIVE, returns="{file, kept, epoch}",
    ),
    Command(
        "hub.compact", "Compact the hub's log",
        "Drops what every console has seen and is old enough; it happens by itself while a hub is served.", compact,
        role=Role.ADMIN, returns="{floor, head, purged}",
    ),
)  # fmt: skip
