"""A row as it stands, for whoever cannot be told its operations any more, joined with what stands there by its stamps.

An operation carries it in the column `WHOLE`: {"row": values or null, "cells": cells}, of those columns alone that the other
side lacks. The joins are those of state-based replicated data types (Shapiro, Preguiça, Baquero, Zawirski, "Conflict-free
Replicated Data Types", 2011): in any order, any number of times, they end in the state that the operations end in.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.store import upcast
from app.engine.sync import merge, sequence
from app.engine.sync.covered import Before, known_in, losses_in
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.merge import DELETED, ERASED, FIRST, GONE, QUIET, RELEASE, Kinds, Loss, Outcome, Row, State, totals_of
from app.engine.sync.ops import Op, canonical
from app.engine.sync.sets import is_out, members_of

COUNTER: Final = {"s", "c"}  # what a counter's cell has: its first stamp, and each replica's [time, running total]
WHOLE: Final = upcast.WHOLE
HAD: Final = "had"  # a member of what is told of a part of a row that was deleted: the stamps of all that stood there
STAYS: Final = upcast.STAYS  # among a row's cells: columns changed here while its table stayed, see `steps_in`


def told_of(state: State, kinds: Kinds, columns: Iterable[str] | None = None, had: State | None = None) -> dict[str, Any]:
    """Return what an operation says of a row: all of it, or these columns, and what else stood where it `had` been deleted."""
    if state.row is None:
        return {"row": None, "cells": {name: cell for name, cell in state.cells.items() if name != STAYS}}
    travel = [name for name, kind in kinds.items() if kind != "local" and name != "id"]
    if columns is None or set(columns).issuperset(travel):
        cells = {name: cell for name, cell in state.cells.items() if name != STAYS}
        return {"row": {name: state.row[name] for name in travel}, "cells": cells}
    told = [name for name in travel if name in set(columns)]
    row = {name: state.row[name] for name in told}
    cells = {name: state.cells.get(name, list(state.stamp(name))) for name in told}
    if row.get(DELETED) is None:
        return {"row": row, "cells": cells}
    from_ = state if had is None else had
    known = {name: cell for name, cell in from_.cells.items() if name not in from_.cells.get(STAYS, ())}
    return {"row": row, "cells": cells, HAD: [list(at) for at in known_in(known).values() if at != ZERO]}


def steps_in(cells: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the steps of guarded columns taken while a row's table stayed; other columns are marked with a stamp, or None."""
    return {name: mark for name, mark in cells.get(STAYS, {}).items() if isinstance(mark, dict)}


def line_of(key: tuple[str, str], values: str | None, cells: str) -> str:
    """Return the line of a snapshot about a row, from the JSON of its values and cells, without what stays here."""
    if f'"{STAYS}":' in cells:
        told = json.loads(cells)
        if GONE in told:
            return f"[{json.dumps(key[0])},{json.dumps(key[1])},null,{canonical({GONE: told[GONE]})}]"
        marked = frozenset(told.pop(STAYS, ()))
        row = {name: value for name, value in json.loads(values or "{}").items() if name not in marked}
        if marked and row.keys() <= {"id"}:
            return ""
        values = canonical(row) if marked else values
        cells = canonical({name: cell for name, cell in told.items() if name not in marked})
    return f"[{json.dumps(key[0])},{json.dumps(key[1])},{values or 'null'},{cells}]"


def apply(
    state: State, op: Op, kinds: Kinds, fresh: Callable[[], Row], *,
    decided_hlc: int = 0, verdicts: Mapping[str, Any] | None = None,
) -> Outcome:  # fmt: skip
    """Join the row in `op` into `state`; raise `BadInput` for what is no row with cells.

    The authority hands in the clock of its decisions: a guarded column that is another one here is told what it is.
    """
    other, outcome = _state_in(op.fields[WHOLE]), Outcome(orders=decided_hlc > 0 and op.intent == RELEASE, by=op.replica)
    if verdicts is not None and GONE in verdicts and ERASED not in state.cells:
        outcome.losses += merge.stayed_and_gone(state)
        state.row, state.cells = None, {GONE: verdicts[GONE]}
        return outcome
    unknown = [name for name in other.row or () if name not in kinds]
    if unknown:
        cells = {name: other.cells.get(name, list(other.stamp(name))) for name in unknown}
        outcome.unknown[WHOLE] = {"row": {name: (other.row or {})[name] for name in unknown}, "cells": cells}
    known, before = state.row is not None, dict(state.row or {})
    _join(state, other, kinds, lambda: {**fresh(), "id": op.row}, outcome)
    if state.row is None or other.row is None:
        return outcome
    for column in (name for name in other.row if kinds.get(name) == "guarded"):
        now, told = state.row[column], other.row[column]
        if decided_hlc and known and (now != before[column] or (now != told and state.stamp(column) != other.stamp(column))):
            verdict: Any = {"at": decided_hlc, "ok": now == told, "value": now, "reason": "" if now == told else "guarded"}
            outcome.verdicts[column] = verdict
            if now != told:
                outcome.losses.append(Loss(column, now, state.stamp(column), told, op.stamp, "guarded"))
        else:
            verdict = (verdicts or {}).get(column)
        if isinstance(verdict, dict) and verdict["at"] >= state.stamp(column)[0]:
            state.row[column], state.cells[column] = verdict["value"], [verdict["at"], ""]
    return outcome


def join(state: State, other: State, kinds: Kinds, fresh: Callable[[], Row]) -> Outcome:
    """Join `other` into `state`; where both have one stamp, what stands in `state` stays."""
    outcome = Outcome()
    _join(state, other, kinds, fresh, outcome)
    return outcome


def beyond(state: State, other: State, kinds: Kinds, fresh: Callable[[], Row]) -> dict[str, Any] | None:
    """Return what `other` holds that `state` does not, as an operation says it; None when that is nothing."""
    apart = frozenset(other.cells.get(STAYS, ()))
    known = state.row is not None
    both = state.copy()
    join(both, other, kinds, fresh)
    if (both.row is None and both.cells == state.cells) or (ERASED in both.cells and ERASED in state.cells):
        return None
    if both.row is None or not (known or apart):
        return told_of(both if both.row is None else other, kinds)
    columns = [
        name for name, kind in kinds.items()
        if kind != "local" and name != "id" and name not in apart
        and (not known or both.cells.get(name) != state.cells.get(name))
    ]  # fmt: skip
    return told_of(both if known else other, kinds, columns, other) if columns else None


def stamps_in(document: Any) -> Iterable[Stamp]:
    """Yield every stamp that stands in what an operation says of a row's cells."""
    if isinstance(document, dict):
        if document.keys() == COUNTER and isinstance(document["c"], dict):
            totals = ((replica, told) for replica, told in document["c"].items() if isinstance(told, list) and told)
            yield from ((told[0], replica) for replica, told in totals if type(told[0]) is int)
        for value in document.values():
            yield from stamps_in(value)
    elif isinstance(document, list):
        for at, item in enumerate(document):
            if type(item) is int and at + 1 < len(document) and isinstance(document[at + 1], str):
                yield item, document[at + 1]
            elif isinstance(item, dict | list):
                yield from stamps_in(item)


def seen_in(cells: Mapping[str, Any]) -> Iterable[tuple[Stamp, Stamp]]:
    """Yield the stamp of every value in a row's cells with that of the value its writer had before them."""
    for cell in cells.values():
        if isinstance(cell, list) and len(cell) == 4:
            yield (cell[0], cell[1]), (cell[2], cell[3])


def last_of(op: Op, kinds: Kinds | None, *, kept: bool = False) -> int:
    """Return the latest time that an operation speaks of: its own, that of a cell or an element in it, or what it had seen.

    The last is left out of one that a hub has `kept`, for it may have come to it before that was looked at.
    """
    plain: frozenset[str] = getattr(kinds, "plain", frozenset())
    last = op.hlc if kept or not op.seen else max(op.hlc, *(stamp[0] for stamp in op.seen.values()))
    if plain.issuperset(op.fields):
        return last
    return max([last, *(stamp[0] for stamp in told_in(op, kinds))])


def sane(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's cells without what a writer says to have seen before him and is no earlier than what he wrote."""
    return {
        name: cell[:2] if isinstance(cell, list) and len(cell) == 4 and cell[2] >= cell[0] else cell
        for name, cell in cells.items()
    }


def told_in(op: Op, kinds: Kinds | None) -> Iterable[Stamp]:
    """Return the stamps of what an operation speaks of: of cells it carries, of elements that it takes out or puts in again."""
    told: list[Any] = [op.fields[WHOLE].get("cells")] if isinstance(op.fields.get(WHOLE), dict) else []
    for column, value in op.fields.items():
        if type(value) is dict and kinds is not None and kinds.get(column) == "set":
            told += [value.get("seen"), value.get("del")]
    return stamps_in(told)


def _state_in(told: Any) -> State:
    row, cells = (told.get("row"), told.get("cells")) if isinstance(told, dict) else (0, 0)
    if not (row is None or isinstance(row, dict)) or not isinstance(cells, dict):
        raise BadInput("A row that is handed over has values and cells", field=WHOLE)
    for name, cell in cells.items():
        if name != ERASED and not _is_cell(cell.get("s") if isinstance(cell, dict) else cell):
            raise BadInput("A row that is handed over has values and cells", field=WHOLE)
    had = told.get(HAD)
    known = [(at[0], at[1]) for at in had if _is_cell(at)] if isinstance(had, list) else None
    return State(row, cells, had=known)


def _is_cell(cell: Any) -> bool:
    kinds = [type(part) for part in cell] if isinstance(cell, list) else []
    return kinds in ([int, str], [int, str, int, str])


def _join(state: State, other: State, kinds: Kinds, fresh: Callable[[], Row], outcome: Outcome) -> None:
    if _is_gone(state, other, outcome):
        return
    if other.row is None:
        return
    if state.row is None and not state.cells.keys() - {STAYS}:
        known = (name for name in other.row if kinds.get(name, "local") != "local" and name != "id")
        state.row = {**fresh(), **{name: other.row[name] for name in known}}
        state.cells |= {name: cell for name, cell in other.cells.items() if name == FIRST or name in kinds}
        return
    state.row = fresh() if state.row is None else state.row
    stayed = [(one.stamp("updated_us"), merge.stayed_in(one)) for one in (state, other)]
    apart = [each for each in stayed if each[1]]
    try:
        before = Before(state, other, kinds)
        for column in other.row:
            kind = kinds.get(column, "local")
            written = other.stamp(column) != ZERO or isinstance(other.cells.get(column), dict)
            if written and kind != "local" and column != "id":
                _JOINS[kind](state, other, column, outcome)
        covered = losses_in(state, other, kinds, before, outcome.by)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise BadInput("A row that is handed over has values and cells", field=WHOLE) from None
    if apart and (deleted := state.row.get(DELETED)) is not None:
        lost = {name: value for values in (*(each[1] for each in apart), *(loss.lost for loss in covered))
                for name, value in values.items()}  # fmt: skip
        at = max(each[0] for each in apart)
        outcome.losses.append(Loss(DELETED, deleted, state.stamp(DELETED), lost, at, "deleted", stays=True))
    else:
        outcome.losses += covered


def _is_gone(state: State, other: State, outcome: Outcome) -> bool:
    """Tell whether the row is gone on either side: then it is on both."""
    if ERASED in state.cells or ERASED in other.cells:
        gone = state.cells.get(GONE, other.cells.get(GONE))
        state.row, state.cells, outcome.erased = None, {GONE: gone, ERASED: True}, True
        return True
    for one, two in ((state, other), (other, state)):
        if GONE in one.cells:
            gone = one.cells[GONE]
            if two.row is not None and two.stamp("updated_us") > (gone[0], gone[1]):
                stayed = merge.stayed_in(two)
                apart = {*QUIET, *stayed}
                # Of what is handed over nobody knows any more what was known to whoever deleted it.
                lives = two is other and not stayed and two.row.get(DELETED) is None
                edits = {name: value for name, value in two.row.items()
                         if name not in apart and (lives or two.stamp(name) > tuple(gone))}  # fmt: skip
                if edits.keys() - {DELETED} or not stayed:
                    outcome.losses.append(Loss(DELETED, None, ZERO, edits, two.stamp("updated_us"), "deleted"))
            outcome.losses += [*merge.stayed_and_gone(one), *merge.stayed_and_gone(two)]
            if one is state and two.row is not None:
                outcome.verdicts[GONE] = gone
            state.row, state.cells = None, {GONE: gone}
            return True
    return False


# Columns


def _written(other: State, column: str) -> Op:
    """Return the write that a column has its value from, as an operation."""
    stamp, cell = other.stamp(column), other.cells.get(column)
    seen = {column: (cell[2], cell[3])} if isinstance(cell, list) and len(cell) == 4 else {}
    return Op(stamp[1], 0, "", 0, "", "", False, stamp[0], {column: (other.row or {})[column]}, seen)


def _plain(state: State, other: State, column: str, outcome: Outcome) -> None:
    if other.stamp(column) != state.stamp(column):
        merge.write("lww", state, _written(other, column), column, outcome)


def _once(state: State, other: State, column: str, outcome: Outcome) -> None:
    if other.stamp(column) != state.stamp(column):
        merge.write("append", state, _written(other, column), column, outcome)


def _elements(state: State, column: str) -> Iterable[tuple[str, Any, Stamp, Stamp]]:
    """Yield what ever was in a set: its key, value, when it was added last, and the last adding that was taken back."""
    members, stamps = members_of((state.row or {}).get(column)), dict[str, list[Any]](merge.part_of(state, column, "e") or {})
    first: list[Any] = [*state.stamp(column), *ZERO]
    for key in {*members, *stamps}:
        at = stamps.get(key) or first
        yield key, members.get(key), (at[0], at[1]), (at[2], at[3])


def _unite(state: State, other: State, column: str, _outcome: Outcome) -> None:
    """Have each element of the other set stand in ours as of its latest: as much work as there are in the other."""
    held = merge.set_of(state, column, as_list=isinstance((other.row or {}).get(column), list))
    default = state.stamp(column)
    for key, item, added, removed in _elements(other, column):
        there, gone = held.known(key, default)
        if added <= there and removed <= gone:
            continue
        merge.stand(state, column, held)
        if added > there:
            held.put(key, item)
            there = added
        gone = max(gone, removed)
        held.cell["e"][key] = [*there, *gone]
        if is_out(there, gone):
            held.pop(key)


def _sum(state: State, other: State, column: str, _outcome: Outcome) -> None:
    assert state.row is not None
    totals, theirs = totals_of(state, column), totals_of(other, column)
    later = {replica: at for replica, at in theirs.items() if replica not in totals or at[0] > totals[replica][0]}
    if later:
        totals |= later
        state.cells[column] = {"s": list(state.stamp(column)), "c": totals}
        state.row[column] = sum(total for _, total in totals.values())


def _decided(state: State, other: State, column: str, _outcome: Outcome) -> None:
    assert state.row is not None
    if other.stamp(column)[0] > state.stamp(column)[0]:
        state.row[column], state.cells[column] = (other.row or {})[column], list(other.stamp(column))


def _interweave(state: State, other: State, column: str, _outcome: Outcome) -> None:
    assert state.row is not None
    ours, theirs = merge.letters_of(state, column), merge.letters_of(other, column)
    both = sequence.join(ours, theirs)
    if both != ours:
        state.cells[column] = {"s": list(state.stamp(column)), "t": both}
        state.row[column] = sequence.read(both)


_JOINS: Final[Mapping[str, Callable[[State, State, str, Outcome], None]]] = {
    "lww": _plain, "append": _once, "set": _unite, "counter": _sum, "guarded": _decided, "text": _interweave,
}  # fmt: skip
