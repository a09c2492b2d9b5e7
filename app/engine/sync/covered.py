"""What a deletion covers: the values in its row that whoever deleted it had not seen; they are told of, each with its stamp.

A deletion says in its `seen` the stamps of all that stood in the row before it: those of the columns, and of a set the latest
adding by each replica. That under "" is the stamp of the row's first write, and missing in what earlier versions deleted.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from app.engine.sync import merge
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.merge import DELETED, FIRST, QUIET, Loss, State
from app.engine.sync.ops import Op
from app.engine.sync.sets import members_of

Groups: TypeAlias = dict[Stamp, dict[str, Any]]  # values by column, as they are told of, by when they were written
Known: TypeAlias = Callable[[str, Stamp], bool]

RETENTION: Final = "retention"  # who deletes what is older than a rule allows
_LAST: Final = "updated_us"
_MOST_TOLD: Final = 1000  # stamps in what a deletion had seen
_MOST_NAME: Final = 64  # signs of a replica's name


def known_in(cells: Mapping[str, Any]) -> dict[str, Stamp]:
    """Return the stamps of what stands in a row with these cells, each once, by names to tell them under.

    Of more than can be told, or by names no replica has, some are left out, and with them that under "", which says so.
    """
    found: dict[str, Stamp] = {FIRST: ZERO}
    told = set[Stamp]()
    for name, at in _stamps_in(cells):
        if len(at[1]) > _MOST_NAME or len(found) > _MOST_TOLD:
            return {known: stamp for known, stamp in found.items() if known != FIRST}
        if name == FIRST or at not in told:
            found[name] = at
            told.add(at)
    return found


def _stamps_in(cells: Mapping[str, Any]) -> Iterable[tuple[str, Stamp]]:
    for column in sorted(cells):
        cell = cells[column]
        if isinstance(cell, list) and len(cell) in (2, 4):
            yield column, (cell[0], cell[1])
        elif isinstance(cell, dict) and isinstance(cell.get("s"), list):
            yield column, (cell["s"][0], cell["s"][1])
            last: dict[str, int] = {}
            for added in (cell.get("e") or {}).values():
                last[added[1]] = max(added[0], last.get(added[1], 0))
            yield from ((f"{column}/{replica}", (hlc, replica)) for replica, hlc in sorted(last.items()) if replica)


def losses_of(state: State, op: Op, kinds: Mapping[str, str]) -> list[Loss]:
    """Return what is lost where `op` changes a row that is deleted, or deletes one that was changed; before it is merged."""
    assert state.row is not None
    deletes, deleted = op.fields.get(DELETED), state.row.get(DELETED)
    if deletes is None and deleted is not None:
        return _edited(state, op)
    if deletes is None or deleted is not None or op.stamp <= state.stamp(DELETED) or _LAST not in op.seen:
        return []
    had, last, exact = {*op.seen.values()}, op.seen[_LAST], FIRST in op.seen
    known = lambda _, at: at[1] == op.writer or at in had or (not exact and at <= last)  # noqa: E731
    groups = _unknown(state, kinds, known, had, op.replica)
    return [
        Loss(DELETED, deletes, op.stamp, values, at, "deleted", last, _seen(state, at, values), yields=op.actor == RETENTION)
        for at, values in sorted(groups.items())
    ]


def _edited(state: State, op: Op) -> list[Loss]:
    """Return what is lost where a row that is deleted is changed by one who does not bring it back."""
    assert state.row is not None
    at = state.stamp(DELETED)
    edits = {name: value for name, value in op.fields.items() if name not in QUIET and name != DELETED}
    if not edits or (DELETED in op.fields and op.stamp > at) or op.stamp in _had(state, at) or op.stamp == state.stamp(_LAST):
        return []
    had = max(_had(state, at))
    yields, seen = _is_by_retention(state, at), op.seen.get(_LAST, ZERO)
    return [Loss(DELETED, state.row[DELETED], at, edits, op.stamp, "deleted", had, seen, yields=yields)]


def _is_by_retention(state: State, at: Stamp) -> bool:
    """Tell whether it was retention that wrote to a row at `at`."""
    return state.row is not None and state.row.get("author") == RETENTION and state.stamp("author") == at


def _had(state: State, at: Stamp) -> list[Stamp]:
    """Return what is still known of what whoever deleted a row at `at` had seen of it."""
    cells = [state.cells.get(name) for name in (DELETED, _LAST)]
    return [(cell[2], cell[3]) for cell in cells if isinstance(cell, list) and len(cell) == 4 and (cell[0], cell[1]) == at] or [
        ZERO
    ]


class Before:
    """What a row that is handed over whole is about to change in one that is deleted: read before they are joined."""

    def __init__(self, state: State, other: State, kinds: Mapping[str, str]) -> None:
        self.deleted, self.at, self.changes = (state.row or {}).get(DELETED) is not None, state.stamp(DELETED), Groups()
        self.yields = _is_by_retention(state, self.at)
        if self.deleted and other.row is not None and other.row.get(DELETED) is None:
            for column, value in other.row.items():
                self._look(state, other, column, kinds.get(column, ""), value)

    def _look(self, state: State, other: State, column: str, kind: str, value: Any) -> None:
        at = other.stamp(column)
        if column in QUIET or column == DELETED:
            return
        if kind in ("lww", "append") and at != ZERO and (at > state.stamp(column)) == (kind == "lww"):
            self.changes.setdefault(at, {})[column] = value
        elif kind == "set":
            held, first = merge.set_of(state, column, as_list=isinstance(value, list)), state.stamp(column)
            stamps = merge.part_of(other, column, "e") or {}
            for key, item in members_of(value).items():
                added = (stamps[key][0], stamps[key][1]) if key in stamps else at
                if added > held.known(key, first)[0]:
                    _add(self.changes, added, column, key, item, as_list=isinstance(value, list))


def losses_in(state: State, other: State, kinds: Mapping[str, str], before: Before, by: str) -> list[Loss]:
    """Return what is lost where a row that is handed over whole was joined into `state`, deleted on one side alone."""
    assert state.row is not None
    assert other.row is not None
    deleted, at = state.row.get(DELETED), state.stamp(DELETED)
    if deleted is None:
        return []
    yields = before.yields if at == before.at else _is_by_retention(other, at)
    if at == before.at:
        groups = before.changes
    elif before.deleted:
        return []
    else:
        had = {*known_in(other.cells).values(), *(other.had or ())}
        # As earlier versions tell of a part: of other columns that side may have the same value, or an earlier one.
        since, told = (max(_had(other, at)), frozenset(other.row)) if other.had is None else (ZERO, frozenset(kinds))
        groups = _unknown(state, kinds, lambda name, at: at in had or (name not in told and at <= since), had, by)
    return [
        Loss(DELETED, deleted, at, values, when, "deleted", max(_had(state, at)), _seen(state, when, values), yields=yields)
        for when, values in sorted(groups.items())
    ]


def _unknown(state: State, kinds: Mapping[str, str], known: Known, had: set[Stamp], by: str) -> Groups:
    """Return the values that stand in a row and are not `known`, by the stamp they were written at.

    What replica `by` had covered before in the same batch is not told again: it may delete one row thousands of times.
    """
    assert state.row is not None
    found = Groups()
    changed = state.stamp(_LAST)
    for column, value in state.row.items():
        kind, at = kinds.get(column), state.stamp(column)
        if column in QUIET or column == DELETED or at == ZERO:
            continue
        if kind in ("lww", "append") and not known(column, at):
            found.setdefault(at, {})[column] = value
        elif kind == "guarded" and not known(column, at) and not known(_LAST, changed):  # decided on at a time of nobody's
            found.setdefault(at if at[1] else changed, {})[column] = {"from": "", "to": value}
        elif kind == "set":
            _look_into(state, column, known, had, found, by=by)
    if not found and changed != ZERO and not known(_LAST, changed):
        found[changed] = {}
    fresh = {at: values for at, values in found.items() if (by, at) not in state.told}
    state.told |= {(by, at) for at in fresh if by}
    return fresh


def _look_into(state: State, column: str, known: Known, had: set[Stamp], found: Groups, *, by: str) -> None:
    """Add what stands in a set as the changes that put it there, where nothing as late by the same writer was known."""
    assert state.row is not None
    value, first = state.row[column], state.stamp(column)
    held = merge.set_of(state, column, as_list=isinstance(value, list))
    last: dict[str, int] = {}
    for hlc, replica in had:
        last[replica] = max(hlc, last.get(replica, 0))
    for key in held.put_since(by):
        at = held.known(key, first)[0]
        if key in held.members and at[0] > last.get(at[1], 0) and not known(column, at):
            _add(found, at, column, key, held.members[key], as_list=isinstance(value, list))


def _add(found: Groups, at: Stamp, column: str, key: str, item: Any, *, as_list: bool) -> None:
    fresh: dict[str, Any] = {"add": {}, "seen": {}, "del": {}, "list": as_list}
    found.setdefault(at, {}).setdefault(column, fresh)["add"][key] = item


def _seen(state: State, at: Stamp, values: Iterable[str]) -> Stamp:
    """Return what whoever wrote these columns at `at` had before them, as far as it is known."""
    cells = [state.cells.get(name) for name in (_LAST, *values)]
    had = [(cell[2], cell[3]) for cell in cells if isinstance(cell, list) and len(cell) == 4 and (cell[0], cell[1]) == at]
    return max(had, default=ZERO)
