"""Our own log written anew, slice by slice: under another name, or with other stamps where our clock was wrong.

A mark in `meta` says what is under way and how far it is; each slice moves it in the transaction that it is written in, so
whoever comes next goes on where a kill cut it. While it stands nothing is numbered, handed over or taken; commits go on, into
the outbox. What is small is written at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, TypeVar

from app.engine.store import capture
from app.engine.store.rows import Conn
from app.engine.store.shelf import Cells, Key, Shelf
from app.engine.store.store import Store
from app.engine.sync import join, others, restamp, sealing
from app.engine.sync.batch import PAGE_BYTES
from app.engine.sync.hlc import Stamp
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import GONE, State
from app.engine.sync.ops import BY, WAS, Op
from app.engine.sync.residency import staying
from app.engine.sync.restamp import Moved
from app.engine.sync.sealing import REWRITING, keep, mark_of
from app.engine.sync.session import Session

T = TypeVar("T")
SLICE: Final = 500  # operations, or rows, of one transaction
_AT_ONCE: Final = 24  # steps that what is small takes: most of them find that there is nothing to do
_START: Final = ("", "")


def begin(shelf: Shelf, mark: dict[str, Any]) -> None:
    """Begin to write the log anew: "name" gives it another one, "clock" other stamps. What is small is done at once."""
    small = int(mark["upto"]) - int(mark["at"]) <= SLICE
    _note(shelf, mark)
    for _ in range(_AT_ONCE if small else 0):
        if not go_on(shelf):
            return


def go_on(shelf: Shelf) -> bool:
    """Write the next slice of what is under way; tell whether there is more."""
    mark = mark_of(shelf)
    if not mark:
        return False
    more = (_Naming if mark["kind"] == "name" else _Timing)(shelf, mark).step()
    _note(shelf, mark if more else {})
    return more


async def settled(store: Store, step: Callable[[Conn], T]) -> T:
    """Do `step` in a transaction in which no log is half written: what is left of it is written first, slice by slice."""
    under_way = object()

    def work(conn: Conn) -> T | object:
        return under_way if mark_of(Shelf(conn)) else step(conn)

    while True:
        told = await store.write(work)
        if told is not under_way:
            return told  # type: ignore[return-value]
        await store.write(_slice)


async def numbered(store: Store) -> None:
    """Number all that waits, slice by slice, so that a step that needs it numbered is short."""
    while await settled(store, lambda conn: sealing.seal(Shelf(conn))):
        pass


def _slice(conn: Conn) -> bool:
    with capture.quiet(conn):
        return go_on(Shelf(conn))


def _note(shelf: Shelf, mark: Mapping[str, Any]) -> None:
    shelf.put("meta", {"id": REWRITING, "value": dict(mark)})


class _Slices:
    """One step of what `mark` says is under way; `mark` is changed as it goes."""

    def __init__(self, shelf: Shelf, mark: dict[str, Any]) -> None:
        self.shelf, self.mark = shelf, mark

    def read(self, upto: int, replica: str) -> list[Op]:
        """Return the next operations up to number `upto`."""
        at = int(self.mark["at"])
        texts = self.shelf.own_texts(at, min(SLICE, upto - at), PAGE_BYTES) if upto > at else []
        return [Op.from_text(text, replica) for text in texts]

    @cached_property
    def carried(self) -> bool:
        """Tell whether sticks may have told another console of what is stamped anew."""
        return others.by_sticks(self.shelf)

    def anew(self, op: Op, was: Op, moved: Moved, cells: Cells, counted: dict[tuple[str, str, str], Any]) -> Op:
        """Return an operation that has its own new stamp (it `was` another) with those in it exchanged."""
        fields = restamp.fields_of(op, self.shelf.kinds(op.table) or {}, moved, cells, counted, was=was.stamp)
        seen = {name: moved(at) for name, at in op.seen.items()}
        bore = restamp.bore_in(op, was, moved) if self.carried else {}
        return replace(op, fields=fields, seen=seen, extra={**_without(op, WAS), **bore})

    def apart(self) -> list[tuple[Key, Cells]] | None:
        """Return the cells of the next rows of tables that stay, empty where those have none; None at the end."""
        at: Key = (self.mark["apart"][0], self.mark["apart"][1])
        for table in sorted(staying(self.shelf)):
            if table < at[0]:
                continue
            page = self.shelf.page(at if table == at[0] else (table, ""), SLICE)
            found = [(key, cells) for key, (_, cells) in page if key[0] == table]
            if found:
                self.mark["apart"] = list(found[-1][0])
                return [each for each in found if STAYS in each[1]]
        return None

    def moved(self, cells: Mapping[Key, Cells], moved: Callable[[Key], Moved]) -> None:
        """Exchange the stamps in rows' cells."""
        session = Session(self.shelf)
        session.load(cells, bare=True)
        for key in cells:
            state = session.state(key)
            state.cells = restamp.moved_in(state.cells, moved(key))
        session.flush()


class _Naming(_Slices):
    """Under another name: of what its hub has (up to `after`) the stamps stay, what came later gets those of the new name."""

    def step(self) -> bool:
        """Write a slice; tell whether there is more."""
        ops = self.read(int(self.mark["upto"]), str(self.mark["old"]))
        if ops:
            self._write(ops)
            self.mark["at"] = ops[-1].seq
            return True
        rows = self.apart() if self.mark["apart"] else None
        if rows is None:
            return False
        self.moved(dict(rows), self._mover(dict(rows)))
        return True

    def _mover(self, cells: Mapping[Key, Cells]) -> Callable[[Key], Moved]:
        """Return what exchanges the stamps of a row: those that its hub cannot know, and those of what stayed here."""
        old, fresh, known = str(self.mark["old"]), str(self.mark["fresh"]), int(self.mark["known"])
        stayed = {key: frozenset(join.stamps_in([told.get(STAYS, {})])) for key, told in cells.items()}

        def of(key: Key) -> Moved:
            own = stayed[key]
            return lambda at: (at[0], fresh) if at[1] == old and (at[0] > known or at in own) else at

        return of

    def _write(self, ops: list[Op]) -> None:
        fresh, after, seq = str(self.mark["fresh"]), int(self.mark["after"]), int(self.mark["seq"])
        session, told, counted = Session(self.shelf), list[Op](), dict[tuple[str, str, str], Any]()
        rest = dict.fromkeys((op.table, op.row) for op in ops if op.seq > after)
        session.load(rest, bare=True)
        mover = self._mover({key: session.state(key).cells for key in rest})
        for key in rest:
            session.state(key).cells = restamp.moved_in(session.state(key).cells, mover(key))
        for op in ops:
            seq += 1
            if op.seq <= after:
                told.append(as_it_was(op, fresh, seq))
            else:
                key = (op.table, op.row)
                now = replace(op, replica=fresh, seq=seq)
                told.append(self.anew(now, op, mover(key), session.state(key).cells, counted))
        self.shelf.drop_own(int(self.mark["at"]), ops[-1].seq)
        keep(self.shelf, told, str(self.shelf.here()["chain"]), 0)
        self.mark["seq"] = seq
        session.flush()
        if self.mark["apply"]:
            self._apply(told)

    def _apply(self, ops: Sequence[Op]) -> None:
        """Have rows that were lost be made again by what we wrote of them."""
        session = Session(self.shelf)
        session.load((op.table, op.row) for op in ops)
        for op in ops:
            state = session.state((op.table, op.row))
            if state.row is None and GONE not in state.cells:
                state.cells = {}
            session.apply(op)
        session.flush()


class _Timing(_Slices):
    """By the hub's clock: stamps are looked for, given new times in their order, and exchanged in operations and rows."""

    def step(self) -> bool:
        """Do a slice; tell whether there is more."""
        return bool(getattr(self, f"_{self.mark['phase']}")())

    def _look(self) -> bool:
        """Note the stamps of what was not handed over yet, then give them times; what is committed meanwhile comes behind.

        A slice of each in one step, so that it ends however often somebody commits.
        """
        self._seal()
        ops = self.read(int(self.shelf.here()["seq"]), sealing.replica_of(self.shelf))
        if ops:
            self._note_ops(ops)
        self.mark["at"] = ops[-1].seq if ops else self.shelf.here()["seq"]  # the last may have been let go of
        if self.mark["at"] < self.shelf.here()["seq"]:
            return True
        rows = self.apart() if self.mark["apart"] else None
        self.mark["apart"] = None if rows is None else self.mark["apart"]
        self._note_cells(cells for _, cells in rows or ())
        if rows is not None or self._give_times() or self.shelf.outbox(1):  # whatever is committed yet goes by the wrong clock
            return True
        return self._turn()

    def _seal(self) -> None:
        """Number what was committed meanwhile."""
        stays = staying(self.shelf)
        keys = {(str(row["table_name"]), str(row["row_id"])) for row in self.shelf.outbox(SLICE)}
        if sealing.number(self.shelf, SLICE):
            stayed = [key for key in keys if key[0] in stays]
            self._note_cells(cells for _, cells in self.shelf.load(stayed, bare=True).values())

    def _note_ops(self, ops: Sequence[Op]) -> None:
        bound = int(self.mark["bound"])
        had = {op.stamp: [*op.seen.values(), *self._last_told(op)] for op in ops}
        self.shelf.moved_put({op.stamp: had[op.stamp] for op in ops if BY not in op.extra or op.hlc > bound})
        self._keep_behind(at for stamp, before in had.items() for at in (stamp, *before))
        self._note_cells(op.fields[WHOLE]["cells"] for op in ops if WHOLE in op.fields)

    def _last_told(self, op: Op) -> list[Stamp]:
        """Return the latest stamp that an operation speaks of, of those that may stay as they are; nothing without any."""
        told = [at for at in join.told_in(op, self.shelf.kinds(op.table)) if at[0] <= int(self.mark["bound"])]
        return [max(told)] if told else []

    def _note_cells(self, found: Iterable[Cells]) -> None:
        bound, seen = int(self.mark["bound"]), dict[Stamp, list[Stamp]]()
        for cells in found:
            stamps = list(join.stamps_in(cells))
            self._keep_behind(stamps)
            seen |= {at: [] for at in stamps if at[0] > bound and at not in seen}
            for at, had in join.seen_in(cells):
                if at in seen:
                    seen[at].append(had)
        self.shelf.moved_put(seen)

    def _keep_behind(self, stamps: Iterable[Stamp]) -> None:
        """Note the latest of the stamps that may stay as they are: whatever is written from now on is to be later."""
        bound = int(self.mark["bound"])
        self.mark["heard"] = max([int(self.mark.get("heard", 0)), *(at[0] for at in stamps if at[0] <= bound)])

    def _give_times(self) -> bool:
        """Give the next stamps times later than what their writer had seen, and as long ago as they were; tell of more."""
        if "ahead" not in self.mark:
            self.mark["ahead"] = max(self.shelf.moved_top() - int(self.mark["hub_us"]), int(self.mark.get("shift", 0)), 0)
        found = self.shelf.moved_next((self.mark["next"][0], self.mark["next"][1]), SLICE)
        known = self.shelf.moved_of(had for _, seen in found for had in seen)
        hlc, bound, ahead = int(self.mark["hlc"]), int(self.mark["bound"]), int(self.mark["ahead"])
        times = dict[Stamp, int]()
        for at, seen in found:
            before = max((had[0] for had in seen if had not in known and had[0] <= bound), default=0)
            hlc = max(hlc + 1, before + 1, at[0] - ahead if at[0] > bound else at[0])
            times[at] = hlc
        self.shelf.moved_set(times)
        self.mark |= {"hlc": hlc, "next": list(found[-1][0]) if found else self.mark["next"]}
        return len(found) == SLICE

    def _turn(self) -> bool:
        """Go by the hub's clock from now on: whatever is committed later is later than all that is written anew."""
        here = self.shelf.here()
        self.mark |= {"phase": "write", "at": self.mark["acked"], "upto": here["seq"], "apart": list(_START)}
        hlc = max(int(self.mark[name]) for name in ("hlc", "hub_us", "heard"))
        begun = {"seq": self.mark["acked"], "chain": self.mark["chain"]} if self.shelf.own(int(self.mark["acked"]), 1) else {}
        self.shelf.set_here(hlc=hlc, **begun)
        return True

    def _write(self) -> bool:
        """Exchange the stamps of the next operations, and of each row as the first operation on it comes."""
        ops, acked = self.read(int(self.mark["upto"]), sealing.replica_of(self.shelf)), int(self.mark["acked"])
        if not ops:
            return self._write_apart()
        keys = dict.fromkeys((op.table, op.row) for op in ops)
        reached, session = self.shelf.worked_on(keys, acked, int(self.mark["at"])), Session(self.shelf)
        session.load(keys)
        new = [key for key in keys if key not in reached]
        told = [session.state(key).cells for key in new]
        moved = self._times_of([told, [op.fields for op in ops]], (at for op in ops for at in (op.stamp, *op.seen.values())))
        for key in new:
            session.state(key).cells = restamp.moved_in(session.state(key).cells, moved)
        done = [self.anew(replace(op, hlc=moved(op.stamp)[0]), op, moved, {}, {}) for op in ops]
        self.shelf.drop_own(int(self.mark["at"]), ops[-1].seq)
        keep(self.shelf, done, str(self.shelf.here()["chain"]), 0)
        for op in done:
            self._decide_firsts(session, op)
        session.flush()
        self.mark["at"] = ops[-1].seq
        return True

    def _decide_firsts(self, session: Session, op: Op) -> None:
        """Have what was written once, and met somebody else's under the wrong time, be decided by the right one.

        Of all else the later holds: others' that were earlier than a time ahead come again, from the hub.
        """
        state, kinds = session.state((op.table, op.row)), self.shelf.kinds(op.table) or {}
        if state.row is None:
            return
        once, told = {name for name, kind in kinds.items() if kind == "append"}, op.fields.get(WHOLE)
        fields = {name: value for name, value in op.fields.items() if name in once}
        if told is not None and told["row"] is not None:
            fields[WHOLE] = join.told_of(State(told["row"], told["cells"]), kinds, once & told["row"].keys())
        if fields:
            session.apply(replace(op, fields=fields))

    def _write_apart(self) -> bool:
        rows = self.apart()
        if rows is None:
            self.mark["phase"] = "clear"
            return True
        reached = self.shelf.worked_on([key for key, _ in rows], int(self.mark["acked"]), int(self.mark["upto"]))
        cells = {key: told for key, told in rows if key not in reached}
        moved = self._times_of([list(cells.values())], ())
        self.moved(cells, lambda _key: moved)
        return True

    def _clear(self) -> bool:
        return bool(self.shelf.moved_drop(SLICE))

    def _times_of(self, documents: list[Any], more: Iterable[Stamp]) -> Moved:
        times = self.shelf.moved_of([*more, *join.stamps_in(documents)])
        others = restamp.lowered(int(self.mark["bound"]), sealing.replica_of(self.shelf))
        return lambda at: (times[at], at[1]) if at in times else others(at)


def as_it_was(op: Op, replica: str, seq: int) -> Op:
    """Return an operation under another name, with the stamp that it has."""
    return replace(op, replica=replica, seq=seq, extra={**_without(op, WAS), BY: op.writer})


def _without(op: Op, name: str) -> dict[str, Any]:
    return {known: value for known, value in op.extra.items() if known != name}
