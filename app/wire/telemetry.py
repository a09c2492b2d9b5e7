"""Telemetry as it crosses the wire: measurements with a gapless sequence, in pages that say what was lost."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.wire.documents import SCHEMA, list_of, number_of, object_of, text_of, unknown_of, whole_of
from app.wire.status import Status

_NUMBERS: Final = ("cpu_ratio", "mem_ratio", "latency_mean_s", "latency_p50_s", "latency_p99_s", "error_ratio")
_KNOWN: Final = ("seq", "at_us", "inference_count", "resources", "metrics", *_NUMBERS)


@dataclass(frozen=True)
class Measurement:
    """What a node saw of itself since the measurement before; None where nothing could be measured.

    `inference_count` is of this interval; latencies and errors are of the interval too. `resources` holds gauges with
    their unit in the name (mem_bytes, disk_free_bytes, process_mem_bytes, …); `extra` what a newer node sends.
    """

    seq: int
    at_us: int
    cpu_ratio: float | None = None
    mem_ratio: float | None = None
    latency_mean_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    error_ratio: float | None = None
    inference_count: int = 0
    resources: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as plain JSON, unknown fields included."""
        known = {name: getattr(self, name) for name in _KNOWN}
        return {**self.extra, **known}

    @classmethod
    def trusted(cls, document: dict[str, Any]) -> "Measurement":
        """Return the measurement in `document` that `to_json` wrote in another process of ours, unchecked."""
        if len(document) == len(_KNOWN):
            return cls(**document)
        return cls(**{key: document[key] for key in _KNOWN}, extra=unknown_of(document, _KNOWN))

    @classmethod
    def from_json(cls, document: Any) -> "Measurement":
        """Return the measurement in `document`; raise `BadInput`."""
        if not isinstance(document, dict):
            raise BadInput("A measurement is an object", field="items")
        return cls(
            seq=whole_of(document, "seq"),
            at_us=whole_of(document, "at_us"),
            **{name: number_of(document, name) for name in _NUMBERS},
            inference_count=whole_of(document, "inference_count", 0),
            resources={k: v for k, v in object_of(document, "resources").items() if isinstance(v, (int, float))},
            metrics=object_of(document, "metrics"),
            extra=unknown_of(document, _KNOWN),
        )


@dataclass(frozen=True)
class TelemetryPage:
    """Some measurements in order of `seq`; ask again with the page's `epoch` and `after` = its `cursor`.

    `lost` holds (first, last) ranges after the cursor asked for that the node had to drop. Another `epoch` than the one
    asked for means the node began a new spool: what stands here starts at its beginning. `status` comes when it was
    asked for, from a node that knows how.
    """

    epoch: str
    items: tuple[Measurement, ...]
    next_seq: int
    lost: tuple[tuple[int, int], ...] = ()
    status: Status | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def cursor(self) -> int:
        """Return the last sequence number dealt with, what the next request sends as `after`."""
        return self.next_seq - 1

    def to_json(self) -> dict[str, Any]:
        """Return the page as plain JSON, unknown fields included."""
        return {
            **self.extra,
            "schema": SCHEMA,
            "epoch": self.epoch,
            "items": [item.to_json() for item in self.items],
            "next_seq": self.next_seq,
            "lost": [list(span) for span in self.lost],
            **({} if self.status is None else {"status": self.status.to_json()}),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "TelemetryPage":
        """Return the page in `document`; raise `BadInput` when malformed or its sequence does not ascend."""
        items = tuple(Measurement.from_json(item) for item in list_of(document, "items"))
        next_seq = whole_of(document, "next_seq")
        if any(b <= a for a, b in pairwise([*(item.seq for item in items), next_seq])):
            raise BadInput("The sequence of the measurements does not ascend", field="items")
        lost = tuple(_span(span) for span in list_of(document, "lost"))
        status = Status.from_json(object_of(document, "status")) if document.get("status") is not None else None
        known = ("schema", "epoch", "items", "next_seq", "lost", "status")
        return cls(text_of(document, "epoch"), items, next_seq, lost, status, unknown_of(document, known))


def _span(value: Any) -> tuple[int, int]:
    match value:
        case [int(first), int(last)] if 0 < first <= last:
            return first, last
    raise BadInput("A lost range is two ascending numbers", field="lost")
