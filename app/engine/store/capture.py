"""Capture: triggers, generated from the schema, that write the outbox in the transaction of the change itself.

So raw SQL is caught too, by whatever program. What only the house knows (transaction, actor, cause, intent, the time handed
in) stands in the one row of `sync_here` while a piece of work runs; without it a write is its own transaction at the
system's time. While remote operations are applied, `applying` keeps the triggers quiet.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from sqlalchemy import JSON, Column, Connection, Float, Table, text

from app.engine.base.ids import new_id
from app.engine.store import capture_postgres
from app.engine.store.schema import metadata

_PREFIX: Final = "capture_"
_KEEPS_BEFORE: Final = frozenset({"set", "counter", "guarded", "text"})
_ONLY_STAMPS: Final = frozenset({"updated_us", "author"})
_QUIET: Final = "(SELECT applying FROM sync_here) = 0"
_WALL: Final = "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"
_NOW: Final = f"(CASE now_us WHEN 0 THEN {_WALL} ELSE now_us END)"
# Everything put together here comes from our own schema, nothing from outside.
_TICK: Final = f"UPDATE sync_here SET hlc = max(hlc + 1, {_NOW} + skew_us);"  # noqa: S608 - see above
# Read of `sync_here`, where its columns stand.
_CONTEXT: Final = f"CASE txn WHEN '' THEN 'raw-' || lower(hex(randomblob(12))) ELSE txn END, {_NOW}, actor, cause, intent, hlc"
_COLUMNS: Final = "txn, at_us, actor, cause, intent, hlc, table_name, row_id, action, is_new, base_version, fields, before"
_HERE_ROW: Final = (
    "INSERT INTO sync_here (id, replica, hlc, applying, skew_us, txn, actor, cause, intent, now_us, seq, chain) "
    "SELECT 'here', '', 0, 0, 0, '', '', '', '', 0, 0, '' WHERE NOT EXISTS (SELECT 1 FROM sync_here)"
)


def _told(table: Table) -> list[Column[object]]:
    return [column for column in table.columns if column.info["merge"] != "local"]


def _json(column: Column[object], row: str) -> str:
    """Return the SQL that gives a column as JSON text, floats with all their digits."""
    name = f'{row}."{column.name}"'
    if isinstance(column.type, JSON):
        return f"json(coalesce({name}, 'null'))"
    if isinstance(column.type, Float):
        return f"json(CASE WHEN {name} IS NULL OR abs({name}) = 9e999 THEN 'null' ELSE printf('%!.17g', {name}) END)"
    return f"json_quote({name})"


def _object(columns: list[Column[object]], row: str) -> str:
    return "json_object(" + ", ".join(f"'{column.name}', {_json(column, row)}" for column in columns) + ")"


def _changes(columns: list[Column[object]], row: str) -> str:
    parts = " UNION ALL ".join(
        f"SELECT '{column.name}' AS k, {_json(column, row)} AS v WHERE {_differs(column)}" for column in columns
    )
    return f"(SELECT json_group_object(k, json(v)) FROM ({parts}))" if parts else "'{}'"  # noqa: S608 - see above


def _differs(column: Column[object]) -> str:
    return f'NEW."{column.name}" IS NOT OLD."{column.name}"'


def _record(table: str, row: str, *, action: str, new: int, fields: str, before: str) -> str:
    values = f"{_CONTEXT}, '{table}', {row}.id, {action}, {new}, {row}.base_version, {fields}, {before}"
    return f"INSERT INTO outbox ({_COLUMNS}) SELECT {values} FROM sync_here;"  # noqa: S608 - see above


def triggers_of(table: Table) -> dict[str, str]:
    """Return the triggers of one synced table by name, as SQL."""
    name, told = table.name, _told(table)
    loud = " OR ".join(_differs(column) for column in told if column.name not in _ONLY_STAMPS)
    keeps = [column for column in told if column.info["merge"] in _KEEPS_BEFORE]
    deleted = "CASE WHEN NEW.deleted_us IS NOT NULL AND OLD.deleted_us IS NULL THEN 'delete' ELSE 'put' END"
    new = _record(name, "NEW", action="'put'", new=1, fields=_object(told, "NEW"), before="'{}'")
    put = _record(name, "NEW", action=deleted, new=0, fields=_changes(told, "NEW"), before=_changes(keeps, "OLD"))
    stamps = "json_object('deleted_us', hlc, 'updated_us', hlc, 'author', actor)"
    gone = _record(name, "OLD", action="'delete'", new=0, fields=stamps, before="'{}'")
    heads = {
        "new": (f"AFTER INSERT ON {name} WHEN {_QUIET}", new),
        "put": (f"AFTER UPDATE ON {name} WHEN ({loud}) AND {_QUIET}", put),
        "gone": (f"AFTER DELETE ON {name} WHEN {_QUIET}", gone),
    }
    return {
        f"{_PREFIX}{kind}_{name}": f"CREATE TRIGGER {_PREFIX}{kind}_{name} {head} BEGIN {_TICK} {body} END"
        for kind, (head, body) in heads.items()
    }


def told_json(table: str, columns: Sequence[str], row: str) -> str:
    """Return the SQL that gives columns of a row as JSON text."""
    made = metadata.tables[table]
    return _object([made.c[name] for name in columns], row)


@cache
def wanted(dialect: str = "sqlite") -> dict[str, str]:
    """Return every trigger by name, as the schema of this version asks for it."""
    found: dict[str, str] = {}
    for table in metadata.sorted_tables:
        if table.info["synced"] and dialect == "sqlite":
            found |= triggers_of(table)
        elif table.info["synced"]:
            told = _told(table)
            found |= capture_postgres.triggers_of(
                table, told, [column for column in told if column.info["merge"] in _KEEPS_BEFORE],
                [column for column in told if column.name not in _ONLY_STAMPS],
            )  # fmt: skip
    return found


def _is_postgres(conn: Connection) -> bool:
    return conn.dialect.name == "postgresql"


def drop(conn: Connection) -> None:
    """Take the triggers away: before a migration, which is no change of anybody's."""
    for name in _present(conn):
        if _is_postgres(conn):
            capture_postgres.drop(conn, name)
        else:
            conn.exec_driver_sql(f"DROP TRIGGER {name}")


def install(conn: Connection) -> None:
    """Have exactly the triggers that this version asks for; costs one query when they are there."""
    asked = wanted(conn.dialect.name)
    if _present(conn) == (capture_postgres.marked(asked) if _is_postgres(conn) else asked):
        return
    drop(conn)
    for name, sql in asked.items():
        if _is_postgres(conn):
            capture_postgres.make(conn, name, sql)
        else:
            conn.exec_driver_sql(sql)
    make_here(conn)


def make_here(conn: Connection) -> None:
    """Have the row that the triggers read."""
    conn.execute(text(_HERE_ROW))


def _present(conn: Connection) -> dict[str, str]:
    if _is_postgres(conn):
        return capture_postgres.present(conn)
    pattern = {"like": _PREFIX.replace("_", r"\_") + "%"}
    rows = conn.execute(
        text(r"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE :like ESCAPE '\'"), pattern
    )
    return {str(name): str(sql) for name, sql in rows}


def begin(conn: Connection, *, actor: str, cause: str, now_us: int) -> None:
    """Tell the triggers who writes from now on in this transaction, and when."""
    told = (actor, cause, now_us)
    if conn.info.get("capture") == told:
        return
    conn.info["capture"] = told
    values = {
        "txn": conn.info.setdefault("txn", new_id()), "actor": actor, "cause": cause, "now_us": now_us,
        "intent": conn.info.get("intent", ""),
    }  # fmt: skip
    if _is_postgres(conn):
        capture_postgres.begin(conn, values)
        return
    conn.execute(
        text("UPDATE sync_here SET txn = :txn, actor = :actor, cause = :cause, intent = :intent, now_us = :now_us"), values
    )


def end(conn: Connection) -> None:
    """Have the triggers forget who wrote."""
    if conn.info.pop("capture", None) is None:
        return
    if _is_postgres(conn):
        capture_postgres.end(conn)
    else:
        conn.exec_driver_sql("UPDATE sync_here SET txn = '', actor = '', cause = '', intent = '', now_us = 0")


@contextlib.contextmanager
def quiet(conn: Connection) -> Iterator[None]:
    """Keep the triggers quiet inside; a rollback in between leaves them loud, for the mark is part of the transaction."""
    if _is_postgres(conn):
        capture_postgres.quiet(conn, on=True)
        yield
        capture_postgres.quiet(conn, on=False)
        return
    conn.exec_driver_sql("UPDATE sync_here SET applying = 1")
    yield
    conn.exec_driver_sql("UPDATE sync_here SET applying = 0")
