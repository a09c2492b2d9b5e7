"""All rows of one store into another of the same schema, whatever kind of database either is: backup, restore, a move."""

from typing import Final

from sqlalchemy import Connection, func, select

from app.engine.store import capture
from app.engine.store.bulk import bulk_of
from app.engine.store.schema import metadata

_HERE: Final = "sync_here"  # says whether the triggers are quiet, and so comes last
NUMBERED: Final = (("outbox", "seq"), ("sync_log", "hub_seq"), ("sync_later", "number"))


def copy_all(source: Connection, target: Connection) -> int:
    """Put the rows of `source` in the place of those of `target`, inside the transactions open on both; return how many."""
    names = [table.name for table in metadata.sorted_tables if table.name != _HERE]
    read, write, count = bulk_of(source), bulk_of(target), 0
    with capture.quiet(target):
        for name in (*names, _HERE):
            target.execute(metadata.tables[name].delete())
            for rows in read.everything(name):
                write.insert(name, rows)
                count += len(rows)
        capture.make_here(target)
    for name, column in NUMBERED:
        write.number_from(name, column, _last(source, name, column))
    return count


def _last(conn: Connection, name: str, column: str) -> int:
    """Return the greatest number given away, also where what had it is gone."""
    made = metadata.tables[name]
    last = int(conn.execute(select(func.max(made.c[column]))).scalar() or 0)
    if name == "sync_log":
        meta = metadata.tables["meta"]
        hub = conn.execute(select(meta.c.value).where(meta.c.id == "sync.hub")).scalar()
        return max(last, int((hub or {}).get("floor", 0)))
    return last


def count_all(conn: Connection) -> int:
    """Read every row there is; return how many."""
    return sum(len(rows) for table in metadata.sorted_tables for rows in bulk_of(conn).everything(table.name))
