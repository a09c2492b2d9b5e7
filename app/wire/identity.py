"""Who a device is: an Ed25519 key, an ML-DSA-65 key and a self-signed certificate, pinned by the other side.

The device id is the first 16 bytes of SHA-256 of the Ed25519 public key (RFC 8032); ML-DSA-65 is FIPS 204.
Certificates carry no meaning but their key: they never expire, so that a node without a clock still pairs.
"""

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.engine.base.errors import BadInput
from app.engine.base.platform import make_private, write_private

SCHEMA: Final = 1
KEY_FILE: Final = "device.key"
_DEVICE: Final = re.compile(r"[0-9a-f]{32}")
_MLDSA_BYTES: Final = 1952
_NAME_CHARACTERS: Final = 64
_KEYS_KEPT: Final = 256
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NEVER: Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


class Seal(Protocol):
    """What keeps a secret file unreadable to others than this device: a keyring, or a key from a pass phrase."""

    def close(self, data: bytes) -> bytes:
        """Return `data` sealed."""

    def open(self, data: bytes) -> bytes:
        """Return what was sealed; raise `Refused` if it was changed or sealed by another."""


def device_of(ed25519: bytes) -> str:
    """Return the device id, 32 hex digits, of a raw Ed25519 public key."""
    return hashlib.sha256(ed25519).digest()[:16].hex()


def is_device_id(text: str) -> bool:
    """Tell whether `text` has the form of a device id."""
    return _DEVICE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """What others pin of a device: both public keys (raw) and its certificate (PEM)."""

    device_id: str
    name: str
    ed25519: bytes
    mldsa: bytes
    certificate_pem: str

    @property
    def certificate_der(self) -> bytes:
        """Return the certificate's DER bytes, what TLS shows of a peer."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode("ascii")).public_bytes(Encoding.DER)

    def to_json(self) -> dict[str, Any]:
        """Return the identity as plain JSON."""
        return {
            "schema": SCHEMA,
            "device": self.device_id,
            "name": self.name,
            "ed25519": self.ed25519.hex(),
            "mldsa": self.mldsa.hex(),
            "certificate": self.certificate_pem,
        }

    @classmethod
    def from_json(cls, document: Any) -> "PublicIdentity":
        """Return the identity in `document`; raise `BadInput` unless id, keys and certificate belong together."""
        if not isinstance(document, dict):
            raise BadInput("An identity is an object, not {kind}", kind=type(document).__name__, field="identity")
        try:
            texts = [document[key] for key in ("device", "name", "ed25519", "mldsa", "certificate")]
            if not all(isinstance(text, str) for text in texts):
                raise TypeError
            device, name, ed25519, mldsa = texts[0], texts[1], bytes.fromhex(texts[2]), bytes.fromhex(texts[3])
        except (KeyError, TypeError, ValueError):
            raise BadInput("The identity lacks a part or has a malformed one", field="identity") from None
        identity = cls(device, name[:_NAME_CHARACTERS], ed25519, mldsa, texts[4])
        identity.check()
        return identity

    def check(self) -> None:
        """Raise `BadInput` unless the id is that of the key and the certificate is of that key and self-signed."""
        if len(self.ed25519) != 32 or len(self.mldsa) != _MLDSA_BYTES or device_of(self.ed25519) != self.device_id:
            raise BadInput("The identity's id does not belong to its keys", field="identity")
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate_pem.encode("ascii"))
            key = certificate.public_key()
            certificate.verify_directly_issued_by(certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise BadInput("The identity's certificate is malformed", field="identity") from None
        if not isinstance(key, Ed25519PublicKey) or key.public_bytes_raw() != self.ed25519:
            raise BadInput("The identity's certificate is of another key", field="identity")

    def verify(self, message: bytes, ed25519: bytes, mldsa: bytes, context: bytes) -> bool:
        """Tell whether both signatures over `message` are this device's."""
        try:
            one, other = _keys_of(self.ed25519, self.mldsa)
            one.verify(ed25519, message)
            other.verify(mldsa, message, context)
        except (InvalidSignature, ValueError):
            return False
        return True


class DeviceIdentity:
    """A device's own secret keys and what others may see of them."""

    def __init__(self, ed25519: Ed25519PrivateKey, mldsa: MLDSA65PrivateKey, name: str, certificate_pem: str) -> None:
        self._ed25519, self._mldsa = ed25519, mldsa
        raw = ed25519.public_key().public_bytes_raw()
        self.public = PublicIdentity(device_of(raw), name, raw, mldsa.public_key().public_bytes_raw(), certificate_pem)

    @classmethod
    def generate(cls, name: str) -> "DeviceIdentity":
        """Return a fresh identity for a device called `name`; its randomness is the system's."""
        ed25519 = Ed25519PrivateKey.generate()
        name = name[:_NAME_CHARACTERS]
        return cls(ed25519, MLDSA65PrivateKey.generate(), name, _self_signed(ed25519))

    @property
    def tls_key(self) -> Ed25519PrivateKey:
        """Return the key of the certificate."""
        return self._ed25519

    def sign(self, message: bytes, context: bytes) -> tuple[bytes, bytes]:
        """Return the Ed25519 and the ML-DSA-65 signature over `message`; both must hold."""
        return self._ed25519.sign(message), self._mldsa.sign(message, context)

    def save(self, folder: Path, seal: Seal | None = None) -> None:
        """Write the secret keys into `folder`, readable by the owner alone and sealed if a `seal` is given."""
        secret = {
            "schema": SCHEMA,
            "name": self.public.name,
            "ed25519": self._ed25519.private_bytes_raw().hex(),
            "mldsa": self._mldsa.private_bytes_raw().hex(),
            "certificate": self.public.certificate_pem,
        }
        data = json.dumps(secret).encode()
        write_private(make_private(folder) / KEY_FILE, seal.close(data) if seal else data)

    @classmethod
    def load(cls, folder: Path, seal: Seal | None = None) -> "DeviceIdentity | None":
        """Return the identity saved in `folder`, or None if there is none; a damaged file raises `BadInput`."""
        path = folder / KEY_FILE
        if not path.exists():
            return None
        data = path.read_bytes()
        try:
            secret = json.loads(seal.open(data) if seal else data)
            identity = cls(
                Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret["ed25519"])),
                MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(secret["mldsa"])),
                str(secret["name"]),
                str(secret["certificate"]),
            )
            identity.public.check()
        except (KeyError, TypeError, ValueError, BadInput):
            raise BadInput(
                "{file}: the device's keys are damaged", file=path, hint="Restore the file, or remove it and pair again."
            ) from None
        return identity


@lru_cache(maxsize=_KEYS_KEPT)
def _keys_of(ed25519: bytes, mldsa: bytes) -> tuple[Ed25519PublicKey, MLDSA65PublicKey]:
    """Return raw public keys as what verifies; the same few sign again and again."""
    return Ed25519PublicKey.from_public_bytes(ed25519), MLDSA65PublicKey.from_public_bytes(mldsa)


def _self_signed(key: Ed25519PrivateKey) -> str:
    """Return a self-signed certificate (RFC 8410) that can sign no other; its subject is the device id."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_of(key.public_key().public_bytes_raw()))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_EPOCH)
        .not_valid_after(_NEVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode("ascii")
