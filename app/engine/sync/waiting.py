"""What of our own operations is handed over next: whole transactions, as many as a batch should hold, one at least."""

from collections.abc import Sequence

from app.engine.base.errors import Limit
from app.engine.store.shelf import Shelf
from app.engine.sync.batch import MOST_BATCH_BYTES, MOST_OP_BYTES, MOST_OPS, size_of, split
from app.engine.sync.ops import Op


def next_texts(shelf: Shelf, acked: int, most_ops: int, most_bytes: int) -> Sequence[str]:
    """Return the texts of what follows our `acked`-th operation; raise `Limit` for what no hub would take."""
    found = split(shelf.own_texts(acked, most_ops + 1, most_bytes), most_ops, most_bytes)
    if not found:  # a transaction larger than a batch should be
        waiting = shelf.own_texts(acked, MOST_OPS, MOST_BATCH_BYTES)
        found = split(waiting, MOST_OPS, MOST_BATCH_BYTES)
        if waiting and not found:
            raise _too_large(waiting)
    if max(map(size_of, found), default=0) > MOST_OP_BYTES:
        raise _too_large(found)
    return found


def _too_large(texts: Sequence[str]) -> Limit:
    largest = max(texts, key=len)
    op = Op.from_text(largest, "")
    return Limit(
        "What was written in {table} {row} is too large to be handed over: {bytes} bytes",
        table=op.table, row=op.row, bytes=size_of(largest), field="table",
        hint="It stays here, and what was written after it waits. Erase it: outpost sync erase TABLE ROW",
    )  # fmt: skip
