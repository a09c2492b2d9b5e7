"""An operation: what one write changed in one row, who did it with what intent, and what they had seen of it.

The wire form is a JSON object whose unknown members are kept. `fields` holds per column what the kind of its merge asks for:
the value for `lww` and `append`, {"add": {key: value}, "seen": {key: stamp}, "del": {key: stamp}, "list": bool} for `set`,
{"total": number, "by": number} for `counter`, {"from", "to"} for `guarded`, {"ins": [[id, after, text]], "del": [id]} for
`text`. `seen` holds the stamp of the value that was overwritten.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.store.database import encoder_of
from app.engine.store.upcast import STEPS, fields_of, verdicts_of
from app.engine.sync.hlc import Stamp
from app.wire.documents import unknown_of

FIRST_CHAIN: Final = "0" * 32
BY: Final = "by"  # a member of an operation: the replica whose stamp it bears
BORE: Final = "bore"  # a member of one that was stamped anew: the stamps it bore before, by which sticks may have told of it
WAS: Final = "was"  # a member of one that was scrubbed: the chain that it made with what it said before
MOST_BORE: Final = 64
_MOST_TEXT: Final = 256
_KNOWN: Final = (
    "seq", "txn", "left", "table", "row", "new", "hlc", "fields", "seen", "actor", "cause", "intent", "schema",
)  # fmt: skip

Fields: TypeAlias = dict[str, Any]


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


_TEXTS: Final = ("txn", "table", "row", "actor", "cause", "intent")
_WHOLES: Final = ("seq", "hlc", "left", "schema")
_NAMES: Final = frozenset(_KNOWN)
_MEMBERS_OF: Final = itemgetter(*_TEXTS, *_WHOLES, "new", "fields", "seen")
_TYPES: Final = (*(str,) * len(_TEXTS), *(int,) * len(_WHOLES), bool, dict, dict)
_TOP: Final = 1 << 63
_NUL: Final = "\x00"  # no database of every kind holds it
_CHAIN: Final = 32
_LAST: Final = f',"{WAS}":"'  # how `WAS` stands in canonical text: the last of all members, for no other sorts behind it
_ENCODE: Final = encoder_of(sort_keys=True)
_DECODER: Final[Any] = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_SCAN: Final[Callable[[str, int], tuple[Any, int]]] = _DECODER.scan_once  # what `decode` calls, white space passed over


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
    def writer(self) -> str:
        """Return the replica whose stamp this bears: an earlier one of ours where it is handed over under a later one."""
        by = self.extra.get(BY) if self.extra else None
        return by if isinstance(by, str) else self.replica

    @cached_property
    def stamp(self) -> Stamp:
        """Return when this was written, and where."""
        return self.hlc, self.writer

    @property
    def bore(self) -> list[Stamp]:
        """Return the stamps that this bore before it was stamped anew; what is none is left out."""
        told = self.extra.get(BORE) if self.extra else None
        return [(one[0], one[1]) for one in told[:MOST_BORE] if _is_stamp(one)] if isinstance(told, list) else []

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
        if len(document) == len(_KNOWN) and document.keys() == _NAMES:
            told, extra = document, {}
        else:
            told, extra = _filled(document), unknown_of(document, _KNOWN)
        txn, table, row, actor, cause, intent, seq, hlc, left, schema, _, _, seen = members = _MEMBERS_OF(told)
        if (
            (*map(type, members),) != _TYPES or not (txn and table and row)
            or len(named := txn + table + row) + len(actor) + len(cause) + len(intent) > _MOST_TEXT or _NUL in named
            or not (0 <= seq < _TOP and 0 <= hlc < _TOP and 0 <= left < _TOP and 0 <= schema < _TOP)
        ):  # fmt: skip
            _check(told)  # one by one: texts may be longer than that, each for itself
        if seen:
            told["seen"] = {name: stamp_of(value) for name, value in seen.items()}
        told["replica"], told["extra"] = replica, extra
        if not extra:
            told["stamp"] = hlc, replica
        op = object.__new__(cls)
        object.__setattr__(op, "__dict__", told)  # past the checks of a frozen class, which take longer than all of the above
        return _lifted(op) if STEPS else op

    @classmethod
    def from_text(cls, text: str, replica: str) -> "Op":
        """Return the operation in one line of JSON, which stays its text; raise `BadInput`."""
        op = cls.from_json(parsed(text), replica)
        vars(op)["text"] = text
        return op


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    """Return the known members of a document, with what stands for those that it leaves out."""
    told: dict[str, Any] = {"left": 0, "schema": 0, "new": False, "fields": {}, "seen": {}, "seq": None, "hlc": None}
    told.update(dict.fromkeys(_TEXTS, ""))
    told.update((name, document[name]) for name in _KNOWN if name in document)
    return told


def _check(told: dict[str, Any]) -> None:
    """Raise `BadInput` that names the member which is not what it should be."""
    for name in _TEXTS:
        if not isinstance(told[name], str):
            raise BadInput("{field} must be text", field=name)
    names, longest = [told["txn"], told["table"], told["row"]], max(len(told[name]) for name in _TEXTS)
    if not all(names) or any(_NUL in name for name in names) or longest > _MOST_TEXT:
        raise BadInput("An operation names its transaction, table and row, each in {most} signs at most", most=_MOST_TEXT)
    for name in _WHOLES:
        if type(told[name]) is not int or not 0 <= told[name] < _TOP:
            raise BadInput("{field} must be a whole number", field=name)
    if not isinstance(told["new"], bool):
        raise BadInput("{field} must be true or false", field="new")
    for name in ("seen", "fields"):
        if not isinstance(told[name], dict):
            raise BadInput("{field} must be an object", field=name)


def _lifted(op: Op) -> Op:
    """Return an operation of an earlier version as this one reads it; its text stays what was said."""
    schema, fields, seen = fields_of(op.table, op.schema, op.fields, op.seen, new=op.new)
    if schema == op.schema:
        return op
    lifted = replace(op, schema=schema, fields=fields, seen=seen)
    vars(lifted)["text"] = op.text
    return lifted


def parsed(text: Any) -> Any:
    """Return what a line of JSON says; raise `BadInput` for anything that is not one whole value."""
    try:
        value, end = _SCAN(text, 0)
        if end == len(text):
            return value
    except (StopIteration, ValueError, TypeError, RecursionError):
        pass  # white space before it, or no JSON at all: said below
    try:
        return _DECODER.decode(text)
    except (ValueError, TypeError, RecursionError):
        raise BadInput("The document is not JSON") from None


def entry_of(line: Any, schema: int) -> tuple[Op, dict[str, Any]]:
    """Return the operation in an entry of a hub's log, and what was decided on it by version `schema`; raise `BadInput`."""
    told = parsed(line)
    if not isinstance(told, list) or len(told) < 3 or not isinstance(told[0], str):
        raise BadInput("An entry of the log names its replica, what was decided, and the operation")
    op = Op.from_json(told[2], told[0])
    return op, verdicts_of(op.table, schema, told[1]) if isinstance(told[1], dict) else {}


def _is_stamp(value: Any) -> bool:
    return (
        (value.__class__ is list or isinstance(value, tuple)) and len(value) == 2
        and value[0].__class__ is int and value[1].__class__ is str
    )  # fmt: skip


def stamp_of(value: Any) -> Stamp:
    """Return the stamp in a JSON list [hlc, replica]; raise `BadInput`."""
    if not _is_stamp(value):
        raise BadInput("A stamp is a time and a replica", field="seen")
    return value[0], value[1]


def canonical(document: Mapping[str, Any] | list[Any]) -> str:
    """Return `document` as the one JSON text that equal documents share."""
    return "".join(_ENCODE(document, 0))


def link(chain: str, text: str) -> str:
    """Return the chain of digests after one more operation: two logs with equal chains are equal (32 hex digits).

    An operation that was scrubbed names the chain it made before, so that a log goes on as it was begun elsewhere.
    """
    if text.endswith('"}') and text.endswith(_LAST, 0, len(text) - _CHAIN - 2):
        return text[-_CHAIN - 2 : -2]
    return hashlib.sha256(f"{chain}{text}".encode()).hexdigest()[:32]
