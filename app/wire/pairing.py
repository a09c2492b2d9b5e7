"""Pairing: two devices that share a one-use code for a while come to pin each other's identity.

The code carries 128 random bits, so a man in the middle cannot search for it; a MAC over a short code could be searched.
Each side proves with HMAC-SHA-256 (RFC 2104), under a key drawn from the code with HKDF (RFC 5869), that it knows the code
and saw the same transcript: both identities with their certificates, and both nonces. The console compares the certificate
of the TLS connection with the one in the agent's identity, which is what binds the channel.

The talk, both steps `POST /v1/pair` over TLS without a client certificate (`tls.pairing_context`):
  1. {"schema":1,"step":"hello","identity":{…},"nonce":hex}   → {"schema":1,"session":text,"identity":{…},"nonce":hex}
  2. {"schema":1,"step":"prove","session":text,"proof":hex}   → {"schema":1,"proof":hex}
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.engine.base.errors import BadInput, Refused
from app.wire.identity import SCHEMA, PublicIdentity

CODE_BYTES: Final = 16
NONCE_BYTES: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
_VALUES: Final = {**{c: n for n, c in enumerate(_ALPHABET)}, "O": 0, "I": 1, "L": 1}
_GROUP: Final = 4
_CHARACTERS: Final = 28  # 128 bits of secret and 12 of check
_CHECK_BITS: Final = 12

Side = Literal["console", "agent"]


def new_code() -> str:
    """Return a fresh one-use code as text: seven groups of four, the last characters a check against mistyping."""
    return code_text(secrets.token_bytes(CODE_BYTES))


def code_text(code: bytes) -> str:
    """Return the 16 bytes of a code as grouped text."""
    number = int.from_bytes(code, "big") << _CHECK_BITS | _check_of(code)
    text = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_CHARACTERS)))
    return "-".join(text[at : at + _GROUP] for at in range(0, _CHARACTERS, _GROUP))


def parse_code(text: str) -> bytes:
    """Return the 16 bytes of a code; raise `BadInput` that says what is wrong with the text.

    Lower case, spaces and missing hyphens are fine, O is read as 0, I and L as 1.
    """
    characters = [c for c in text.upper() if c not in " -\t\r\n"]
    for at, character in enumerate(characters, 1):
        if character not in _VALUES:
            raise BadInput(
                "The pairing code has {character} at place {place}, which no code has",
                field="code", character=repr(character), place=at, hint=_HINT,
            )  # fmt: skip
    if len(characters) != _CHARACTERS:
        raise BadInput(
            "The pairing code has {count} characters instead of {wanted}",
            field="code", count=len(characters), wanted=_CHARACTERS, hint=_HINT,
        )  # fmt: skip
    number = 0
    for character in characters:
        number = number << 5 | _VALUES[character]
    code = (number >> _CHECK_BITS).to_bytes(CODE_BYTES, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check_of(code):
        raise BadInput("The pairing code is mistyped: its check does not fit", field="code", hint=_HINT)
    return code


_HINT: Final = "Copy the code as it is shown: seven groups of four characters."


def _check_of(code: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"outpost-code-1" + code).digest()[:2], "big") >> 16 - _CHECK_BITS


@dataclass(frozen=True)
class Transcript:
    """All that was said before the proofs; both sides must hold the same one."""

    console: PublicIdentity
    agent: PublicIdentity
    console_nonce: bytes
    agent_nonce: bytes

    def digest(self) -> bytes:
        """Return SHA-256 over every part, each with its length, so that no two transcripts share a digest."""
        parts = [b"outpost-pairing-1", self.console_nonce, self.agent_nonce]
        for side in (self.console, self.agent):
            parts += [side.device_id.encode(), side.name.encode(), side.ed25519, side.mldsa, side.certificate_der]
        whole = hashlib.sha256()
        for part in parts:
            whole.update(len(part).to_bytes(4, "big") + part)
        return whole.digest()

    def prove(self, code: bytes, side: Side) -> bytes:
        """Return the proof (32 bytes) of `side` that it knows `code` and saw this transcript."""
        digest = self.digest()
        key = HKDF(SHA256(), 32, salt=digest, info=b"outpost-pairing-1 " + side.encode()).derive(code)
        return hmac.digest(key, digest, "sha256")

    def holds(self, code: bytes, side: Side, proof: bytes) -> bool:
        """Tell, in constant time, whether `proof` is that of `side`."""
        return hmac.compare_digest(self.prove(code, side), proof)


class ConsoleSide:
    """The console's part of one pairing talk, free of any network: what to send, and what to make of the replies."""

    def __init__(self, console: PublicIdentity, code: str) -> None:
        self._console, self._code = console, parse_code(code)
        self._nonce = secrets.token_bytes(NONCE_BYTES)
        self._transcript: Transcript | None = None

    def hello(self) -> dict[str, Any]:
        """Return the body of step 1."""
        return {"schema": SCHEMA, "step": "hello", "identity": self._console.to_json(), "nonce": self._nonce.hex()}

    def prove(self, reply: Any, shown_der: bytes | None) -> dict[str, Any]:
        """Return the body of step 2; `shown_der` is the certificate that the TLS connection of step 1 showed.

        Raises `Refused` if the agent's identity holds another certificate: then someone stands in between.
        """
        session = reply.get("session") if isinstance(reply, dict) else None
        if not isinstance(session, str):
            raise BadInput("The node's reply to the first pairing step is malformed")
        agent = PublicIdentity.from_json(reply.get("identity"))
        if shown_der != agent.certificate_der:
            raise Refused(
                "The connection shows another certificate than the node's own",
                hint="Someone may stand in between. Pair over another network.",
            )
        self._transcript = Transcript(self._console, agent, self._nonce, nonce_of(reply))
        proof = self._transcript.prove(self._code, "console").hex()
        return {"schema": SCHEMA, "step": "prove", "session": session, "proof": proof}

    def accept(self, reply: Any) -> PublicIdentity:
        """Return the agent's identity, to be pinned; raise `Refused` if its proof does not hold."""
        if self._transcript is None:
            raise BadInput("The second pairing step came before the first")
        if not self._transcript.holds(self._code, "agent", proof_of(reply)):
            raise Refused("The node does not know the pairing code", hint="Someone may stand in between.")
        return self._transcript.agent


def nonce_of(document: Any) -> bytes:
    """Return the nonce in a pairing document; raise `BadInput`."""
    return _hex_of(document, "nonce", NONCE_BYTES)


def proof_of(document: Any) -> bytes:
    """Return the proof in a pairing document; raise `BadInput`."""
    return _hex_of(document, "proof", 32)


def _hex_of(document: Any, key: str, size_bytes: int) -> bytes:
    try:
        data = bytes.fromhex(document[key])
    except (KeyError, TypeError, ValueError):
        data = b""
    if len(data) != size_bytes:
        raise BadInput("{part} must be {size_bytes} bytes in hex", part=key, size_bytes=size_bytes, field=key)
    return data
