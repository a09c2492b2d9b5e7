"""One transaction's merging: rows are loaded together, operations applied to them in memory, and what changed is written."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.engine.store.rows import Row
from app.engine.store.shelf import Found, Key, Shelf
from app.engine.sync import join, merge
from app.engine.sync.merge import Outcome, State
from app.engine.sync.ops import Op


class Session:
    """The rows that one transaction works on."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: dict[Key, Found] = {}
        self._states: dict[Key, State] = {}
        self.erased: dict[Key, str] = {}  # rows that are forgotten by what was applied, with the job each came from

    def load(self, keys: Iterable[Key], *, bare: bool = False) -> None:
        """Read rows that will be worked on, all together; `bare`: their cells alone, and rows are neither read nor written."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._states]
        for key, (row, cells) in self._shelf.load(missing, bare=bare).items():
            self._known[key] = (row, cells)
            self._states[key] = State(None if row is None else dict(row), dict(cells))

    def state(self, key: Key) -> State:
        """Return the state of a row, to be read or changed."""
        if key not in self._states:
            self.load([key])
        return self._states[key]

    def apply(
        self, op: Op, *, judge: merge.Judge | None = None, decided_hlc: int = 0, verdicts: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Merge an operation into its row; an unknown table is told as columns that are unknown, every one of them."""
        kinds = self._shelf.kinds(op.table)
        if kinds is None:
            return Outcome(unknown=dict(op.fields))
        key, fresh = (op.table, op.row), lambda: self._shelf.fresh(op.table)
        state = self.state(key)
        before = state.row
        if join.WHOLE in op.fields:
            outcome = join.apply(state, op, kinds, fresh, decided_hlc=decided_hlc, verdicts=verdicts)
        else:
            outcome = merge.apply(state, op, kinds, fresh, judge=judge, decided_hlc=decided_hlc, verdicts=verdicts)
        if outcome.erased:
            self.erased[key] = job_of(before) or self.erased.get(key, "")
        return outcome

    def flush(self) -> list[Key]:
        """Write what changed; return the rows that gave way to others with the same unique key."""
        changed = {
            key: (state.row, state.cells) for key, state in self._states.items() if (state.row, state.cells) != self._known[key]
        }
        yielded = self._shelf.keep(changed, self._known)
        self._known.clear()
        self._states.clear()
        return yielded

    def tables(self) -> list[str]:
        """Return the tables with changes that are not written yet."""
        return sorted({key[0] for key, state in self._states.items() if (state.row, state.cells) != self._known[key]})


def job_of(row: Row | None) -> str:
    """Return the job that a row was worked out by, on the machine that has it; nothing where there is none."""
    return str(row.get("job_id") or "") if row else ""
