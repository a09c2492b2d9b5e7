"""Sealing: what the triggers put into the outbox becomes numbered operations of this replica, and its values get stamps.

It happens before anything remote is applied, in the same transaction, so `seen` tells truly what a writer had before them.
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final

from app.engine.base.errors import Conflict
from app.engine.base.ids import new_id
from app.engine.store.migrate import revisions
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import merge, sequence
from app.engine.sync.batch import in_parts
from app.engine.sync.covered import known_in
from app.engine.sync.hlc import ZERO, Stamp, tick
from app.engine.sync.join import STAYS
from app.engine.sync.merge import DELETED, State, totals_of
from app.engine.sync.ops import FIRST_CHAIN, Op, link
from app.engine.sync.residency import staying
from app.engine.sync.session import Session
from app.engine.sync.sets import members_of

log = logging.getLogger(__name__)
SLICE: Final = 2000
REWRITING: Final = "sync.rewriting"  # in `meta`
HEARD: Final = "sync.heard"  # in `meta`: the clock goes back when it was wrong, but no further
SCRUBBED: Final = "sync.scrubbed"  # in `meta`
SCHEMA: Final = int(revisions()[-1][:4])


def fresh_name() -> str:
    """Return a new id of a replica or an epoch."""
    return secrets.token_hex(8)


def replica_of(shelf: Shelf) -> str:
    """Return this replica's id, made at first."""
    here = shelf.here()
    if here["replica"]:
        return str(here["replica"])
    replica = fresh_name()
    shelf.set_here(replica=replica, seq=0, chain=FIRST_CHAIN)
    return replica


def mark_of(shelf: Shelf) -> dict[str, Any]:
    """Return what is under way with our own log, nothing where it is whole; see `rewriting.py`."""
    found = shelf.get("meta", REWRITING)
    return dict(found["value"]) if found else {}


def heard_of(shelf: Shelf) -> int:
    """Return the latest stamp that was taken from somebody else."""
    found = shelf.get("meta", HEARD)
    return int(found["value"]["hlc"]) if found else 0


def scrubbed(shelf: Shelf) -> int:
    """Return how often rows were taken out of what is kept here of them."""
    found = shelf.get("meta", SCRUBBED)
    return int(found["value"]["times"]) if found else 0


def hear(shelf: Shelf, hlc: int) -> None:
    """Have whatever is written here from now on be later than `hlc`, which somebody else has given away."""
    shelf.set_here(hlc=max(hlc, int(shelf.here()["hlc"])))
    if hlc > heard_of(shelf):
        shelf.put("meta", {"id": HEARD, "value": {"hlc": hlc}})


def time_at_hub(shelf: Shelf, now_us: int) -> int:
    """Return what time it is where our clock reads `now_us`: by the hub's, where ours is known to be wrong."""
    return now_us + int(shelf.here()["skew_us"])


def seal(shelf: Shelf, most: int = SLICE) -> int:
    """Number the oldest changes of the outbox, about `most` of them; return how many there were.

    Raises `Conflict` where the log is half written anew: stamps of both kinds stand there.
    """
    if mark_of(shelf):
        raise Conflict("What waits here is just being stamped anew", field=REWRITING, hint="Try again in a moment.")
    return number(shelf, most)


def number(shelf: Shelf, most: int) -> int:
    """Do as `seal` does, whatever is under way."""
    found = shelf.outbox(most)
    if not found:
        return 0
    replica, here = replica_of(shelf), shelf.here()
    session = Session(shelf)
    session.load(map(_key, found), bare=True)  # what was there before stands in the outbox
    stays, erased = staying(shelf), _forget_again(shelf, session, found)
    known = [row for row in found if shelf.kinds(str(row["table_name"])) is not None and _key(row) not in erased]
    told = [row for row in known if row["table_name"] not in stays]
    for row in known:
        if row["table_name"] in stays:
            _stamp(row, session, shelf, replica)
    numbers = zip(told, range(int(here["seq"]) + 1, int(here["seq"]) + 1 + len(told)), _left(told), strict=True)
    ops = [_sealed(row, session, shelf, replica, seq=seq, left=left) for row, seq, left in numbers]
    keep(shelf, in_parts(ops), str(here["chain"]), int(found[-1]["seq"]))
    session.flush()
    return len(found)


def _key(row: Row) -> Key:
    return str(row["table_name"]), str(row["row_id"])


def _forget_again(shelf: Shelf, session: Session, found: list[Row]) -> set[Key]:
    """Have rows go that were written over what had been erased, and return them: of those nothing is told."""
    erased = {key for key in map(_key, found) if merge.ERASED in session.state(key).cells}
    again = Session(shelf)
    for key in erased:
        again.state(key).row = None
    again.flush()
    return erased


def _stamp(row: Row, session: Session, shelf: Shelf, replica: str) -> None:
    """Give a change that stays here its stamps, and mark its columns, each with its stamp: nobody else has heard of that value.

    Of several changes of one column the last is handed over one day: it is to have seen what the first had.
    """
    state = session.state(_key(row))
    marked, kinds = state.cells.get(STAYS, {}), shelf.kinds(str(row["table_name"])) or {}
    if merge.GONE in state.cells:  # it goes again once others are told, or tell of it: what goes then is marked
        op = _sealed(row, session, shelf, replica, seq=0, left=0)
        at = list(op.stamp)
        state.cells |= {STAYS: {**marked, **dict.fromkeys(op.fields, at)}, "updated_us": at}
        return
    had = {name: state.cells.get(name) for name in marked if _is_ours(state, name, replica)}
    op = _sealed(row, session, shelf, replica, seq=0, left=0)
    for name, value in op.fields.items():
        known = marked.get(name, value)
        guarded, first = kinds.get(name) == "guarded" and not op.new, isinstance(known, dict)
        marked = {**marked, name: {**value, "from": known["from"]} if guarded and first else list(op.stamp)}
        if guarded and not first:
            state.cells[name] = list(op.stamp)  # nobody decides on it, and no two values are to bear one stamp
        if name in had and kinds.get(name) == "lww":
            before = had[name]
            state.cells[name] = [*op.stamp, *(before[2:] if isinstance(before, list) else ())]
    state.cells[STAYS] = marked


def _is_ours(state: State, column: str, replica: str) -> bool:
    """Tell whether the value of a marked column is what was written here last; by a mark of before, under our present name."""
    mark, stamp = state.cells[STAYS][column], state.stamp(column)
    return mark == list(stamp) if mark else stamp[1] == replica


def write_own(
    shelf: Shelf, session: Session, key: Key, fields: dict[str, Any], *, new: bool, actor: str, now_us: int,
    intent: str = "sync",
) -> Op:  # fmt: skip
    """Write a row as an operation of this replica's own, past the triggers; the session holds what changed.

    `now_us` is this machine's time.
    """
    return write_all(shelf, session, [(key, fields)], new=new, actor=actor, now_us=now_us, intent=intent)[0]


def write_all(
    shelf: Shelf, session: Session, told: Sequence[tuple[Key, dict[str, Any]]], *, new: bool, actor: str, now_us: int,
    intent: str = "sync",
) -> list[Op]:  # fmt: skip
    """Write rows as `write_own` does, all of them new or none, in this order."""
    if not told:
        return []
    replica, here, at_us, ops = replica_of(shelf), shelf.here(), time_at_hub(shelf, now_us), list[Op]()
    hlc, seq = int(here["hlc"]), int(here["seq"])
    for key, fields in told:
        hlc = tick(hlc, at_us)
        stamps = {"updated_us": hlc, "author": actor} | ({"created_us": hlc} if new else {})
        ops.append(Op(
            replica, seq + len(ops) + 1, new_id(), 0, *key, new=new, hlc=hlc, fields={**fields, **stamps}, actor=actor,
            intent=intent, schema=SCHEMA,
        ))  # fmt: skip
        session.apply(ops[-1])
    shelf.set_here(hlc=hlc)
    keep(shelf, ops, str(here["chain"]), 0)
    return ops


def _left(told: list[Row]) -> list[int]:
    """Return, for each change, how many of its transaction are still to come."""
    left = [0] * len(told)
    for at in range(len(told) - 2, -1, -1):
        left[at] = left[at + 1] + 1 if told[at]["txn"] == told[at + 1]["txn"] else 0
    return left


def keep(shelf: Shelf, ops: list[Op], chain: str, upto: int) -> None:
    """Keep numbered operations that follow the chain of digests `chain`, in place of the outbox up to `upto`."""
    entries: list[Row] = []
    for op in ops:
        chain = link(chain, op.text)
        entries.append({"seq": op.seq, "table_name": op.table, "row_id": op.row, "op": op.text, "chain": chain})
    shelf.number(entries, upto)
    if ops:
        shelf.set_here(seq=ops[-1].seq, chain=chain)


def _sealed(row: Row, session: Session, shelf: Shelf, replica: str, *, seq: int, left: int) -> Op:
    table, id_, fields = str(row["table_name"]), str(row["row_id"]), dict(row["fields"])
    kinds = shelf.kinds(table) or {}
    state, before = session.state((table, id_)), dict(row["before"] or {})
    new = bool(row["is_new"]) or (row["is_new"] is None and "created_us" in fields)
    hlc = int(row["hlc"] or row["at_us"])
    fields.pop("id", None)
    seen = dict[str, Stamp]()
    op = Op(
        replica, seq, str(row["txn"])[:64], left, table, id_, new and not state.cells, hlc, {}, seen, str(row["actor"])[:256],
        cause=str(row["cause"])[:256], intent=str(row["intent"] or "")[:256], schema=SCHEMA,
    )  # fmt: skip
    shadow = State(None if op.new else before, state.cells)
    types: dict[str, frozenset[type]] = getattr(kinds, "types", {})
    for column, value in fields.items():
        kind = kinds.get(column)
        if kind in ("lww", "append"):
            if column in types and value.__class__ not in types[column]:  # by another program: nobody else could hold it
                log.warning("what was written for %s of %s %s does not fit there and stays here", column, table, id_)
                continue
            op.fields[column] = value
            if not op.new and (stamp := shadow.stamp(column)) != ZERO:
                seen[column] = stamp
        elif kind is not None and kind != "local":
            op.fields[column] = _change(kind, shadow, column, value, op)
    if op.fields.get(DELETED) is not None:
        seen |= {name: stamp for name, stamp in known_in(state.cells).items() if name not in seen}
    merge.apply(shadow, op, kinds, dict)
    return op


def _change(kind: str, shadow: State, column: str, value: Any, op: Op) -> Any:
    before = (shadow.row or {}).get(column)
    if kind == "set":
        return _set_change(shadow, column, before, value)
    if kind == "counter":
        own = totals_of(shadow, column).get(op.replica, [0, 0])[1] if shadow.cells else 0
        by = (value or 0) - (before or 0)
        return {"total": own + by, "by": by}
    if kind == "guarded":
        return {"from": before, "to": value}
    return sequence.change_of(merge.letters_of(shadow, column), value or "", op.stamp)


def _set_change(shadow: State, column: str, before: Any, after: Any) -> dict[str, Any]:
    old, new = members_of(before), members_of(after)
    default, elements = shadow.stamp(column), merge.part_of(shadow, column, "e") or {}
    stamps = {key: elements.get(key, [*default])[:2] for key in old}
    added = {key: item for key, item in new.items() if key not in old or old[key] != item}
    return {
        "add": added, "seen": {key: stamps[key] for key in added if key in stamps},
        "del": {key: stamps[key] for key in old if key not in new}, "list": isinstance(after, list),
    }  # fmt: skip
