"""Signed manifests: what a model is, said by a console in a way that outlives the connection it came over.

A manifest travels sealed: {"schema", "manifest", "signer", "ed25519", "mldsa"}. Signed is the manifest as canonical JSON
(sorted keys, no spaces, UTF-8; as RFC 8785 for the ASCII keys and the number kinds used here), with Ed25519 (RFC 8032) and
ML-DSA-65 (FIPS 204) together: it holds only while both do. `chunks` lists the SHA-256 of each piece, so that every piece is
checked before it is kept, whatever way it came.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput, Refused
from app.wire.documents import SCHEMA, list_of, object_of, text_of, whole_of
from app.wire.identity import DeviceIdentity, PublicIdentity

CONTEXT: Final = b"outpost-manifest-1"
LOW_CHUNK_BYTES: Final = 64 << 10
MOST_CHUNKS: Final = 4096
_KEYS: Final = frozenset({"schema", "manifest", "signer", "ed25519", "mldsa"})

SignerOf = Callable[[str], PublicIdentity | None]


@dataclass(frozen=True)
class Chunks:
    """The pieces of a file: all of `size_bytes` but the last, each with its SHA-256 as hex."""

    size_bytes: int
    sha256: tuple[str, ...]
    total_bytes: int

    def span(self, index: int) -> tuple[int, int]:
        """Return the first byte of piece `index` and the one after its last."""
        first = index * self.size_bytes
        return first, min(first + self.size_bytes, self.total_bytes)

    def to_json(self) -> dict[str, Any]:
        """Return the pieces as plain JSON; the size of the whole stands in the manifest."""
        return {"size_bytes": self.size_bytes, "sha256": list(self.sha256)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], total_bytes: int) -> "Chunks":
        """Return the pieces in `document`; raise `BadInput` unless they make up `total_bytes`."""
        size, told = whole_of(dict(document), "size_bytes"), list_of(dict(document), "sha256")
        if size < 1 or not told or len(told) > MOST_CHUNKS or -(-total_bytes // size) != len(told):
            raise BadInput("The pieces do not make up the artifact", field="chunks")
        if not all(isinstance(each, str) and len(each) == 64 for each in told):
            raise BadInput("A piece is named by its SHA-256", field="chunks")
        return cls(size, tuple(told), total_bytes)


def chunk_bytes_for(total_bytes: int) -> int:
    """Return the size of the pieces of a file: 64 KiB, doubled until 4096 pieces are enough."""
    size = LOW_CHUNK_BYTES
    while size * MOST_CHUNKS < total_bytes:
        size *= 2
    return size


def chunks_of(data: bytes) -> Chunks:
    """Return the pieces of `data` (at least one byte)."""
    size = chunk_bytes_for(len(data))
    view = memoryview(data)
    hashes = (hashlib.sha256(view[at : at + size]).hexdigest() for at in range(0, len(data), size))
    return Chunks(size, tuple(hashes), len(data))


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed for `document`."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def seal(identity: DeviceIdentity, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return `manifest` with both signatures of `identity` over it."""
    one, two = identity.sign(canonical(manifest), CONTEXT)
    return {
        "schema": SCHEMA,
        "manifest": dict(manifest),
        "signer": identity.public.device_id,
        "ed25519": base64.b64encode(one).decode("ascii"),
        "mldsa": base64.b64encode(two).decode("ascii"),
    }


def is_sealed(document: Mapping[str, Any]) -> bool:
    """Tell whether `document` has the parts of a sealed manifest."""
    return document.keys() >= _KEYS


def unseal(document: dict[str, Any], signer_of: SignerOf) -> dict[str, Any]:
    """Return the manifest in a sealed `document`; raise `Refused` unless both signatures of a pinned device hold."""
    if not is_sealed(document):
        raise Refused("The manifest is not signed", field="manifest", hint="Sign it: outpost model sign")
    manifest, device = object_of(document, "manifest"), text_of(document, "signer")
    signer = signer_of(device)
    if signer is None:
        raise Refused("It is signed with the key of device {device}, which is not paired", device=device[:64], field="signer")
    try:
        one, two = (base64.b64decode(text_of(document, name).encode("ascii"), validate=True) for name in ("ed25519", "mldsa"))
    except (ValueError, binascii.Error):
        raise Refused("The manifest's signature is malformed", field="manifest") from None
    if not signer.verify(canonical(manifest), one, two, CONTEXT):
        raise Refused("The manifest's signature does not hold", field="manifest", hint="It was changed, or signed by another.")
    return manifest
