"""The audit trail: who ran which command with what, and how it ended.

An entry is written when a command begins and completed when it ends; one left `begun` tells of a kill in between.
"""

from collections.abc import Collection, Mapping
from typing import Any

from app.engine.base.command import Command
from app.engine.base.ids import new_id
from app.engine.store.rows import Conn, Row, put, select
from app.engine.store.store import Store

_MOST_TEXT = 2000
HIDDEN = "…"
BEGUN = "begun"


async def begin(store: Store, row: Command, args: Mapping[str, Any], *, actor: str, cause: str, now_us: int) -> None:
    """Write, before the command acts, that it was begun; durable when this returns."""
    secret = _secrets(row)

    def work(conn: Conn) -> None:
        record(
            conn, at_us=now_us, actor=actor, command=row.id, args=args, cause=cause, outcome=BEGUN, secret=secret,
        )  # fmt: skip

    await store.write(work)


async def end(
    store: Store,
    row: Command,
    given: Mapping[str, Any],
    *,
    actor: str,
    cause: str,
    outcome: str,
    detail: str,
    now_us: int,
    duration_s: float,
) -> None:
    """Write how a command ended: on its begun entry, or as an entry of its own when it was refused before it began."""
    secret = _secrets(row)

    def work(conn: Conn) -> None:
        where = {"command": row.id, "cause": cause, "actor": actor, "outcome": BEGUN}
        begun = select(conn, "audit", where=where, order="at_us", descending=True, limit=1)
        if begun:
            ended = {"id": begun[0]["id"], "outcome": outcome, "detail": detail[:_MOST_TEXT], "duration_s": duration_s}
            put(conn, "audit", ended, actor=actor, cause=cause, now_us=now_us)
        else:
            record(
                conn, at_us=now_us, actor=actor, command=row.id, args=given, cause=cause, outcome=outcome, detail=detail,
                duration_s=duration_s, secret=secret,
            )  # fmt: skip

    await store.write(work)


def _secrets(row: Command) -> frozenset[str]:
    return frozenset(arg.name for arg in row.args if arg.secret)


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
