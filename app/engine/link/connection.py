"""One kept connection to one node: HTTP/1.1 (RFC 9112) over mutual TLS, one question at a time.

Written over asyncio's own transports and the parser that the agents use (httptools), because a pull asks little and often:
a general client's layers cost several times what TLS and JSON do (benchmarks/pull.py). Nothing is translated here; what
went wrong is raised as it came, a silence as `TimeoutError`.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import httptools

MOST_BYTES: Final = 128 << 20
_FAREWELL_S: Final = 0.5


class ProtocolError(ConnectionError):
    """The other side does not keep to HTTP, or hung up in the middle of it."""


class TooLarge(Exception):
    """An answer is larger than a node may send."""


class BrokenOff(ProtocolError):
    """A connection ended on which the node had answered before, so that it knows who we are."""


class Unreachable(ConnectionError):
    """No connection could be made to the address."""


class Silent(Unreachable):
    """Nobody answered at the address in time."""


@dataclass(frozen=True)
class Reply:
    """One answer as it came: status, headers by their lower-case names, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int = 0  # of the request and the answer together, without what TLS adds


class Kept:
    """What has come of an answer whose connection ended in the middle, and what it was of (its ETag)."""

    def __init__(self) -> None:
        self._tag, self._parts, self.size = "", list[bytes](), 0

    def wanted(self) -> dict[str, str]:
        """Return the headers that ask for the rest alone (RFC 9110, sections 14.2 and 13.1.5); none when all is wanted."""
        return {"Range": f"bytes={self.size}-", "If-Range": self._tag} if self.size else {}

    def take(self, status: int, headers: Mapping[str, str], parts: list[bytes]) -> None:
        """Keep what came of an answer that broke off; one that has no name cannot be gone on with."""
        tag = headers.get("etag", "")
        if status == 200:
            self._tag, self._parts, self.size = tag, [], 0
        if not tag or tag != self._tag or status not in (200, 206) or self._starts(headers) != self.size:
            return
        self._parts += parts
        self.size += sum(len(part) for part in parts)
        if self.size > MOST_BYTES:
            self._parts, self.size = [], 0

    def joined(self, reply: Reply) -> bytes | None:
        """Return the whole of what `reply` is the rest of, or None when it is the rest of something else."""
        fits = reply.headers.get("etag", "") == self._tag and self._starts(reply.headers) == self.size
        return b"".join([*self._parts, reply.body]) if fits else None

    def _starts(self, headers: Mapping[str, str]) -> int:
        """Return at which byte a part begins, -1 when that cannot be told."""
        span = headers.get("content-range")
        if span is None:
            return 0
        first = span.removeprefix("bytes ").partition("-")[0]
        return int(first) if first.isascii() and first.isdigit() and len(first) < 16 else -1


@dataclass(frozen=True)
class Door:
    """Where a node listens, and by what it is known: `check` gets the connection's `ssl_object`, and raises for a stranger."""

    host: str
    port: int
    context: ssl.SSLContext
    check: Callable[[Any], None]

    @property
    def authority(self) -> str:
        """Return host:port as HTTP writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Connection(asyncio.Protocol):
    """Made by `knock`; `ask` is not called again before it returned."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._waiter: asyncio.Future[Reply] | None = None
        self._kept: Kept | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._limit_s, self._left_bytes, self._moved = 0.0, 0, False
        self._heard = False
        self._wire_bytes = 0
        self._watch: asyncio.TimerHandle | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self.free_since_s = 0.0

    @classmethod
    async def knock(cls, door: Door, limit_s: float) -> "Connection":
        """Connect; raise `Silent`, `Unreachable`, `ssl.SSLError` or what the door's check raises."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit_s):
                _, connection = await loop.create_connection(
                    cls, door.host, door.port, ssl=door.context, ssl_shutdown_timeout=_FAREWELL_S
                )
        except TimeoutError as error:
            raise Silent(door.authority) from error
        except ssl.SSLError:
            raise
        except OSError as error:
            raise Unreachable(door.authority) from error
        try:
            door.check(connection.ssl_object)
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def ssl_object(self) -> Any:
        """Return the TLS side of the connection."""
        return self._transport.get_extra_info("ssl_object")

    @property
    def open(self) -> bool:
        """Tell whether something can be asked here."""
        return not self._gone.done() and not self._transport.is_closing()

    async def ask(self, head: bytes, body: bytes, limit_s: float, kept: Kept | None = None) -> Reply:
        """Send one request and return the answer; of one that breaks off, what came goes into `kept`.

        Raises `TimeoutError` when nothing moves for `limit_s`, `OSError` when the connection ends, `TooLarge`.
        """
        if not self.open:
            raise ProtocolError("the connection is closed")
        waiter: asyncio.Future[Reply] = self._loop.create_future()
        self._waiter, self._kept = waiter, kept
        self._headers, self._parts = {}, []
        self._limit_s, self._wire_bytes = limit_s, len(head) + len(body)
        self._transport.write(head + body if len(body) < 1 << 16 else head)
        if len(body) >= 1 << 16:
            self._transport.write(body)
        self._left_bytes = self._transport.get_write_buffer_size()
        self._watch = self._loop.call_later(limit_s, self._look)
        try:
            return await waiter
        finally:
            self._watch.cancel()
            if self._waiter is not None:  # given up before the answer was whole: what comes now belongs to nobody
                self._waiter = None
                self._keep()
                self._transport.abort()

    async def close(self) -> None:
        """End the connection; a peer that does not answer the farewell of TLS is not waited for."""
        self._transport.close()
        done, _ = await asyncio.wait([self._gone], timeout=_FAREWELL_S)
        if not done:
            self._transport.abort()
            await asyncio.wait([self._gone], timeout=_FAREWELL_S)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer; a word that nobody asked for ends the connection."""
        self._moved = self._heard = True
        self._wire_bytes += len(data)
        if self._waiter is None:
            self._transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ProtocolError(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits that nothing more will come."""
        if not self._gone.done():
            self._gone.set_result(None)
        self._fail(BrokenOff("the node hung up") if self._heard else exc or ProtocolError("the node hung up"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer; one that nobody asked for ends the connection."""
        if self._waiter is None:
            self._transport.abort()
        self._headers, self._parts, self._size = {}, [], 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._size += len(body)
        if self._size <= MOST_BYTES:
            self._parts.append(body)
        else:
            self._fail(TooLarge())

    def on_message_complete(self) -> None:
        """Hand the answer to who asked."""
        status = int(self._parser.get_status_code())
        waiter = self._waiter
        if status < 200 or waiter is None:
            return  # an interim word (100): the answer is still to come
        self._waiter = None
        if not waiter.done():
            waiter.set_result(Reply(status, self._headers, b"".join(self._parts), self._wire_bytes))
        if not self._parser.should_keep_alive():
            self._transport.close()

    def _look(self) -> None:
        """Give up a request in which nothing moved for its whole limit."""
        left = self._transport.get_write_buffer_size()
        if self._moved or left < self._left_bytes:
            self._moved, self._left_bytes = False, left
            self._watch = self._loop.call_later(self._limit_s, self._look)
        else:
            self._fail(TimeoutError())

    def _keep(self) -> None:
        """Keep what came of an answer that nobody waits for any longer."""
        if self._kept is not None and self._parts:
            self._kept.take(int(self._parser.get_status_code()), self._headers, self._parts)
        self._kept = None

    def _fail(self, error: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._keep()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        if not self._gone.done():
            self._transport.abort()
