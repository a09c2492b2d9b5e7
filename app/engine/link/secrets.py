"""Where this console keeps its few secrets: the system's keyring if it is one we trust, else an encrypted file.

A keyring may hang (a locked wallet waits for a person), so each call runs in a thread with a time limit. Only backends
that encrypt are allowed; `keyrings.alt` keeps plain text and is never used. The place is chosen once and written down:
a keyring that fails later is an error, never a silent new identity.

The file: a 256-bit random key beside it (owner only), stretched by scrypt (RFC 7914) and used with AES-256-GCM
(NIST SP 800-38D), a fresh 96-bit nonce per write and the secret's name as associated data.
"""

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from app.engine.base.errors import BadInput, OutpostError, Refused, Timeout
from app.engine.base.ids import new_id
from app.engine.base.platform import make_private, write_private

T = TypeVar("T")

ALLOWED_BACKENDS: Final = (
    "keyring.backends.Windows",
    "keyring.backends.macOS",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
)
_SERVICE: Final = "Outpost"
_KEY_BYTES: Final = 32


class Secrets(Protocol):
    """A few named secrets; every call may block, so make it off the loop."""

    def get(self, name: str) -> bytes | None:
        """Return the secret called `name`, or None if there is none."""

    def put(self, name: str, secret: bytes) -> None:
        """Keep `secret` under `name`, replacing what stood there."""


class Keyring(Protocol):
    """What we use of a backend of the keyring library."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a stored text, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a text."""


def in_time(call: Callable[[], T], limit_s: float) -> T:
    """Run `call` in a thread and return what it returns; raise `Timeout` when it takes longer than `limit_s`."""
    done: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            done.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread below
            failed.append(error)

    thread = threading.Thread(target=work, name="keyring", daemon=True)
    thread.start()
    thread.join(limit_s)
    if failed:
        raise failed[0]
    if not done:
        raise Timeout("The system keyring did not answer within {limit_s} s", limit_s=limit_s, hint="Unlock it and try again.")
    return done[0]


class KeyringSecrets:
    """Secrets in the system's keyring, under a name of this home."""

    def __init__(self, backend: Keyring, owner: str, limit_s: float = 5.0) -> None:
        module = type(backend).__module__
        if module not in ALLOWED_BACKENDS:
            raise Refused("The keyring {name} is not known to encrypt what it keeps", name=module)
        self._backend, self._owner, self._limit_s = backend, owner, limit_s

    def get(self, name: str) -> bytes | None:
        """Return the secret called `name`, or None; raise `Refused` or `Timeout` when the keyring fails."""
        text = self._ask(lambda: self._backend.get_password(_SERVICE, f"{name}@{self._owner}"))
        return None if text is None else base64.b64decode(text)

    def put(self, name: str, secret: bytes) -> None:
        """Keep `secret` under `name`; raise `Refused` or `Timeout` when the keyring fails."""
        text = base64.b64encode(secret).decode()
        self._ask(lambda: self._backend.set_password(_SERVICE, f"{name}@{self._owner}", text))

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return in_time(call, self._limit_s)
        except OutpostError:
            raise
        except Exception as error:
            raise Refused(
                "The system keyring refused: {reason}", reason=f"{type(error).__name__}: {error}",
                hint="Unlock it and try again.",
            ) from error  # fmt: skip


class FileSecrets:
    """Secrets in one encrypted file whose key stands beside it, both readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self._file, self._key_file = folder / "secrets.json", folder / "secrets.key"
        self._folder = folder
        self._key: bytes | None = None

    def get(self, name: str) -> bytes | None:
        """Return the secret called `name`, or None; raise `Refused` when the key does not fit the file."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        document = self._read()
        entry = document["entries"].get(name)
        if entry is None:
            return None
        try:
            nonce, sealed = base64.b64decode(entry["nonce"]), base64.b64decode(entry["sealed"])
            return AESGCM(self._stretched(document)).decrypt(nonce, sealed, name.encode())
        except InvalidTag:
            raise Refused(
                "{file} cannot be opened with {key}", file=self._file, key=self._key_file,
                hint="Put back the key file that belongs to it.",
            ) from None  # fmt: skip

    def put(self, name: str, secret: bytes) -> None:
        """Keep `secret` under `name`; the file is replaced whole or not at all."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        make_private(self._folder)
        document = self._read()
        nonce = os.urandom(12)
        sealed = AESGCM(self._stretched(document)).encrypt(nonce, secret, name.encode())
        document["entries"][name] = {"nonce": _text(nonce), "sealed": _text(sealed)}
        write_private(self._file, json.dumps(document).encode())

    def _read(self) -> dict[str, Any]:
        if not self._file.exists():
            return {"schema": 1, "kdf": "scrypt", "n": 1 << 14, "r": 8, "p": 1, "salt": _text(os.urandom(16)), "entries": {}}
        try:
            document = json.loads(self._file.read_text("utf-8"))
            if document["schema"] != 1 or document["kdf"] != "scrypt" or not isinstance(document["entries"], dict):
                raise ValueError("unknown layout")
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput("{file}: {reason}", file=self._file, reason=str(error)) from None
        return dict(document)

    def _stretched(self, document: dict[str, Any]) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        if self._key is None:
            if not self._key_file.exists():
                if document["entries"]:
                    raise Refused(
                        "{key} is missing, so {file} cannot be opened", key=self._key_file, file=self._file,
                        hint="Put back the key file that belongs to it.",
                    )  # fmt: skip
                write_private(self._key_file, os.urandom(_KEY_BYTES))
            salt = base64.b64decode(document["salt"])
            stretch = Scrypt(salt=salt, length=_KEY_BYTES, n=document["n"], r=document["r"], p=document["p"])
            self._key = stretch.derive(self._key_file.read_bytes())
        return self._key


def trusted_keyring() -> Keyring | None:
    """Return the best keyring of this system that is on the allow-list, or None.

    `PYTHON_KEYRING_BACKEND`, by which the keyring library is told what to use, is heeded: one not on the list means none.
    """
    wanted = os.environ.get("PYTHON_KEYRING_BACKEND", "")
    if wanted and wanted.rpartition(".")[0] not in ALLOWED_BACKENDS:
        return None
    import keyring.backend

    best: tuple[float, Any] | None = None
    for backend in keyring.backend.get_all_keyring():
        if type(backend).__module__ in ALLOWED_BACKENDS:
            priority = float(backend.priority)
            if best is None or priority > best[0]:
                best = (priority, backend)
    return None if best is None else best[1]


def open_secrets(folder: Path, find: Callable[[], Keyring | None] = trusted_keyring, limit_s: float = 5.0) -> Secrets:
    """Return the secrets of the home whose private folder is `folder`; blocks for a few `limit_s` at most.

    The first call decides between keyring and file by trying the keyring, and writes the decision down.
    """
    make_private(folder)
    note = folder / "where.json"
    if note.exists():
        place = json.loads(note.read_text("utf-8"))
        if place["where"] == "file":
            return FileSecrets(folder)
        backend = in_time(find, limit_s)
        if backend is None:
            raise Refused(
                "The system keyring that keeps this console's key is not there",
                hint="Log in to the desktop session it belongs to, and try again.",
            )
        return KeyringSecrets(backend, place["owner"], limit_s)
    owner = new_id()
    tried = _try_keyring(find, owner, limit_s)
    write_private(note, json.dumps({"schema": 1, "where": "file" if tried is None else "keyring", "owner": owner}).encode())
    return FileSecrets(folder) if tried is None else tried


def _try_keyring(find: Callable[[], Keyring | None], owner: str, limit_s: float) -> KeyringSecrets | None:
    """Return the keyring if it keeps and gives back a probe in time, else None: then the file is the right place."""
    probe = os.urandom(8)
    try:
        backend = in_time(find, limit_s)
        if backend is None:
            return None
        secrets = KeyringSecrets(backend, owner, limit_s)
        secrets.put("probe", probe)
        return secrets if secrets.get("probe") == probe else None
    except Exception:  # noqa: BLE001 - whatever a foreign keyring does, the file is the answer
        return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
