"""Identifiers: UUIDv7 text for records (RFC 9562), `sha256:<hex>` for content."""

import hashlib
import re

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA = re.compile(r"sha256:[0-9a-f]{64}")


def new_id() -> str:
    """Return a fresh UUIDv7 as lower-case text; ids made later in one process sort later."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Tell whether `text` has the form of a record id."""
    return _UUID.fullmatch(text) is not None


def content_id(data: bytes) -> str:
    """Return `sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_content_id(text: str) -> bool:
    """Tell whether `text` has the form of a content id."""
    return _SHA.fullmatch(text) is not None
