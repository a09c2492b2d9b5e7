"""Salvage: from a damaged state file whatever can still be read, the rest from a backup, into a fresh and sound file.

Rows are read from both ends of every stretch that is damaged, so that only what stands on broken pages is missing. Nothing is
written to the damaged file.
"""

import contextlib
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.store import migrate
from app.engine.store.care import owe
from app.engine.store.copying import NUMBERED
from app.engine.store.database import SIDES, looking, open_engine, problems_of, to_json
from app.engine.store.faults import translate
from app.engine.store.schema import metadata

log = logging.getLogger(__name__)
_HIGH: Final = 1 << 48
_NARROW: Final = 2
_MOST_TRIES: Final = 4000
_SLICE: Final = 500
_OWN: Final = "sync_here"
_LEFT_ALONE: Final = frozenset({"alembic_version", "sqlite_sequence", _OWN})


SALVAGED: Final = "outpost.db.salvaged"
MARK: Final = "salvage"  # in `meta`: what came of it


@dataclass
class Salvaged:
    """What came of it: rows by table from the damaged file, rows the backup added, tables with stretches that are gone."""

    rows: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "rows": self.rows,
            "from_backup": {name: count for name, count in self.added.items() if count},
            "torn": self.torn,
        }


def salvage(damaged: Path, backup: Path | None, fresh: Path) -> Salvaged:
    """Write a sound file at `fresh` with all that can be read of `damaged`, filled up from `backup`; return what it is.

    Raises `Missing` when there is no such file, `BadInput` when nothing can be read of it, `Conflict` for an unsound result.
    """
    if not damaged.is_file():
        raise Missing("There is no file {file}", file=damaged, field="file")
    told = Salvaged()
    for side in ("", *SIDES):
        fresh.with_name(fresh.name + side).unlink(missing_ok=True)
    sources = [damaged] if backup is None else [damaged, backup]
    _make(fresh, next((found for source in sources if (found := _version(source))), migrate.revisions()[-1]))
    try:
        with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
            target.execute("PRAGMA foreign_keys = OFF")
            target.execute("BEGIN IMMEDIATE")
            _fill(target, damaged, told.rows, told.torn)
            if backup is not None:
                _fill(target, backup, told.added, [], only=frozenset(told.torn))
            _drop_orphans(target, told.torn)
            _number_on(target, sources)
            target.execute("INSERT OR REPLACE INTO meta (id, value) VALUES (?, ?)", (MARK, to_json(told.to_json())))
            target.execute("COMMIT")
        owe(fresh, pieced=True)
    except sqlite3.Error as error:
        raise translate(error, fresh) from error
    if not sum(told.rows.values()) and not sum(told.added.values()):
        raise BadInput("Nothing can be read of {file}", file=damaged, field="file")
    problems = problems_of(fresh, mode="rw")
    if problems:
        raise Conflict("The copy of {file} is damaged: {reason}", file=damaged, reason=problems[0])
    return told


def prepare(store: Path, file: Path | None, backup: Path | None) -> Path:
    """Salvage `file` (else the store itself), fill it up from `backup` (else the newest of the home); return the new file."""
    fresh = store.with_name(SALVAGED)
    salvage(file or store, backup or newest_backup(store.parent), fresh)
    return fresh


def newest_backup(home: Path) -> Path | None:
    """Return the newest sound backup that this home made of itself, or None."""
    for path in sorted((home / "backups").glob("*.db"), key=lambda path: path.stat().st_mtime, reverse=True):
        if _version(path) and not problems_of(path):
            return path
    return None


def _version(source: Path) -> str:
    try:
        with looking(source) as raw:
            found = str(raw.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return ""
    return found if found in migrate.revisions() else ""


def _make(fresh: Path, version: str) -> None:
    engine = open_engine(fresh, writer=True)
    try:
        with engine.connect() as conn, conn.begin():
            migrate.upgrade(conn, version)
    finally:
        engine.dispose()


def _columns(raw: sqlite3.Connection, table: str) -> list[str]:
    try:
        return [str(row[1]) for row in raw.execute(f'PRAGMA table_info("{table}")')]
    except sqlite3.Error:
        return []


def _fill(
    target: sqlite3.Connection, source: Path, counts: dict[str, int], torn: list[str], *, only: frozenset[str] | None = None
) -> None:
    """Copy what can be read of each table (of `only` these); a key that is there already stays as it is.

    A table that was read whole is not filled up: what is missing there was removed.
    """
    names = [str(row[0]) for row in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    quiet = _OWN in names
    if quiet:
        target.execute("UPDATE sync_here SET applying = 1")
    with looking(source) as raw:
        for table in sorted(set(names) - _LEFT_ALONE if only is None else only):
            columns = [name for name in _columns(target, table) if name in _columns(raw, table)]
            if not columns:
                torn.append(table)
            else:
                counts[table] = counts.get(table, 0) + _copy(target, raw, table, columns, torn)
        if quiet:
            _copy_own(target, raw)
    if quiet:
        target.execute("UPDATE sync_here SET applying = 0")


def _copy(target: sqlite3.Connection, raw: sqlite3.Connection, table: str, columns: list[str], torn: list[str]) -> int:
    named = ", ".join(f'"{name}"' for name in columns)
    # All names put into these sentences are those of our own schema.
    put = f'INSERT OR IGNORE INTO "{table}" ({named}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608
    before, waiting = target.total_changes, []
    holes: list[tuple[int, int]] = []
    for row in _readable(raw, table, named, holes):
        waiting.append(row)
        if len(waiting) >= _SLICE:
            target.executemany(put, waiting)
            waiting = []
    target.executemany(put, waiting)
    if holes:
        torn.append(table)
    return target.total_changes - before


def _copy_own(target: sqlite3.Connection, raw: sqlite3.Connection) -> None:
    """Take over who we are to others, unless that was taken from another file already."""
    try:
        found = raw.execute("SELECT replica, hlc, skew_us, seq, chain FROM sync_here").fetchone()
    except sqlite3.Error:
        return
    if found is not None:
        put = "UPDATE sync_here SET replica = ?, hlc = ?, skew_us = ?, seq = ?, chain = ? WHERE replica = ''"
        target.execute(put, found)


def _drop_orphans(target: sqlite3.Connection, torn: list[str]) -> None:
    """Forget the cells of rows that could not be read: with them, a hub would have everybody take the row for gone."""
    names = {str(row[0]) for row in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in sorted({*torn} & names) if "sync_cells" in names else ():
        if table in metadata.tables and metadata.tables[table].info["synced"]:
            # All names put into this sentence are those of our own schema.
            target.execute(
                "DELETE FROM sync_cells WHERE table_name = ? AND json_extract(cells, '$.gone') IS NULL "  # noqa: S608
                f'AND NOT EXISTS (SELECT 1 FROM "{table}" AS r WHERE r.id = sync_cells.row_id)',
                (table,),
            )


def _number_on(target: sqlite3.Connection, sources: list[Path]) -> None:
    """Have numbers go on after the greatest ever given away, also where nothing that had one is left."""
    names = {str(row[0]) for row in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, column in NUMBERED:
        if table not in names:
            continue
        last = int(target.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0])  # noqa: S608 - our own schema
        last = max([last, _floor(target) if table == "sync_log" else 0, *(_numbered(source, table) for source in sources)])
        target.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
        if table == "sync_log":  # whoever has not had all of it takes a snapshot, for nobody knows what is missing
            target.execute("UPDATE meta SET value = json_set(value, '$.floor', ?) WHERE id = 'sync.hub'", (last,))


def _numbered(source: Path, table: str) -> int:
    try:
        with looking(source) as raw:
            found = raw.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    except sqlite3.Error:
        return 0
    return int(found[0]) if found else 0


def _floor(target: sqlite3.Connection) -> int:
    """Return up to where a hub's log was let go of."""
    found = target.execute("SELECT value FROM meta WHERE id = 'sync.hub'").fetchone()
    return int(json.loads(found[0]).get("floor", 0)) if found and found[0] else 0


def _readable(raw: sqlite3.Connection, table: str, named: str, holes: list[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    """Yield every row that can be read; `holes` takes the stretches of rowids that could not, ends exclusive."""
    query = f'SELECT rowid, {named} FROM "{table}" WHERE rowid > ? AND rowid < ? ORDER BY rowid'  # noqa: S608
    waiting, tries = deque([(0, _HIGH)]), 0
    while waiting:
        low, high = waiting.popleft()
        tries += 1
        ends = [low, high]
        for side, order in enumerate(("", " DESC")):
            try:
                for rowid, *row in raw.execute(query + order, ends):
                    ends[side] = rowid
                    yield tuple(row)
                break  # from one end to the other
            except (sqlite3.Error, UnicodeDecodeError) as error:
                log.debug("%s, rows %s to %s: %s", table, *ends, error)
        else:
            middle = sum(ends) // 2
            if ends[1] - ends[0] <= _NARROW or tries >= _MOST_TRIES:
                holes.append((ends[0], ends[1]))
            else:
                waiting += [(ends[0], middle + 1), (middle, ends[1])]
