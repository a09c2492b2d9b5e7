"""What lost is kept: a row of `sync_conflicts` per value covered by a write that did not know of it, under an id of its own.

The id is drawn from what met, so that two who see the same conflict write the same row.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from app.engine.base.ids import is_id
from app.engine.store.shelf import Key, Shelf, name_of
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import DELETED, Loss
from app.engine.sync.ops import BY, Op, canonical, parsed
from app.engine.sync.sealing import write_all
from app.engine.sync.session import Session

TABLE: Final = "sync_conflicts"
OPEN: Final = "open"
_TITLES: Final = 120
_AT_ONCE: Final = 250  # rows whose entries in the log are looked for together
_SHORT: Final = 1000  # signs of a value that is told with every loss to it
_MOST_READ: Final = 64 << 20  # of the log in signs, to tell who wrote what a batch had lose; of the rest nobody is named

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
    """Write a row for each value lost, as operations of this replica; those known already are left alone.

    A row that retention deleted without knowledge of a change comes back with it, and nothing is lost.
    """
    found, back = _yielded(session, found)
    stays, travels = apart(session, found)
    keep_here(shelf, session, stays)
    told = {_id((op.table, op.row), loss): (op, loss) for op, loss in reversed(travels) if op.table != TABLE}
    session.load((TABLE, id_) for id_ in told)
    fresh = [(id_, *one) for id_, one in told.items() if session.state((TABLE, id_)).row is None]
    fresh.sort(key=lambda one: (one[1].table, one[1].row, one[0]))
    teller = _Teller(shelf, session)
    teller.look_up(told[id_] for id_, _, _ in fresh)
    rows = [((TABLE, id_), teller.fields(op, loss)) for id_, op, loss in fresh]
    told_back = [(key, dict[str, Any]({DELETED: None})) for key in back]
    own = write_all(shelf, session, told_back, new=False, actor="sync", now_us=now_us)
    return own + write_all(shelf, session, rows, new=True, actor="sync", now_us=now_us)


def _yielded(session: Session, found: list[tuple[Op, Loss]]) -> tuple[list[tuple[Op, Loss]], list[Key]]:
    """Return what is lost in spite of retention giving way, and the rows that come back."""
    yields = {(op.table, op.row, loss.kept_stamp) for op, loss in found if loss.yields and not loss.stays}
    states = {at: session.state(at[:2]) for at in yields}
    over = {at for at, state in states.items() if state.row is not None and state.stamp(DELETED) >= at[2]}
    gone = {at for at in over if states[at].row[DELETED] is not None}  # type: ignore[index]
    back = {at for at in gone if states[at].stamp(DELETED) == at[2] and STAYS not in states[at].cells}
    given = (over - gone) | back
    lost = [(op, loss) for op, loss in found if loss.column != DELETED or (op.table, op.row, loss.kept_stamp) not in given]
    return lost, sorted(at[:2] for at in back)


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
    teller = _Teller(shelf, session)
    teller.look_up(found)
    for op, loss in found:
        id_ = _id((op.table, op.row), loss)
        state = session.state((TABLE, id_))
        if state.row is None and not state.cells:
            stamps = {"created_us": loss.lost_stamp[0], "updated_us": loss.lost_stamp[0], "author": "sync"}
            told = teller.fields(op, loss, here=True)
            state.row = {**shelf.fresh(TABLE), **told, **stamps, "id": id_}


class _Teller:
    """What is told of values that lost; the work is that of their own size, and of each row they are in once.

    One small batch may lose thousands of times, in one row, to one large value.
    """

    def __init__(self, shelf: Shelf, session: Session) -> None:
        self._shelf, self._session = shelf, session
        self._held: dict[tuple[Any, ...], Any] = {}  # what held, by its beginning, where it was told whole already
        self._actors: dict[tuple[str, str, int, str], str] = {}

    def fields(self, op: Op, loss: Loss, *, here: bool = False) -> dict[str, Any]:
        """Return the columns of the row that tells of a loss; what is `here` alone may be told by a name that stays."""
        state = self._session.state((op.table, op.row))
        gone = loss.lost if here and isinstance(loss.lost, dict) else {}
        row = {**gone, "id": op.row} if state.row is None else state.row
        if not here:  # not by a name that stays
            row = {name: value for name, value in row.items() if name not in state.cells.get(STAYS, ())}
        return {
            "table_name": op.table, "row_id": op.row, "column_name": loss.column, "title": name_of(row)[:_TITLES],
            "reason": loss.reason, "state": OPEN, "choice": "", "resolved_by": "", "resolved_us": 0,
            "kept": {"value": self._kept(op, loss), "seen_us": loss.kept_seen[0]}, "kept_us": loss.kept_stamp[0],
            "kept_by": self._writer(op, loss.kept_stamp),
            "lost": {"value": loss.lost, "seen_us": loss.lost_seen[0]}, "lost_us": loss.lost_stamp[0],
            "lost_by": self._writer(op, loss.lost_stamp),
            "deleted_us": None,
        }  # fmt: skip

    def _kept(self, op: Op, loss: Loss) -> Any:
        """Return the value that holds: whole with the first that lost to it, by its beginning with others if it is long."""
        kept = loss.kept
        if not isinstance(kept, str | dict | list) or (isinstance(kept, str) and len(kept) <= _SHORT):
            return kept
        element = next(iter(kept), "") if isinstance(kept, dict) else ""
        at = (op.table, op.row, loss.column, loss.kept_stamp, element)
        if at in self._held:
            return self._held[at]
        text = kept if isinstance(kept, str) else canonical(kept)
        self._held[at] = kept if len(text) <= _SHORT else text[:_SHORT] + "…"
        return kept

    def look_up(self, found: Iterable[tuple[Op, Loss]]) -> None:
        """Look into the log for who wrote what was lost, or holds, where neither the operation nor the row tells."""
        left, wanted = _MOST_READ, dict[str, dict[str, None]]()
        for op, loss in found:
            if not all(self._known_writer(op, stamp) for stamp in (loss.kept_stamp, loss.lost_stamp) if stamp != ZERO):
                wanted.setdefault(op.table, {})[op.row] = None
        for table, ids in wanted.items():
            keys = list(ids)
            for at in range(0, len(keys), _AT_ONCE):
                for entry in self._shelf.entries_of(table, keys[at : at + _AT_ONCE], left):
                    told = parsed(entry["op"])
                    self._actors[table, entry["row_id"], told["hlc"], told.get(BY, entry["replica"])] = told.get("actor", "")
                    left -= len(entry["op"])

    def _known_writer(self, op: Op, stamp: Stamp) -> str:
        """Return who wrote at `stamp`, if it is this operation's actor or the one that the row names."""
        if stamp == op.stamp or WHOLE in op.fields:
            return op.actor
        state = self._session.state((op.table, op.row))
        told = state.row is not None and state.stamp("author") == stamp != ZERO
        return str((state.row or {}).get("author") or "") if told else ""

    def _writer(self, op: Op, stamp: Stamp) -> str:
        """Return who wrote at `stamp`; nobody where the log does not tell any more."""
        return self._known_writer(op, stamp) or self._actors.get((op.table, op.row, *stamp), "")
