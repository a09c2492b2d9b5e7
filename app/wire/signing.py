"""Detached signatures over changes of desired state, so that a stolen connection alone changes nothing.

Signed are method, target (path with query), SHA-256 of the body, node, signer, expiry and nonce, each on its own line, with
Ed25519 and ML-DSA-65; both must hold (a hybrid: safe while either is). The header travels as `X-Outpost-Signature`.
"""

import base64
import binascii
import hashlib
import heapq
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity, PublicIdentity

HEADER: Final = "X-Outpost-Signature"
CONTEXT: Final = b"outpost-request-1"
LONGEST_LIFE_US: Final = 300_000_000
DEFAULT_LIFE_US: Final = 60_000_000
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_HEADER_CHARACTERS: Final = 8192


@dataclass(frozen=True)
class Signed:
    """What a header says: who signed for which node, until when (on the node's clock), and both signatures."""

    signer: str
    node: str
    expiry_us: int
    nonce: str
    ed25519: bytes = b""
    mldsa: bytes = b""

    def message(self, method: str, target: str, body: bytes) -> bytes:
        """Return the bytes that are signed for a request."""
        digest = hashlib.sha256(body).hexdigest()
        fixed = ("outpost-request-1", method.upper(), target, digest)
        return "\n".join((*fixed, self.node, self.signer, str(self.expiry_us), self.nonce)).encode()


def sign(identity: DeviceIdentity, *, method: str, target: str, body: bytes, node: str, expiry_us: int) -> str:
    """Return the header value for one request to the device id `node`; `target` is the path with its query.

    `expiry_us` is on the node's clock (its `status` tells `at_us`), at most 5 minutes ahead of it.
    """
    signed = Signed(identity.public.device_id, node, expiry_us, secrets.token_hex(16))
    one, two = identity.sign(signed.message(method, target, body), CONTEXT)
    return f"1 {signed.signer} {node} {expiry_us} {signed.nonce} {_b64(one)} {_b64(two)}"


def parse(header: str) -> Signed:
    """Return what a header value says; raise `Refused` when it is malformed."""
    parts = header.split(" ") if len(header) <= _HEADER_CHARACTERS else []
    try:
        version, signer, node, expiry, nonce, one, two = parts
        if version != "1" or not _NONCE.fullmatch(nonce) or not expiry.isascii() or len(expiry) > 18:
            raise ValueError
        return Signed(signer, node, int(expiry), nonce, _unb64(one), _unb64(two))
    except (ValueError, binascii.Error):
        raise Refused("The request's signature is malformed") from None


def verify(
    header: str, *, method: str, target: str, body: bytes, node: str,
    signer_of: Callable[[str], PublicIdentity | None], now_us: int, nonces: "NonceCache",
) -> Signed:  # fmt: skip
    """Return what was signed and spend its nonce; raise `Refused` with the reason when anything is wrong.

    `node` is this device, `signer_of` returns the pinned identity of a device id or None.
    """
    signed = parse(header)
    if signed.node != node:
        raise Refused("The request was signed for another node")
    signer = signer_of(signed.signer)
    if signer is None:
        raise Refused("The request was signed with a key that is not paired")
    if not now_us < signed.expiry_us <= now_us + LONGEST_LIFE_US:
        raise Refused("The request's signature has expired, or lives too long", hint="Compare the clocks of both sides.")
    if not signer.verify(signed.message(method, target, body), signed.ed25519, signed.mldsa, CONTEXT):
        raise Refused("The request's signature does not hold")
    nonces.spend(signed.nonce, signed.expiry_us, now_us)
    return signed


class NonceCache:
    """The nonces of live signatures, at most `capacity`; what is forgotten is refused by its expiry instead.

    `floor_us` is the latest expiry ever forgotten: no signature that expires at or before it is taken again, not even
    when a clock runs backwards.
    """

    def __init__(self, capacity: int = 4096, floor_us: int = 0, spent: Iterable[tuple[str, int]] = ()) -> None:
        self._capacity, self.floor_us = capacity, floor_us
        self._spent: dict[str, int] = dict(spent)
        self._heap = [(expiry_us, nonce) for nonce, expiry_us in self._spent.items()]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._spent)

    def spend(self, nonce: str, expiry_us: int, now_us: int) -> None:
        """Take `nonce` once; raise `Refused` if it was seen before or is too old to tell."""
        if nonce in self._spent or expiry_us <= self.floor_us:
            raise Refused("The request is a replay of an earlier one")
        self._spent[nonce] = expiry_us
        heapq.heappush(self._heap, (expiry_us, nonce))
        while self._heap and (self._heap[0][0] <= now_us or len(self._heap) > self._capacity):
            forgotten_us, forgotten = heapq.heappop(self._heap)
            del self._spent[forgotten]
            self.floor_us = max(self.floor_us, forgotten_us)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), validate=True)
