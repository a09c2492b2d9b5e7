"""A person's choice between two values that met: a change like any other, which has seen both."""

from app.engine.store import rows
from app.engine.sync.merge import DELETED, members_of
from app.engine.sync.records import Met


def choose(conn: rows.Conn, met: Met, choice: str, *, actor: str, cause: str, now_us: int) -> str:
    """Write the choice, and the value that lost if that is chosen; return the table that it is in."""
    if choice == "lost":
        _bring_back(conn, met, actor=actor, cause=cause, now_us=now_us)
    told = {"id": met.id, "state": "resolved", "choice": choice, "resolved_by": actor, "resolved_us": now_us}
    rows.put(conn, "sync_conflicts", told, actor=actor, cause=cause, now_us=now_us)
    return met.table_name


def _bring_back(conn: rows.Conn, met: Met, *, actor: str, cause: str, now_us: int) -> None:
    value = (met.lost or {}).get("value")
    row: rows.Row = {"id": met.row_id}
    if met.column_name == DELETED:
        row |= {DELETED: None, **(value if isinstance(value, dict) else {})}
    elif isinstance(value, dict) and met.reason == "concurrent" and _is_set(met):
        current = rows.get(conn, met.table_name, met.row_id) or {}
        row[met.column_name] = {**members_of(current.get(met.column_name)), **value}
    else:
        row[met.column_name] = value
    rows.put(conn, met.table_name, row, actor=actor, cause=cause, now_us=now_us)


def _is_set(met: Met) -> bool:
    from app.engine.store.shelf import kinds_of

    return (kinds_of(met.table_name) or {}).get(met.column_name) == "set"
