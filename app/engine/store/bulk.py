"""Many rows at once, past SQLAlchemy's way of compiling and binding each: what sync loads and writes by the thousand.

SQLite takes executemany over one prepared statement and lists as JSON (`json_each`); PostgreSQL takes COPY and arrays
(`unnest`), a round trip for thousands of rows. SQL is put together from the schema's own names, nothing from outside.
"""
# ruff: noqa: S608 - see above

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import JSON, BigInteger, Connection, Float

from app.engine.store.database import document_of, to_json
from app.engine.store.schema import metadata

Row: TypeAlias = dict[str, Any]
_SLICE: Final = 5000
_NUL: Final = "\x00"
_LINES: Final = 500  # of COPY, handed to the driver at a time
_ESCAPED: Final = {0: "\ufffd", 9: "\\t", 10: "\\n", 13: "\\r"}


class Plan:
    """How the rows of one table become tuples, and back."""

    def __init__(self, table: str) -> None:
        made = metadata.tables[table]
        self.table = table
        self.columns = tuple(column.name for column in made.columns)
        self.names = ", ".join(f'"{name}"' for name in self.columns)
        self.json_at = tuple(at for at, column in enumerate(made.columns) if isinstance(column.type, JSON))
        self.keys = tuple(column.name for column in made.primary_key.columns)
        self.types = tuple(_type_of(column.type) for column in made.columns)
        self._take: Callable[[Row], Any] = itemgetter(*self.columns) if len(self.columns) > 1 else lambda row: (row["id"],)

    def values(self, row: Row) -> list[Any]:
        """Return the values of a row in the order of the columns, documents as text."""
        found = list(self._take(row))
        for at in self.json_at:
            if found[at] is not None:
                found[at] = to_json(found[at])
        return found

    def row(self, values: Sequence[Any]) -> Row:
        """Return the row of such values."""
        found = list(values)
        for at in self.json_at:
            if found[at].__class__ is str:  # another program may have left a bare number there
                found[at] = document_of(found[at])
        return dict(zip(self.columns, found, strict=True))


@cache
def plan_of(table: str) -> Plan:
    """Return the plan of a table."""
    return Plan(table)


def _type_of(kind: Any) -> str:
    if isinstance(kind, JSON):
        return "json"
    if isinstance(kind, Float):
        return "float8"
    return "bigint" if isinstance(kind, BigInteger) or kind.python_type is int else "text"


class Bulk(Protocol):
    """What sync and copies ask of a database."""

    def insert(self, table: str, rows: Sequence[Row], without: str = "") -> None:
        """Insert rows that have every column but `without`, a number that the database gives, in order."""

    def update(self, table: str, rows: Sequence[Row]) -> None:
        """Write whole rows over those with their ids."""

    def by_ids(self, table: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows that have these ids."""

    def cells(self, table: str, ids: Sequence[str]) -> dict[str, str]:
        """Return the cells of rows, as JSON text."""

    def put_cells(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """Write (table, row, cells)."""

    def page(self, table: str, after: str, most: int, columns: Sequence[str]) -> list[tuple[str, str | None, str]]:
        """Return (id, JSON of its columns or None for no row, cells) for the next rows with cells, by their ids."""

    def everything(self, table: str) -> Iterator[list[Row]]:
        """Return all rows, slice by slice."""

    def number_from(self, table: str, column: str, last: int) -> None:
        """Have the database give numbers after `last`."""


def bulk_of(conn: Connection) -> Bulk:
    """Return the bulk operations of a connection's database, in the transaction that is open on it."""
    return PostgresBulk(conn) if conn.dialect.name == "postgresql" else SqliteBulk(conn)


class SqliteBulk:
    """SQLite's."""

    def __init__(self, conn: Connection) -> None:
        self._raw: Any = conn.connection.cursor()

    def insert(self, table: str, rows: Sequence[Row], without: str = "") -> None:
        """Insert rows, in order."""
        plan = plan_of(table)
        if without:
            columns = [name for name in plan.columns if name != without]
            sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            self._raw.executemany(sql, map(itemgetter(*columns), rows))
            return
        sql = f"INSERT INTO {table} ({plan.names}) VALUES ({', '.join('?' * len(plan.columns))})"
        self._raw.executemany(sql, map(plan.values, rows))

    def update(self, table: str, rows: Sequence[Row]) -> None:
        """Write whole rows over those with their ids; `id` is the first column of a table that travels."""
        plan = plan_of(table)
        told = ", ".join(f'"{name}" = ?{at}' for at, name in enumerate(plan.columns, 1) if name != "id")
        where = plan.columns.index("id") + 1
        self._raw.executemany(f"UPDATE {table} SET {told} WHERE id = ?{where}", map(plan.values, rows))

    def by_ids(self, table: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return rows by id."""
        plan = plan_of(table)
        self._raw.execute(
            f"SELECT {plan.names} FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (to_json(list(ids)),)
        )
        return {row["id"]: row for row in map(plan.row, self._raw.fetchall())}

    def cells(self, table: str, ids: Sequence[str]) -> dict[str, str]:
        """Return cells by row id."""
        sql = "SELECT row_id, cells FROM sync_cells WHERE table_name = ? AND row_id IN (SELECT value FROM json_each(?))"
        self._raw.execute(sql, (table, to_json(list(ids))))
        return dict(self._raw.fetchall())

    def put_cells(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """Insert cells or write over them."""
        self._raw.executemany(
            "INSERT INTO sync_cells (table_name, row_id, cells) VALUES (?, ?, ?) "
            "ON CONFLICT (table_name, row_id) DO UPDATE SET cells = excluded.cells", entries,
        )  # fmt: skip

    def page(self, table: str, after: str, most: int, columns: Sequence[str]) -> list[tuple[str, str | None, str]]:
        """Return the next rows with their cells."""
        from app.engine.store.capture import told_json

        told = told_json(table, columns, "r")
        self._raw.execute(
            f"SELECT c.row_id, CASE WHEN r.id IS NULL THEN NULL ELSE {told} END, c.cells FROM sync_cells c "
            f"LEFT JOIN {table} r ON r.id = c.row_id WHERE c.table_name = ? AND c.row_id > ? ORDER BY c.row_id LIMIT ?",
            (table, after, most),
        )
        found: list[tuple[str, str | None, str]] = self._raw.fetchall()
        return found

    def everything(self, table: str) -> Iterator[list[Row]]:
        """Return all rows by slices."""
        plan = plan_of(table)
        self._raw.execute(f"SELECT {plan.names} FROM {table}")
        while found := self._raw.fetchmany(_SLICE):
            yield [plan.row(values) for values in found]

    def number_from(self, table: str, column: str, last: int) -> None:
        """Have AUTOINCREMENT go on after `last`."""
        _ = column
        self._raw.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        self._raw.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))


class PostgresBulk:
    """PostgreSQL's. No text of it may hold NUL: where a row has one, U+FFFD stands for it; operations keep it, escaped."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._raw: Any = conn.connection.cursor()

    def insert(self, table: str, rows: Sequence[Row], without: str = "") -> None:
        """Copy rows in, in order."""
        plan = plan_of(table)
        if without:
            columns = [name for name in plan.columns if name != without]
            self._copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN", map(itemgetter(*columns), rows))
            return
        self._copy(f"COPY {table} ({plan.names}) FROM STDIN", map(plan.values, rows))

    def _copy(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        lines = map(_copied, rows)
        with self._raw.copy(sql) as copy:
            while some := list(islice(lines, _LINES)):
                copy.write("".join(some))

    def update(self, table: str, rows: Sequence[Row]) -> None:
        """Write whole rows over those with their ids, all in one statement."""
        plan = plan_of(table)
        told = ", ".join(f'"{name}" = v."{name}"' for name in plan.columns if name != "id")
        self._raw.execute(f"UPDATE {table} AS t SET {told} FROM {_unnest(plan)} WHERE t.id = v.id", _arrays(plan, rows))

    def add(self, table: str, rows: Sequence[Row]) -> int:
        """Insert rows but those whose key is there already; return how many."""
        plan = plan_of(table)
        adding = f"INSERT INTO {table} ({plan.names}) SELECT * FROM {_unnest(plan)} ON CONFLICT DO NOTHING"
        self._raw.execute(adding, _arrays(plan, rows))
        return int(self._raw.rowcount)

    def by_ids(self, table: str, ids: Sequence[str]) -> dict[str, Row]:
        """Return rows by id."""
        plan = plan_of(table)
        self._raw.execute(f"SELECT {_as_text(plan)} FROM {table} WHERE id = ANY(%s::text[])", (list(ids),))
        return {row["id"]: row for row in map(plan.row, self._raw.fetchall())}

    def cells(self, table: str, ids: Sequence[str]) -> dict[str, str]:
        """Return cells by row id."""
        sql = "SELECT row_id, cells FROM sync_cells WHERE table_name = %s AND row_id = ANY(%s::text[])"
        self._raw.execute(sql, (table, list(ids)))
        return dict(self._raw.fetchall())

    def put_cells(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """Insert cells or write over them; as one document: to quote each in an array costs more than to write it."""
        self._raw.execute(
            "INSERT INTO sync_cells (table_name, row_id, cells) "
            "SELECT e->>0, e->>1, e->>2 FROM json_array_elements(%s::json) AS e "
            "ON CONFLICT (table_name, row_id) DO UPDATE SET cells = excluded.cells", (to_json(entries),),
        )  # fmt: skip

    def page(self, table: str, after: str, most: int, columns: Sequence[str]) -> list[tuple[str, str | None, str]]:
        """Return the next rows with their cells."""
        from app.engine.store.capture_postgres import told_json

        told = told_json(table, columns, "r")
        # Few are taken first, and so many told in the text: else the planner merges both tables from their first row on.
        self._raw.execute(
            f"SELECT c.row_id, CASE WHEN r.id IS NULL THEN NULL ELSE {told} END, c.cells FROM ("
            f"SELECT row_id, cells FROM sync_cells WHERE table_name = %s AND row_id > %s ORDER BY row_id LIMIT {int(most)}"
            f") c LEFT JOIN {table} r ON r.id = c.row_id ORDER BY c.row_id",
            (table, after),
        )
        found: list[tuple[str, str | None, str]] = self._raw.fetchall()
        return found

    def everything(self, table: str) -> Iterator[list[Row]]:
        """Return all rows by slices, through a cursor on the server."""
        plan = plan_of(table)
        raw: Any = self._conn.connection.dbapi_connection
        with raw.cursor(name="outpost_everything") as cursor:
            cursor.execute(f"SELECT {_as_text(plan)} FROM {table}")
            while found := cursor.fetchmany(_SLICE):
                yield [plan.row(values) for values in found]

    def number_from(self, table: str, column: str, last: int) -> None:
        """Have the sequence go on after `last`."""
        sequence = f"pg_get_serial_sequence('{table}', '{column}')"
        self._raw.execute(f"SELECT setval({sequence}, %s, %s)", (max(last, 1), last > 0))


def _copied(row: Sequence[Any]) -> str:
    """Return a row as a line of COPY's text (https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2)."""
    told = []
    for value in row:
        if value.__class__ is str:
            if "\\" in value:
                value = value.replace("\\", "\\\\")  # noqa: PLW2901 - as it is written
            if "\n" in value or "\t" in value or "\r" in value or _NUL in value:
                value = value.translate(_ESCAPED)  # noqa: PLW2901 - as it is written
            told.append(value)
        else:
            told.append("\\N" if value is None else str(value))
    return "\t".join(told) + "\n"


def _holds_nul(value: Any) -> bool:
    return isinstance(value, str) and _NUL in value


def _clean(value: Any) -> Any:
    return value.replace(_NUL, "�") if _holds_nul(value) else value


def _as_text(plan: Plan) -> str:
    """Return the columns to select, documents as the text they are."""
    return ", ".join(
        f'"{name}"::text' if kind == "json" else f'"{name}"' for name, kind in zip(plan.columns, plan.types, strict=True)
    )


def _unnest(plan: Plan) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in plan.types)
    return f"unnest({arrays}) AS v({plan.names})"


def _arrays(plan: Plan, rows: Sequence[Row]) -> list[list[Any]]:
    columns = zip(*map(plan.values, rows), strict=True)
    return [
        [None if value is None else float(value) for value in column] if kind == "float8" else [_clean(one) for one in column]
        for column, kind in zip(columns, plan.types, strict=True)
    ]
