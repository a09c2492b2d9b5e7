"""Batches: operations of one replica, or a page of the hub's log, as zstd-compressed JSON: a head, then a line for each.

Lines are the texts that operations have in the store, so handing them on costs neither parsing nor writing.

The decoder trusts nothing: sizes before and after compression, counts and types are bounded before anything is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, overload

import zstandard

from app.engine.base.errors import BadInput, Limit
from app.engine.sync.ops import Op, canonical, link
from app.wire.documents import list_of, parse_object, text_of, whole_of

FORMAT: Final = "outpost-ops-1"
MOST_BYTES: Final = 16 << 20  # compressed
MOST_PLAIN_BYTES: Final = 128 << 20  # of a page, which ends with a whole transaction
MOST_BATCH_BYTES: Final = 32 << 20  # of a batch, unpacked
MOST_OP_BYTES: Final = 12 << 20
MOST_OPS: Final = 50_000
MOST_LINES: Final = 60_000
PAGE_BYTES: Final = 8 << 20
PART_OPS: Final = 20_000  # a transaction larger than this travels in parts, each whole for itself
PART_BYTES: Final = 8 << 20
_MOST_HEAD: Final = 4 << 20
_LEVEL: Final = 3
_REPLICA_CHARACTERS: Final = 64
_LINES: Final = ("ops", "rows")
_LEFT: Final = '"left":'


class Texts(Sequence[Op]):
    """Operations of one replica as the texts they are kept as, each read only when somebody looks at it."""

    def __init__(self, texts: Sequence[str], replica: str) -> None:
        self.texts, self._replica = texts, replica

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> Op: ...

    @overload
    def __getitem__(self, at: slice) -> "Texts": ...

    def __getitem__(self, at: int | slice) -> "Op | Texts":
        if isinstance(at, slice):
            return Texts(self.texts[at], self._replica)
        return Op.from_text(self.texts[at], self._replica)


def texts_of(ops: Sequence[Op]) -> Sequence[str]:
    """Return the texts of operations."""
    return ops.texts if isinstance(ops, Texts) else [op.text for op in ops]


@dataclass(frozen=True)
class Batch:
    """Operations of `replica` that follow its `after`-th, whose chain of digests is `chain`; for a hub of `epoch`."""

    replica: str
    epoch: str
    after: int
    chain: str
    ops: Sequence[Op] = ()

    @property
    def last(self) -> int:
        """Return the sequence number of the last operation."""
        return self.after + len(self.ops)

    def chains(self) -> list[str]:
        """Return the chain of digests after each operation."""
        chain, found = self.chain, []
        for text in texts_of(self.ops):
            chain = link(chain, text)
            found.append(chain)
        return found


def encode(batch: Batch) -> bytes:
    """Return `batch` as bytes for the wire or a file."""
    return pack({
        "schema": 1, "format": FORMAT, "replica": batch.replica, "epoch": batch.epoch, "after": batch.after,
        "chain": batch.chain, "ops": texts_of(batch.ops),
    })  # fmt: skip


def decode(data: bytes) -> Batch:
    """Return the batch in `data`; raise `Limit` for one that is too large, `BadInput` for anything malformed.

    Sequence numbers follow each other without a gap, and transactions are whole.
    """
    document = unpack(data, most_plain_bytes=MOST_BATCH_BYTES, most_lines=MOST_OPS)
    if document.get("format") != FORMAT:
        raise BadInput("These are no operations of Outpost", field="format")
    replica, after = text_of(document, "replica"), whole_of(document, "after")
    if not replica or len(replica) > _REPLICA_CHARACTERS:
        raise BadInput("A batch names its replica", field="replica")
    told = list_of(document, "ops")
    if len(told) > MOST_OPS:
        raise Limit("A batch may have at most {most} operations", most=MOST_OPS)
    if any(isinstance(each, str) and len(each) > MOST_OP_BYTES for each in told):
        raise Limit("An operation may have at most {most} bytes", most=MOST_OP_BYTES)
    ops = tuple(Op.from_text(each, replica) if isinstance(each, str) else Op.from_json(each, replica) for each in told)
    _check_order(ops, after)
    return Batch(replica, text_of(document, "epoch", ""), after, text_of(document, "chain", ""), ops)


def _check_order(ops: Sequence[Op], after: int) -> None:
    """Raise for a number out of its turn, and for transactions that do not count down to their end, each within the batch."""
    left = 0
    for place, op in enumerate(ops, after + 1):
        if op.seq != place:
            raise BadInput("Operation {found} stands where {wanted} should: something is missing", found=op.seq, wanted=place)
        if left and op.left != left - 1:
            raise BadInput("A transaction of the batch does not count down to its end", field="left")
        left = op.left
    if left:
        raise BadInput("The last transaction of the batch is not whole", field="left")


def pack(document: Mapping[str, Any]) -> bytes:
    """Return a document, compressed; a list of texts, each a line of JSON, follows its head as lines."""
    name = next((name for name in _LINES if document.get(name) and isinstance(document[name][0], str)), None)
    if name is None:
        text = canonical(document)
    else:
        head = {**{key: value for key, value in document.items() if key != name}, "lines": name}
        text = "\n".join([canonical(head), *document[name]])
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text.encode())


def unpack(
    data: bytes, *, most_bytes: int = MOST_BYTES, most_plain_bytes: int = MOST_PLAIN_BYTES, most_lines: int = MOST_LINES
) -> dict[str, Any]:
    """Return the document in compressed `data`; raise `Limit` beyond the bounds, `BadInput` when it is none.

    Lines are counted before anything is made of them: a few kilobytes of zeros may say millions.
    """
    if len(data) > most_bytes:
        raise Limit("The body may have at most {most} bytes", most=most_bytes)
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size == zstandard.CONTENTSIZE_UNKNOWN or size > most_plain_bytes:
            raise Limit("The batch may have at most {most} bytes when unpacked", most=most_plain_bytes)
        plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(data, max_output_size=most_plain_bytes)
    except (zstandard.ZstdError, ValueError, MemoryError) as error:
        raise BadInput("The batch is damaged: {reason}", reason=str(error) or type(error).__name__) from None
    head, cut, rest = plain.partition(b"\n")
    if len(head) > _MOST_HEAD:
        raise Limit("The head of a batch may have at most {most} bytes", most=_MOST_HEAD)
    if rest.count(b"\n") >= most_lines:
        raise Limit("A batch may have at most {most} operations", most=most_lines)
    document = parse_object(head)
    if cut:
        name = document.pop("lines", None)
        try:
            lines = rest.decode().split("\n")
        except UnicodeDecodeError:
            raise BadInput("The document is not JSON") from None
        if name not in _LINES:
            raise BadInput("The document is not JSON")
        document[name] = lines
    return document


def split(texts: Sequence[str], most_ops: int, most_bytes: int) -> Sequence[str]:
    """Return the first whole transactions of our own operations within the bounds, one transaction at least."""
    taken = size = 0
    for place, text in enumerate(texts, 1):
        size += 64 + size_of(text)
        if taken and (place > most_ops or size > most_bytes):
            break
        if not left_of(text):
            taken = place
    return texts[:taken]


def in_parts(ops: list[Op]) -> list[Op]:
    """Return operations with transactions that are too large for one batch cut into parts, each of which is seen whole."""
    if len(ops) <= PART_OPS and sum(size_of(op.text) for op in ops) <= PART_BYTES:
        return ops
    told, start = list[Op](), 0
    for place, op in enumerate(ops, 1):
        if not op.left:
            told += _cut(ops[start:place])
            start = place
    return told


def _cut(transaction: list[Op]) -> list[Op]:
    parts, size = [list[Op]()], 0
    for op in transaction:
        more = size_of(op.text)
        if parts[-1] and (len(parts[-1]) >= PART_OPS or size + more > PART_BYTES):
            parts.append([])
            size = 0
        parts[-1].append(op)
        size += more
    if len(parts) == 1:
        return transaction
    return [replace(op, left=len(part) - place) for part in parts for place, op in enumerate(part, 1)]


def size_of(text: str) -> int:
    """Return how many bytes a text takes on the wire."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def left_of(text: str) -> int:
    """Return how many operations of its transaction follow one of ours, read off its canonical text.

    What comes after `left` in there are texts, in which quotes are escaped, and lists of stamps: its last mention is it.
    """
    found = text[text.rfind(_LEFT) + len(_LEFT) :].partition(",")[0]
    return int(found) if found.isdigit() else Op.from_text(text, "").left


def number_of(text: str) -> int:
    """Return the number of an operation of ours."""
    return Op.from_text(text, "").seq
