"""After a hub was restored: what it had written itself since the backup is handed back by those who pulled it.

Devices keep their own operations until a backup holds them; the hub's own (conflicts it noted, what was written at it) are
kept nowhere but in the rows of the consoles. They are handed back with the times they were first written at.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.engine.base.ids import new_id
from app.engine.store.shelf import Key, Shelf
from app.engine.sync.hlc import Stamp
from app.engine.sync.merge import State
from app.engine.sync.ops import Op
from app.engine.sync.sealing import SCHEMA, keep, replica_of
from app.engine.sync.session import Session

_PAGE = 2000


def give_back(shelf: Shelf, hub: str, after_hlc: int) -> int:
    """Write as our own operations what `hub` wrote after its clock read `after_hlc`; return how many they are."""
    at, count = ("", ""), 0
    while hub and (page := shelf.page(at, _PAGE)):
        at, here, replica = page[-1][0], shelf.here(), replica_of(shelf)
        found = [
            op for key, (row, cells) in page if row is not None
            for op in _ops(shelf, key, State(row, cells), lambda stamp: stamp[1] == hub and stamp[0] > after_hlc)
        ]  # fmt: skip
        session = Session(shelf)
        numbered = [replace(op, seq=int(here["seq"]) + place, replica=replica) for place, op in enumerate(found, 1)]
        for op in numbered:
            session.apply(op)
        keep(shelf, numbered, str(here["chain"]), 0)
        session.flush()
        count += len(numbered)
    return count


def _ops(shelf: Shelf, key: Key, state: State, lost: Callable[[Stamp], bool]) -> list[Op]:
    told: dict[Stamp, dict[str, Any]] = {}
    for column, kind in (shelf.kinds(key[0]) or {}).items():
        stamp = state.stamp(column)
        if kind in ("lww", "append") and column != "id" and lost(stamp):
            told.setdefault(stamp, {})[column] = (state.row or {})[column]
    new = state.cells.get("")
    return [_op(key, stamp, fields, new=new == list(stamp)) for stamp, fields in sorted(told.items())]


def _op(key: Key, stamp: Stamp, fields: dict[str, Any], *, new: bool) -> Op:
    actor = str(fields.get("author", ""))
    return Op("", 0, new_id(), 0, *key, new=new, hlc=stamp[0], fields=fields, actor=actor, intent="sync", schema=SCHEMA)
