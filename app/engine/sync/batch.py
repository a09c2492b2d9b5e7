"""Batches: operations of one replica, or a page of the hub's log, as zstd-compressed canonical JSON.

The decoder trusts nothing: sizes before and after compression, counts and types are bounded before anything is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import zstandard

from app.engine.base.errors import BadInput, Limit
from app.engine.sync.ops import Op, canonical, link
from app.wire.documents import list_of, parse_object, text_of, whole_of

FORMAT: Final = "outpost-ops-1"
MOST_BYTES: Final = 16 << 20  # compressed
MOST_PLAIN_BYTES: Final = 128 << 20
MOST_OPS: Final = 50_000
_LEVEL: Final = 3
_REPLICA_CHARACTERS: Final = 64


@dataclass(frozen=True)
class Batch:
    """Operations of `replica` that follow its `after`-th, whose chain of digests is `chain`; for a hub of `epoch`."""

    replica: str
    epoch: str
    after: int
    chain: str
    ops: tuple[Op, ...] = ()

    @property
    def last(self) -> int:
        """Return the sequence number of the last operation."""
        return self.after + len(self.ops)

    def chains(self) -> list[str]:
        """Return the chain of digests after each operation."""
        chain, found = self.chain, []
        for op in self.ops:
            chain = link(chain, op.text)
            found.append(chain)
        return found


def encode(batch: Batch) -> bytes:
    """Return `batch` as bytes for the wire or a file."""
    return pack({
        "schema": 1, "format": FORMAT, "replica": batch.replica, "epoch": batch.epoch, "after": batch.after,
        "chain": batch.chain, "ops": [op.to_json() for op in batch.ops],
    })  # fmt: skip


def decode(data: bytes) -> Batch:
    """Return the batch in `data`; raise `Limit` for one that is too large, `BadInput` for anything malformed.

    Sequence numbers follow each other without a gap, and transactions are whole.
    """
    document = unpack(data)
    if document.get("format") != FORMAT:
        raise BadInput("These are no operations of Outpost", field="format")
    replica, after = text_of(document, "replica"), whole_of(document, "after")
    if not replica or len(replica) > _REPLICA_CHARACTERS:
        raise BadInput("A batch names its replica", field="replica")
    told = list_of(document, "ops")
    if len(told) > MOST_OPS:
        raise Limit("A batch may have at most {most} operations", most=MOST_OPS)
    ops = tuple(Op.from_json(each, replica) for each in told)
    for place, op in enumerate(ops, after + 1):
        if op.seq != place:
            raise BadInput("Operation {found} stands where {wanted} should: something is missing", found=op.seq, wanted=place)
    if ops and ops[-1].left:
        raise BadInput("The last transaction of the batch is not whole", field="left")
    return Batch(replica, text_of(document, "epoch", ""), after, text_of(document, "chain", ""), ops)


def pack(document: dict[str, Any]) -> bytes:
    """Return a document, compressed."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(canonical(document).encode())


def unpack(data: bytes, *, most_bytes: int = MOST_BYTES, most_plain_bytes: int = MOST_PLAIN_BYTES) -> dict[str, Any]:
    """Return the document in compressed `data`; raise `Limit` beyond the bounds, `BadInput` when it is none."""
    if len(data) > most_bytes:
        raise Limit("The body may have at most {most} bytes", most=most_bytes)
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size == zstandard.CONTENTSIZE_UNKNOWN or size > most_plain_bytes:
            raise Limit("The batch may have at most {most} bytes when unpacked", most=most_plain_bytes)
        plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(data, max_output_size=most_plain_bytes)
    except (zstandard.ZstdError, ValueError, MemoryError) as error:
        raise BadInput("The batch is damaged: {reason}", reason=str(error) or type(error).__name__) from None
    return parse_object(plain)


def split(ops: Sequence[Op], most_ops: int, most_bytes: int) -> list[Op]:
    """Return the first whole transactions of `ops` within the bounds, one transaction at least."""
    taken: list[Op] = []
    waiting: list[Op] = []
    size = 0
    for op in ops:
        waiting.append(op)
        size += 64 + len(canonical(op.fields))
        if taken and (len(taken) + len(waiting) > most_ops or size > most_bytes):
            break
        if not op.left:
            taken, waiting = taken + waiting, []
    return taken
