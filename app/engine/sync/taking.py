"""What others wrote, applied by a console some at a time: what is read is applied while the processor's caches have it."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias

from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import others
from app.engine.sync.fits import check_op, check_verdicts
from app.engine.sync.hlc import Stamp, observe
from app.engine.sync.join import last_of, stamps_in
from app.engine.sync.later import unknown_of
from app.engine.sync.merge import Loss
from app.engine.sync.ops import Op, entry_of
from app.engine.sync.session import Session

Entry: TypeAlias = tuple[Op, dict[str, Any]]  # with what was decided on it
_SOME: Final = 250


class Taking:
    """What comes of operations that others than `replica` wrote; `now_us` is the hub's time."""

    def __init__(self, shelf: Shelf, replica: str, now_us: int) -> None:
        self._shelf, self._replica, self._now_us = shelf, replica, now_us
        self.session = Session(shelf)
        self.lost = list[tuple[Op, Loss]]()
        self.later = list[Row]()
        self.heard = 0  # the latest time that anything spoke of
        self._bearing = dict[Key, set[Stamp]]()
        self.reached = dict[str, int]()  # up to which number others' logs were told of
        self.moved = dict[str, int]()  # of what stands here as a stick told it: since when a replica has given other times

    def take(self, lines: Sequence[Any], schema: int) -> None:
        """Apply entries of the log of a hub of version `schema`; raise `BadInput` for one that is none or does not fit."""
        for at in range(0, len(lines), _SOME):
            entries = [entry_of(each, schema) for each in lines[at : at + _SOME]]
            told = [each for each in entries if each[0].replica != self._replica or each[1]]
            self.session.load((op.table, op.row) for op, _ in told)
            for op, verdicts in told:
                self._apply(op, verdicts, kept=True)
                self.reached[op.replica] = op.seq

    def take_ops(self, ops: Sequence[Op]) -> None:
        """Apply operations that no hub has decided on; raise `BadInput` for one that does not fit."""
        self.session.load((op.table, op.row) for op in ops)
        for op in ops:
            self._apply(op, None, kept=False)

    def _apply(self, op: Op, verdicts: dict[str, Any] | None, *, kept: bool) -> None:
        kinds, theirs = self._shelf.kinds(op.table), op.replica != self._replica
        check_op(op, kinds, kept=kept)
        if theirs:
            self.heard = observe(self.heard, last_of(op, kinds, kept=kept), self._now_us)
        if verdicts:
            check_verdicts(op, verdicts, kinds)
            self.heard = max([self.heard, *(verdict["at"] for verdict in verdicts.values() if isinstance(verdict, dict))])
        if kept and theirs and op.extra and op.bore and self._sticks:
            self._look_at_old(op)
        outcome = self.session.apply(op, verdicts=verdicts)
        if outcome.losses:
            self.lost += [(op, loss) for loss in outcome.losses]
        if outcome.unknown and theirs:
            self.later += unknown_of(op, outcome)

    @cached_property
    def _sticks(self) -> bool:
        """Tell whether consoles are known whose sticks may have brought what stands here."""
        return others.by_sticks(self._shelf)

    def _look_at_old(self, op: Op) -> None:
        """Note where the row of an operation bears a stamp that the operation has no longer."""
        key = (op.table, op.row)
        if key not in self._bearing:  # once for a page: what stood there before it
            self._bearing[key] = {*stamps_in([self.session.state(key).cells])}
        for hlc, replica in self._bearing[key].intersection(op.bore):
            if hlc != op.hlc:
                self.moved[replica] = min(hlc, self.moved.get(replica, hlc))
