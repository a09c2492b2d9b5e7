"""How one operation meets one row, a kind of merge per column; pure, and the same on the hub and on every console.

A row's `cells` remember, per column, the stamp of its value and what its writer had seen: {"": [hlc, replica]} is that of
the row's first write, which holds for every column without a cell of its own. Kinds: `lww` the last writer wins, `append` the
first does, `set` after the OR-set of Shapiro, Preguiça, Baquero, Zawirski, "Conflict-free Replicated Data Types" (2011), with
one add and one remove stamp per element instead of a set of tags, `counter` their state-based PN-counter, `text` their
growable array; `guarded` is decided by whoever has the authority, and stays as it is for everybody else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.store.upcast import STAYS
from app.engine.sync import sequence
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.ops import Op
from app.engine.sync.sets import Held, change_of, is_out

Row: TypeAlias = dict[str, Any]
Cells: TypeAlias = dict[str, Any]
Kinds: TypeAlias = Mapping[str, str]
Judge: TypeAlias = Callable[[str, Any, Any, Any], str]  # (column, value now, from, to) → a reason to refuse, or nothing

FIRST: Final = ""
GONE: Final = "gone"
QUIET: Final = frozenset({"id", "created_us", "updated_us", "base_version", "author"})
DELETED: Final = "deleted_us"
ERASE: Final = "sync.erase"  # the intent of an operation that has a row forgotten, with all that was written in it
ERASED: Final = "erased"
RELEASE: Final = "sync.release"  # the intent of one that hands over what was written while its table stayed


@dataclass(frozen=True)
class Loss:
    """A value that another one, written without knowledge of it, has covered: both, and when and where they were written."""

    column: str
    kept: Any
    kept_stamp: Stamp
    lost: Any
    lost_stamp: Stamp
    reason: str = "concurrent"
    kept_seen: Stamp = ZERO  # what the writers had before them
    lost_seen: Stamp = ZERO
    stays: bool = False  # what lost was written while its table stayed here, in a row that is gone
    yields: bool = False  # the deletion, by retention, that covers it gives way

    def is_apart(self, marked: Iterable[str]) -> bool:
        """Tell whether this is about what stays here, in a row whose columns `marked` do: no other is to hear of it."""
        names = {*marked}
        return self.stays or self.column in names or (bool(names) and self.column == DELETED)


@dataclass
class State:
    """One row with its cells; `row` is None while nothing is known of it."""

    row: Row | None = None
    cells: Cells = field(default_factory=dict)
    sets: dict[str, Held] = field(default_factory=dict, repr=False, compare=False)  # of columns, to be changed in place
    had: Iterable[Stamp] | None = field(default=None, compare=False)  # all that stood there, where a part of it is told
    told: set[tuple[str, Stamp]] = field(default_factory=set, repr=False, compare=False)  # by who deleted it: see `covered.py`

    def copy(self) -> "State":
        """Return a copy; nothing that stands in it is changed in place any more."""
        self.sets.clear()
        return State(None if self.row is None else dict(self.row), dict(self.cells))

    def stamp(self, column: str) -> Stamp:
        """Return the stamp of a column's value, `ZERO` when it was never written."""
        cell = self.cells.get(column)
        if cell is None:
            cell = self.cells.get(FIRST)
        if cell.__class__ is dict:
            cell = cell.get("s")
        return (cell[0], cell[1]) if cell else ZERO


def stayed_in(state: State) -> dict[str, Any]:
    """Return what was written while its table stayed here, in a row that lives or that others deleted: nobody else has it."""
    marked = state.cells.get(STAYS)
    if state.row is None or not isinstance(marked, dict):
        return {}
    if state.row.get(DELETED) is not None and marked.get(DELETED) == list(state.stamp(DELETED)):  # by whoever wrote it
        return {}
    return {name: state.row[name] for name in marked if name in state.row and name not in (*QUIET, DELETED)}


def stayed_and_gone(state: State) -> list[Loss]:
    """Return what is lost where a row goes for good in which something stayed."""
    stayed = stayed_in(state)
    at: Stamp = (0, STAYS)  # by which its conflict is another than that of what others know of
    return [Loss(DELETED, None, at, stayed, state.stamp("updated_us"), "deleted", stays=True)] if stayed else []


def part_of(state: State, column: str, name: str) -> Any:
    """Return the elements ("e"), totals ("c") or letters ("t") in a column's cell; None where it has none of its own yet."""
    cell = state.cells.get(column)
    return cell.get(name) if isinstance(cell, dict) else None  # earlier versions took half of one


@dataclass(slots=True)
class Outcome:
    """What came of an operation: values lost, verdicts of guarded columns, columns nobody here knows."""

    losses: list[Loss] = field(default_factory=list)
    verdicts: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    erased: bool = False
    orders: bool = False  # said where operations are numbered: what is covered here by a value of elsewhere is told
    by: str = ""  # whose operation it is
    bridged: list[tuple[str, Stamp, Stamp]] = field(default_factory=list)  # column, what `op` had seen, what saw `op`


def apply(
    state: State, op: Op, kinds: Kinds, fresh: Callable[[], Row], *,
    judge: Judge | None = None, decided_hlc: int = 0, verdicts: Mapping[str, Any] | None = None,
) -> Outcome:  # fmt: skip
    """Merge `op` into `state` and return what came of it; the same operations in any order end in the same state.

    `fresh` makes a row of defaults. The authority hands in `judge` and the clock of its decision, everybody else the
    `verdicts` that came with the operation. Raises `BadInput` for a value that does not fit its column's kind.
    """
    outcome = Outcome(orders=judge is not None and op.writer == op.replica)
    if _is_gone(state, op, outcome, verdicts):
        return outcome
    if state.row is None:
        state.row = {**fresh(), "id": op.row}
        if op.new and not state.cells:
            state.cells[FIRST] = [*op.stamp]
            _take_new(state.row, state.cells, op, kinds, outcome)
            return outcome
    _look_at_deletion(state, op, kinds, outcome)
    row, cells, stamp, first = state.row, state.cells, op.stamp, state.cells.get(FIRST)
    for column, value in op.fields.items():
        kind = kinds.get(column)
        if kind == "lww":
            now, seen = cells.get(column, first), op.seen.get(column, ZERO)
            if seen == ZERO or now.__class__ is not list or (now[0], now[1]) != seen or stamp <= seen:
                _last(state, op, column, outcome)
            else:  # said by one who knew what stands here: nothing is lost
                row[column] = value
                cells[column] = [*stamp, *seen]
        elif kind is None:
            outcome.unknown[column] = value
        elif kind == "guarded":
            _guard(state, op, column, outcome, judge=judge, decided_hlc=decided_hlc, verdict=(verdicts or {}).get(column))
        elif kind != "local" and column != "id":
            _MERGES[kind](state, op, column, outcome)
    return outcome


def _is_gone(state: State, op: Op, outcome: Outcome, verdicts: Mapping[str, Any] | None) -> bool:
    """Tell whether the row is gone for good, or goes by this operation; then nothing else is done with it."""
    if op.intent == ERASE or ERASED in state.cells:
        gone = state.cells.get(GONE, list(op.stamp))
        state.row, state.cells, outcome.erased = None, {GONE: gone, ERASED: True}, True
        return True
    if verdicts is not None and GONE in verdicts:
        outcome.losses += stayed_and_gone(state)
        state.row, state.cells = None, {GONE: verdicts[GONE]}
        return True
    if GONE in state.cells:  # its tombstone was let go of: nothing brings the row back
        outcome.verdicts[GONE] = state.cells[GONE]
        if not op.fields.keys() <= {*QUIET, DELETED}:
            edits = {name: value for name, value in op.fields.items() if name not in QUIET}
            outcome.losses.append(Loss(DELETED, None, ZERO, edits, op.stamp, "deleted"))
        return True
    return False


def _take_new(row: Row, cells: Cells, op: Op, kinds: Kinds, outcome: Outcome) -> None:
    """Take a row nobody has touched yet: every column has the stamp of its first write."""
    plain: frozenset[str] = getattr(kinds, "plain", frozenset())
    if plain.issuperset(op.fields):
        row |= {**op.fields, "id": op.row}
        return
    for column, value in op.fields.items():
        kind = kinds.get(column)
        if kind is None:
            outcome.unknown[column] = value
        elif kind in ("lww", "append") and column != "id":
            row[column] = value
        elif kind in _NEW:
            _NEW[kind](row, cells, op, column)


def _look_at_deletion(state: State, op: Op, kinds: Kinds, outcome: Outcome) -> None:
    """Tell of what is written to a row that is deleted, and the reverse."""
    assert state.row is not None
    if DELETED in op.fields or state.row.get(DELETED) is not None:
        from app.engine.sync.covered import losses_of

        outcome.losses += losses_of(state, op, kinds)


def _last(state: State, op: Op, column: str, outcome: Outcome) -> None:
    assert state.row is not None
    at, now, value, seen = op.stamp, state.stamp(column), op.fields[column], op.seen.get(column, ZERO)
    if at == now:
        return
    before = state.row.get(column)
    told = column not in QUIET and column != DELETED
    loud = told and now != ZERO and before != value
    if op.stamp > now:
        # Who had seen something later that has not come here yet knew of what stands here, unless nobody can.
        if loud and (seen < now or (seen > now and (outcome.orders or _is_known_here_alone(state, column, now)))):
            had = _seen_by_winner(state, column)
            outcome.losses.append(Loss(column, value, op.stamp, before, now, kept_seen=seen, lost_seen=had))
        state.row[column] = value
        state.cells[column] = [*op.stamp, *seen] if seen != ZERO else list(op.stamp)
    elif (had := _seen_by_winner(state, column)) == op.stamp:
        outcome.bridged += [(column, seen, now)] if told and outcome.orders else []
    elif loud:
        outcome.losses.append(Loss(column, before, now, value, op.stamp, kept_seen=had, lost_seen=seen))


def _is_known_here_alone(state: State, column: str, stamp: Stamp) -> bool:
    """Tell whether what was written at `stamp` stays here: whoever covers it had not seen it, whatever else they had."""
    marked = state.cells.get(STAYS)
    mark = marked.get(column) if isinstance(marked, dict) else None
    return isinstance(mark, list) and mark[1] == stamp[1]


def _seen_by_winner(state: State, column: str) -> Stamp:
    cell = state.cells.get(column)
    return (cell[2], cell[3]) if isinstance(cell, list) and len(cell) == 4 else ZERO


def _first(state: State, op: Op, column: str, outcome: Outcome) -> None:
    assert state.row is not None
    now, value = state.stamp(column), op.fields[column]
    before = state.row.get(column)
    if op.stamp == now:
        return
    loud = column not in QUIET and now != ZERO and before != value
    if now == ZERO or op.stamp < now:
        if loud:
            outcome.losses.append(Loss(column, value, op.stamp, before, now))
        state.row[column] = value
        state.cells[column] = list(op.stamp)
    elif loud:
        outcome.losses.append(Loss(column, before, now, value, op.stamp))


# Sets.


def set_of(state: State, column: str, *, as_list: bool) -> Held:
    """Return a column's set, to be looked into; to be changed it is to `stand` in the row first."""
    assert state.row is not None
    value, cell, held = state.row.get(column), state.cells.get(column), state.sets.get(column)
    if held is None or held.base[0] is not value or held.base[1] is not cell:
        own = {"s": list(state.stamp(column)), "e": dict(part_of(state, column, "e") or {})}
        held = state.sets[column] = Held.of(value, own, as_list=as_list)
        held.base = (value, cell)
    return held


def stand(state: State, column: str, held: Held) -> None:
    """Have a set stand in its column, to be changed in place; where its value stood before, it stays as it was."""
    assert state.row is not None
    state.row[column], state.cells[column] = held.base = held.value, held.cell


def _join(state: State, op: Op, column: str, outcome: Outcome) -> None:
    assert state.row is not None
    added, seen, removed, as_list = change_of(op.fields[column])
    held, default = set_of(state, column, as_list=as_list), state.stamp(column)
    members, elements = held.members, held.cell["e"]
    stand(state, column, held)
    for key, item in added.items():
        there, gone = held.known(key, default)
        had = _stamp_or_zero(seen.get(key))
        if op.stamp > there:
            unseen = had < there or (had > there and (outcome.orders or _is_known_here_alone(state, column, there)))
            if unseen and key in members and members[key] != item:
                outcome.losses.append(Loss(column, {key: item}, op.stamp, {key: members[key]}, there))
            if not is_out(op.stamp, gone):
                held.put(key, item)
            there = op.stamp
        elif key in members and members[key] != item and op.stamp < there:
            outcome.losses.append(Loss(column, {key: members[key]}, there, {key: item}, op.stamp))
        elements[key] = [*there, *gone]
    for key, had_json in removed.items():
        there, gone = held.known(key, default)
        gone = max(gone, _stamp_or_zero(had_json))
        if is_out(there, gone):
            held.pop(key)
        elements[key] = [*there, *gone]


def _stamp_or_zero(value: Any) -> Stamp:
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else ZERO


def _new_set(row: Row, _cells: Cells, op: Op, column: str) -> None:
    added, _, _, as_list = change_of(op.fields[column])
    row[column] = [added[key] for key in sorted(added)] if as_list else dict(added)


# Counters: one running total per replica.


def _count(state: State, op: Op, column: str, _outcome: Outcome) -> None:
    assert state.row is not None
    totals = totals_of(state, column)
    before = totals.get(op.writer)
    if before is None or op.hlc > before[0]:
        totals[op.writer] = [op.hlc, _total(op.fields[column])]
    state.cells[column] = {"s": list(state.stamp(column)), "c": totals}
    state.row[column] = sum(total for _, total in totals.values())


def totals_of(state: State, column: str) -> dict[str, list[Any]]:
    """Return each replica's [hlc, running total] of a counter."""
    if (totals := part_of(state, column, "c")) is not None:
        return dict(totals)
    hlc, replica = state.stamp(column)
    return {replica: [hlc, (state.row or {}).get(column) or 0]} if replica else {}


def _total(value: Any) -> Any:
    total = value.get("total") if isinstance(value, dict) else None
    if not isinstance(total, int | float) or isinstance(total, bool):
        raise BadInput("The change of a counter is its writer's running total")
    return total


def _new_counter(row: Row, _cells: Cells, op: Op, column: str) -> None:
    row[column] = _total(op.fields[column])


# Guarded columns: decided in one place.


def _guard(state: State, op: Op, column: str, outcome: Outcome, *, judge: Judge | None, decided_hlc: int, verdict: Any) -> None:
    assert state.row is not None
    if judge is not None:
        change = op.fields[column]
        if not isinstance(change, dict) or "to" not in change:
            raise BadInput("The change of a guarded state names from and to")
        now = state.row.get(column)
        reason = "" if state.stamp(column) == ZERO else judge(column, now, change.get("from"), change["to"])
        verdict = {"at": decided_hlc, "ok": not reason, "value": now if reason else change["to"], "reason": reason}
        outcome.verdicts[column] = verdict
        if reason:
            outcome.losses.append(Loss(column, now, state.stamp(column), change["to"], op.stamp, reason))
    if not isinstance(verdict, dict):  # not decided yet: the row stays as it is, which for its writer is as it wrote it
        if op.new and state.stamp(column) == ZERO:  # a first write is not decided on: a stick brought what came after it
            _new_guarded(state.row, state.cells, op, column)
            state.cells[column] = list(op.stamp)
        return
    if verdict["at"] >= state.stamp(column)[0] or column not in state.cells:  # another hub may have decided at that time too
        state.row[column] = verdict["value"]
        state.cells[column] = [verdict["at"], ""]


def _new_guarded(row: Row, _cells: Cells, op: Op, column: str) -> None:
    change = op.fields[column]
    row[column] = change.get("to") if isinstance(change, dict) else change


# Shared text.


def _weave(state: State, op: Op, column: str, _outcome: Outcome) -> None:
    assert state.row is not None
    held = sequence.weave(letters_of(state, column), op.fields[column], op.stamp)
    state.cells[column] = {"s": list(state.stamp(column)), "t": held}
    state.row[column] = sequence.read(held)


def letters_of(state: State, column: str) -> sequence.Held:
    """Return a shared text as the array of its letters."""
    held: sequence.Held | None = part_of(state, column, "t")
    return sequence.first((state.row or {}).get(column) or "", state.stamp(column)) if held is None else held


def _new_text(row: Row, _cells: Cells, op: Op, column: str) -> None:
    row[column] = sequence.read(sequence.weave([], op.fields[column], op.stamp))


_MERGES: Final = {"lww": _last, "append": _first, "set": _join, "counter": _count, "text": _weave}
_NEW: Final = {"set": _new_set, "counter": _new_counter, "guarded": _new_guarded, "text": _new_text}


def write(kind: str, state: State, op: Op, column: str, outcome: Outcome) -> None:
    """Merge one column of `op`, of a kind that everybody decides alike, into a row that is there."""
    _MERGES[kind](state, op, column, outcome)
