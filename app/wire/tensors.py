"""Tensors on the wire, in the safetensors layout: never pickle, every bound checked before a byte is read.

Layout (safetensors format, Hugging Face): uint64 little-endian header length, a JSON header {name: {dtype, shape,
data_offsets}, "__metadata__": {text: text}}, then the data, without gaps. Only float32 (F32), little-endian, is used.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Limit

MOST_HEADER_BYTES: Final = 1 << 20
_MOST_DIMENSIONS: Final = 8
_MOST_KEPT: Final = 256  # headers understood or written lately
_SHORT_BYTES: Final = 1024
_META: Final = "__metadata__"
_FIRST: Final = f'{{"{_META}":{{'  # as `pack` begins
Span = tuple[str, int, int, tuple[int, ...]]
Tensors = dict[str, NDArray[np.float32]]


def pack(tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, str]) -> bytes:
    """Return `tensors` (made float32) and `meta` as one document, names in sorted order."""
    arrays = {name: np.asarray(tensors[name], dtype="<f4") for name in sorted(tensors)}
    head = _head_of(tuple((name, array.shape) for name, array in arrays.items()), tuple(sorted(meta.items())))
    return b"".join([head, *(array.data if array.flags.c_contiguous else array.tobytes() for array in arrays.values())])


@lru_cache(maxsize=_MOST_KEPT)
def _head_of(layout: tuple[tuple[str, tuple[int, ...]], ...], meta: tuple[tuple[str, str], ...]) -> bytes:
    """Return length and header for tensors of these shapes; the same ones come again and again."""
    header: dict[str, Any] = {_META: dict(meta)} if meta else {}
    at = 0
    for name, shape in layout:
        end = at + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, end]}
        at = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head


def unpack(data: bytes, *, most_bytes: int, views: bool = False) -> tuple[Tensors, dict[str, str]]:
    """Return the tensors (own, writable copies) and the metadata of a document of at most `most_bytes`.

    With `views`, tensors that lie well in `data` are not copied, and cannot be written to. Raises `Limit` when it is larger,
    `BadInput` when anything in it does not fit.
    """
    if len(data) > most_bytes:
        raise Limit("The tensors take {size} bytes, more than the {most} allowed", size=len(data), most=most_bytes)
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > MOST_HEADER_BYTES or 8 + size > len(data):
        raise _bad("its header does not fit")
    start = 8 + size
    spans, end, meta = _understood(data[8:start])
    if start + end > len(data):
        raise _bad("it ends too early")
    if start + end != len(data):
        raise _bad("bytes are left over at its end")
    tensors: Tensors = {}
    for name, first, last, shape in spans:
        there = np.frombuffer(data, "<f4", (last - first) // 4, start + first)
        tensors[name] = there.astype(np.float32, copy=not (views and there.flags.aligned)).reshape(shape)
    return tensors, meta


def digests(document: bytes) -> tuple[str, str]:
    """Return two digests (hex) of a document, its numbers read once: of all of it, and of its numbers alone.

    The first is the SHA-256 of length, header and the SHA-256 of the numbers; the second is that of the numbers.
    """
    cut = 8 + min(int.from_bytes(document[:8], "little"), len(document))
    numbers = hashlib.sha256(memoryview(document)[cut:])
    return hashlib.sha256(document[:cut] + numbers.digest()).hexdigest(), numbers.hexdigest()


def _understood(head: bytes) -> tuple[tuple[Span, ...], int, dict[str, str]]:
    """Return each tensor's place in order, where the last ends, and the metadata: it alone differs in a model's documents."""
    header: dict[str, Any] | None = None
    meta: dict[str, str] = {}
    try:
        text, end = head.decode("utf-8"), 0
        if text.startswith(_FIRST):
            meta, end = _JSON.raw_decode(text, len(_FIRST) - 1)
    except (ValueError, RecursionError):
        raise _malformed() from None
    rest = text[end:].strip(" \t\r\n")
    if end:
        rest = "{" + rest.removeprefix(",") if re.match(r"}|,\s*[^\s}]", rest) else ""
    elif _META in text:  # as others write it
        header = _header_of(text)
        meta = header.pop(_META, {})
    if not isinstance(meta, dict) or not all(isinstance(value, str) for value in meta.values()):
        raise _bad("its metadata is not text")
    if header is not None:
        return *_spans_of(header), meta
    return *(_kept_layout(rest) if len(rest) <= _SHORT_BYTES else _layout(rest)), meta


def _layout(text: str) -> tuple[tuple[Span, ...], int]:
    header = _header_of(text)
    if _META in header:
        raise _malformed()
    return _spans_of(header)


_kept_layout = lru_cache(maxsize=_MOST_KEPT)(_layout)


def _spans_of(header: Mapping[str, Any]) -> tuple[tuple[Span, ...], int]:
    """Return each tensor's (name, first byte, byte after the last, shape) in order, and where the last ends."""
    spans = sorted((_span_of(name, entry), name) for name, entry in header.items())
    at = 0
    for (first, last, _), _name in spans:
        if first != at:
            raise _bad("its parts overlap or leave a gap")
        at = last
    return tuple((name, first, last, shape) for (first, last, shape), name in spans), at


def _header_of(text: str) -> dict[str, Any]:
    try:
        header = _JSON.decode(text)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if not isinstance(header, dict):
        raise _bad("its header is not an object")
    return header


def _span_of(name: str, entry: Any) -> tuple[int, int, tuple[int, ...]]:
    try:
        dtype, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise _bad(f"the entry of {name!r} is malformed") from None
    if dtype != "F32":
        raise _bad(f"{name!r} is {dtype!r}, not F32")
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS or not all(_is_size(n) for n in (*shape, first, last)):
        raise _bad(f"the shape or place of {name!r} is malformed")
    if math.prod(shape) * 4 != last - first or not _is_size(math.prod(size for size in shape if size)):
        raise _bad(f"the shape of {name!r} does not fit its bytes")
    return first, last, tuple(shape)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice")
    return found


_JSON: Final = json.JSONDecoder(object_pairs_hook=_no_twins)


def _malformed() -> BadInput:
    return _bad("its header is not JSON, or names something twice")


def _bad(reason: str) -> BadInput:
    return BadInput("The tensor document is malformed: {reason}", reason=reason)
