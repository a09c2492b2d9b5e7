"""Rows that two consoles made of one thing, such as a node that both paired with: the older stays, the other gives way."""

from app.engine.store.shelf import Key, Shelf
from app.engine.sync import conflicts
from app.engine.sync.merge import DELETED, Loss
from app.engine.sync.ops import Op
from app.engine.sync.sealing import write_all
from app.engine.sync.session import Session


def delete_twins(shelf: Shelf, session: Session, yielded: list[Key], *, now_us: int) -> list[Op]:
    """Delete rows that gave way, as operations of this replica, and keep what they said as a conflict."""
    keys = sorted(set(yielded))
    session.load(keys)
    rows = [dict(session.state(key).row or {}) for key in keys]
    told = [(key, {DELETED: row.get(DELETED) or now_us}) for key, row in zip(keys, rows, strict=True)]
    written = write_all(shelf, session, told, new=False, actor="sync", now_us=now_us)
    lost = []
    for op, row in zip(written, rows, strict=True):
        kinds = shelf.kinds(op.table) or {}
        said = {name: value for name, value in row.items() if kinds.get(name) not in (None, "local") and name != DELETED}
        lost.append((op, Loss(DELETED, None, op.stamp, said, (op.hlc - 1, op.replica), "twin")))
    return written + conflicts.record(shelf, session, lost, now_us=now_us)
