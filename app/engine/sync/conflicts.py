"""What lost is kept: a row of `sync_conflicts` per value covered by a write that did not know of it, under an id of its own.

The id is drawn from what met, so that two who see the same conflict write the same row.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from app.engine.base.ids import is_id
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf, name_of
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import Loss
from app.engine.sync.ops import Op, canonical
from app.engine.sync.sealing import write_all
from app.engine.sync.session import Session

TABLE: Final = "sync_conflicts"
OPEN: Final = "open"
_TITLES: Final = 120

Bridged: TypeAlias = tuple[Op, str, Stamp, Stamp]  # what came after a later value whose writer knew of it: see `merge.Outcome`


def id_of(key: Key, column: str, one: Stamp, other: Stamp) -> str:
    """Return the id of the conflict between two writes, whichever way round they met."""
    told = canonical([*key, column, sorted([list(one), list(other)])])
    digest = hashlib.sha256(told.encode()).hexdigest()
    id_ = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    assert is_id(id_)
    return id_


def _id(key: Key, loss: Loss) -> str:
    return id_of(key, loss.column, loss.kept_stamp, loss.lost_stamp)


def record(shelf: Shelf, session: Session, found: list[tuple[Op, Loss]], *, now_us: int) -> list[Op]:
    """Write a row for each value lost, as operations of this replica; those known already are left alone."""
    stays, travels = apart(session, found)
    keep_here(shelf, session, stays)
    told = {_id((op.table, op.row), loss): (op, loss) for op, loss in reversed(travels) if op.table != TABLE}
    session.load((TABLE, id_) for id_ in told)
    fresh = [(id_, *one) for id_, one in told.items() if session.state((TABLE, id_)).row is None]
    fresh.sort(key=lambda one: (one[1].table, one[1].row, one[0]))
    writers = _Writers(shelf)
    rows = [((TABLE, id_), _fields(session, op, loss, writers)) for id_, op, loss in fresh]
    return write_all(shelf, session, rows, new=True, actor="sync", now_us=now_us)


def known_after_all(bridged: Sequence[Bridged], ops: Iterable[Op]) -> list[str]:
    """Return the ids of conflicts that are none: what a writer had before them came late, and had seen what they covered."""
    if not bridged:
        return []
    seen = {(op.table, op.row, column, op.stamp): at for op in ops for column, at in op.seen.items()}
    found = []
    for op, column, had, holds in bridged:
        at: Stamp | None = had
        while at is not None and at != ZERO:
            found.append(id_of((op.table, op.row), column, at, holds))
            at = seen.pop((op.table, op.row, column, at), None)
    return found


def withdraw(shelf: Shelf, session: Session, ids: list[str], *, now_us: int) -> list[Op]:
    """Have conflicts count as resolved that are none, where they stand open; return this replica's operations that say so."""
    session.load((TABLE, id_) for id_ in ids)
    told = {"state": "resolved", "choice": "kept", "resolved_by": "sync", "resolved_us": now_us}
    rows = [(id_, session.state((TABLE, id_)).row) for id_ in dict.fromkeys(ids)]
    standing = [((TABLE, id_), told) for id_, row in rows if row is not None and row["state"] == OPEN]
    return write_all(shelf, session, standing, new=False, actor="sync", now_us=now_us)


def apart(session: Session, found: list[tuple[Op, Loss]]) -> tuple[list[tuple[Op, Loss]], list[tuple[Op, Loss]]]:
    """Return what was lost of what stays on this machine, and all else."""
    stays, travels = list[tuple[Op, Loss]](), list[tuple[Op, Loss]]()
    for op, loss in found:
        marked = session.state((op.table, op.row)).cells.get(STAYS, ())
        (stays if loss.is_apart(marked) else travels).append((op, loss))
    return stays, travels


def keep_here(shelf: Shelf, session: Session, found: list[tuple[Op, Loss]]) -> None:
    """Write a row for each value that was lost and is not to leave this machine; no other hears of the row either."""
    writers = _Writers(shelf)
    for op, loss in found:
        id_ = _id((op.table, op.row), loss)
        state = session.state((TABLE, id_))
        if state.row is None and not state.cells:
            stamps = {"created_us": loss.lost_stamp[0], "updated_us": loss.lost_stamp[0], "author": "sync"}
            told = _fields(session, op, loss, writers, here=True)
            state.row = {**shelf.fresh(TABLE), **told, **stamps, "id": id_}


def _fields(session: Session, op: Op, loss: Loss, writers: "_Writers", *, here: bool = False) -> dict[str, Any]:
    state = session.state((op.table, op.row))
    gone = loss.lost if here and isinstance(loss.lost, dict) else {}
    row = {**gone, "id": op.row} if state.row is None else state.row
    if not here:  # not by a name that stays
        row = {name: value for name, value in row.items() if name not in state.cells.get(STAYS, ())}
    return {
        "table_name": op.table, "row_id": op.row, "column_name": loss.column, "title": name_of(row)[:_TITLES],
        "reason": loss.reason, "state": OPEN, "choice": "", "resolved_by": "", "resolved_us": 0,
        "kept": {"value": loss.kept, "seen_us": loss.kept_seen[0]}, "kept_us": loss.kept_stamp[0],
        "kept_by": writers.of(op, loss.kept_stamp),
        "lost": {"value": loss.lost, "seen_us": loss.lost_seen[0]}, "lost_us": loss.lost_stamp[0],
        "lost_by": writers.of(op, loss.lost_stamp),
        "deleted_us": None,
    }  # fmt: skip


class _Writers:
    """Who wrote in rows, as the log tells; what it has of the row asked for last is held, for one row may lose much."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._key, self._entries = shelf, ("", ""), list[Row]()

    def of(self, op: Op, stamp: Stamp) -> str:
        """Return who wrote at `stamp`: this operation's actor, or that of an entry in the log while it is kept."""
        if stamp == op.stamp or WHOLE in op.fields:
            return op.actor
        if self._key != (op.table, op.row):
            self._key, self._entries = (op.table, op.row), self._shelf.entries_of((op.table, op.row))
        for entry in self._entries:
            if entry["replica"] == stamp[1] and f'"hlc":{stamp[0]},' in entry["op"]:
                return Op.from_json(_parsed(entry["op"]), stamp[1]).actor
        return ""


def _parsed(text: str) -> Any:
    import json

    return json.loads(text)
