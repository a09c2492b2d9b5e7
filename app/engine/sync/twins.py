"""Rows that two consoles made of one thing, such as a node that both paired with: the older stays, the other gives way."""

from app.engine.store.shelf import Key, Shelf
from app.engine.sync import conflicts
from app.engine.sync.merge import DELETED, Loss
from app.engine.sync.ops import Op
from app.engine.sync.sealing import write_own
from app.engine.sync.session import Session


def delete_twins(shelf: Shelf, session: Session, yielded: list[Key], *, now_us: int) -> list[Op]:
    """Delete rows that gave way, as operations of this replica, and keep what they said as a conflict."""
    written = []
    for key in sorted(set(yielded)):
        row = dict(session.state(key).row or {})
        op = write_own(shelf, session, key, {DELETED: row.get(DELETED) or now_us}, new=False, actor="sync", now_us=now_us)
        kinds = shelf.kinds(key[0]) or {}
        told = {name: value for name, value in row.items() if kinds.get(name) not in (None, "local") and name != DELETED}
        loss = Loss(DELETED, None, op.stamp, told, (op.hlc - 1, op.replica), "twin")
        written.append(op)
        written += conflicts.record(shelf, session, [(op, loss)], now_us=now_us)
    return written
