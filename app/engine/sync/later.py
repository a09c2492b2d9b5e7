"""What an older version could not understand, kept for later: applied once this version knows the tables and columns."""

import json
import logging
from typing import Final

from app.engine.base.errors import BadInput
from app.engine.store.rows import Row
from app.engine.store.shelf import Shelf
from app.engine.sync.fits import check_op
from app.engine.sync.hlc import ZERO
from app.engine.sync.join import WHOLE
from app.engine.sync.merge import FIRST, Outcome, State
from app.engine.sync.ops import Op, canonical
from app.engine.sync.session import Session

log: Final = logging.getLogger(__name__)


def unknown_of(op: Op, outcome: Outcome) -> list[Row]:
    """Return what to keep for later of an operation: the columns that nobody here knows."""
    if not outcome.unknown:
        return []
    return [{"replica": op.replica, "op": canonical({**op.to_json(), "fields": outcome.unknown})}]


def retry_later(shelf: Shelf) -> int:
    """Apply what an older version could not understand and this one does; return how many operations that were.

    What turns out not to fit its column is not applied, and stays where it is.
    """
    kept, done = shelf.all("sync_later"), 0
    if not kept:
        return 0
    session, left = Session(shelf), []
    for row in kept:
        op = Op.from_json(json.loads(row["op"]), row["replica"])
        outcome = _tried(shelf, session, op)
        done += len(outcome.unknown) < len(op.fields)
        left += unknown_of(op, outcome)
    session.flush()
    if session.erased:
        from app.engine.sync.erase import forget

        forget(shelf, session.erased, int(shelf.here()["hlc"]))
    if done:
        shelf.drop_later(int(kept[-1]["number"]))
        shelf.later(left)
    return done


def _tried(shelf: Shelf, session: Session, op: Op) -> Outcome:
    """Apply an operation whole or not at all."""
    state = session.state((op.table, op.row))
    before = state.copy()
    try:
        check_op(op, shelf.kinds(op.table))
        _unwrite(state, op)
        return session.apply(op)
    except BadInput as error:
        log.warning("what a later version wrote in %s %s is left as it is: %s", op.table, op.row, error)
        state.row, state.cells = before.row, before.cells
        return Outcome(unknown=dict(op.fields))


def _unwrite(state: State, op: Op) -> None:
    """Have columns that a row's first write named, and nobody here knew, count as not written yet."""
    cells = state.cells
    if isinstance(told := op.fields.get(WHOLE), dict):
        other = State(None, told["cells"])
        cells.update({name: list(ZERO) for name in told["row"] if name not in cells and state.stamp(name) == other.stamp(name)})
    if cells.get(FIRST) == list(op.stamp):
        cells.update({name: list(ZERO) for name in op.fields if name not in cells})
