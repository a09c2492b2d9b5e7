"""Artifacts on their way in: announced first, kept piece by piece, each piece checked before it is written.

Nothing is taken that no signed manifest announced. Pieces may come in any order and be resumed after any break; those that
other files on the node hold already are copied instead of sent again.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.agent.points import reached
from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Refused
from app.engine.base.ids import is_content_id
from app.engine.base.platform import replace_file
from app.wire.limits import ARTIFACT_BYTES
from app.wire.manifests import Chunks

_RANGE: Final = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|(\*))/(\d{1,15})")
_READ_BYTES: Final = 1 << 20
_KEPT: Final = 8
_MOST_SPANS: Final = 256


@dataclass(frozen=True)
class Span:
    """Where a piece belongs: its first byte and the size of the whole; `first` None only asks how much is there."""

    first: int | None
    total: int


@dataclass
class _Begun:
    """An announced artifact on its way: its pieces, and which of them are here."""

    chunks: Chunks
    have: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        return len(self.have) == len(self.chunks.sha256)

    def spans(self) -> list[list[int]]:
        """Return the bytes that are missing, as [first, end], neighbours joined."""
        found: list[list[int]] = []
        for index in range(len(self.chunks.sha256)):
            if index in self.have:
                continue
            first, end = self.chunks.span(index)
            if found and found[-1][1] == first:
                found[-1][1] = end
            else:
                found.append([first, end])
        return found


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
        self._begun: dict[str, _Begun] = {}

    def need(self, artifact: str) -> Path:
        """Return the file of a complete artifact; raise `Missing`."""
        path = self._path(artifact)
        if not path.exists():
            raise Missing("The artifact {artifact} is not here yet", artifact=artifact, hint="Upload it first.")
        return path

    def complete(self) -> dict[str, Path]:
        """Return the complete artifacts with their files."""
        return {"sha256:" + path.name: path for path in self._folder.iterdir() if not path.suffix}

    def announce(self, artifact: str, chunks: Chunks, sources: Iterable[Path] = (), *, fresh: bool = False) -> dict[str, Any]:
        """Let the pieces of `artifact` come in; return {received_bytes, complete, missing}.

        Pieces that an earlier try left, or that `sources` hold, are here already; with `fresh` nothing is trusted to be.
        Raises `Limit` when it is too large or the disk has no room.
        """
        path = self._path(artifact)
        if path.exists():
            return _told(path.stat().st_size, None)
        part = path.with_suffix(".part")
        if fresh:
            part.unlink(missing_ok=True)
        have = part.stat().st_size if part.exists() else 0
        self._check_room(chunks.total_bytes, have)
        begun = _Begun(chunks)
        if have:
            begun.have = {index for index, piece in _pieces(part, chunks) if _is_piece(chunks, index, piece)}
        else:
            self._keep_newest(".part")
        self._begun[artifact] = begun
        if not fresh:
            self._copy(part, begun, sources)
        return self._finish(artifact, begun)

    def take(self, artifact: str, span: Span, body: bytes) -> dict[str, Any]:
        """Keep whole pieces of an announced artifact; return {received_bytes, complete, missing}.

        Raises `Refused` for what nobody announced and `BadInput` for a piece that is not what the manifest says; then nothing
        of the body is kept.
        """
        path = self._path(artifact)
        if path.exists():
            return _told(path.stat().st_size, None)
        begun = self._begun.get(artifact)
        if begun is None:
            raise Refused("No signed manifest announced {artifact}", artifact=artifact, hint="Announce it first.")
        if span.total != begun.chunks.total_bytes:
            raise BadInput("The manifest says {size} bytes", size=begun.chunks.total_bytes, field="Content-Range")
        if span.first is None:
            return self._finish(artifact, begun)
        indexes = _indexes(begun.chunks, span.first, len(body))
        for index in indexes:
            first, end = begun.chunks.span(index)
            if not _is_piece(begun.chunks, index, body[first - span.first : end - span.first]):
                raise BadInput("Piece {index} of {artifact}: its hash differs", index=index, artifact=artifact)
        _write_at(path.with_suffix(".part"), span.first, body)
        begun.have.update(indexes)
        reached("piece.kept")
        return self._finish(artifact, begun)

    def keep(self, artifact: str, data: bytes) -> dict[str, Any]:
        """Keep `data` as `artifact` if it hashes to that, whole or not at all; raise `BadInput`."""
        if "sha256:" + hashlib.sha256(data).hexdigest() != artifact:
            raise BadInput("What arrived is not {artifact}: its hash differs", artifact=artifact, hint="Send it whole.")
        path = self._path(artifact)
        self._check_room(len(data), 0)
        replace_file(path, data)
        reached("artifact.kept")
        self._begun.pop(artifact, None)
        path.with_suffix(".part").unlink(missing_ok=True)
        self._keep_newest("")
        return _told(len(data), None)

    def discard(self, artifact: str) -> None:
        """Forget an artifact, complete or begun."""
        self._begun.pop(artifact, None)
        path = self._path(artifact)
        path.unlink(missing_ok=True)
        path.with_suffix(".part").unlink(missing_ok=True)

    def _finish(self, artifact: str, begun: _Begun) -> dict[str, Any]:
        if not begun.complete:
            size = sum(end - first for first, end in begun.spans())
            return _told(begun.chunks.total_bytes - size, begun.spans())
        path = self._path(artifact)
        part = path.with_suffix(".part")
        del self._begun[artifact]
        with part.open("r+b") as file:
            file.truncate(begun.chunks.total_bytes)
        reached("artifact.whole")
        if _hash_of(part) != artifact:
            part.unlink()
            raise BadInput("What arrived is not {artifact}: its hash differs", artifact=artifact, hint="Upload it again.")
        os.replace(part, path)
        reached("artifact.kept")
        self._keep_newest("")
        return _told(begun.chunks.total_bytes, None)

    def _copy(self, part: Path, begun: _Begun, sources: Iterable[Path]) -> None:
        """Copy the missing pieces that other files hold at a multiple of the piece size."""
        wanted = {name: index for index, name in enumerate(begun.chunks.sha256) if index not in begun.have}
        for source in sources:
            if not wanted or not source.exists():
                continue
            whole = Chunks(begun.chunks.size_bytes, (), source.stat().st_size)
            for _, piece in _pieces(source, whole):
                index = wanted.pop(hashlib.sha256(piece).hexdigest(), None)
                if index is not None:
                    _write_at(part, begun.chunks.span(index)[0], piece)
                    begun.have.add(index)

    def _check_room(self, total: int, have: int) -> None:
        if total > self._most_bytes:
            raise Limit("An artifact may have at most {most} bytes", most=self._most_bytes)
        if total - have > shutil.disk_usage(self._folder).free:
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


def _told(count: int, missing: list[list[int]] | None) -> dict[str, Any]:
    spans = (missing or [])[:_MOST_SPANS]
    return {"schema": 1, "received_bytes": count, "complete": missing is None, "missing": spans}


def _indexes(chunks: Chunks, first: int, size: int) -> range:
    """Return which pieces a body makes; raise `Conflict` when it is not whole pieces."""
    end = first + size
    if not size or first % chunks.size_bytes or (end % chunks.size_bytes and end != chunks.total_bytes):
        raise Conflict("Send whole pieces of {size} bytes", size=chunks.size_bytes, hint="Resume at a piece's first byte.")
    return range(first // chunks.size_bytes, -(-end // chunks.size_bytes))


def _is_piece(chunks: Chunks, index: int, piece: bytes) -> bool:
    return index < len(chunks.sha256) and hashlib.sha256(piece).hexdigest() == chunks.sha256[index]


def _pieces(path: Path, chunks: Chunks) -> Iterator[tuple[int, bytes]]:
    """Yield (index, bytes) of the pieces of a file, the last one possibly short."""
    with path.open("rb") as file:
        index = 0
        while piece := file.read(chunks.size_bytes):
            yield index, piece
            index += 1


def _write_at(path: Path, first: int, body: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(first)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return "sha256:" + digest.hexdigest()
