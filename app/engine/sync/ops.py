"""An operation: what one write changed in one row, who did it with what intent, and what they had seen of it.

The wire form is a JSON object whose unknown members are kept. `fields` holds per column what the kind of its merge asks for:
the value for `lww` and `append`, {"add": {key: value}, "seen": {key: stamp}, "del": {key: stamp}, "list": bool} for `set`,
{"total": number, "by": number} for `counter`, {"from", "to"} for `guarded`, {"ins": [[id, after, text]], "del": [id]} for
`text`. `seen` holds the stamp of the value that was overwritten.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.sync.hlc import Stamp
from app.wire.documents import object_of, text_of, unknown_of, whole_of

FIRST_CHAIN: Final = "0" * 32
_MOST_TEXT: Final = 256
_KNOWN: Final = (
    "seq", "txn", "left", "table", "row", "new", "hlc", "fields", "seen", "actor", "cause", "intent", "schema",
)  # fmt: skip

Fields: TypeAlias = dict[str, Any]
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Op:
    """One operation of `replica`, its `seq`-th; `left` are those of its transaction still to come, `new` a row's first."""

    replica: str
    seq: int
    txn: str
    left: int
    table: str
    row: str
    new: bool
    hlc: int
    fields: Fields
    seen: dict[str, Stamp] = field(default_factory=dict)
    actor: str = ""
    cause: str = ""
    intent: str = ""
    schema: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def stamp(self) -> Stamp:
        """Return when this was written, and where."""
        return self.hlc, self.replica

    @cached_property
    def text(self) -> str:
        """Return the operation as canonical JSON; `fields` and `seen` are not to be changed from then on."""
        return canonical(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the operation as plain JSON; the replica stands in the batch."""
        return {
            **self.extra, "seq": self.seq, "txn": self.txn, "left": self.left, "table": self.table, "row": self.row,
            "new": self.new, "hlc": self.hlc, "fields": self.fields,
            "seen": {name: list(stamp) for name, stamp in self.seen.items()},
            "actor": self.actor, "cause": self.cause, "intent": self.intent, "schema": self.schema,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Any, replica: str) -> "Op":
        """Return the operation in `document`; raise `BadInput` that names what is wrong with it."""
        if not isinstance(document, dict):
            raise BadInput("An operation is an object")
        texts = {name: text_of(document, name, "") for name in ("txn", "table", "row", "actor", "cause", "intent")}
        if not all(texts[name] for name in ("txn", "table", "row")) or max(map(len, texts.values())) > _MOST_TEXT:
            raise BadInput("An operation names its transaction, table and row, each in {most} signs at most", most=_MOST_TEXT)
        new = document.get("new", False)
        if not isinstance(new, bool):
            raise BadInput("{field} must be true or false", field="new")
        seen = {name: stamp_of(value) for name, value in object_of(document, "seen").items()}
        return cls(
            replica, seq=whole_of(document, "seq"), left=whole_of(document, "left", 0), new=new, hlc=whole_of(document, "hlc"),
            fields=object_of(document, "fields"), seen=seen, schema=whole_of(document, "schema", 0),
            extra=unknown_of(document, _KNOWN) if len(document) > len(_KNOWN) else {}, **texts,
        )  # fmt: skip


def stamp_of(value: Any) -> Stamp:
    """Return the stamp in a JSON list [hlc, replica]; raise `BadInput`."""
    if (
        not isinstance(value, list | tuple) or len(value) != 2
        or not isinstance(value[0], int) or isinstance(value[0], bool) or not isinstance(value[1], str)
    ):  # fmt: skip
        raise BadInput("A stamp is a time and a replica", field="seen")
    return value[0], value[1]


def canonical(document: Mapping[str, Any] | list[Any]) -> str:
    """Return `document` as the one JSON text that equal documents share."""
    return _ENCODER.encode(document)


def link(chain: str, text: str) -> str:
    """Return the chain of digests after one more operation: two logs with equal chains are equal (32 hex digits)."""
    return hashlib.sha256(f"{chain}{text}".encode()).hexdigest()[:32]
