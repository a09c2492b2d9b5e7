"""This console's own identity: its secret keys sealed on disk, the key of the seal among the secrets.

What others may see stands in a plain file beside them, so that a start needs neither keyring nor decryption.
"""

import json
import os
from pathlib import Path
from typing import Final

from app.engine.base.errors import Refused
from app.engine.base.platform import make_private, write_private
from app.engine.link import machine
from app.engine.link.secrets import Secrets, open_secrets
from app.wire.identity import KEY_FILE, DeviceIdentity, is_device_id

_ENTRY: Final = "identity-seal"
_PUBLIC: Final = "device.json"
_NONCE_BYTES: Final = 12


class KeySeal:
    """Seals files with AES-256-GCM (NIST SP 800-38D) under one 256-bit key; a fresh nonce each time."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, data: bytes) -> bytes:
        """Return `data` sealed."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, data, b"outpost-identity-1")

    def open(self, data: bytes) -> bytes:
        """Return what was sealed; raise `Refused` if it was changed or sealed with another key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], b"outpost-identity-1")
        except (InvalidTag, ValueError):
            raise Refused(
                "This console's keys cannot be opened with the key kept for them",
                hint="Restore the identity folder, or remove it and pair every node again.",
            ) from None


def public_device_id(folder: Path) -> str:
    """Return this console's device id as noted beside its keys, or empty text when there is none yet."""
    try:
        device = json.loads((folder / _PUBLIC).read_text("utf-8"))["device"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(device) if is_device_id(str(device)) else ""


def seal_key(folder: Path, secrets: Secrets | None = None) -> bytes:
    """Return the key of the seal, made on first use; blocks, raises `Refused` when it is lost but keys are there."""
    secrets = secrets or open_secrets(folder)
    key = secrets.get(_ENTRY)
    if key is not None:
        return key
    if (folder / _PUBLIC).exists():
        raise Refused(
            "The key that opens this console's identity is gone",
            hint="Restore it from the keyring it was kept in, or remove the identity folder and pair every node again.",
        )
    key = os.urandom(32)
    secrets.put(_ENTRY, key)
    return key


def own_identity(folder: Path, name: str, key: bytes) -> DeviceIdentity:
    """Return this console's identity kept in `folder`, made and called `name` on first use; blocks."""
    make_private(folder)
    seal = KeySeal(key)
    identity = DeviceIdentity.load(folder, seal)
    if identity is None:
        identity = DeviceIdentity.generate(name)
        identity.save(folder, seal)
    if public_device_id(folder) != identity.public.device_id:
        write_private(folder / _PUBLIC, json.dumps(identity.public.to_json()).encode())
    machine.note(folder, identity.public.device_id)
    return identity


def drop_identity(folder: Path) -> None:
    """Remove this console's keys, overwritten first, and what says whose they were: the next start makes others. Blocks.

    The key of the seal stays: a keyring that keeps it may be one with the home this one was copied from.
    """
    for name in (KEY_FILE, _PUBLIC, machine.FILE):
        path = folder / name
        if path.exists():
            with path.open("r+b") as file:
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
