"""How typed records read JSON of another version: known fields are checked, unknown ones are kept."""

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from app.engine.base.errors import BadInput

SCHEMA: Final = 1


def parse_object(data: bytes | str) -> dict[str, Any]:
    """Return the JSON object in `data`; raise `BadInput` for anything else, NaN included."""
    try:
        document = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadInput("The document is not JSON") from None
    if not isinstance(document, dict):
        raise BadInput("The document is not a JSON object")
    return document


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return `document` as UTF-8 JSON without NaN."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def text_of(document: dict[str, Any], key: str, default: str | None = None) -> str:
    """Return a text field; raise `BadInput` when it is something else, or absent without a default."""
    value = document.get(key, default)
    if not isinstance(value, str):
        raise BadInput("{field} must be text", field=key)
    return value


def whole_of(document: dict[str, Any], key: str, default: int | None = None) -> int:
    """Return a whole number >= 0; raise `BadInput` when it is something else, or absent without a default."""
    value = document.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise BadInput("{field} must be a whole number", field=key)
    return value


def number_of(document: dict[str, Any], key: str) -> float | None:
    """Return a finite number, or None for an absent or null one; raise `BadInput` for anything else."""
    value = document.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadInput("{field} must be a number", field=key)
    return float(value)


def object_of(document: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object field, empty when absent; raise `BadInput` for anything else."""
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise BadInput("{field} must be an object", field=key)
    return dict(value)


def list_of(document: dict[str, Any], key: str) -> list[Any]:
    """Return a list field, empty when absent; raise `BadInput` for anything else."""
    value = document.get(key, [])
    if not isinstance(value, list):
        raise BadInput("{field} must be a list", field=key)
    return list(value)


def unknown_of(document: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return the fields that this version does not know."""
    names = set(known)
    return {key: value for key, value in document.items() if key not in names}


def _no_constant(name: str) -> Any:
    raise ValueError(name)
