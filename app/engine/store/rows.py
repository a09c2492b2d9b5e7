"""Plain-data helpers for use inside `fn(conn)`: rows are dicts, tables are given by name.

A change of a synced table is announced in the outbox, in the same transaction, by the triggers of `capture`; `put` and
`delete` tell them who writes. Columns that merge as `local` are never announced.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    func,
    insert,
    or_,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy import select as select_from
from sqlalchemy.dialects.sqlite import insert as insert_or

from app.engine.base.errors import Bug, Missing
from app.engine.base.ids import new_id
from app.engine.store import capture
from app.engine.store.bulk import PostgresBulk
from app.engine.store.database import UNREADABLE
from app.engine.store.schema import metadata

Conn: TypeAlias = Connection
Row: TypeAlias = dict[str, Any]


def _holds(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """SQLite's LIKE looks over the case of ASCII letters by itself, and lower() around both sides would do no more."""
    text = column if isinstance(column.type, Text) else cast(column, Text)
    return text.contains(value, autoescape=True)


def _holds_there(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    text = column if isinstance(column.type, Text) else cast(column, Text)
    return text.icontains(value, autoescape=True)


_ANY = "any"
WANTED = "wanted_id"
_OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    ">=": lambda column, value: column >= value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    "<": lambda column, value: column < value,
    "~": _holds,
}


def put(conn: Conn, table: str, row: Mapping[str, Any], *, actor: str, cause: str, now_us: int) -> Row:
    """Insert `row`, or update the columns given when its id exists; return the whole row as it now stands.

    Stamps `id` (UUIDv7 when absent), `created_us`, `updated_us`, `author` and `base_version` where the table has them;
    nothing is written when nothing changes, and a change of `local` columns alone is no news to anybody else. A row deleted
    before comes back to life.
    """
    made = table_of(table)
    given = _known(made, row)
    id_ = str(given.get("id") or new_id())
    before = _fetch(conn, made, id_)
    if before is None:
        fresh = {**_defaults(made), **_stamps(made, given, actor, now_us), **given, "id": id_}
        _sign(conn, made, actor, cause, now_us)
        conn.execute(insert(made), fresh)
        return fresh
    if before.get("deleted_us") is not None and "deleted_us" not in given:
        given["deleted_us"] = None
    changed = {name: value for name, value in given.items() if name != "id" and before[name] != value}
    if not changed:
        return before
    if made.info["synced"] and any(made.c[name].info["merge"] != "local" for name in changed):
        changed = {"updated_us": now_us, "author": actor, **changed}
    _sign(conn, made, actor, cause, now_us)
    conn.execute(update(made).where(made.c.id == id_).values(**changed))
    return {**before, **changed}


def put_new(conn: Conn, table: str, rows: Iterable[Mapping[str, Any]], *, actor: str, cause: str, now_us: int) -> None:
    """Insert rows that nobody has yet, all at once; stamped and announced as `put` does it, ids are made."""
    made = table_of(table)
    fresh = []
    for row in rows:
        given = _known(made, row)
        fresh.append({**_defaults(made), **_stamps(made, given, actor, now_us), **given, "id": new_id()})
    if fresh:
        _sign(conn, made, actor, cause, now_us)
        conn.execute(insert(made), fresh)


def put_plain(conn: Conn, table: str, row: Mapping[str, Any]) -> None:
    """Insert a row of a local table as it is."""
    conn.execute(insert(table_of(table)), dict(row))


def delete(conn: Conn, table: str, id: str, *, actor: str, cause: str, now_us: int) -> None:  # noqa: A002 - the fixed name
    """Delete a row: a synced one leaves a tombstone that is announced, a local one is gone; unknown ids are ignored."""
    made = table_of(table)
    if not made.info["synced"]:
        conn.execute(delete_from(made).where(made.c.id == id))
        return
    before = _fetch(conn, made, id)
    if before is None or before["deleted_us"] is not None:
        return
    changed = {"deleted_us": now_us, "updated_us": now_us, "author": actor}
    _sign(conn, made, actor, cause, now_us)
    conn.execute(update(made).where(made.c.id == id).values(**changed))


def get(conn: Conn, table: str, id: str) -> Row | None:  # noqa: A002 - the fixed name
    """Return the living row with `id`, or None."""
    row = _fetch(conn, table_of(table), id)
    return None if row is None or row.get("deleted_us") is not None else row


def need(conn: Conn, table: str, id: str) -> Row:  # noqa: A002 - the fixed name
    """Return the living row with `id`; raise `Missing`."""
    row = get(conn, table, id)
    if row is None:
        raise Missing("There is no row {id} in {table}", id=id, table=table)
    return row


def select(
    conn: Conn,
    table: str,
    *,
    where: Mapping[str, Any] | None = None,
    order: str = "",
    descending: bool = False,
    limit: int = 0,
) -> list[Row]:
    """Return living rows as dicts.

    `where` maps a column to a value, a list (any of them) or None (null); the column may carry an operator, as in
    `"at_us >="`; ` ~` means that the column's text holds the value, in any case. `order` names a column; ties are broken
    by the primary key, so that the order is total. 0: no limit. The key `any` holds groups of such mappings, of each of which
    at least one must be met.
    """
    made = table_of(table)
    query = _filtered(conn, select_from(made), made, where)
    keys = [made.c[order]] if order else []
    keys += [column for column in made.primary_key.columns if column.name != order]
    query = query.order_by(*(column.desc() if descending else column.asc() for column in keys))
    if limit:
        query = query.limit(limit)
    return _readable(table, told(conn.execute(query)))


def count(conn: Conn, table: str, *, where: Mapping[str, Any] | None = None) -> int:
    """Return how many living rows match; `where` as in `select`."""
    made = table_of(table)
    return int(conn.execute(_filtered(conn, select_from(func.count()).select_from(made), made, where)).scalar_one())


def put_many(conn: Conn, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert many rows into a local table, leaving out those whose key exists; return how many were new."""
    made = table_of(table)
    if made.info["synced"]:
        raise Bug("{table} is synced: write it row by row with put", table=table)
    defaults, names, fresh = _defaults(made), frozenset(made.c.keys()), []
    for row in rows:
        if not names.issuperset(row):
            _known(made, row)
        fresh.append({**defaults, **row})
    if not fresh:
        return 0
    if conn.dialect.name == "postgresql":
        return PostgresBulk(conn).add(table, fresh)
    return int(conn.execute(insert_or(made).on_conflict_do_nothing(), fresh).rowcount)


def mark_many(conn: Conn, table: str, marks: Mapping[str, Mapping[str, Any]]) -> None:
    """Change `local` columns of living rows, by id; that is no news to anybody else. Unknown ids are ignored."""
    made = table_of(table)
    alike: dict[tuple[str, ...], list[Row]] = {}
    for id_, mark in marks.items():
        names = tuple(sorted(_known(made, mark)))
        if any(made.c[name].info["merge"] != "local" for name in names):
            raise Bug("{table}: what is not local is written row by row with put", table=table)
        alike.setdefault(names, []).append({"marked_id": id_, **mark})
    alike.pop((), None)
    for each in alike.values():
        conn.execute(_marking(table), each)


@cache
def _marking(table: str) -> Update:
    made = table_of(table)
    living = [made.c.deleted_us.is_(None)] if "deleted_us" in made.c else []
    return update(made).where(made.c.id == bindparam("marked_id"), *living)


def drop_many(conn: Conn, table: str, *, where: Mapping[str, Any]) -> int:
    """Remove rows of a local table for good; return how many. `where` as in `select`, and never empty."""
    made = table_of(table)
    if made.info["synced"] or not where:
        raise Bug("{table} cannot be emptied this way", table=table)
    return int(conn.execute(delete_from(made).where(*_conditions(conn, made, where))).rowcount)


@cache
def table_of(name: str) -> Table:
    """Return a table by name; an unknown one is our own mistake."""
    made = metadata.tables.get(name)
    if made is None:
        raise Bug("There is no table {table}", table=name)
    return made


@cache
def _plain_defaults(name: str) -> tuple[Row, tuple[tuple[str, Callable[[Any], Any]], ...]]:
    """Return every column's default but the key's, and those that are made anew for each row."""
    found = {
        column.name: getattr(column.default, "arg", None) for column in table_of(name).columns if not column.primary_key
    }  # fmt: skip
    return found, tuple((column, made) for column, made in found.items() if callable(made))


def defaults_of(table: str) -> Row:
    """Return every column's default but the key's."""
    return _defaults(table_of(table))


def _defaults(made: Table) -> Row:
    plain, anew = _plain_defaults(made.name)
    found = dict(plain)
    for name, make in anew:
        found[name] = make(None)
    return found


def _stamps(made: Table, given: Mapping[str, Any], actor: str, now_us: int) -> Row:
    values = {"created_us": now_us, "updated_us": now_us, "author": actor, "base_version": 0}
    return {name: value for name, value in values.items() if name in made.c and not given.get(name)}


def _known(made: Table, row: Mapping[str, Any]) -> Row:
    for name in row:
        if name not in made.c:
            raise Bug("{table} has no column {column}", table=made.name, column=name)
    return dict(row)


def _fetch(conn: Conn, made: Table, id_: str) -> Row | None:
    return next(iter(_readable(made.name, told(conn.execute(by_id(made.name), {WANTED: id_})))), None)


@cache
def by_id(table: str) -> Select[Any]:
    """Return the query of a row whose id is told as `WANTED`: to put it together takes longer than to ask it."""
    made = table_of(table)
    return select_from(made).where(made.c.id == bindparam(WANTED))


def told(result: CursorResult[Any]) -> list[Row]:
    """Return the rows of a result."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


@cache
def _documents(table: str) -> tuple[tuple[str, frozenset[type], bool], ...]:
    """Return the documents of a table that travels: name, what may stand there, and whether that is a list at first."""
    made, first = table_of(table), defaults_of(table)
    found = [column for column in made.columns if isinstance(column.type, JSON)] if made.info["synced"] else []
    return tuple(
        (one.name, frozenset((dict, list, type(None)) if one.nullable else (dict, list)), isinstance(first[one.name], list))
        for one in found
    )


def _readable(table: str, found: list[Row]) -> list[Row]:
    """Put documents that say so in place of what another program left there and is none, a bare number say."""
    for name, kinds, as_list in _documents(table):
        for row in found:
            value = row[name]
            if value.__class__ not in kinds:
                row[name] = [str(value)] if as_list else {UNREADABLE: value}
    return found


def _filtered(conn: Conn, query: Select[Any], made: Table, where: Mapping[str, Any] | None) -> Select[Any]:
    if "deleted_us" in made.c and "deleted_us" not in (where or {}):
        query = query.where(made.c.deleted_us.is_(None))
    return query.where(*_conditions(conn, made, where or {}))


def _conditions(conn: Conn, made: Table, where: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    groups = [or_(*(and_(*_conditions(conn, made, one)) for one in group)) for group in where.get(_ANY, ())]
    return groups + [_condition(conn, made, name, value) for name, value in where.items() if name != _ANY]


def _condition(conn: Conn, made: Table, name: str, value: Any) -> ColumnElement[bool]:
    column_name, _, sign = name.partition(" ")
    if column_name not in made.c or (sign and sign not in _OPERATORS):
        raise Bug("{table} has no column {column}", table=made.name, column=name)
    column = made.c[column_name]
    if value is None:
        return column.is_not(None) if sign == "!=" else column.is_(None)
    if isinstance(value, (list, tuple, set, frozenset)):
        return column.not_in(list(value)) if sign == "!=" else column.in_(list(value))
    if sign == "~" and conn.dialect.name == "postgresql":
        return _holds_there(column, value)
    return and_(_OPERATORS[sign or "="](column, value))


def _sign(conn: Conn, made: Table, actor: str, cause: str, now_us: int) -> None:
    """Tell the triggers whose change the next one is."""
    if made.info["synced"]:
        capture.begin(conn, actor=actor, cause=cause, now_us=now_us)
