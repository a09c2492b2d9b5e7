"""Artifacts on their way in: resumable uploads, hashed before they are kept, named by their content."""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.engine.base.ids import is_content_id
from app.wire.limits import ARTIFACT_BYTES

_RANGE: Final = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|(\*))/(\d{1,15})")
_READ_BYTES: Final = 1 << 20
_KEPT: Final = 8


@dataclass(frozen=True)
class Span:
    """Where a piece belongs: its first byte and the size of the whole; `first` None only asks how much is there."""

    first: int | None
    total: int


def span_of(header: str | None, size: int) -> Span:
    """Return where a body of `size` bytes belongs, by its Content-Range (RFC 9110, 14.4); none means the whole."""
    if header is None:
        return Span(0, size)
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise BadInput("The Content-Range is malformed", field="Content-Range")
    first, last, star, total = match.groups()
    if star:
        return Span(None, int(total))
    if int(last) - int(first) + 1 != size or int(last) >= int(total):
        raise BadInput("The Content-Range does not fit the body", field="Content-Range")
    return Span(int(first), int(total))


class Shelf:
    """The folder of artifacts: complete ones under their hash, begun ones with `.part`. Blocks; one thread at a time."""

    def __init__(self, folder: Path, most_bytes: int = ARTIFACT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._most_bytes = folder, most_bytes

    def need(self, artifact: str) -> Path:
        """Return the file of a complete artifact; raise `Missing`."""
        path = self._path(artifact)
        if not path.exists():
            raise Missing("The artifact {artifact} is not here yet", artifact=artifact, hint="Upload it first.")
        return path

    def take(self, artifact: str, span: Span, body: bytes) -> dict[str, Any]:
        """Keep one piece and return {received_bytes, complete}; raises before anything wrong is kept.

        A piece may repeat what is there, never leave a gap (`Conflict`). The last one is kept only if the whole hashes
        to its name (`BadInput`, and the upload begins anew).
        """
        path = self._path(artifact)
        part = path.with_suffix(".part")
        if path.exists():
            return _received(path.stat().st_size, complete=True)
        have = part.stat().st_size if part.exists() else 0
        if span.first is None:
            return _received(have, complete=False)
        self._check(span, have)
        if not have:
            self._keep_newest(".part")
        _write_at(part, span.first, body)
        have = span.first + len(body)
        if have < span.total:
            return _received(have, complete=False)
        if _hash_of(part) != artifact:
            part.unlink()
            raise BadInput("What arrived is not {artifact}: its hash differs", artifact=artifact, hint="Upload it again.")
        os.replace(part, path)
        self._keep_newest("")
        return _received(have, complete=True)

    def _check(self, span: Span, have: int) -> None:
        first = span.first or 0
        if span.total > self._most_bytes:
            raise Limit("An artifact may have at most {most} bytes", most=self._most_bytes)
        if first > have:
            raise Conflict("The upload has a gap: {have} bytes are here", have=have, hint="Resume from there.")
        if span.total - have > shutil.disk_usage(self._folder).free:
            raise Limit("The node's disk has no room for the artifact", hint="Make room on the node and resume.")

    def _path(self, artifact: str) -> Path:
        if not is_content_id(artifact):
            raise BadInput("{artifact} is no content id", artifact=artifact[:80], field="artifact")
        return self._folder / artifact.partition(":")[2]

    def _keep_newest(self, suffix: str) -> None:
        """Keep the newest few, complete or begun; what models use is kept in their own slots."""
        found = [path for path in self._folder.iterdir() if path.suffix == suffix]
        for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
            path.unlink()


def _received(count: int, *, complete: bool) -> dict[str, Any]:
    return {"schema": 1, "received_bytes": count, "complete": complete}


def _write_at(path: Path, first: int, body: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(first)
        file.write(body)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return "sha256:" + digest.hexdigest()
