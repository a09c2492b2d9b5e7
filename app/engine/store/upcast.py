"""What migrations did to tables that travel, so that whatever was said before them is read as if it were said today.

A migration that renames a column, gives its values another meaning, or wants of new rows what they did not have, enters a
`Step` under its number and table. Operations, rows and verdicts of before are lifted by it wherever they are read
(`sync/ops.py`, `sync/console.py`), what a file keeps beside its rows when it is migrated (`migrate.py`). None was needed so
far: every migration up to now added tables, and columns with defaults. What is of a later version is kept as it came.

The versions of what travels are told apart by these numbers alone: N is everything from the last one on, N-1 what was written
between the two last. What waits in a log is lifted over any number of steps; a *program* older than N-1 is refused.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, false, or_, select, true, update

from app.engine.base.errors import Conflict
from app.engine.store.database import to_json
from app.engine.store.schema import metadata

WHOLE: Final = "*"  # the column in which an operation tells a whole row, see `sync/join.py`
STAYS: Final = "stays"  # among a row's cells: its columns that stay here
Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What became of one table: columns `renamed` (before → now), and what `values` written then are today.

    `values` is given some columns of a row by their names of now, guarded ones with the states they go to, and whether that is
    all that was said of a new row; sets, counters and shared texts are not handed to it.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    values: Callable[[Values, bool], Values] = lambda values, _new: values

    def named(self, told: Mapping[str, Any]) -> Values:
        """Return what is told by column under the names of now."""
        return {self.renamed.get(name, name): value for name, value in told.items()}

    def row(self, told: Mapping[str, Any], kinds: Mapping[str, str], *, new: bool) -> Values:
        """Return the values of a row, or of a part of it, as they are today; those of operations too."""
        told = self.named(told)
        apart = {name: value for name, value in told.items() if kinds.get(name) in ("set", "counter", "text") or name == WHOLE}
        steps = {n: v for n, v in told.items() if kinds.get(n) == "guarded" and isinstance(v, dict)}
        plain = {name: value for name, value in told.items() if name not in apart}
        after = self.values({**plain, **{name: value.get("to") for name, value in steps.items()}}, new)
        before = self.values({name: value.get("from") for name, value in steps.items()}, False)
        return {**apart, **after, **{n: {"from": before.get(n), "to": after[n]} for n in steps if n in after}}

    def one(self, name: str, wrapped: Any, kinds: Mapping[str, str]) -> Any:
        """Return what wraps one value, {"value": …}, around what that is today; anything else as it is."""
        if not (isinstance(wrapped, dict) and "value" in wrapped):
            return wrapped
        return {**wrapped, "value": self.row({name: wrapped["value"]}, kinds, new=False).get(name)}


STEPS: Final[dict[tuple[int, str], Step]] = {}  # by the number of the migration and the table


def check_version(found: int) -> None:
    """Raise `Conflict` for a program whose schema is older than N-1: nobody lifts what it says."""
    numbers = sorted({number for number, _ in STEPS})
    if len(numbers) > 1 and found < numbers[-2]:
        raise Conflict(
            "That Outpost has schema {found}, and this one reads {oldest} and later", found=found, oldest=numbers[-2],
            field="data_schema", hint="Update the older one. What waits there is kept, and handed over then.",
        )  # fmt: skip


def steps(table: str, schema: int) -> list[tuple[int, Step]]:
    """Return the steps of a table after version `schema`, in order."""
    return [(at, STEPS[at, name]) for at, name in sorted(STEPS) if name == table and at > schema] if STEPS else []


def row_of(table: str, schema: int, values: Values | None, cells: Values) -> tuple[Values | None, Values]:
    """Return a row with its cells, as it stood in version `schema`, as it stands today."""
    for _, step in steps(table, schema):
        values = None if values is None else step.row(values, kinds_in(table), new="" in cells)
        cells = _cells(step, cells)
    return values, cells


def verdicts_of(table: str, schema: int, verdicts: Values) -> Values:
    """Return what a hub of version `schema` decided, by columns and in states of today."""
    for _, step in steps(table, schema):
        verdicts = {name: step.one(name, verdict, kinds_in(table)) for name, verdict in step.named(verdicts).items()}
    return verdicts


def fields_of(table: str, schema: int, fields: Values, seen: Values, *, new: bool) -> tuple[int, Values, Values]:
    """Return the version up to which there was something to lift, and what an operation wrote and had seen as of today."""
    for number, step in steps(table, schema):
        schema, seen = number, step.named(seen)
        fields = step.row(fields, kinds_in(table), new=new)
        if isinstance(whole := fields.get(WHOLE), dict) and isinstance(whole.get("cells"), dict):
            values, cells = whole.get("row"), whole["cells"]
            if isinstance(values, dict):
                values = step.row(values, kinds_in(table), new="" in cells)
            fields = {**fields, WHOLE: {**whole, "row": values, "cells": _cells(step, cells)}}
    return schema, fields, seen


def lift_store(conn: Connection, schema: int) -> None:
    """Lift what a file keeps beside its rows, in the transaction that migrates them: changes, cells, verdicts, conflicts."""
    for table in sorted({name for number, name in STEPS if number > schema}):
        for made, lift in ((metadata.tables[name], lift) for name, lift in _KEPT.items()):
            keys = list(made.primary_key.columns)
            found = select(made).where(made.c.table_name == table, _speaks(made, table, schema))
            for row in conn.execute(found).mappings().all():
                changed = lift(table, schema, dict(row))
                conn.execute(update(made).where(*(key == row[key.name] for key in keys)).values(**changed))


def _speaks(made: Table, table: str, schema: int) -> ColumnElement[bool]:
    """Return what leaves out the many cells and entries of which nothing would change."""
    if made.name == "sync_cells":
        before = {f'"{name}"' for _, step in steps(table, schema) for name in step.renamed}
        return or_(false(), *(made.c.cells.contains(name, autoescape=True) for name in sorted(before)))
    return made.c.verdicts != "" if made.name == "sync_log" else true()


def _change(table: str, schema: int, row: Mapping[str, Any]) -> Values:
    _, fields, _ = fields_of(table, schema, dict(row["fields"]), {}, new=bool(row["is_new"]))
    _, before, _ = fields_of(table, schema, dict(row["before"] or {}), {}, new=False)
    return {"fields": fields, "before": before}


def _texts_lifted(table: str, schema: int, row: Mapping[str, Any]) -> Values:
    return {"cells": to_json(row_of(table, schema, None, json.loads(row["cells"]))[1])}


def _judged(table: str, schema: int, row: Mapping[str, Any]) -> Values:
    return {"verdicts": to_json(verdicts_of(table, schema, json.loads(row["verdicts"])))}


def _met(table: str, schema: int, row: Mapping[str, Any]) -> Values:
    told = {"column_name": str(row["column_name"]), "kept": row["kept"], "lost": row["lost"]}
    for _, step in steps(table, schema):
        name = step.renamed.get(told["column_name"], told["column_name"])
        told = {"column_name": name, **{side: step.one(name, told[side], kinds_in(table)) for side in ("kept", "lost")}}
    return told


_KEPT: Final = {"outbox": _change, "sync_cells": _texts_lifted, "sync_log": _judged, "sync_conflicts": _met}


def _cells(step: Step, cells: Mapping[str, Any]) -> Values:
    named = step.named(cells)
    return {**named, STAYS: step.named(named[STAYS])} if isinstance(named.get(STAYS), dict) else named


def kinds_in(table: str) -> dict[str, str]:
    """Return each column's kind of merge; nothing for a table that nobody knows."""
    made: Table | None = metadata.tables.get(table)
    return {} if made is None else {column.name: str(column.info.get("merge", "")) for column in made.columns}
