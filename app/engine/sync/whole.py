"""Rows handed over whole: those of a table that stayed and may travel again, and those that a hub turned out to lack."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from app.engine.base.ids import new_id
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import join
from app.engine.sync.batch import in_parts
from app.engine.sync.hlc import tick
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import DELETED, ERASE, ERASED, FIRST, GONE, RELEASE, State
from app.engine.sync.ops import Op
from app.engine.sync.sealing import SCHEMA, keep, replica_of, time_at_hub
from app.engine.sync.session import Session

_SLICE: Final = 2000
_QUIET: Final = (DELETED, "updated_us", "author")

Told: TypeAlias = tuple[Key, Mapping[str, Any]]


def hand_over(shelf: Shelf, told: Sequence[Told], now_us: int, *, intent: str = "sync") -> None:
    """Write rows, as `join.told_of` tells them in the column `WHOLE`, and steps of guarded columns, as one transaction.

    `now_us` is this machine's time.
    """
    now_us = time_at_hub(shelf, now_us)
    here, replica, txn = shelf.here(), replica_of(shelf), new_id()
    hlc, ops = int(here["hlc"]), list[Op]()
    for place, (key, fields) in enumerate(told, 1):
        hlc = tick(hlc, now_us)
        row = fields.get(WHOLE, {"row": None, "cells": ()})
        gone = ERASED in row["cells"]  # as whoever erased it did, for all that a row's operations say is scrubbed then
        actor = str((row["row"] or {}).get("author", ""))[:256]
        ops.append(Op(
            replica, int(here["seq"]) + place, txn, len(told) - place, *key, new=False, hlc=hlc,
            fields={DELETED: now_us} if gone else _sane(fields), actor=actor, intent=ERASE if gone else intent, schema=SCHEMA,
        ))  # fmt: skip
    shelf.set_here(hlc=hlc)
    keep(shelf, in_parts(ops), str(here["chain"]), 0)


def _sane(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields whose cells speak of nothing that a hub would refuse, whatever the one they came from took."""
    told = fields.get(WHOLE)
    return dict(fields) if told is None else {**fields, WHOLE: {**told, "cells": join.sane(told["cells"])}}


def release(shelf: Shelf, table: str, now_us: int) -> None:
    """Hand over what was written in a table while it stayed here: rows nobody has heard of, and columns that were changed."""
    kinds, replica, session, told = shelf.kinds(table) or {}, replica_of(shelf), Session(shelf), list[Told]()
    hlc, fresh = int(shelf.here()["hlc"]), shelf.bare(table)
    session.load((table, str(row["id"])) for row in fresh)
    for row in fresh:
        hlc = tick(hlc, time_at_hub(shelf, now_us))
        state = session.state((table, str(row["id"])))
        state.cells = {FIRST: [hlc, replica]}
        told.append(((table, str(row["id"])), {WHOLE: join.told_of(state, kinds)}))
    session.flush()
    shelf.set_here(hlc=hlc)
    at: Key = (table, "")
    while page := [(key, found) for key, found in shelf.page(at, _SLICE) if key[0] == table]:
        at = page[-1][0]
        for key, cells in ((key, cells) for key, (_, cells) in page if STAYS in cells):
            marked, state = cells[STAYS], session.state(key)
            if GONE in cells and marked:  # written over a row that was let go of: whoever is told of it keeps what it said
                if state.row is not None:
                    written = State(state.row, {FIRST: cells["updated_us"]})
                    told.append((key, {WHOLE: join.told_of(written, kinds)}))
                state.cells = {GONE: cells[GONE]}
            elif marked:
                steps = join.steps_in(cells)
                told.append((key, {WHOLE: _changed(state, kinds, [name for name in marked if name not in steps])}))
                told += [(key, steps)] if steps else []
            state.cells.pop(STAYS, None)
        session.flush()
    hand_over(shelf, told, now_us, intent=RELEASE)


def _changed(state: State, kinds: Mapping[str, str], marked: Sequence[str]) -> dict[str, Any]:
    if state.row is not None:
        return join.told_of(state, kinds, marked)
    gone = {name: state.stamp(name)[0] for name in _QUIET if name in marked}  # taken away by raw SQL: a tombstone
    return join.told_of(State({**gone, **({"author": ""} if "author" in gone else {})}, state.cells), kinds, gone)
