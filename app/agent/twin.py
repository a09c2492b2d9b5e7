"""Desired state: a document with a version that a console patches, and what this node makes of it."""

from dataclasses import dataclass, field
from typing import Any, Final

from app.agent.neighbours import peers_in
from app.agent.options import HIGH_CADENCE_S, LOW_CADENCE_S, LOW_SPOOL_BYTES, LOW_TTL_S
from app.agent.serving import Serving
from app.engine.base.errors import BadInput
from app.wire.documents import number_of, object_of, whole_of

KNOWN: Final = ("cadence_s", "labels", "infer", "spool", "peers")


@dataclass(frozen=True)
class Wanted:
    """What of the desired state this node can follow."""

    cadence_s: float | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    infer: Serving = field(default_factory=Serving)
    spool_ttl_s: float | None = None
    spool_bytes: int | None = None
    peers: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def merge_patch(document: Any, patch: Any) -> Any:
    """Return `document` with `patch` merged in (RFC 7396, section 2): null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def wanted_of(desired: dict[str, Any]) -> Wanted:
    """Return what `desired` asks of this node; raise `BadInput` for a value that cannot be."""
    cadence_s = number_of(desired, "cadence_s")
    if cadence_s is not None and not LOW_CADENCE_S <= cadence_s <= HIGH_CADENCE_S:
        raise BadInput("cadence_s must be between {low} and {high}", field="cadence_s", low=LOW_CADENCE_S, high=HIGH_CADENCE_S)
    spool = object_of(desired, "spool")
    ttl_s, most_bytes = number_of(spool, "ttl_s"), spool.get("most_bytes")
    if ttl_s is not None and ttl_s < LOW_TTL_S:
        raise BadInput("ttl_s must be at least {low}", field="spool", low=LOW_TTL_S)
    if most_bytes is not None and whole_of(spool, "most_bytes") < LOW_SPOOL_BYTES:
        raise BadInput("most_bytes must be at least {low}", field="spool", low=LOW_SPOOL_BYTES)
    ignored = tuple(sorted(key for key in desired if key not in KNOWN))
    return Wanted(
        cadence_s, object_of(desired, "labels"), Serving.of(object_of(desired, "infer")), ttl_s, most_bytes,
        peers_in(object_of(desired, "peers")), ignored,
    )  # fmt: skip
