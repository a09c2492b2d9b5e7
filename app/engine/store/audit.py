"""The audit trail: who ran which command with what, and how it ended. Entries are written once and never changed."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from app.engine.base.ids import new_id
from app.engine.store.rows import Conn, Row, put, put_many, select

_MOST_TEXT = 2000
HIDDEN = "…"


def record(
    conn: Conn,
    *,
    at_us: int,
    actor: str,
    command: str,
    args: Mapping[str, Any],
    cause: str,
    outcome: str,
    detail: str = "",
    duration_s: float = 0.0,
    secret: Collection[str] = (),
) -> str:
    """Write one entry and return its id; values of the arguments named in `secret` never reach the disk."""
    row = {
        "id": new_id(), "at_us": at_us, "actor": actor, "command": command, "cause": cause, "outcome": outcome,
        "args": {name: HIDDEN if name in secret else _plain(value) for name, value in args.items()},
        "detail": detail[:_MOST_TEXT], "duration_s": duration_s,
    }  # fmt: skip
    put(conn, "audit", row, actor=actor, cause=cause, now_us=at_us)
    return str(row["id"])


def record_many(conn: Conn, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write many entries at once: at_us, actor, command, args, cause, outcome and detail each; nothing in them is secret."""
    put_many(conn, "audit", (
        {"id": new_id(), "duration_s": 0.0, **one, "detail": one["detail"][:_MOST_TEXT],
         "args": {name: _plain(value) for name, value in one["args"].items()}}
        for one in entries
    ))  # fmt: skip


def find(conn: Conn, *, actor: str = "", command: str = "", since_us: int = 0, limit: int = 100) -> list[Row]:
    """Return entries, newest first; empty filters match everything, `command` may be a noun alone (`fleet`)."""
    where: dict[str, Any] = {"at_us >=": since_us}
    if actor:
        where["actor"] = actor
    if command and "." in command:
        where["command"] = command
    elif command:
        where["command >="], where["command <"] = f"{command}.", f"{command}/"
    return select(conn, "audit", where=where, order="at_us", descending=True, limit=limit)


def _plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: long texts cut, paths and the like as text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return str(value)[:_MOST_TEXT]
