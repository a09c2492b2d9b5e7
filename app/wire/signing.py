"""Detached signatures over changes of desired state, so that a stolen connection alone changes nothing.

Signed are method, target (path with query), SHA-256 of the body, node, signer, expiry and nonce, each on its own line, with
Ed25519 and ML-DSA-65; both must hold (a hybrid: safe while either is). The header travels as `X-Outpost-Signature`.

Requests that leave together are signed together: over the root of a Merkle tree of their messages (hashed as in RFC 9162,
section 2.1), each with the path from its leaf to the root. An ML-DSA signature costs more than everything else in a request.
"""

import base64
import binascii
import hashlib
import heapq
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
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
_LEAF, _INNER = b"\0", b"\1"
_STEP_BYTES: Final = 33  # on which side the sibling stands, and its hash
_MOST_STEPS: Final = 16
_FORMS: Final = {("1", 0), ("2", 1)}  # version, and how many words follow the signatures

Path = tuple[tuple[bool, bytes], ...]


@dataclass(frozen=True)
class Draft:
    """A request to be signed for the device id `node`: `target` is the path with its query, `digest` that of its body.

    `expiry_us` is on the node's clock (its `status` tells `at_us`), at most 5 minutes ahead of it.
    """

    method: str
    target: str
    node: str
    expiry_us: int
    digest: str


def digest_of(body: bytes) -> str:
    """Return what is signed of a body: its SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Signed:
    """What a header says: who signed for which node, until when (on the node's clock), and both signatures.

    `path` leads from a request that was signed with others to the root under the signatures; None for one signed alone.
    """

    signer: str
    node: str
    expiry_us: int
    nonce: str
    ed25519: bytes = b""
    mldsa: bytes = b""
    path: Path | None = None

    def message(self, method: str, target: str, digest: str) -> bytes:
        """Return what a request says that is signed."""
        fixed = ("outpost-request-1", method.upper(), target, digest)
        return "\n".join((*fixed, self.node, self.signer, str(self.expiry_us), self.nonce)).encode()

    def under(self, message: bytes) -> bytes:
        """Return the bytes that the signatures are over: the message, or the root that its path leads to."""
        if self.path is None:
            return message
        at = _hash(_LEAF, message)
        for left, sibling in self.path:
            at = _hash(_INNER, sibling, at) if left else _hash(_INNER, at, sibling)
        return _root(at)


def sign(
    identity: DeviceIdentity, *, method: str, target: str, body: bytes = b"", node: str, expiry_us: int, digest: str = ""
) -> str:  # fmt: skip
    """Return the header value for one request, as `Draft` says; a known `digest` of the body stands in for it."""
    return sign_all(identity, [Draft(method, target, node, expiry_us, digest or digest_of(body))])[0]


def sign_all(identity: DeviceIdentity, drafts: Sequence[Draft]) -> list[str]:
    """Return a header value for each request, all under one pair of signatures."""
    own = identity.public.device_id
    signed = [Signed(own, draft.node, draft.expiry_us, secrets.token_hex(16)) for draft in drafts]
    messages = [one.message(d.method, d.target, d.digest) for one, d in zip(signed, drafts, strict=True)]
    if len(messages) == 1:
        ends = [f"{_b64(one)} {_b64(two)}" for one, two in (identity.sign(messages[0], CONTEXT),)]
    else:
        root, paths = _tree([_hash(_LEAF, message) for message in messages])
        one, two = (_b64(made) for made in identity.sign(_root(root), CONTEXT))
        ends = [f"{one} {two} {_b64(b''.join(bytes([left]) + sibling for left, sibling in path))}" for path in paths]
    version = 1 if len(messages) == 1 else 2
    return [f"{version} {own} {s.node} {s.expiry_us} {s.nonce} {end}" for s, end in zip(signed, ends, strict=True)]


def _tree(leaves: Sequence[bytes]) -> tuple[bytes, list[Path]]:
    """Return the root over the hashes of `leaves`, and each one's path to it; an odd one out goes up as it is."""
    paths: list[list[tuple[bool, bytes]]] = [[] for _ in leaves]
    level = [(hashed, [place]) for place, hashed in enumerate(leaves)]
    while len(level) > 1:
        above = []
        for (left, some), (right, others) in zip(level[::2], level[1::2], strict=False):
            for place in some:
                paths[place].append((False, right))
            for place in others:
                paths[place].append((True, left))
            above.append((_hash(_INNER, left, right), some + others))
        level = above + level[len(above) * 2 :]
    return level[0][0], [tuple(path) for path in paths]


def _hash(kind: bytes, *parts: bytes) -> bytes:
    return hashlib.sha256(kind + b"".join(parts)).digest()


def _root(root: bytes) -> bytes:
    return b"outpost-requests-2\n" + root.hex().encode()


def parse(header: str) -> Signed:
    """Return what a header value says; raise `Refused` when it is malformed."""
    parts = header.split(" ") if len(header) <= _HEADER_CHARACTERS else []
    try:
        version, signer, node, expiry, nonce, one, two, *more = parts
        if (version, len(more)) not in _FORMS or not _NONCE.fullmatch(nonce) or not expiry.isascii() or len(expiry) > 18:
            raise ValueError
        path = _path(_unb64(more[0])) if more else None
        return Signed(signer, node, int(expiry), nonce, _unb64(one), _unb64(two), path)
    except (ValueError, binascii.Error):
        raise Refused("The request's signature is malformed") from None


def _path(data: bytes) -> Path:
    steps = [data[at : at + _STEP_BYTES] for at in range(0, len(data), _STEP_BYTES)]
    if len(steps) > _MOST_STEPS or any(len(step) != _STEP_BYTES or step[0] > 1 for step in steps):
        raise ValueError
    return tuple((step[0] == 1, step[1:]) for step in steps)


def verify(
    header: str, *, method: str, target: str, body: bytes = b"", node: str,
    signer_of: Callable[[str], PublicIdentity | None], now_us: int, nonces: "NonceCache", digest: str = "",
) -> Signed:  # fmt: skip
    """Return what was signed and spend its nonce; raise `Refused` with the reason when anything is wrong.

    `node` is this device, `signer_of` returns the pinned identity of a device id or None; a known `digest` of the body
    stands in for it.
    """
    signed = parse(header)
    if signed.node != node:
        raise Refused("The request was signed for another node")
    signer = signer_of(signed.signer)
    if signer is None:
        raise Refused("The request was signed with a key that is not paired")
    if not now_us < signed.expiry_us <= now_us + LONGEST_LIFE_US:
        raise Refused("The request's signature has expired, or lives too long", hint="Compare the clocks of both sides.")
    message = signed.message(method, target, digest or digest_of(body))
    if not signer.verify(signed.under(message), signed.ed25519, signed.mldsa, CONTEXT):
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
