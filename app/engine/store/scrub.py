"""Scrubbing: what the tables of sync still hold of a row that was erased, replaced by nothing; the row itself is gone by then.

The file overwrites what is deleted (see `database.prepare`); its log keeps it until the writer, which is asked to, cuts it off.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import delete, select, update

from app.engine.store.rows import Conn, table_of
from app.engine.store.writer import LOG

Plain: TypeAlias = Callable[[str], str]  # the text of an operation → the same without what was written
PlainWithin: TypeAlias = Callable[[str, str], str]  # the same, given the chain of digests after it too


def cut_log(conn: Conn) -> None:
    """Have the writer fold its log into the file and cut it off once this is committed; PostgreSQL has its own."""
    if conn.dialect.name == "sqlite":
        conn.info[LOG] = True


def log(conn: Conn, table: str, row_id: str, plain: Plain) -> int:
    """Scrub a hub's log of one row; return how many entries that were."""
    made = table_of("sync_log")
    found = conn.execute(select(made.c.hub_seq, made.c.op).where(made.c.table_name == table, made.c.row_id == row_id)).all()
    for hub_seq, op in found:
        conn.execute(update(made).where(made.c.hub_seq == hub_seq).values(op=plain(op)))
    return len(found)


def own(conn: Conn, key: tuple[str, str], plain: PlainWithin) -> int:
    """Scrub our own operations on one row, whose chain of digests stays as it is; return how many that were."""
    made = table_of("sync_ops")
    found = conn.execute(
        select(made.c.seq, made.c.op, made.c.chain).where(made.c.table_name == key[0], made.c.row_id == key[1])
    ).all()
    for seq, op, chain in found:
        conn.execute(update(made).where(made.c.seq == seq).values(op=plain(op, chain)))
    return len(found)


def later(conn: Conn, of_row: Callable[[str], bool]) -> None:
    """Let go of what was kept for a later version about a row."""
    made = table_of("sync_later")
    gone = [number for number, op in conn.execute(select(made.c.number, made.c.op)).all() if of_row(op)]
    conn.execute(delete(made).where(made.c.number.in_(gone)))


def conflicts(conn: Conn, table: str, row_id: str, settled: dict[str, Any]) -> list[str]:
    """Empty the conflicts about a row, which are settled thereby; return their ids."""
    made = table_of("sync_conflicts")
    about = (made.c.table_name == table) & (made.c.row_id == row_id)
    ids = [str(id_) for id_ in conn.execute(select(made.c.id).where(about)).scalars()]
    if ids:
        conn.execute(update(made).where(about).values(kept=None, lost=None, title="", **settled))
    return ids


def job(conn: Conn, job_id: str) -> None:
    """Let go of the job that a run was worked out by, with its spec and its result."""
    made = table_of("jobs")
    conn.execute(delete(made).where(made.c.id == job_id))
