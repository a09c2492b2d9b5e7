"""Care of the state file: the mark of an unclean stop, quarantine, backup, validation, restore.

An SQLite file is never copied while somebody writes to it, and never without its log: backups go through SQLite's own
online backup (https://sqlite.org/backup.html).
"""

import contextlib
import filecmp
import json
import logging
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.store.database import SIDES, looking, problems_of
from app.engine.store.faults import damaged, damaged_and_kept, translate
from app.engine.store.migrate import refuse_newer, upgrade

log = logging.getLogger(__name__)
_LOGS = ("-wal", "-journal")  # what of a file's SIDES holds data
_DAMAGED = "damaged"
_SCRATCH = ".restoring"
_COMPLETE = ".restored"
DUE = "restored"  # in `meta`: that this store was set back, or pieced together, and others have not heard of it


def mark_of(path: Path) -> Path:
    """Return the file that exists while the store is open; found at start-up it means an unclean stop."""
    return path.with_name(path.name + ".open")


def set_mark(path: Path, *, damaged: bool = False) -> bool:
    """Put the mark; return whether it stood there already. A disk too full for it is no reason not to read the store.

    It says that the store is `damaged` from when damage was met until a check finds none, whatever becomes of the process.
    """
    mark = mark_of(path)
    found = mark.exists()
    with contextlib.suppress(OSError):
        mark.write_text(_DAMAGED if damaged else str(os.getpid()), "ascii")
    return found


def was_damaged(path: Path) -> bool:
    """Tell whether damage was met in a store that nobody has checked since."""
    try:
        return mark_of(path).read_text("ascii") == _DAMAGED
    except (OSError, ValueError):
        return False


def clear_mark(path: Path) -> None:
    """Take the mark away after a clean stop."""
    mark_of(path).unlink(missing_ok=True)


def fold_log(path: Path) -> None:
    """Write the log of a closed store into its file; on a full disk the log stays beside it, and nothing of it is lost."""
    with contextlib.suppress(sqlite3.Error), looking(path, mode="rw") as raw:
        raw.execute("PRAGMA optimize")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def version_of(path: Path) -> str:
    """Return the migration id written in the file, empty if none; raise `Conflict` for a damaged file."""
    try:
        with looking(path) as raw:
            known = raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]
            row = raw.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
            return str(row[0]) if row else ""
    except sqlite3.Error as error:
        raise translate(error, path) from error


def quarantine(path: Path, stamp_us: int) -> Path:
    """Copy the file and its log into `quarantine/` beside it and return the copy; the original stays.

    A copy that is there already, from an earlier try at the same damage, is not made twice.
    """
    folder = path.parent / "quarantine"
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in sorted(folder.glob(f"{path.stem}-*{path.suffix}")):
        if all(_same(path.with_name(path.name + side), earlier.with_name(earlier.name + side)) for side in ("", *_LOGS)):
            return earlier
    kept = folder / f"{path.stem}-{stamp_us}{path.suffix}"
    try:
        for side in ("", *SIDES):
            source = path.with_name(path.name + side)
            if source.exists():
                shutil.copy2(source, kept.with_name(kept.name + side))
    except OSError:  # half of one is none, and takes room that is wanted
        for side in ("", *SIDES):
            kept.with_name(kept.name + side).unlink(missing_ok=True)
        raise
    return kept


def _same(one: Path, other: Path) -> bool:
    if one.exists() != other.exists():
        return False
    return not one.exists() or filecmp.cmp(one, other, shallow=False)


def refuse_damaged(path: Path, problems: list[str], stamp_us: int) -> None:
    """Raise `Conflict` for a damaged file, a copy of which is put aside first where there is room."""
    if not problems:
        return
    try:
        copy = quarantine(path, stamp_us)
    except OSError as error:  # the file itself stays as it is
        log.warning("no copy of %s: %s", path, error)
        raise damaged(path, problems[0]) from error
    raise damaged_and_kept(path, problems[0], copy)


def refuse_target(target: Path, path: Path | None) -> None:
    """Raise for a file that no backup (of the store at `path`) can be written to."""
    if path is not None and target.exists() and target.resolve() == path.resolve():
        raise BadInput("The backup cannot replace the store itself ({file})", field="file", file=target)
    if target.is_dir():
        raise BadInput("{file} is a folder, not a file", field="file", file=target)
    if not target.parent.is_dir():
        raise Missing("There is no folder {folder}", folder=target.parent, field="file")


def spare(target: Path, live: Path, *, replace: bool) -> None:
    """Raise for a file that a person's backup is not to take the place of.

    That is one that exists, unless they say `replace`, what belongs to the store at `live`, and all in the folder of its
    home where the keys are.
    """
    store, keys = live.resolve(), live.parent / "identity"
    kept = {store.with_name(store.name + side) for side in ("", *SIDES)} | {mark_of(store)}
    if target.resolve() in kept or any(_is_one(folder, keys) for folder in target.resolve().parents):
        raise BadInput(
            "A backup is not written over the store, nor among the keys of its home ({file})", field="file", file=target
        )
    if os.path.lexists(target) and not target.is_dir() and not replace:
        raise Conflict("{file} exists already", field="file", file=target, hint="Give another name, or replace it.")


def _is_one(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except OSError:  # one of them is not there
        return False


def backup(path: Path, target: Path) -> int:
    """Write a sound, self-contained copy of the live file to `target`, whole or not at all; return its size in bytes."""
    refuse_target(target, path)
    scratch = target.with_name(target.name + ".new")
    try:
        _copy(path, scratch, "rw")
        problems = problems_of(scratch)
        if problems:
            raise Conflict("The copy of {file} is damaged: {reason}", file=path, reason=problems[0])
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(scratch, target)
        return target.stat().st_size
    except sqlite3.Error as error:
        raise translate(error, target) from error
    except OSError as error:
        raise BadInput("{file} cannot be written: {reason}", file=target, reason=str(error), field="file") from error
    finally:
        for side in ("", *SIDES):
            scratch.with_name(scratch.name + side).unlink(missing_ok=True)


def backups_of(home: Path) -> list[tuple[Path, int]]:
    """Return the backups that a home made of itself with the times they were written (us), newest first."""
    found = [(path, path.stat().st_mtime_ns // 1000) for path in (home / "backups").glob("*.db")]
    return sorted(found, key=lambda one: one[1], reverse=True)


def holding(home: Path, live: Any, table: str, row: str) -> list[tuple[Path, int]]:
    """Return the state files of a home, but for the `live` one, that hold a row or what was said of it, as `backups_of` does.

    Those are its backups, and what a restore, a salvage or a move into a database left. One that cannot be read may hold it.
    """
    found = {path: path.stat().st_mtime_ns // 1000 for path in (*home.glob("*.db"), *(home / "backups").glob("*.db"))}
    held = [(path, at_us) for path, at_us in found.items() if path != live and _holds(path, table, row)]
    return sorted(held, key=lambda one: one[1], reverse=True)


def _holds(path: Path, table: str, row: str) -> bool:
    key = "table_name = ? AND row_id = ?"
    try:
        with looking(path) as raw:
            known = {str(name) for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            # The names put into these sentences are those of our own schema.
            if table in known and raw.execute(f'SELECT 1 FROM "{table}" WHERE id = ?', (row,)).fetchone():  # noqa: S608
                return True
            gone = f"SELECT 1 FROM sync_cells WHERE {key} AND cells LIKE '%\"erased\"%'"  # noqa: S608
            if "sync_cells" in known and raw.execute(gone, (table, row)).fetchone():
                return False  # what is said of it there was scrubbed
            told = known & {"outbox", "sync_ops", "sync_log", "sync_conflicts"}
            return any(raw.execute(f"SELECT 1 FROM {name} WHERE {key}", (table, row)).fetchone() for name in told)  # noqa: S608
    except sqlite3.Error:
        return True


def drill(source: Path, scratch: Path) -> int:
    """Restore a backup to `scratch`, bring it to this version's schema, check it and take it away; return how many rows it had.

    Raises what is wrong with the backup, as a restore would.
    """
    from app.engine.store.database import open_engine

    validate_file(source)
    try:
        _copy(source, scratch, "ro")
        engine = open_engine(scratch, writer=True)
        try:
            with engine.connect() as conn, conn.begin():
                upgrade(conn)
                names = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
                # All names put into these sentences are those of our own schema.
                counts = [conn.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar() for name in names]  # noqa: S608
        finally:
            engine.dispose()
        problems = problems_of(scratch, mode="rw")
        if problems:
            raise Conflict("{file} is damaged: {reason}", file=source, reason=problems[0])
        return sum(int(count or 0) for count in counts)
    except (sqlite3.Error, DBAPIError) as error:
        raise translate(error, scratch) from error
    finally:
        for side in ("", *SIDES):
            scratch.with_name(scratch.name + side).unlink(missing_ok=True)


def _copy(source: Path, target: Path, mode: str) -> None:
    target.unlink(missing_ok=True)
    with looking(source, mode=mode) as raw, contextlib.closing(sqlite3.connect(target)) as copy:
        raw.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def validate_file(path: Path) -> str:
    """Return the schema version of a file that may be restored; raise what is wrong with it, changing nothing."""
    if not path.is_file():
        raise Missing("There is no file {file}", file=path, field="file")
    try:
        found = version_of(path)
    except Conflict as error:
        raise BadInput("{file} is no state file of Outpost, or it is damaged: {reason}", file=path, reason=str(error)) from None
    if not found:
        raise BadInput("{file} is no state file of Outpost", file=path, field="file")
    refuse_newer(found, path)
    problems = problems_of(path)
    if problems:
        raise BadInput("{file} is damaged: {reason}", file=path, reason=problems[0], field="file")
    return found


def owe(path: Path, *, pieced: bool = False, before: Path | None = None) -> None:
    """Mark a state file nobody uses as set back, or pieced together: the engine that opens it owes others word of that.

    It takes the place of the one `before`: where that was a hub's, whoever met it went by its time, and it is noted too.
    """
    told = {"pieced": pieced} | ({} if before is None else {"hub_us": _hub_time(before)})
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        if pieced:  # which is more than set back
            raw.execute("DELETE FROM meta WHERE id = ?", (DUE,))
        raw.execute("INSERT OR IGNORE INTO meta (id, value) VALUES (?, ?)", (DUE, json.dumps(told)))


def _hub_time(path: Path) -> int:
    """Return the latest time that the hub in a state file went by; 0 where there is none, or nothing can be read."""
    try:
        with looking(path, mode="ro") as raw:
            found = raw.execute("SELECT json_extract(value, '$.clock[0]') FROM meta WHERE id = 'sync.hub'").fetchone()
    except (sqlite3.Error, OSError):
        return 0
    return found[0] if found and isinstance(found[0], int) else 0


def swap_in(path: Path, source: Path, kept: Path, *, back: bool = False) -> Path | None:
    """Put a copy of `source` in the place of the closed store at `path`, which goes to `kept`; return that (None: no old one).

    The source is validated first, and marked if it sets the store `back`. Once the copy is complete the swap stands: a kill
    in its middle is made good by `finish_swap`.
    """
    validate_file(source)
    scratch = path.with_name(path.name + _SCRATCH)
    try:
        _copy(source, scratch, "ro")
        if back:
            owe(scratch, before=path)
    except sqlite3.Error as error:
        scratch.unlink(missing_ok=True)
        raise translate(error, scratch) from error
    os.replace(scratch, path.with_name(f"{path.name}.{kept.name}{_COMPLETE}"))
    return finish_swap(path)


def finish_swap(path: Path) -> Path | None:
    """Have a complete copy beside the closed store take its place, if there is one; return where the old one went."""
    found = sorted(path.parent.glob(f"{path.name}.*{_COMPLETE}"))
    if not found:
        return None
    fresh = found[-1]
    kept = path.with_name(fresh.name.removeprefix(path.name + ".").removesuffix(_COMPLETE))
    for side in ("", *SIDES):  # the file before its log: what is left of them is never taken for the new one's
        beside = path.with_name(path.name + side)
        if beside.exists():
            os.replace(beside, kept.with_name(kept.name + side))
    os.replace(fresh, path)
    clear_mark(path)
    return kept if kept.exists() else None
