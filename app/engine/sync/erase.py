"""Erasure: a row goes for good, with what was written in it, from every replica: rows, cells, log, operations, inbox.

It is an operation like any other, marked by its intent, so it travels as any other and stands in the log; but whoever takes it
forgets the row instead of keeping a tombstone with its last values, and takes nothing about that row any more.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.errors import Missing
from app.engine.store import capture, rows, scrub
from app.engine.store.shelf import Key, Shelf
from app.engine.sync.merge import DELETED, ERASE, QUIET
from app.engine.sync.ops import WAS, canonical
from app.engine.sync.sealing import SCRUBBED, scrubbed, seal, time_at_hub, write_own
from app.engine.sync.session import Session

_TASKS: Final = (("quantum_tasks", "run_id"),)
_HANGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {  # table → where rows stand that tell more of one of it
    "learning_runs": (("learning_rounds", "run_id"), ("federated_training_sessions", "id")),
    "federated_training_sessions": (("federated_updates", "session_id"),),
    "task_runs": _TASKS,
    "qubo_comparisons": _TASKS,
    "quantum_tasks": (("quantum_executions", "task_id"), ("quantum_optimizations", "task_id")),
}
_STAYS: Final = QUIET | {DELETED}


def erase(shelf: Shelf, key: Key, *, actor: str, now_us: int) -> None:
    """Erase a row and what hangs on it; raise `Missing` when there is none."""
    while seal(shelf):
        pass
    session = Session(shelf)
    row = session.state(key).row if shelf.kinds(key[0]) is not None else None
    if row is None:
        raise Missing("There is no row {id} in {table}", id=key[1], table=key[0])
    gone = {DELETED: time_at_hub(shelf, now_us)}
    keys = [*_hanging(shelf, key), key]
    session.load(keys)
    with capture.quiet(shelf.conn):
        for each in keys:
            write_own(shelf, session, each, gone, new=False, actor=actor, now_us=now_us, intent=ERASE)
        session.flush()
        forget(shelf, session.erased, now_us)


def _hanging(shelf: Shelf, key: Key) -> list[Key]:
    """Return the rows that tell more of a row, the farthest first."""
    found = list[Key]()
    for table, column in _HANGS.get(key[0], ()):
        for row in rows.select(shelf.conn, table, where={column: key[1]}):
            found += [*_hanging(shelf, (table, str(row["id"]))), (table, str(row["id"]))]
    return found


def taken_along(table: str) -> list[str]:
    """Return the tables with rows that are erased with one of `table`, the nearest first."""
    near = [name for name, _ in _HANGS.get(table, ())]
    return list(dict.fromkeys([*near, *(each for name in near for each in taken_along(name))]))


def forget(shelf: Shelf, erased: Mapping[Key, str], now_us: int) -> None:
    """Take what is left of erased rows, each with the job it came from, out of the tables of sync, and those jobs with it."""
    keys = {each for key in erased for each in (key, *_about(shelf, key, now_us))}
    for table, row_id in sorted(keys):
        scrub.log(shelf.conn, table, row_id, plain)
        scrub.own(shelf.conn, (table, row_id), _plain_within)
    for job_id in filter(None, erased.values()):
        scrub.job(shelf.conn, job_id)
    if erased:
        scrub.later(shelf.conn, lambda text: _key_of(text) in keys)
        shelf.put("meta", {"id": SCRUBBED, "value": {"times": scrubbed(shelf) + 1}})
        scrub.cut_log(shelf.conn)


def _about(shelf: Shelf, key: Key, now_us: int) -> list[Key]:
    """Empty and settle what the inbox says of a row; return those conflicts."""
    settled = {"state": "resolved", "choice": "erased", "resolved_us": now_us}
    return [("sync_conflicts", id_) for id_ in scrub.conflicts(shelf.conn, *key, settled)]


def plain(text: str) -> str:
    """Return the text of an operation without what it wrote."""
    return canonical(_emptied(text))


def _plain_within(text: str, chain: str) -> str:
    """Return the text of one of our own operations without what it wrote, which goes on making `chain`.

    Some hub may have it as it was, heard of or not: the log is to be the same one there.
    """
    return canonical({WAS: chain, **_emptied(text)})


def _emptied(text: str) -> dict[str, Any]:
    op = json.loads(text)
    return {**op, "seen": {}, "fields": {name: value for name, value in op["fields"].items() if name in _STAYS}}


def _key_of(text: str) -> tuple[Any, Any]:
    op = json.loads(text)
    return op.get("table"), op.get("row")
