"""Exchanging stamps that were given away wrongly: by a clock far ahead, or under the name of a replica that was copied."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from app.engine.sync.hlc import Stamp
from app.engine.sync.join import COUNTER, WHOLE, stamps_in
from app.engine.sync.ops import BORE, MOST_BORE, Op

_LOWER: Final = 1000  # times in milliseconds are earlier than all in microseconds
_NEVER: Final = 1 << 63
Moved: TypeAlias = Callable[[Stamp], Stamp]  # a stamp → the one in its place, itself where it stays


def lowered(bound: int, own: str, since: Mapping[str, int] | None = None) -> Moved:
    """Return what exchanges others' stamps later than `bound` for ones that any true time of them beats.

    So it does with those of a replica from the time on that stands for it in `since`: it has given them other times.
    """
    known = since or {}
    return lambda at: at if at[1] == own or (at[0] <= bound and at[0] < known.get(at[1], _NEVER)) else (at[0] // _LOWER, at[1])


def moved_in(held: Any, moved: Moved) -> Any:
    """Return cells, or a change of a set or a text, with stamps exchanged wherever a time stands before a replica."""
    if isinstance(held, dict) and held.keys() == COUNTER and isinstance(held["c"], dict):
        return {"s": moved_in(held["s"], moved), "c": {name: _counted(name, told, moved) for name, told in held["c"].items()}}
    if isinstance(held, dict):
        return {name: moved_in(value, moved) for name, value in held.items()}
    if not isinstance(held, list):
        return held
    out = [moved_in(item, moved) for item in held]
    for at in range(len(out) - 1):
        if isinstance(out[at], int) and isinstance(out[at + 1], str):
            out[at : at + 2] = moved((out[at], out[at + 1]))
    return out


def bore_in(op: Op, was: Op, moved: Moved) -> dict[str, Any]:
    """Return what `op` is to say of the stamps it bore, and the cells of a row in it, when it was stamped as it `was`."""
    cells = was.fields[WHOLE]["cells"] if WHOLE in was.fields else {}
    told = [at for at in (was.stamp, *stamps_in(cells)) if (op.stamp if at == was.stamp else moved(at)) != at]
    known = dict.fromkeys([*was.bore, *told])
    return {BORE: [list(at) for at in known][-MOST_BORE:]} if known else {}


def _counted(replica: str, told: Any, moved: Moved) -> Any:
    """Return [time, running total] of a replica by its new time; one that goes on under another name is seen to elsewhere."""
    if not isinstance(told, list) or not told:
        return told
    hlc, now = moved((told[0], replica))
    return [hlc, *told[1:]] if now == replica else told


def fields_of(
    op: Op,
    kinds: Mapping[str, str],
    moved: Moved,
    cells: dict[str, Any],
    counted: dict[tuple[str, str, str], Any],
    *,
    was: Stamp,
) -> dict[str, Any]:
    """Return the fields of `op`, whose stamp is the new one already; totals of a counter begin anew under a new replica.

    `counted` remembers, per counter, what had been handed over under the old one, and so do its cells; `was` is the old stamp.
    """
    fields = {}
    for column, value in op.fields.items():
        kind = kinds.get(column)
        if kind in ("set", "text") or column == WHOLE:
            fields[column] = moved_in(value, moved)
        elif kind == "counter" and was[1] != op.writer:
            told = cells[column].get("c", {}) if isinstance(cells.get(column), dict) else {}
            known = (
                told[was[1]][1] if op.writer in told and was[1] in told else value["total"] - value.get("by", value["total"])
            )
            base = counted.setdefault((op.table, op.row, column), known)
            fields[column] = {**value, "total": value["total"] - base}
            if isinstance(cells.get(column), dict):
                totals = {**told, op.writer: [op.hlc, value["total"] - base]}
                totals[was[1]] = [0, base]  # whatever goes on under the old name counts from here
                cells[column] = {**cells[column], "c": totals}
        else:
            fields[column] = value
    return fields
