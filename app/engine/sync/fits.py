"""Whether what came from outside fits the columns it is for, before anything of it is applied: types, cells, verdicts.

What does not fit would be merged all the same, refused by one kind of database and taken by the other, and break whoever
reads it later, at every console that pulled it. A column that nobody here knows is kept for later, and not looked at.
What a hub has `kept` may have come to it before as much was looked at: what reads it makes do with it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.sync.join import WHOLE
from app.engine.sync.merge import ERASED, FIRST, GONE
from app.engine.sync.ops import Op

Types: TypeAlias = Mapping[str, frozenset[type]]

_NONE: Final[Types] = {}
_MOST_KNOWN: Final = 1000  # shapes of a table's operations
_MOST_STATE: Final = 256  # signs of a state's name: each decision on a column tells the one that stands
_WHOLE: Final = ("lww", "append")
_ONE: Final = [int, str]
_TWO: Final = [int, str, int, str]
_PARTS: Final[Mapping[str, Callable[[Any], bool]]] = {  # what a cell may have beside its stamp: none of which is left out
    "e": lambda held: isinstance(held, dict) and _are_all(held.values(), lambda one: len(one) == 4 and _are_stamps(one)),
    "c": lambda held: (
        isinstance(held, dict) and _are_all(held.values(), lambda one: len(one) == 2 and all(map(_is_number, one)))
    ),
    "t": lambda held: isinstance(held, list) and _are_all(held, lambda one: len(one) in (4, 5)),
}
_PART_OF: Final[Mapping[str, str]] = {"set": "e", "counter": "c", "text": "t"}


def check_op(op: Op, kinds: Mapping[str, str] | None, *, kept: bool = False) -> None:
    """Raise `BadInput` for a value of an operation that its column cannot hold, and for a row told under another id."""
    types: Types = getattr(kinds, "types", _NONE)
    if kinds is None or not types:
        return
    known: set[tuple[Any, ...]] = getattr(kinds, "fitting", set())
    fields = op.fields
    if not kept and fields.get("id", op.row) != op.row:
        raise _misfit(op.table, "id")
    told = (*fields, *map(type, fields.values()))
    if told in known:  # thousands of operations are told of by a few shapes
        return
    if isinstance(whole := fields.get(WHOLE), dict):
        row, cells = whole.get("row"), whole.get("cells")
        check_row(op.table, row if isinstance(row, dict) else {}, kinds, id_="" if kept else op.row)
        check_cells(op.table, cells if isinstance(cells, dict) else {}, kinds, kept=kept)
    parts: frozenset[str] = getattr(kinds, "parts", frozenset(kinds))
    for column, value in fields.items():
        wanted = types.get(column)
        if column in parts:
            _check_part(op.table, column, kinds[column], value, wanted, kept=kept)
        elif wanted is not None and type(value) not in wanted:
            raise _misfit(op.table, column)
    if len(known) < _MOST_KNOWN and fields.keys() <= getattr(kinds, "plain", parts):
        known.add(told)


def _check_part(table: str, column: str, kind: str, value: Any, wanted: frozenset[type] | None, *, kept: bool) -> None:
    """Raise `BadInput` for a change that is not told by the new value alone, and does not fit."""
    if kind == "set":
        _check_set(table, column, value)
    if kind == "guarded":
        value = value.get("to") if isinstance(value, dict) else value  # what it is to become
        if isinstance(value, str) and len(value) > _MOST_STATE and not kept:
            raise _misfit(table, column)
    elif kind not in _WHOLE:
        return
    if wanted is not None and type(value) not in wanted:
        raise _misfit(table, column)


def _check_set(table: str, column: str, change: Any) -> None:
    for name in ("seen", "del") if isinstance(change, dict) else ():  # what is no change at all, the merge refuses
        stamps = change.get(name, {})
        if not isinstance(stamps, dict) or not all(map(_is_stamp, stamps.values())):
            raise _misfit(table, column)


def check_verdicts(op: Op, verdicts: Mapping[str, Any], kinds: Mapping[str, str] | None) -> None:
    """Raise `BadInput` for what was decided about an operation and is no decision, or fits no column."""
    types: Types = getattr(kinds, "types", _NONE)
    for column, verdict in verdicts.items():
        if column == GONE:
            sound = _is_stamp(verdict)
        else:
            sound = isinstance(verdict, dict) and type(verdict.get("at")) is int and "value" in verdict
            sound = sound and (column not in types or type(verdict["value"]) in types[column])
        if not sound:
            raise _misfit(op.table, column)


def check_row(table: str, values: Mapping[str, Any], kinds: Mapping[str, str], *, id_: str = "") -> None:
    """Raise `BadInput` for a value of a whole row that its column cannot hold, or an id other than `id_`, if known."""
    types: Types = getattr(kinds, "types", _NONE)
    if id_ and values.get("id", id_) != id_:
        raise _misfit(table, "id")
    for column, value in values.items():
        if column in types and type(value) not in types[column]:
            raise _misfit(table, column)
        if id_ and kinds.get(column) == "guarded" and isinstance(value, str) and len(value) > _MOST_STATE:
            raise _misfit(table, column)


def check_cells(table: str, cells: Mapping[str, Any], kinds: Mapping[str, str], *, kept: bool = False) -> None:
    """Raise `BadInput` for cells that are no stamps, nor the parts of a set, a counter or a text; unknown ones are kept."""
    for column, cell in cells.items():
        if cell.__class__ is list and column != ERASED and _is_cell(cell):
            continue
        if column not in kinds and column not in (FIRST, GONE, ERASED):
            continue
        if column == ERASED:
            sound = cell is True
        elif isinstance(cell, dict):
            sound = _is_stamp(cell.get("s")) and _has_parts(cell, kinds.get(column, ""), kept=kept)
        else:
            sound = isinstance(cell, list) and _is_cell(cell)
        if not sound:
            raise _misfit(table, column)


def _has_parts(cell: Mapping[str, Any], kind: str, *, kept: bool) -> bool:
    """Tell whether a cell has beside its stamp the part that its column's kind has and no other, each as it should be."""
    parts = cell.keys() - {"s"}
    if not (parts <= _PARTS.keys() if kept else parts == {_PART_OF.get(kind)}):
        return False
    return all(_PARTS[name](cell[name]) for name in parts)


def _are_all(held: Iterable[Any], sound: Callable[[list[Any]], bool]) -> bool:
    return all(isinstance(one, list) and sound(one) for one in held)


def _is_cell(cell: list[Any]) -> bool:
    """Tell whether a list is a stamp, or one and what was seen by whoever wrote then."""
    kinds = [one.__class__ for one in cell]
    return kinds in (_ONE, _TWO)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_stamp(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _are_stamps(value)


def _are_stamps(value: list[Any]) -> bool:
    return all(type(one) is (int, str)[place % 2] for place, one in enumerate(value))


def _misfit(table: str, column: str) -> BadInput:
    return BadInput("What came for {column} of {table} does not fit there", column=column, table=table, field=column)
