"""One request to one node over mutual TLS; every complaint of sockets, TLS and HTTP becomes one of our errors here.

Each node has its own few connections, whose only trust anchor is the node's pinned certificate, and which stay open
between requests: a handshake costs some thirty requests.
"""

import asyncio
import json
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.engine.base.errors import BadInput, Offline, OutpostError, Refused, Timeout, from_problem
from app.engine.link.connection import BrokenOff, Connection, Door, Kept, Reply, Silent, TooLarge, Unreachable
from app.engine.link.records import Peer
from app.engine.store.threads import in_thread
from app.wire.documents import to_bytes
from app.wire.identity import DeviceIdentity
from app.wire.tls import client_context, pairing_context, peer_der, require_peer

CONNECT_S: Final = 3.0
_PAIRING_S: Final = 10.0
_KEEP_S: Final = 70.0  # less than an agent keeps an idle connection
_MOST_OPEN: Final = 8
_MOST_FREE: Final = 4
_MOST_TOLD: Final = 1000  # characters of each part of a problem; the words are the other side's own

Own = Callable[[], Awaitable[DeviceIdentity]]


@dataclass(frozen=True)
class Answer(Reply):
    """What a node replied: status, headers and the whole body."""

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise `BadInput` when it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            raise BadInput("The node's answer is not JSON") from None
        if not isinstance(document, dict):
            raise BadInput("The node's answer is not a JSON object")
        return document


class Transport:
    """Requests to one node; opened at the first one, closed with `close`."""

    def __init__(self, peer: Peer, own: Own) -> None:
        self.peer = peer
        self._own = own
        self._door: Door | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(_MOST_OPEN)
        self._free: list[Connection] = []
        self.wire_bytes = 0  # carried so far, both ways

    async def send(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, limit_s: float = 10.0,
        kept: Kept | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request to `target` (path with query) and return the answer; raise what the node's problem says.

        With `kept` only what is not there yet is asked for, and what comes of an answer that breaks off is kept there.
        Raises `Offline` when the node cannot be reached, `Timeout` when nothing moves for `limit_s`, `Refused` when it is
        not who was pinned or does not know this console.
        """
        door = self._door or await self._find_door()
        try:
            more = {**(headers or {}), **(kept.wanted() if kept else {})}
            answer = await self._ask(door, head_of(door, method, target, more, len(body)), body, limit_s, kept)
        except (OSError, TooLarge) as error:
            told = translated(error, self.peer.identity.name, self.peer.address)
            if isinstance(told, Offline) and not isinstance(error, (Unreachable, BrokenOff)) and await self._refuses_us(door):
                told = _unknown_here(self.peer.identity.name)
            raise told from error
        if answer.status >= 400:
            raise problem_of(answer, self.peer.identity.name)
        return answer

    async def _ask(self, door: Door, head: bytes, body: bytes, limit_s: float, kept: Kept | None) -> Answer:
        try:
            async with asyncio.timeout(limit_s):
                await self._places.acquire()
        except TimeoutError:
            raise Silent(door.authority) from None
        connection: Connection | None = None
        try:
            connection = self._kept() or await Connection.knock(door, min(CONNECT_S, limit_s))
            reply = await connection.ask(head, body, limit_s, kept)
            self.wire_bytes += reply.wire_bytes
        finally:
            self._places.release()
            if connection is not None:
                self._keep(connection)
        return Answer(reply.status, reply.headers, reply.body)

    def _kept(self) -> Connection | None:
        """Return a connection that is open and free, the one used last, or None."""
        now_s = asyncio.get_running_loop().time()
        while self._free:
            connection = self._free.pop()
            if connection.open and now_s - connection.free_since_s < _KEEP_S:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection) -> None:
        if not connection.open:
            return
        if self._door is None or len(self._free) >= _MOST_FREE:
            connection.abort()
        else:
            connection.free_since_s = asyncio.get_running_loop().time()
            self._free.append(connection)

    async def close(self) -> None:
        """Close the connections; a later request opens them anew."""
        self._door = None
        free, self._free = self._free, []
        await asyncio.gather(*(connection.close() for connection in free))

    async def _find_door(self) -> Door:
        async with self._opening:
            if self._door is None:
                host, port = host_and_port(self.peer.address)
                identity = await self._own()
                context = await in_thread(partial(client_context, identity, self.peer.identity), "tls")
                self._door = Door(host, port, context, partial(require_peer, server=self.peer.identity))
            return self._door

    async def _refuses_us(self, door: Door) -> bool:
        """Tell whether the node answers one who shows no certificate: then it was ours that made it hang up.

        In TLS 1.3 the client's certificate is judged after the handshake, and the alert that tells so may be lost.
        """
        try:
            context = await in_thread(partial(client_context, None, self.peer.identity), "tls")
            connection = await Connection.knock(Door(door.host, door.port, context, door.check), CONNECT_S)
            try:
                reply = await connection.ask(head_of(door, "GET", "/v1/status", {}, 0), b"", CONNECT_S)
            finally:
                await connection.close()
        except (OSError, OutpostError):
            return False
        return reply.status == Refused.status


async def ask_unpaired(
    address: str, step: Callable[[dict[str, Any], bytes | None], dict[str, Any] | None], first: dict[str, Any]
) -> None:
    """Talk with a node that is not paired yet: send `first`, then what `step(reply, certificate)` returns, until None."""
    host, port = host_and_port(address)
    door = Door(host, port, pairing_context(), _anybody)
    connection: Connection | None = None
    said: dict[str, Any] | None = first
    try:
        while said is not None:
            body = to_bytes(said)
            if connection is None or not connection.open:
                connection = await Connection.knock(door, CONNECT_S)
            shown = peer_der(connection.ssl_object)
            head = head_of(door, "POST", "/v1/pair", {"Content-Type": "application/json"}, len(body))
            reply = await connection.ask(head, body, _PAIRING_S)
            answer = Answer(reply.status, reply.headers, reply.body)
            if answer.status >= 400:
                raise problem_of(answer, address)
            said = step(answer.document(), shown)
    except (OSError, TooLarge) as error:
        raise translated(error, address, address) from error
    finally:
        if connection is not None:
            await connection.close()


def head_of(door: Door, method: str, target: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
    """Return the head of one request; raise `BadInput` for what could end a line in the middle of one."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {door.authority}", *(f"{name}: {headers[name]}" for name in headers)]
    if body_bytes or method not in ("GET", "DELETE"):
        lines.append(f"Content-Length: {body_bytes}")
    head = "\r\n".join(lines)
    if not head.isascii() or " " in target or head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise BadInput("A request has signs in it that HTTP cannot carry")
    return f"{head}\r\n\r\n".encode("ascii")


def host_and_port(address: str) -> tuple[str, int]:
    """Return the host and the port of `address` (host:port, an IPv6 host in brackets); raise `BadInput`."""
    host, _, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    wrong = not bare or any(letter in bare for letter in "/@ ?#[]\r\n\t") or (":" in bare and bare == host)
    if wrong or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadInput("{address} is not an address", address=address, field="address", hint="Write host:port.")
    return bare, int(port)


def _anybody(_connection: Any) -> None:
    """Accept any certificate: the code's proof binds it afterwards."""


def translated(error: Exception, node: str, address: str) -> OutpostError:
    """Return our error for one of sockets, TLS or HTTP; what lies under it tells a wrong identity from a dead link."""
    if isinstance(error, TooLarge):
        return BadInput("{node} answered with more than a node may send", node=node)
    if isinstance(error, Silent):
        return Offline("{node} does not answer at {address}", node=node, address=address)
    under = _ssl_error_under(error)
    if isinstance(under, ssl.SSLCertVerificationError):
        return Refused(
            "{node} at {address} is not the node that was paired", node=node, address=address,
            hint="Someone may stand in between. If the node was set up anew, remove it and pair again.",
        )  # fmt: skip
    if under is not None and "ALERT" in str(under).upper():
        return _unknown_here(node)
    if isinstance(error, TimeoutError) and not error.errno:  # one with a number is the system's own, of a dead link
        return Timeout("{node} did not answer in time", node=node)
    return Offline("{node} cannot be reached at {address}", node=node, address=address)


def _unknown_here(node: str) -> Refused:
    return Refused("{node} does not know this console", node=node, hint="Pair it again with the code it shows.")


def problem_of(answer: Answer, node: str) -> OutpostError:
    """Return the error that a refused request's problem document tells, or one by its status alone."""
    try:
        told = answer.document()
        return from_problem({key: told[key][:_MOST_TOLD] for key in told if isinstance(told[key], str)})
    except BadInput:
        return Offline("{node} answered with status {status}", node=node, status=answer.status)


def _ssl_error_under(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def full_jitter_s(attempt: int, base_s: float, cap_s: float, draw: random.Random) -> float:
    """Return a wait drawn evenly from 0 to min(cap, base 2^attempt) (Exponential Backoff And Jitter, AWS, 2015)."""
    return draw.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 30)))
