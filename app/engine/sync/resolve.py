"""A person's choice between two values that met: a change like any other, which has seen both."""

from typing import Any

from app.engine.base.errors import Conflict
from app.engine.store import rows
from app.engine.store.shelf import Shelf, kinds_of, name_of
from app.engine.sync.merge import DELETED
from app.engine.sync.present import edits_of, present
from app.engine.sync.records import Met
from app.engine.sync.sets import members_of


def need_shown(conn: rows.Conn, met: Met, mark: str) -> None:
    """Raise `Conflict` where another value holds by now than the one that was shown, whose mark is `mark`."""
    if present(Shelf(conn), met).mark != mark:
        raise Conflict(
            "{title} holds another value by now than the one you were shown", title=met.title, field="conflict",
            hint="Look at it again, then choose.",
        )  # fmt: skip


def choose(conn: rows.Conn, met: Met, choice: str, *, actor: str, cause: str, now_us: int) -> str:
    """Write the choice, and the value that lost if that is chosen; return the table that it is in.

    Raises `Conflict` when there is no row any more that could have it, or another one has its place.
    """
    if choice == "lost":
        row = _brought_back(Shelf(conn), met)
        rows.put(conn, met.table_name, row, actor=actor, cause=cause, now_us=now_us)
    told = {"id": met.id, "state": "resolved", "choice": choice, "resolved_by": actor, "resolved_us": now_us}
    rows.put(conn, "sync_conflicts", told, actor=actor, cause=cause, now_us=now_us)
    return met.table_name


def _brought_back(shelf: Shelf, met: Met) -> rows.Row:
    """Return the columns to write, and into which row: where a twin lives in its place, into that one."""
    stored = shelf.get(met.table_name, met.row_id)
    if stored is None:
        raise Conflict("{title} is gone for good: nothing can be brought back", title=met.title, field="conflict")
    kinds = kinds_of(met.table_name) or {}
    known = edits_of(met, kinds)
    whole = met.reason == "twin"
    told = {name: _fitting(kinds[name], stored.get(name), told, part=not whole) for name, told in known.items()}
    living = shelf.twin(met.table_name, {**stored, **told})
    if living is None:
        return {**told, "id": met.row_id, DELETED: None}
    if met.column_name != DELETED:
        raise Conflict("{other} has this value already, and only one may", other=name_of(living), field="conflict")
    onto = {name: _fitting(kinds[name], living.get(name), told, part=True) for name, told in known.items()}
    return {**{name: one for name, one in onto.items() if kinds[name] not in ("guarded", "counter")}, "id": living["id"]}


def _fitting(kind: str, now: Any, value: Any, *, part: bool) -> Any:
    """Return what to write for a value that lost: itself, or what its operation made of what stands now."""
    change = value if isinstance(value, dict) else {}
    if kind == "guarded" and "to" in change:
        return change["to"]
    if kind in ("counter", "text") and change:  # counted, or woven in, although the row was deleted
        return now
    if kind != "set" or not part:
        return value
    if {"add", "del"} <= change.keys():
        kept = {key: item for key, item in members_of(now).items() if key not in change["del"]}
        return _set_of(now, {**kept, **change["add"]}, as_list=bool(change.get("list")))
    return _set_of(now, {**members_of(now), **(change or members_of(value))}, as_list=isinstance(value, list))


def _set_of(now: Any, members: dict[str, Any], *, as_list: bool) -> Any:
    as_list = as_list if now is None else isinstance(now, list)
    return [members[key] for key in sorted(members)] if as_list else members
