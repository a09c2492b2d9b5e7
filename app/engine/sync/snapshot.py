"""A console and the rows of a hub as they stand: what is later here stays, and what the hub turns out to lack is handed over.

The second is done where the hub may lack what was let go of: after it was restored, and at the first meeting with another hub.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import join, restamp
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import ERASED, GONE, Loss, State
from app.engine.sync.ops import Op, parsed
from app.engine.sync.sealing import replica_of
from app.engine.sync.session import Session, job_of
from app.engine.sync.whole import Told, hand_over

ROWS: Final = 2000
Standing: TypeAlias = tuple[Key, Row | None, dict[str, Any]]


class Snapshot:
    """One transaction's part of a snapshot; `acked` is how far the hub has our own operations."""

    def __init__(self, shelf: Shelf, acked: int, now_us: int, *, compare: bool, lowered: restamp.Moved | None = None) -> None:
        self._shelf, self._acked, self._now_us, self._compare = shelf, acked, now_us, compare
        self._lowered = lowered  # of what a wrong clock stamped
        self._session = Session(shelf)
        self.lost: list[tuple[Op, Loss]] = []  # what stayed here and is covered now
        self.erased: dict[Key, str] = {}  # with the job each row came from
        self._lacked: list[Told] = []
        self._travels: dict[str, frozenset[str]] = {}

    def take(self, told: Sequence[Standing]) -> list[str]:
        """Take rows as they stand at the hub, with ours on top of them; return the tables that changed."""
        session = self._session
        session.load(key for key, _, _ in told)
        own = self._own([key for key, _, _ in told])
        for key, values, cells in told:
            if self._shelf.kinds(key[0]) is None:
                continue
            state = session.state(key)
            job_id = job_of(state.row)
            if (state.cells and state.cells != cells) or key in own:
                self._meet(key, self._there(state, key, values, cells), own.get(key, []))
            else:
                there = self._there(state, key, values, cells)
                state.row, state.cells = there.row, there.cells
            if ERASED in state.cells:
                self.erased[key] = job_id
        changed = session.tables()
        self._end()
        return changed

    def _there(self, state: State, key: Key, values: Row | None, cells: dict[str, Any]) -> State:
        """Return a row as it stands at the hub, with what never travels as it stands here."""
        if values is None:
            return State(None, cells)
        kinds = self._shelf.kinds(key[0]) or {}
        row = dict(state.row) if state.row is not None else self._shelf.fresh(key[0])
        row.update(values if self._travel(key[0]).issuperset(values) else _only_told(values, kinds))
        row["id"] = key[1]
        return State(row, cells)

    def _travel(self, table: str) -> frozenset[str]:
        """Return the columns of a table that travel."""
        found = self._travels.get(table)
        if found is None:
            kinds = self._shelf.kinds(table) or {}
            found = self._travels[table] = frozenset(name for name, kind in kinds.items() if kind != "local")
        return found

    def _meet(self, key: Key, there: State, own: list[Op]) -> None:
        """Have a row be what stands at the hub, what it does not have of ours yet, and what is later here."""
        kinds, state = self._shelf.kinds(key[0]) or {}, self._session.state(key)
        waiting = _undecided(own, kinds, state) | join.steps_in(state.cells)
        here = State(
            None if state.row is None else {**state.row, **{name: step["from"] for name, step in waiting.items()}}, state.cells
        )
        if self._lowered is not None:
            here.cells = restamp.moved_in(here.cells, self._lowered)
        state.row, state.cells = there.row, there.cells
        for op in own:
            self._session.apply(op)
        if self._compare and (lacked := join.beyond(state, here, kinds, lambda: self._fresh(key))) is not None:
            self._lacked.append((key, {WHOLE: lacked}))
        losses = join.join(state, here, kinds, lambda: self._fresh(key)).losses
        marked = here.cells.get(STAYS)
        if marked:
            at = Op("", 0, "", 0, *key, new=False, hlc=0, fields={})
            self.lost += [(at, loss) for loss in losses if loss.is_apart(marked)]
            if GONE not in state.cells:
                state.cells = {**state.cells, STAYS: marked}
        if state.row is not None:
            state.row.update((name, step["to"]) for name, step in waiting.items())

    def left_out(self, told: frozenset[Key], start: Key, upto: Key | None, most: int = ROWS) -> Key | None:
        """Hand over rows after `start`, up to `upto`, that the hub did not tell of; return where to go on, None at the end."""
        page = self._shelf.page(start, most)
        within = [key for key, _ in page if upto is None or key <= upto]
        own = self._own([key for key in within if key not in told])
        for key, (row, stood) in page:
            kinds = self._shelf.kinds(key[0])
            if kinds is None or key in told or (upto is not None and key > upto):
                continue
            cells = stood if self._lowered is None else restamp.moved_in(stood, self._lowered)
            if cells != stood:
                self._session.state(key).cells = cells
            waiting = _undecided(own.get(key, []), kinds, State(row, stood))
            here = State(None if row is None else {**row, **{name: step["from"] for name, step in waiting.items()}}, cells)
            there = Session(self._shelf)
            there.state(key).row, there.state(key).cells = None, {}
            for op in own.get(key, []):
                there.apply(op)
            lacked = join.beyond(there.state(key), here, kinds, lambda key=key: self._fresh(key))  # type: ignore[misc]
            if lacked is not None:
                self._lacked.append((key, {WHOLE: lacked}))
            if GONE in cells and row is not None and STAYS not in cells:  # written over it: it goes with all who are told now
                self._session.state(key).row = None
        self._end()
        return page[-1][0] if len(page) == most and len(within) == most else None

    def _fresh(self, key: Key) -> Row:
        return {**self._shelf.fresh(key[0]), "id": key[1]}

    def _own(self, keys: list[Key]) -> dict[Key, list[Op]]:
        replica, found = replica_of(self._shelf), dict[Key, list[Op]]()
        if self._acked >= int(self._shelf.here()["seq"]):
            return found
        for row in self._shelf.own_of(keys, self._acked):
            op = Op.from_json(json.loads(row["op"]), replica)
            found.setdefault((op.table, op.row), []).append(op)
        return found

    def _end(self) -> None:
        self._session.flush()
        if self._lacked:
            hand_over(self._shelf, self._lacked, self._now_us)
            self._lacked = []


def _only_told(values: Row, kinds: Mapping[str, str]) -> Row:
    return {name: value for name, value in values.items() if kinds.get(name, "local") != "local"}


def _undecided(own: Sequence[Op], kinds: Any, state: State) -> dict[str, dict[str, Any]]:
    """Return the steps of guarded columns that no hub has decided on: the first state they go from, the last they go to.

    What this one lacks since it was restored was decided on before, and stands here with the time of that.
    """
    found: dict[str, dict[str, Any]] = {}
    for op in own:
        for name, value in op.fields.items():
            at, by = state.stamp(name)
            decided = by == "" and at >= op.hlc
            if kinds.get(name) == "guarded" and isinstance(value, dict) and not (op.new or decided):
                found[name] = {"from": found.get(name, value).get("from"), "to": value.get("to")}
    return found


def standing(each: Any) -> Standing:
    """Return a row of a snapshot: its key, values (None: it is gone) and cells; raise `BadInput`."""
    told = parsed(each)
    if not (
        isinstance(told, list) and len(told) >= 4 and isinstance(told[0], str) and isinstance(told[1], str)
        and (told[2] is None or isinstance(told[2], dict)) and isinstance(told[3], dict)
    ):  # fmt: skip
        raise BadInput("A row of a snapshot has values and cells")
    return (told[0], told[1]), told[2], told[3]
