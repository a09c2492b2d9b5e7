"""Capture in PostgreSQL: the triggers of `capture`, in its own words. Who writes is told by settings of the transaction."""

import hashlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import JSON, Column, Connection, Float, Table, text

from app.engine.store.schema import metadata

_WALL: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_BEGAN: Final = "(extract(epoch FROM transaction_timestamp()) * 1000000)::bigint"
_QUIET: Final = "current_setting('outpost.applying', true) IS DISTINCT FROM '1'"
_COLUMNS: Final = "txn, at_us, actor, cause, intent, hlc, table_name, row_id, action, is_new, base_version, fields, before"
_NAMES: Final = ("txn", "actor", "cause", "intent", "now_us")
# Everything put together here comes from our own schema, nothing from outside.
_BODY: Final = """
DECLARE
  wall bigint := coalesce(nullif(nullif(current_setting('outpost.now_us', true), ''), '0')::bigint, {wall});
  said_by text := coalesce(current_setting('outpost.actor', true), '');
  said_why text := coalesce(current_setting('outpost.cause', true), '');
  meant text := coalesce(current_setting('outpost.intent', true), '');
  whole text := coalesce(nullif(current_setting('outpost.txn', true), ''), 'raw-' || pg_current_xact_id() || '-' || {began});
  stamp bigint;
BEGIN
  UPDATE sync_here SET hlc = greatest(hlc + 1, wall + skew_us) RETURNING hlc INTO stamp;
  INSERT INTO outbox ({columns})
  VALUES (
    whole, wall, said_by, said_why, meant, stamp, '{table}', {row}.id, {action}, {new}, {row}.base_version, {fields}, {before}
  );
  RETURN NULL;
END
"""


def _json(column: Column[object], row: str) -> str:
    name = f'{row}."{column.name}"'
    if isinstance(column.type, Float):
        return f"to_json(CASE WHEN abs({name}) = 'infinity' OR {name} = 'nan' THEN NULL ELSE {name} END)"
    return name if isinstance(column.type, JSON) else f"to_json({name})"


def _object(columns: Sequence[Column[object]], row: str) -> str:
    return "json_build_object(" + ", ".join(f"'{column.name}', {_json(column, row)}" for column in columns) + ")"


def told_json(table: str, columns: Sequence[str], row: str) -> str:
    """Return the SQL that gives columns of a row as JSON text."""
    made = metadata.tables[table]
    return _object([made.c[name] for name in columns], row) + "::text"


def _differs(column: Column[object]) -> str:
    cast = "::text" if isinstance(column.type, JSON) else ""
    return f'NEW."{column.name}"{cast} IS DISTINCT FROM OLD."{column.name}"{cast}'


def _changes(columns: Sequence[Column[object]], row: str) -> str:
    parts = " UNION ALL ".join(
        f"SELECT '{column.name}' AS k, {_json(column, row)} AS v WHERE {_differs(column)}" for column in columns
    )
    return f"(SELECT coalesce(json_object_agg(k, v), '{{}}'::json) FROM ({parts}) AS changed)" if parts else "'{}'"  # noqa: S608


def triggers_of(
    table: Table, told: list[Column[object]], keeps: list[Column[object]], loud: list[Column[object]]
) -> dict[str, str]:
    """Return each trigger's SQL by kind (new, put, gone): its function, then the trigger itself."""
    name = table.name
    stamps = "json_build_object('deleted_us', stamp, 'updated_us', stamp, 'author', said_by)"
    deleted = "CASE WHEN NEW.deleted_us IS NOT NULL AND OLD.deleted_us IS NULL THEN 'delete' ELSE 'put' END"
    bodies = {
        "new": ("INSERT", "NEW", "'put'", 1, _object(told, "NEW"), "'{}'"),
        "put": ("UPDATE", "NEW", deleted, 0, _changes(told, "NEW"), _changes(keeps, "OLD")),
        "gone": ("DELETE", "OLD", "'delete'", 0, stamps, "'{}'"),
    }
    found = {}
    for kind, (event, row, action, new, fields, before) in bodies.items():
        body = _BODY.format(
            wall=_WALL, began=_BEGAN, columns=_COLUMNS, table=name,
            row=row, action=action, new=new, fields=fields, before=before,
        )  # fmt: skip
        when = f"({' OR '.join(map(_differs, loud))}) AND {_QUIET}" if kind == "put" else _QUIET
        own = f"capture_{kind}_{name}"
        found[own] = (
            f"CREATE OR REPLACE FUNCTION {own}() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$; "
            f"CREATE TRIGGER {own} AFTER {event} ON {name} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {own}()"
        )
    return found


def marked(wanted: dict[str, str]) -> dict[str, str]:
    """Return what `present` says of these triggers once they are there."""
    return {name: hashlib.sha256(sql.encode()).hexdigest()[:32] for name, sql in wanted.items()}


def present(conn: Connection) -> dict[str, str]:
    """Return the triggers that are there, each with the mark of the SQL it was made by."""
    rows = conn.execute(text(
        "SELECT tgname, coalesce(obj_description(tgfoid, 'pg_proc'), '') FROM pg_trigger "
        "WHERE NOT tgisinternal AND starts_with(tgname::text, 'capture_') AND pg_table_is_visible(tgrelid)"
    ))  # fmt: skip
    return {str(name): str(mark) for name, mark in rows}


def make(conn: Connection, name: str, sql: str) -> None:
    """Make one trigger, and mark it."""
    conn.exec_driver_sql(sql.replace("%", "%%"))
    mark = marked({name: sql})[name]
    conn.exec_driver_sql(f"COMMENT ON FUNCTION {name}() IS '{mark}'")


def drop(conn: Connection, name: str) -> None:
    """Take one trigger away, with its function."""
    conn.exec_driver_sql(f"DROP FUNCTION {name}() CASCADE")


def begin(conn: Connection, values: dict[str, object]) -> None:
    """Tell the triggers who writes, for this transaction; who ticks the clock later waits here, in an order all keep."""
    lock(conn)
    told = ", ".join(f"set_config('outpost.{name}', :{name}, true)" for name in _NAMES)
    conn.execute(text(f"SELECT {told}"), {name: str(values[name]) for name in _NAMES})


def end(conn: Connection) -> None:
    """Have them forget it."""
    told = ", ".join(f"set_config('outpost.{name}', '', true)" for name in _NAMES)
    conn.exec_driver_sql(f"SELECT {told}")


def quiet(conn: Connection, *, on: bool) -> None:
    """Keep the triggers quiet, or let them speak again, in this transaction."""
    if on:
        lock(conn)
    conn.exec_driver_sql(f"SELECT set_config('outpost.applying', '{int(on)}', true)")


def lock(conn: Connection) -> None:
    """Have the row that says who we are to ourselves until the end of the transaction."""
    conn.exec_driver_sql("SELECT hlc FROM sync_here FOR UPDATE")
