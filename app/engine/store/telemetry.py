"""Keeping telemetry bounded: what is older than the operator cares for goes."""

from app.engine.store.rows import Conn, drop_many, select


def prune(conn: Conn, *, before_us: int, most_rows: int = 20_000) -> int:
    """Delete up to about `most_rows` telemetry rows collected before `before_us`; return how many went.

    Call it again while it returns something: short transactions keep the writer free for others.
    """
    old = select(conn, "edge_telemetry", where={"collected_at <": before_us}, order="collected_at", limit=most_rows)
    if not old:
        return 0
    # Rows that share the last time go together, so that the bound is a time and the delete one indexed range.
    return drop_many(conn, "edge_telemetry", where={"collected_at <=": old[-1]["collected_at"], "collected_at <": before_us})
