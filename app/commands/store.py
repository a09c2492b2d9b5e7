"""The rows of the store: back it up, restore a backup, salvage what is left of it, check it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def _backup(call: "Call", *, file: Path, replace: bool) -> dict[str, Any]:
    from app.engine.store.care import spare

    spare(file, call.engine.place.store, replace=replace)
    return {"file": str(file), "size_bytes": await call.engine.store.backup(file)}


async def _restore(call: "Call", *, file: Path) -> dict[str, Any]:
    kept = await call.engine.restore(file)
    return {"file": str(file), "kept": str(kept) if kept else ""}


async def _salvage(call: "Call", *, file: Path | None, backup: Path | None) -> dict[str, Any]:
    return await call.engine.salvage(file, backup)


async def _check(call: "Call") -> dict[str, Any]:
    from app.engine.store.faults import damaged

    store = call.engine.store
    problems = await store.check()
    if problems:
        raise damaged(store.path, "; ".join(problems))
    return {"sound": True, "problems": []}


async def _drill(call: "Call", *, file: Path | None) -> dict[str, Any]:
    return await call.engine.sync.backups.drill(file)


ROWS: tuple[Command, ...] = (
    Command(
        "store.drill",
        "Try a restore",
        "Restores a backup beside the store, brings it to this version, checks and counts it, and takes it away again: what is "
        "told is whether a restore would work. Each backup that a home makes of itself is tried so.",
        _drill,
        (Arg("file", Path, "The backup; the newest of this home if left out.", None, positional=True),),
        returns="{file, at_us, size_bytes, drill_us, rows_count, problem}",
    ),
    Command(
        "store.backup",
        "Back up the store",
        "Write a sound copy of everything in the store to one file, while work goes on.",
        _backup,
        (
            Arg("file", Path, "Where to write the copy.", positional=True),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
        ),
        returns="file, size_bytes",
    ),
    Command(
        "store.restore",
        "Restore a backup",
        "Put a backup in the place of the present store. The backup is checked first; the present store is kept beside it.",
        _restore,
        (Arg("file", Path, "The backup.", positional=True),),
        role=Role.ADMIN,
        danger=Danger.DESTRUCTIVE,
        returns="file, kept",
    ),
    Command(
        "store.salvage",
        "Salvage a damaged store",
        "Puts everything that can still be read of a damaged store into a sound one, fills it up from a backup, and has the "
        "hub send what is missing at the next exchange. The damaged file is kept beside it.",
        _salvage,
        (
            Arg("file", Path, "The damaged file; the store of this home if left out.", None, positional=True),
            Arg("backup", Path, "A backup to fill it up from; the newest of this home if left out.", None),
        ),
        role=Role.ADMIN,
        danger=Danger.DESTRUCTIVE,
        returns="{rows: {table: count}, from_backup, torn: [table], kept}",
    ),
    Command(
        "store.check",
        "Check the store",
        "Look for damage in the store's file. A damaged one is an error: what was found is told, and a copy is put aside.",
        _check,
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="sound, problems",
    ),
)
