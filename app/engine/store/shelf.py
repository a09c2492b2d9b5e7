"""The shelf that sync works on, inside one transaction: whole rows with their cells, our own operations, a hub's log.

Everything is plain data, so that the simulator's shelf in memory can stand in for it. Cells and operations are JSON texts,
which read the same from SQLite and PostgreSQL.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from sqlalchemy import JSON, Column, Float, Index, Select, exists, func, or_, text, tuple_, update
from sqlalchemy import delete as delete_from
from sqlalchemy import select as select_from

from app.engine.store import capture
from app.engine.store.database import from_json, to_json
from app.engine.store.moves import Moves
from app.engine.store.rows import WANTED, Conn, Row, by_id, defaults_of, put, table_of, told
from app.engine.store.schema import metadata

Key: TypeAlias = tuple[str, str]
Cells: TypeAlias = dict[str, Any]
Found: TypeAlias = tuple[Row | None, Cells]

_HERE: Final = "here"
ANY_SIZE: Final = 1 << 62
_FEW: Final = 250  # rows of a snapshot that are read at a time


def _parts(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


class Kinds(dict[str, str]):
    """Each column's kind of merge; `plain` are those of which a new row takes the value as it is, `parts` all others.

    `types` has what may stand in each column; `fitting` is for whoever holds operations against them to remember by.
    """

    def __init__(self, kinds: Mapping[str, str], types: Mapping[str, frozenset[type]]) -> None:
        super().__init__(kinds)
        self.types = types
        self.fitting: set[tuple[Any, ...]] = set()
        self.plain = frozenset(name for name, kind in kinds.items() if kind in ("lww", "append"))
        self.parts = frozenset(kinds) - self.plain


class Shelf(Moves):
    """What sync reads and writes through one connection, in the transaction that is open on it."""

    def _rows(self, query: Select[Any]) -> list[Row]:
        return told(self.conn.execute(query))

    # the schema

    def kinds(self, table: str) -> Mapping[str, str] | None:
        """Return each column's kind of merge, or None for a table that does not travel, or that nobody knows."""
        return kinds_of(table)

    def fresh(self, table: str) -> Row:
        """Return a row of defaults."""
        return {"id": "", **defaults_of(table)}

    def tables(self) -> list[str]:
        """Return the tables that travel, by name."""
        return sorted(name for name, made in metadata.tables.items() if made.info["synced"])

    # rows and their cells

    def load(self, keys: Iterable[Key], *, bare: bool = False) -> dict[Key, Found]:
        """Return what is known of rows: the row (None: nothing) and its cells; `bare` leaves the rows out."""
        wanted: dict[str, list[str]] = {}
        for table, id_ in dict.fromkeys(keys):
            wanted.setdefault(table, []).append(id_)
        found: dict[Key, Found] = {}
        for table, ids in wanted.items():
            rows = self._bulk.by_ids(table, ids) if table in metadata.tables and not bare else {}
            cells = self._bulk.cells(table, ids)
            for id_ in ids:
                kept = cells.get(id_)
                found[table, id_] = rows.get(id_), from_json(kept) if kept else {}
        return found

    def keep(self, states: Mapping[Key, Found], known: Mapping[Key, Found]) -> list[Key]:
        """Write rows and cells that were loaded as `known`; return living rows that had to give way to others.

        A row whose unique key a living row has already gives way if its id is the greater one, and is shown no more.
        """
        yielded: list[Key] = []
        fresh: dict[str, list[Row]] = {}
        holds: dict[tuple[Any, ...], Row] = {}
        changed: dict[str, list[Row]] = {}
        for (table, id_), (row, _) in states.items():
            before = known[table, id_][0]
            if row is None:
                if before is not None:
                    self.remove(table, id_)
            elif row != before:
                if _unique_of(table):
                    yielded += self._give_way(table, row, holds)
                (fresh if before is None else changed).setdefault(table, []).append(row)
        for table, rows in fresh.items():
            self._bulk.insert(table, rows)
        for table, rows in changed.items():
            self._bulk.update(table, rows)
        cells = [(*key, to_json(found[1])) for key, found in states.items() if found[1] != known[key][1]]
        if cells:
            self._bulk.put_cells(cells)
        return yielded

    def _give_way(self, table: str, row: Row, holds: dict[tuple[Any, ...], Row]) -> list[Key]:
        """Delete `row`, or the living rows with a unique key of its own; `holds` are those written beside it, by their keys."""
        made, yielded = table_of(table), []
        for index in _unique_of(table) if row.get("deleted_us") is None else ():
            names = [column.name for column in index.columns]
            key = (table, *names, *(row[name] for name in names))
            same = [made.c[name] == row[name] for name in names]
            alike = select_from(made.c.id).where(*same, made.c.deleted_us.is_(None), made.c.id != row["id"])
            held = holds.get(key)
            beside = [held] if held is not None and held["deleted_us"] is None and held["id"] != row["id"] else []
            for other in dict.fromkeys((*map(str, self.conn.execute(alike).scalars()), *(one["id"] for one in beside))):
                yielded.append((table, max(other, row["id"])))
                if other < row["id"]:
                    row["deleted_us"] = row["updated_us"]
                    continue
                for one in beside:
                    if one["id"] == other:
                        one["deleted_us"] = one["updated_us"]
                self.conn.execute(update(made).where(made.c.id == other).values(deleted_us=made.c.updated_us))
            if row["deleted_us"] is None:
                holds[key] = row
        return yielded

    def twin(self, table: str, row: Row) -> Row | None:
        """Return a living row, other than `row`, that has the unique key which `row` is to have."""
        made = table_of(table)
        for index in _unique_of(table):
            same = [column == row[column.name] for column in index.columns]
            alike = select_from(made).where(*same, made.c.deleted_us.is_(None), made.c.id != row["id"])
            if found := self._rows(alike):
                return found[0]
        return None

    def remove(self, table: str, id_: str) -> None:
        """Remove a row for good; its cells stay."""
        made = table_of(table)
        self.conn.execute(delete_from(made).where(made.c.id == id_))

    def bare(self, table: str) -> list[Row]:
        """Return the rows of a table that travels which have no cells: nobody else has heard of them."""
        made, cells = table_of(table), table_of("sync_cells")
        known = select_from(cells.c.row_id).where(cells.c.table_name == table, cells.c.row_id == made.c.id)
        return self._rows(select_from(made).where(~known.exists()).order_by(made.c.id))

    def page(self, after: Key, most: int) -> list[tuple[Key, Found]]:
        """Return the next rows that have cells, in the order of table and id, after `after`."""
        cells = table_of("sync_cells")
        both = (cells.c.table_name, cells.c.row_id)
        query = select_from(*both).where(tuple_(*both) > after).order_by(*both).limit(most)
        keys = [(str(table), str(id_)) for table, id_ in self.conn.execute(query)]
        return list(self.load(keys).items())

    def whole(self, after: Key, most: int, most_bytes: int = ANY_SIZE) -> list[tuple[Key, str | None, str]]:
        """Return the next rows that have cells as JSON texts: values (None for no row) of columns that travel, and cells.

        The row that passes `most_bytes` is the last; few are read at a time, so that no thousands of large ones stand here.
        """
        found: list[tuple[Key, str | None, str]] = []
        size = 0
        for name in self.tables():
            columns = [column for column, kind in (kinds_of(name) or {}).items() if kind != "local"]
            behind, more = (after[1] if name == after[0] else ""), name >= after[0]
            while more and len(found) < most and size < most_bytes:
                asked = min(most - len(found), _FEW)
                page = self._bulk.page(name, behind, asked, columns)
                for row, values, cells in page:
                    if size < most_bytes:
                        found.append(((name, row), values, cells))
                        size += len(values or "") + len(cells)
                behind, more = (page[-1][0] if page else behind), len(page) == asked
        return found

    # who we are, and our own operations

    def here(self) -> Row:
        """Return the one row that says who we are to others, made at first."""
        found = self._rows(_here())
        if not found:
            capture.make_here(self.conn)
            found = self._rows(_here())
        return found[0]

    def set_here(self, **values: Any) -> None:
        """Change the row that says who we are."""
        self.conn.execute(update(table_of("sync_here")).values(**values))

    def outbox(self, most: int) -> list[Row]:
        """Return the oldest changes that have no number yet, cut so that the last transaction is whole."""
        made = table_of("outbox")
        found = self._rows(select_from(made).order_by(made.c.seq).limit(most + 1))
        if len(found) <= most:
            return found
        while len(found) > 1 and found[-1]["txn"] == found[-2]["txn"]:
            found.pop()
        if len(found) > 1:
            return found[:-1]
        whole = select_from(made).where(made.c.txn == found[0]["txn"]).order_by(made.c.seq)  # one larger than a slice
        return self._rows(whole)

    def has_own(self) -> bool:
        """Tell whether anything that was written here waits, with a number or without one."""
        return bool(self.conn.execute(_waiting()).scalar_one())

    def number(self, entries: Sequence[Row], upto: int) -> None:
        """Keep operations with their numbers, in place of the outbox up to `upto`."""
        if entries:
            self._bulk.insert("sync_ops", entries)
        made = table_of("outbox")
        self.conn.execute(delete_from(made).where(made.c.seq <= upto))

    def own(self, after: int, most: int) -> list[Row]:
        """Return our own operations after number `after`: {seq, op, chain}."""
        made = table_of("sync_ops")
        return self._rows(select_from(made).where(made.c.seq > after).order_by(made.c.seq).limit(most))

    def own_texts(self, after: int, most: int, most_bytes: int = ANY_SIZE) -> list[str]:
        """Return our own operations after number `after`, as the texts they are kept as; one at least, of any size."""
        made = table_of("sync_ops")
        query = select_from(made.c.op).where(made.c.seq > after).order_by(made.c.seq)
        if most_bytes < ANY_SIZE:
            most = self._fitting(query.with_only_columns(func.length(made.c.op).label("size"), made.c.seq), most, most_bytes)
        return list(self.conn.execute(query.limit(most)).scalars())

    def _fitting(self, entries: Select[Any], most: int, most_bytes: int) -> int:
        """Return how many of these entries (`size`, number) fit, one at least: what is too much is not even read."""
        few = entries.limit(most).subquery()
        size, number = few.columns
        total = select_from(func.sum(size).over(order_by=number).label("total")).subquery()
        fitting = select_from(func.count()).select_from(total).where(total.c.total <= most_bytes)
        return max(1, int(self.conn.execute(fitting).scalar_one()))

    def own_of(self, keys: Iterable[Key], after: int) -> list[Row]:
        """Return our own operations on rows, after number `after`."""
        made, found = table_of("sync_ops"), []
        for part in _parts(list(dict.fromkeys(keys)), 200):
            at = tuple_(made.c.table_name, made.c.row_id).in_(part)
            query = select_from(made).where(made.c.seq > after, at).order_by(made.c.seq)
            found += self._rows(query)
        return found

    def chain(self, seq: int) -> str | None:
        """Return the chain of digests after our `seq`-th operation, or None when it is not kept."""
        made = table_of("sync_ops")
        found = self.conn.execute(select_from(made.c.chain).where(made.c.seq == seq)).scalar()
        return None if found is None else str(found)

    def forget_own(self, upto: int) -> None:
        """Let go of our own operations up to number `upto`."""
        made = table_of("sync_ops")
        self.conn.execute(delete_from(made).where(made.c.seq <= upto))

    # plain rows of the tables of sync

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        """Insert or update a row of a local table by its id."""
        put(self.conn, table, row, actor="", cause="", now_us=0)

    def get(self, table: str, id_: str) -> Row | None:
        """Return a row of a local table by its id, or None."""
        return next(iter(told(self.conn.execute(by_id(table), {WANTED: id_}))), None)

    def all(self, table: str) -> list[Row]:
        """Return all rows of a local table, by their ids."""
        made = table_of(table)
        order = next(iter(made.primary_key.columns))
        return self._rows(select_from(made).order_by(order))

    def later(self, entries: Sequence[Row]) -> None:
        """Keep what this version does not know."""
        if entries:
            self._bulk.insert("sync_later", entries, without="number")

    def drop_later(self, upto: int) -> None:
        """Let go of what was kept for later, up to a number."""
        made = table_of("sync_later")
        self.conn.execute(delete_from(made).where(made.c.number <= upto))

    # a hub's log

    def lock(self) -> None:
        """Have only one transaction at a time number operations, so that a number is seen in the order of commits."""
        if self.conn.dialect.name == "postgresql":
            self.conn.execute(text("SELECT pg_advisory_xact_lock(7310)"))

    def append(self, entries: Sequence[Row]) -> None:
        """Add entries to the log, in order."""
        if entries:
            self._bulk.insert("sync_log", entries, without="hub_seq")

    def log(self, after: int, most: int, most_bytes: int = ANY_SIZE) -> list[Row]:
        """Return entries after `after`, within the bounds but for the rest of the last transaction, which is whole."""
        made = table_of("sync_log")
        query = select_from(made).where(made.c.hub_seq > after).order_by(made.c.hub_seq)
        if most_bytes < ANY_SIZE:
            sizes = query.with_only_columns(func.length(made.c.op).label("size"), made.c.hub_seq)
            most = self._fitting(sizes, most, most_bytes)
        found = self._rows(query.limit(most))
        if found and found[-1]["left_count"]:
            rest = select_from(made).where(made.c.hub_seq > found[-1]["hub_seq"]).order_by(made.c.hub_seq)
            found += self._rows(rest.limit(found[-1]["left_count"]))
        return found

    def entries_of(self, table: str, ids: Sequence[str], most_bytes: int, most: int = 200) -> list[Row]:
        """Return the newest entries on rows, `most` for each at most: within the bound those that are newest of their row."""
        log = table_of("sync_log")
        nth = func.row_number().over(partition_by=log.c.row_id, order_by=log.c.hub_seq.desc()).label("nth")
        mine = (log.c.table_name == table) & log.c.row_id.in_(ids)
        few = select_from(log.c.hub_seq, func.length(log.c.op).label("size"), nth).where(mine).subquery()
        total = func.sum(few.c.size).over(order_by=(few.c.nth, few.c.hub_seq)).label("total")
        told = select_from(few.c.hub_seq, total).where(few.c.nth <= most).subquery()
        return self._rows(select_from(log).join(told, told.c.hub_seq == log.c.hub_seq).where(told.c.total <= most_bytes))

    def has_written(self, replica: str) -> bool:
        """Tell whether the log has an entry of a replica."""
        made = table_of("sync_log")
        found = select_from(made.c.hub_seq).where(made.c.replica == replica).limit(1)
        return self.conn.execute(found).scalar() is not None

    def head(self) -> int:
        """Return the number of the newest entry, 0 when there is none."""
        made = table_of("sync_log")
        return int(self.conn.execute(select_from(made.c.hub_seq).order_by(made.c.hub_seq.desc()).limit(1)).scalar() or 0)

    def compact(self, upto: int, before_us: int) -> int:
        """Drop entries up to number `upto` that came before `before_us`; return the number of the last one dropped."""
        made = table_of("sync_log")
        old = (made.c.hub_seq <= upto) & (made.c.at_us < before_us)
        newest = select_from(made.c.hub_seq).where(made.c.hub_seq <= upto, made.c.at_us >= before_us).order_by(made.c.hub_seq)
        stop = self.conn.execute(newest.limit(1)).scalar()
        if stop is not None:
            old &= made.c.hub_seq < stop
        last = self.conn.execute(select_from(made.c.hub_seq).where(old).order_by(made.c.hub_seq.desc()).limit(1)).scalar()
        self.conn.execute(delete_from(made).where(old))
        return int(last or 0)

    def dead(self, before_us: int, most: int = 5000) -> list[Key]:
        """Return rows deleted before `before_us` that no entry of the log speaks of any more."""
        found: list[Key] = []
        log = table_of("sync_log")
        for name in self.tables():
            made = table_of(name)
            spoken = select_from(log.c.row_id).where(log.c.table_name == name, log.c.row_id == made.c.id)
            query = select_from(made.c.id).where(made.c.deleted_us < before_us, ~spoken.exists()).limit(most)
            found += [(name, str(id_)) for id_ in self.conn.execute(query).scalars()]
        return found


@cache
def _here() -> Select[Any]:
    return select_from(table_of("sync_here"))


@cache
def _waiting() -> Select[Any]:
    return select_from(or_(*(exists().select_from(table_of(name)) for name in ("outbox", "sync_ops"))))


@cache
def _unique_of(table: str) -> tuple[Index, ...]:
    return tuple(index for index in table_of(table).indexes if index.unique)


@cache
def kinds_of(table: str) -> Mapping[str, str] | None:
    """Return each column's kind of merge, or None for a table that does not travel, or that nobody knows."""
    made = metadata.tables.get(table)
    if made is None or not made.info["synced"]:
        return None
    types = {column.name: _types_of(column) for column in made.columns}
    return Kinds({column.name: column.info["merge"] for column in made.columns}, types)


def _types_of(column: Column[Any]) -> frozenset[type]:
    """Return the types of what may stand in a column; where a document may be none, it is read as one with names."""
    if isinstance(column.type, JSON):
        return frozenset((dict, type(None)) if column.nullable and column.info["merge"] != "local" else (dict, list))
    named: tuple[type, ...] = (float, int) if isinstance(column.type, Float) else (column.type.python_type,)
    return frozenset((*named, type(None)) if column.nullable else named)


def name_of(row: Mapping[str, Any]) -> str:
    """Return what a person calls a row."""
    named = next((row[name] for name in ("name", "title", "deployment_name") if row.get(name)), "")
    return str(named) or str(row.get("id", ""))


def holds_anything(conn: Conn) -> bool:
    """Tell whether a store has anything that travels, or anybody it travels to."""
    names = ["sync_peers", "sync_replicas", "outbox", *Shelf(conn).tables()]
    return any(conn.execute(select_from(func.count()).select_from(table_of(name))).scalar_one() for name in names)
