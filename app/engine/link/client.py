"""What the console asks of one node, in the wire's terms: status, twin, telemetry, artifacts, models, inference, rounds.

Reads that fail on the way are tried again with full jitter; changes of desired state are signed and sent once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import numpy as np
from numpy.typing import NDArray

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Conflict, Offline, Refused, Timeout
from app.engine.link.connection import Kept
from app.engine.link.records import Peer
from app.engine.link.signer import Signer
from app.engine.link.transport import Answer, Own, Transport, full_jitter_s
from app.engine.store.threads import in_thread
from app.wire import limits, tensors
from app.wire.documents import to_bytes, whole_of
from app.wire.rounds import Order
from app.wire.signing import DEFAULT_LIFE_US, HEADER, Draft, NonceCache, digest_of, verify
from app.wire.status import Inventory, Status
from app.wire.telemetry import TelemetryPage

_TRIES: Final = 3
_BASE_S: Final = 0.2
_CAP_S: Final = 2.0
_CLOCK_AGE_S: Final = 600.0
_OCTETS: Final = {"Content-Type": "application/octet-stream"}
_JSON: Final = {"Content-Type": "application/json"}

Progress = Callable[[int, int], None]
Pace = Callable[[int], Awaitable[None]]
Told = tuple[tensors.Tensors, dict[str, str]]


class NodeClient:
    """One node's verbs; every one raises `Offline`, `Timeout` or `Refused` as the link goes, or the node's own problem."""

    def __init__(self, peer: Peer, own: Own, clock: Clock, draw: random.Random, signer: Signer | None = None) -> None:
        self.peer = peer
        self._own, self._clock, self._draw = own, clock, draw
        self._signer = signer or Signer(own)
        self._transport = Transport(peer, own)
        self._ahead_us = 0
        self._clock_read_s = -_CLOCK_AGE_S
        self._nonces = NonceCache(256)
        self._cut: tuple[str, Kept] = ("", Kept())

    @property
    def wire_bytes(self) -> int:
        """Return the bytes that the requests of this client carried so far, both ways."""
        return self._transport.wire_bytes

    async def close(self) -> None:
        """Close the connections to the node."""
        await self._transport.close()

    async def unpair(self) -> None:
        """Have the node forget this console; nothing else is answered after that."""
        await self._change("DELETE", "/v1/pair", b"", {})

    async def status(self) -> Status:
        """Return how the node is now."""
        return self._read_clock(Status.from_json((await self._get("/v1/status")).document()))

    async def inventory(self) -> Inventory:
        """Return what the node is made of."""
        return Inventory.from_json((await self._get("/v1/inventory")).document())

    async def twin(self) -> dict[str, Any]:
        """Return the node's twin document."""
        return (await self._get("/v1/twin")).document()

    async def patch_twin(self, changes: Mapping[str, Any], version: int) -> dict[str, Any]:
        """Merge `changes` into the desired state if its version is still `version`, else raise `Conflict`; the twin."""
        body = to_bytes(dict(changes))
        answer = await self._change("PATCH", "/v1/twin", body, {**_JSON, "If-Match": f'"{version}"'})
        return answer.document()

    async def telemetry(
        self, epoch: str, after: int, limit: int = 500, wait_s: float = 0.0, *, status: bool = False
    ) -> TelemetryPage:
        """Return measurements after the cursor (`epoch`, `after`); one try, for the puller has a rhythm of its own.

        With `status` the page says how the node is now, too, unless the node is too old to know how.
        """
        query = urlencode({"epoch": epoch, "after": after, "limit": limit, "wait": f"{wait_s:g}", "status": int(status)})
        answer = await self._transport.send("GET", f"/v1/telemetry?{query}", limit_s=5.0 + wait_s)
        page = TelemetryPage.from_json(answer.document())
        if page.status is not None:
            self._read_clock(page.status)
        return page

    def _read_clock(self, status: Status) -> Status:
        self._ahead_us = status.at_us - self._clock.now_us()
        self._clock_read_s = self._clock.monotonic_s()
        return status

    async def announce(
        self, slot: str, sealed: Mapping[str, Any], delta: Mapping[str, Any] | None = None, *, fresh: bool = False
    ) -> dict[str, Any]:
        """Show the node a sealed manifest; return what of its artifact is missing there, and what a delta may start from.

        `delta` {base, artifact, size_bytes, chunks} also lets a delta in; with `fresh` all is to be sent anew.
        """
        document = {**sealed, **({"delta": dict(delta)} if delta else {}), **({"fresh": True} if fresh else {})}
        return await self._model(slot, "announce", to_bytes(document))

    async def put_pieces(self, artifact: str, path: Path, told: Mapping[str, Any], pace: Pace, progress: Progress) -> int:
        """Send the pieces of the file at `path` that `told` says are missing; return the bytes sent.

        `await pace(bytes)` comes before each piece, `progress(bytes there, bytes in all)` after it.
        """
        size = await in_thread(lambda: path.stat().st_size, "artifact")
        target, sent = f"/v1/artifacts/{quote(artifact, safe=':')}", 0
        while not told.get("complete"):
            if not told.get("missing"):
                raise Conflict("{node} misses pieces and does not say which", node=self.peer.identity.name)
            first, end = told["missing"][0]
            piece = await in_thread(partial(_piece, path, first, min(end - first, limits.CHUNK_BYTES)), "artifact")
            if not piece:
                raise Conflict("{file} changed while it was sent", file=path)
            await pace(len(piece))
            span = {"Content-Range": f"bytes {first}-{first + len(piece) - 1}/{size}"}
            told = (await self._change("PUT", target, piece, {**_OCTETS, **span}, limit_s=60.0)).document()
            sent += len(piece)
            progress(whole_of(dict(told), "received_bytes"), size)
        return sent

    async def assemble(self, slot: str, base: str, delta: str, artifact: str) -> dict[str, Any]:
        """Have the node make `artifact` of the file `base` it has and the delta that was sent."""
        return await self._model(slot, "assemble", to_bytes({"base": base, "delta": delta, "artifact": artifact}))

    async def shadow(self, slot: str, most_requests: int = 1000) -> dict[str, Any]:
        """Have the node try the prepared version of `slot` beside the active one on recorded requests."""
        return await self._model(slot, "shadow", to_bytes({"schema": 1, "most_requests": most_requests}))

    async def record(self, slot: str, most_bytes: int) -> dict[str, Any]:
        """Have the node keep up to `most_bytes` of the newest requests to `slot` (0: none)."""
        return await self._model(slot, "record", to_bytes({"schema": 1, "most_bytes": most_bytes}))

    async def prepare(self, slot: str, sealed: Mapping[str, Any]) -> dict[str, Any]:
        """Have the node check, load and self-test the model of a sealed manifest beside the active one of `slot`."""
        return await self._model(slot, "prepare", to_bytes(dict(sealed)))

    async def activate(self, slot: str, version: int) -> dict[str, Any]:
        """Have the prepared `version` of `slot` answer from now on; the one before is kept until `commit`."""
        return await self._model(slot, "activate", to_bytes({"schema": 1, "version": version}))

    async def commit(self, slot: str) -> dict[str, Any]:
        """Make the active model of `slot` final: the point of no return."""
        return await self._model(slot, "commit")

    async def rollback(self, slot: str) -> dict[str, Any]:
        """Put back what `slot` held before `prepare` or `activate`."""
        return await self._model(slot, "rollback")

    async def infer(self, model: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the node's answer (n, outputs) of its active `model` for the rows `x` (n, inputs)."""
        body = tensors.pack({"x": np.asarray(x, np.float32)}, {})
        answer = await self._transport.send("POST", f"/v1/infer/{quote(model, safe='')}", body=body, headers=_OCTETS)
        return _unpacked(answer)[0]["y"]

    async def train(
        self, round_id: str, order: Order, client: int, since: int | None = None, wait_s: float = 0.0
    ) -> Told | None:  # fmt: skip
        """Have the node begin local training as the client at that place; ask for the result with `update`.

        `since` is the last round in which its update counted, 0 for none: what it remembers of later ones, it is to forget.
        A node that is done within `wait_s` answers with the update at once, which is returned as `update` does; None otherwise.
        """
        target = f"/v1/rounds/{quote(round_id, safe='')}/train?client={client}"
        target += "" if since is None else f"&since={since}"
        target += f"&wait={wait_s:g}" if wait_s else ""
        kept = self._kept_of(round_id)
        try:
            answer = await self._change(
                "POST", target, order.body, _OCTETS, limit_s=30.0 + wait_s, digest=order.digest, kept=kept
            )  # fmt: skip
        except (Offline, Timeout):
            if not kept.size:
                raise
            return None  # a part of its update came: it goes on from there
        whole = None if answer.status == 202 else self._whole(answer, kept)
        return None if whole is None else await self._checked(round_id, whole)

    async def update(self, round_id: str, wait_s: float = 0.0) -> Told | None:
        """Return (new minus old parameters, what the node says of them), or None while it still trains.

        What it says holds `digest`, the SHA-256 of its numbers as they came. One that was cut on the way goes on from where
        it was. Raises `Refused` when the node did not sign it for this console and round, or signed it long ago.
        """
        target, kept = f"{_update_path(round_id)}?wait={wait_s:g}", self._kept_of(round_id)
        answer = await self._get(target, 10.0 + wait_s, kept)
        if answer.status == 204:
            return None
        whole = self._whole(answer, kept) or await self._get(target, 10.0 + wait_s)
        return None if whole.status == 204 else await self._checked(round_id, whole)

    async def _checked(self, round_id: str, answer: Answer) -> Told:
        """Return what is in an update, if the node signed it for this console and round."""
        header = answer.headers.get(HEADER.lower(), "")
        if not header:
            raise Refused("the update is not signed")
        node, own = self.peer.identity, await self._own()
        digest, numbers = tensors.digests(answer.body)
        verify(
            header, method="GET", target=_update_path(round_id), digest=digest, node=own.public.device_id,
            signer_of={node.device_id: node}.get, now_us=self._clock.now_us() + self._ahead_us, nonces=self._nonces,
        )  # fmt: skip
        found, meta = _unpacked(answer, views=True)
        return found, {**meta, "digest": numbers}

    def _kept_of(self, round_id: str) -> Kept:
        """Return what has come of a round's update before a connection ended: it is not asked for again."""
        if self._cut[0] != round_id:
            self._cut = (round_id, Kept())
        return self._cut[1]

    def _whole(self, answer: Answer, kept: Kept) -> Answer | None:
        """Return an update that has come, put together where it is the rest of what is kept; None when it is of another."""
        self._cut = ("", Kept())
        if answer.status != 206:
            return answer
        whole = kept.joined(answer)
        return None if whole is None else Answer(200, answer.headers, whole, answer.wire_bytes)

    async def _model(self, slot: str, verb: str, body: bytes = b"{}") -> dict[str, Any]:
        answer = await self._change("POST", f"/v1/models/{quote(slot, safe='')}/{verb}", body, _JSON, limit_s=60.0)
        return answer.document()

    async def _get(self, target: str, limit_s: float = 10.0, kept: Kept | None = None) -> Answer:
        """Read, again after a lost connection or a silence; reads change nothing, so that is safe."""
        for attempt in range(_TRIES - 1):
            try:
                return await self._transport.send("GET", target, limit_s=limit_s, kept=kept)
            except (Offline, Timeout):
                await asyncio.sleep(full_jitter_s(attempt, _BASE_S, _CAP_S, self._draw))
        return await self._transport.send("GET", target, limit_s=limit_s, kept=kept)

    async def _change(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str], *, limit_s: float = 15.0, digest: str = "",
        kept: Kept | None = None,
    ) -> Answer:  # fmt: skip
        """Send a signed request; the signature lives for a minute on the node's own clock."""
        if self._clock.monotonic_s() - self._clock_read_s >= _CLOCK_AGE_S:
            await self.status()
        expiry_us = self._clock.now_us() + self._ahead_us + DEFAULT_LIFE_US
        node = self.peer.identity.device_id
        header = await self._signer.sign(Draft(method, target, node, expiry_us, digest or digest_of(body)))
        signed = {**headers, HEADER: header}
        return await self._transport.send(method, target, body=body, headers=signed, limit_s=limit_s, kept=kept)


def _update_path(round_id: str) -> str:
    return f"/v1/rounds/{quote(round_id, safe='')}/update"


def _segment(name: str) -> str:
    """Return `name` as one segment of a path; a colon stands for itself there (RFC 3986, section 3.3)."""
    return quote(name, safe=":")


def _piece(path: Path, at: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(count)


def _unpacked(answer: Answer, *, views: bool = False) -> tuple[tensors.Tensors, dict[str, str]]:
    if len(answer.body) > limits.TENSOR_BYTES:  # a limit of ours that the node did not keep: its fault, like any other nonsense
        raise BadInput("The node's answer takes {size} bytes, more than tensors may", size=len(answer.body))
    found, meta = tensors.unpack(answer.body, most_bytes=limits.TENSOR_BYTES, views=views)
    if not found:
        raise BadInput("The node's answer holds no tensors")
    return found, meta
