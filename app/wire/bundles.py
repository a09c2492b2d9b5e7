"""Bundles: what goes between consoles and nodes on a stick, signed as a request would be, and whole or refused.

A bundle is a ZIP file without compression (APPNOTE 6.3): `bundle.json`, a sealed document {"schema", "kind", "at_us", "body",
"files": {name: {"sha256", "size_bytes"}}} (see `manifests.py`), and the files it names. `updates` go from a console to nodes,
`reports` come back from a node.
"""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from app.engine.base.errors import BadInput, Missing
from app.wire.documents import SCHEMA, object_of, parse_object, text_of, to_bytes, whole_of
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.limits import ARTIFACT_BYTES
from app.wire.manifests import seal, unseal

_HEAD: Final = "bundle.json"
_HEAD_BYTES: Final = 64 << 20
_NAMES: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")

Kind = Literal["updates", "reports", "sync"]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose signature holds: who made it, when on its own clock, and what it says."""

    kind: str
    signer: str
    at_us: int
    body: dict[str, Any]
    files: dict[str, Any]
    path: Path

    def read(self, name: str) -> bytes:
        """Return a file of the bundle; raise `Missing`, or `BadInput` when it is not what was signed."""
        told = self.files.get(name)
        if not isinstance(told, dict):
            raise Missing("The bundle has no file {name}", name=name)
        data = _member(self.path, name, min(whole_of(told, "size_bytes"), ARTIFACT_BYTES))
        if hashlib.sha256(data).hexdigest() != told.get("sha256"):
            raise BadInput("{file}: {name} is not what was signed", file=self.path, name=name)
        return data


class BundleWriter:
    """A bundle that is being written beside `path`, file by file, none of which stays in memory; blocks.

    `close` signs it and puts it in its place, whole; `drop` leaves nothing of it.
    """

    def __init__(self, path: Path) -> None:
        """Begin; raises `OSError` where nothing can be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._scratch = path, path.with_name(path.name + ".new")
        self._named: dict[str, dict[str, Any]] = {}
        self._out = self._scratch.open("wb")
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED)

    def add(self, name: str, data: bytes) -> None:
        """Write a file of the bundle; raises `BadInput` for a name that none can have."""
        if not name or not set(name) <= _NAMES or name == _HEAD:
            raise BadInput("{name} cannot be the name of a file in a bundle", name=name)
        self._archive.writestr(name, data)
        self._named[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}

    def close(self, identity: DeviceIdentity, kind: Kind, body: Mapping[str, Any], *, at_us: int) -> int:
        """Sign what was written by `identity` and put it in its place, durable; return its size in bytes."""
        told = {"schema": SCHEMA, "kind": f"bundle-{kind}", "at_us": at_us, "body": dict(body), "files": self._named}
        self._archive.writestr(_HEAD, to_bytes(seal(identity, told)))
        self._archive.close()
        self._out.flush()
        os.fsync(self._out.fileno())
        size = self._out.tell()
        self._out.close()
        os.replace(self._scratch, self._path)
        return size

    def drop(self) -> None:
        """Leave nothing of what was written; one that was closed stays."""
        for opened in (self._archive, self._out):
            with contextlib.suppress(OSError, ValueError):  # the disk may be full or gone
                opened.close()
        self._scratch.unlink(missing_ok=True)


def write_bundle(
    path: Path, identity: DeviceIdentity, kind: Kind, body: Mapping[str, Any], files: Mapping[str, bytes], *, at_us: int
) -> int:
    """Write a bundle signed by `identity`, whole or not at all; return its size in bytes."""
    writer = BundleWriter(path)
    try:
        for name, data in files.items():
            writer.add(name, data)
        return writer.close(identity, kind, body, at_us=at_us)
    finally:
        writer.drop()


def read_bundle(path: Path, kind: Kind, signer_of: Callable[[str], PublicIdentity | None]) -> Bundle:
    """Return the bundle at `path`; raise `BadInput` for a malformed one, `Refused` unless a pinned device signed it."""
    sealed = parse_object(_member(path, _HEAD, _HEAD_BYTES))
    told = unseal(sealed, signer_of)
    if told.get("kind") != f"bundle-{kind}":
        raise BadInput("{file} is no bundle of {kind}", file=path, kind=kind)
    return Bundle(
        kind, text_of(sealed, "signer"), whole_of(told, "at_us"), object_of(told, "body"), object_of(told, "files"), path
    )


def _member(path: Path, name: str, most_bytes: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            told = archive.getinfo(name)
            if told.compress_type != zipfile.ZIP_STORED:
                raise BadInput("{file} is no bundle: its parts are compressed", file=path)
            with archive.open(told) as file:
                data = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise Missing("There is no file {file}", file=path) from None
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise BadInput("{file} is no bundle: {reason}", file=path, reason=str(error) or type(error).__name__) from None
    if len(data) > most_bytes:
        raise BadInput("{file}: {name} is larger than it may be", file=path, name=name)
    return data
