"""Differences between two versions of a model file: XOR of the tensors that both have, then Zstandard (RFC 8878).

A delta is a 4-byte magic, the length of a JSON header (uint32 little-endian), the header, and one Zstandard frame of
`size_bytes` bytes. The new file is foretold from the old one by `segments` [[new offset, old offset, length], …] and is zero
elsewhere; the frame holds new XOR foretold. Where few weights changed almost all of that is zero. Tensors are found in both
files by name in the ONNX layout (protocol buffers wire format; ModelProto.graph 7, GraphProto.initializer 5, TensorProto.name
8 and raw_data 9, onnx.proto3 of IR 9), so that a tensor is matched even where everything before it moved.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import zstandard

from app.engine.base.errors import BadInput, Limit

MAGIC: Final = b"OXD1"
_LEVEL: Final = 12
_MOST_HEADER: Final = 1 << 20
_GRAPH, _INITIALIZER, _NAME, _RAW = 7, 5, 8, 9
_LENGTH_DELIMITED: Final = 2

Segment = tuple[int, int, int]


def tensors_at(data: bytes) -> dict[str, tuple[int, int]]:
    """Return where each named tensor's raw bytes lie in an ONNX file, as (offset, length); empty for anything else."""
    found: dict[str, tuple[int, int]] = {}
    try:
        for number, first, end in _fields(data, 0, len(data)):
            if number == _GRAPH:
                for inner, start, stop in _fields(data, first, end):
                    if inner == _INITIALIZER:
                        found |= _tensor(data, start, stop)
    except (IndexError, ValueError):
        return {}
    return found


def segments_of(old: bytes, new: bytes) -> list[Segment]:
    """Return the parts of `new` that `old` foretells: equal-sized tensors of the same name; of equal files, everything."""
    if len(old) == len(new):
        return [(0, 0, len(new))]
    before, after = tensors_at(old), tensors_at(new)
    pairs = [(at, before[name][0], size) for name, (at, size) in after.items() if name in before and before[name][1] == size]
    return sorted(pairs)


def make_delta(old: bytes, new: bytes) -> bytes:
    """Return what turns `old` into `new`."""
    segments = segments_of(old, new)
    rest = np.frombuffer(new, np.uint8) ^ _foretold(old, len(new), segments)
    header = json.dumps({"schema": 1, "size_bytes": len(new), "segments": segments}, separators=(",", ":")).encode()
    frame = zstandard.ZstdCompressor(level=_LEVEL).compress(rest.tobytes())
    return b"".join([MAGIC, len(header).to_bytes(4, "little"), header, frame])


def apply_delta(old: bytes, delta: bytes, most_bytes: int) -> bytes:
    """Return the file that `delta` makes of `old`; raise `BadInput` for a malformed one, `Limit` above `most_bytes`."""
    size, segments, at = _header_of(delta)
    if size > most_bytes:
        raise Limit("An artifact may have at most {most} bytes", most=most_bytes)
    if any(min(each) < 0 or new + length > size or was + length > len(old) for each in segments for new, was, length in [each]):
        raise BadInput("The delta does not fit the file it is from", field="delta")
    try:
        rest = zstandard.ZstdDecompressor().decompress(delta[at:], max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError:
        raise BadInput("The delta is malformed", field="delta") from None
    if len(rest) != size:
        raise BadInput("The delta is malformed", field="delta")
    return (np.frombuffer(rest, np.uint8) ^ _foretold(old, size, segments)).tobytes()


def _header_of(delta: bytes) -> tuple[int, list[Segment], int]:
    length = int.from_bytes(delta[4:8], "little")
    if delta[:4] != MAGIC or length > _MOST_HEADER:
        raise BadInput("The delta is malformed", field="delta")
    try:
        header: dict[str, Any] = json.loads(delta[8 : 8 + length])
        segments = [(int(new), int(was), int(size)) for new, was, size in header["segments"]]
        return int(header["size_bytes"]), segments, 8 + length
    except (ValueError, KeyError, TypeError):
        raise BadInput("The delta is malformed", field="delta") from None


def _foretold(old: bytes, size: int, segments: list[Segment]) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    found = np.zeros(size, np.uint8)
    source = np.frombuffer(old, np.uint8)
    for new, was, length in segments:
        found[new : new + length] = source[was : was + length]
    return found


def _tensor(data: bytes, first: int, end: int) -> dict[str, tuple[int, int]]:
    name, raw = "", (0, 0)
    for number, start, stop in _fields(data, first, end):
        if number == _NAME:
            name = data[start:stop].decode("utf-8")
        elif number == _RAW:
            raw = (start, stop - start)
    return {name: raw} if name and raw[1] else {}


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (number, first byte, end) of each length-delimited field between `at` and `end`; skip the others."""
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _LENGTH_DELIMITED:
            size, at = _varint(data, at)
            if at + size > end:
                raise ValueError(size)
            yield key >> 3, at, at + size
            at += size
        elif kind == 0:
            _, at = _varint(data, at)
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(kind)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if not byte & 128:
            return value, at
        if shift > 63:
            raise ValueError(shift)
