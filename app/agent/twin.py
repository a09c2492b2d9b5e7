"""Desired state: a document with a version that a console patches, and what this node makes of it."""

from dataclasses import dataclass, field
from typing import Any, Final

from app.agent.options import HIGH_CADENCE_S, LOW_CADENCE_S
from app.engine.base.errors import BadInput
from app.wire.documents import number_of, object_of

KNOWN: Final = ("cadence_s", "labels")


@dataclass(frozen=True)
class Wanted:
    """What of the desired state this node can follow."""

    cadence_s: float | None = None
    labels: dict[str, Any] = field(default_factory=dict)
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
    return Wanted(cadence_s, object_of(desired, "labels"), tuple(sorted(key for key in desired if key not in KNOWN)))
