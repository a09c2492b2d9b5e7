"""What holds now where a conflict arose: a person is to see it before a choice leaves it there, or writes over it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from app.engine.store.rows import Row
from app.engine.store.shelf import Shelf, kinds_of
from app.engine.sync.merge import DELETED, QUIET
from app.engine.sync.ops import canonical
from app.engine.sync.records import Met
from app.engine.sync.sets import members_of

STANDS: Final = "stands"
GONE: Final = "gone"
UNKNOWN: Final = "unknown"  # to this version
_TOGETHER: Final = 200  # rows that are read at a time


@dataclass(frozen=True)
class Present:
    """The present value of a conflict's field, and who changed its row last; `state` is stands, deleted, gone or unknown.

    Of a whole row the value has those columns that came second. `changed` tells whether it is another than the one that held
    when the conflict arose; None where that is not known.
    """

    state: str
    value: Any = None
    by: str = ""
    at_us: int = 0
    changed: bool | None = None
    row: str = ""  # the one whose value this is: of two rows for one thing, the one that lives

    @property
    def mark(self) -> str:
        """Return what stands for this value: another one has another."""
        return hashlib.sha256(canonical([self.row, self.state, self.value]).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands beside both values of its conflict."""
        told = {"now": self.value, "now_state": self.state, "now_by": self.by, "now_us": self.at_us}
        return {**told, "now_mark": self.mark, "changed": self.changed}


def edits_of(met: Met, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return what gave way, by column, of those that a person may write."""
    value = (met.lost or {}).get("value")
    edits = value if met.column_name == DELETED else {met.column_name: value}
    return {name: told for name, told in (edits or {}).items() if name in kinds and name not in QUIET and name != DELETED}


def presents(shelf: Shelf, found: Iterable[Met]) -> list[Present]:
    """Return what holds now where each of these arose, in their order."""
    told, left = list[Present](), iter(found)
    while some := list(islice(left, _TOGETHER)):
        rows = shelf.load((met.table_name, met.row_id) for met in some)
        told += [_present(shelf, met, rows[met.table_name, met.row_id][0]) for met in some]
    return told


def present(shelf: Shelf, met: Met) -> Present:
    """Return what holds now where a conflict arose."""
    return presents(shelf, [met])[0]


def _present(shelf: Shelf, met: Met, stored: Row | None) -> Present:
    kinds = kinds_of(met.table_name)
    if kinds is None or met.column_name not in kinds:
        return Present(UNKNOWN)
    if stored is None:
        return Present(GONE, changed=met.column_name != DELETED)
    whole, edits = met.column_name == DELETED, edits_of(met, kinds)
    living = stored if stored.get(DELETED) is None else shelf.twin(met.table_name, {**stored, **edits}) if whole else None
    row = stored if living is None else living
    value = {name: row[name] for name in edits} if whole else _part(kinds, met, row)
    held = {"by": row.get("author", ""), "at_us": row.get("updated_us", 0), "row": row["id"]}
    if living is None:
        return Present("deleted", None if whole else value, changed=not whole, **held)
    if whole:
        return Present(STANDS, value, changed=None if met.reason == "twin" else True, **held)
    return Present(STANDS, value, changed=_is_other(value, (met.kept or {}).get("value")), **held)


def _part(kinds: Mapping[str, str], met: Met, row: Row) -> Any:
    """Return a field's value; of a set, as its conflicts are about single members, what stands for those that met."""
    value, lost = row[met.column_name], (met.lost or {}).get("value")
    if kinds[met.column_name] != "set" or not isinstance(lost, dict):
        return value
    members = members_of(value)
    return {key: members[key] for key in lost if key in members}


def _is_other(now: Any, then: Any) -> bool | None:
    """Tell whether a value is another than what held then; None where that was told by its beginning alone, and fits."""
    if now == then or not isinstance(then, str) or not then.endswith("…"):
        return bool(now != then)
    text = now if isinstance(now, str) else canonical(now)
    return None if text.startswith(then[:-1]) else True
