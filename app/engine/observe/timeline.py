"""One time line of jobs, commands and events: three tables read with the same filter, in the store, and merged.

A command leaves two rows in the audit trail, one when it begins and one when it ends; here it is one entry.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from app.engine.base.errors import Infeasible
from app.engine.control.actions import COMMAND as ACTION
from app.engine.jobs.records import FINISHED, INFEASIBLE, outcome_of
from app.engine.store import rows

KINDS: Final = ("job", "command", "event")
MOST: Final = 10_000
Entry = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """What is asked for; empty fields match everything, `object` is an id or a name, times are UTC microseconds."""

    actor: str = ""
    kind: str = ""
    object: str = ""
    text: str = ""
    since_us: int = 0
    until_us: int = 0

    def times(self, column: str) -> dict[str, Any]:
        """Return the condition on the time in `column`."""
        later = {f"{column} <": self.until_us} if self.until_us else {}
        return {f"{column} >=": self.since_us, **later}


def find(conn: rows.Conn, asked: Filter, limit: int = 200) -> list[Entry]:
    """Return entries, newest first.

    Each has {id, at_us, kind, what, title, state, object_kind, object, object_name, actor, cause, detail, took_s}; `object`
    is what can be opened: the job itself, the node, the run, the model, the setting.
    """
    sources = {"job": _jobs, "command": _commands, "event": _events}
    wanted = [sources[kind] for kind in KINDS if asked.kind in ("", kind)]
    merged = heapq.merge(*(one(conn, asked, limit) for one in wanted), key=lambda entry: (-entry["at_us"], entry["id"]))
    return list(islice(merged, limit))


def _jobs(conn: rows.Conn, asked: Filter, limit: int) -> list[Entry]:
    where: dict[str, Any] = {**asked.times("created_us"), **({"actor ~": asked.actor} if asked.actor else {})}
    where["any"] = [*_about(asked.object, "id", "title ~", "spec ~"), *_says(asked.text, "title", "kind", "state")]
    return [_job(row) for row in rows.select(conn, "jobs", where=where, order="created_us", descending=True, limit=limit)]


def _job(row: rows.Row) -> Entry:
    error = row.get("error") or {}
    took_s = (row["ended_us"] - row["started_us"]) / 1e6 if row["ended_us"] and row["started_us"] else None
    return {
        "id": row["id"], "at_us": row["created_us"], "kind": "job", "what": row["kind"], "title": row["title"],
        "state": outcome_of(row["state"], row.get("result"), error),
        "object_kind": "job", "object": row["id"], "object_name": row["title"], "actor": row["actor"],
        "cause": row["cause"], "detail": str(error.get("detail", "")), "took_s": took_s if row["state"] in FINISHED else None,
    }  # fmt: skip


def _commands(conn: rows.Conn, asked: Filter, limit: int) -> list[Entry]:
    where: dict[str, Any] = {**asked.times("at_us"), **({"actor ~": asked.actor} if asked.actor else {})}
    where["any"] = [*_about(asked.object, "args ~", "detail ~", "cause"), *_says(asked.text, "command", "detail", "args")]
    if not (asked.object or asked.text):
        where["command !="] = ACTION  # what controllers do, up to ten times a second, would crowd out all else
    found = rows.select(conn, "audit", where=where, order="at_us", descending=True, limit=2 * limit + 50)
    return [_command(row) for row in islice(_once(found), limit)]


def _once(found: Iterable[rows.Row]) -> Iterator[rows.Row]:
    """Yield the last word on each command; `found` is newest first."""
    seen: set[tuple[str, str]] = set()
    for row in found:
        key = (row["id"] if row["command"] == ACTION else row["cause"] or row["id"], row["command"])
        if key not in seen:
            seen.add(key)
            yield row


def _command(row: rows.Row) -> Entry:
    args = row["args"] or {}
    outcome = row["outcome"]
    state = {"ok": "done", "started": "running", "cancelled": "cancelled", Infeasible.slug: INFEASIBLE}.get(outcome, "failed")
    kind, named = next(
        ((name, args[name]) for name in ("node", "nodes", "id", "model", "file", "key") if args.get(name)), ("", "")
    )
    return {
        "id": row["id"], "at_us": row["at_us"], "kind": "command", "what": row["command"], "title": row["command"],
        "state": state, "object_kind": "setting" if kind == "key" else kind, "object": str(named), "object_name": str(named),
        "actor": row["actor"], "cause": row["cause"], "detail": row["detail"], "took_s": row["duration_s"], "args": args,
    }  # fmt: skip


def _events(conn: rows.Conn, asked: Filter, limit: int) -> list[Entry]:
    where: dict[str, Any] = {**asked.times("at_us"), **({"actor ~": asked.actor} if asked.actor else {})}
    where["any"] = [
        *_about(asked.object, "object_id", "object_name", "detail ~"),
        *_says(asked.text, "name", "object_name", "state"),
    ]
    return [_event(row) for row in rows.select(conn, "events", where=where, order="at_us", descending=True, limit=limit)]


def _event(row: rows.Row) -> Entry:
    detail = row["detail"] or {}
    said = ", ".join(
        f"{name} {value}" for name, value in detail.items() if name not in ("name", "after", f"{row['object_kind']}_id")
    )
    return {
        "id": row["id"], "at_us": row["at_us"], "kind": "event", "what": row["name"], "title": row["name"],
        "state": row["state"], "object_kind": row["object_kind"], "object": row["object_id"],
        "object_name": row["object_name"] or row["object_id"], "actor": row["actor"], "cause": row["cause"],
        "detail": said, "took_s": None,
    }  # fmt: skip


def _about(wanted: str, *columns: str) -> list[list[dict[str, Any]]]:
    """Return the condition that one of `columns` names what is wanted."""
    return [[{column: wanted} for column in columns]] if wanted else []


def _says(text: str, *columns: str) -> list[list[dict[str, Any]]]:
    """Return the condition that every word of `text` is in one of `columns`."""
    return [[{f"{column} ~": word} for column in columns] for word in text.split()]
