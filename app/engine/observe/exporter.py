"""A small HTTP server on loopback that answers GET /metrics for Prometheus; nothing else, and nobody else.

A page of a browser whose name was bound to loopback meanwhile is told by its Host and refused. Who does not read holds a place
for a few seconds, and there are few places.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from app.engine.base.errors import Conflict
from app.engine.observe.exposition import CONTENT_TYPE

_MOST_HEADER: Final = 16_384
_PATIENCE_S: Final = 5.0
_MOST_AT_ONCE: Final = 16
_OURS: Final = (b"127.0.0.1", b"localhost")


class Exporter:
    """Serves what `text` returns at the moment of a scrape; on the loop only."""

    def __init__(self, text: Callable[[], str], *, host: str = "127.0.0.1", port: int = 9464) -> None:
        self._text, self._host, self._port = text, host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.scrapes = 0

    @property
    def address(self) -> str:
        """Return host:port once it serves."""
        if self._server is None:
            return ""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def start(self) -> None:
        """Begin to serve; raises `Conflict` when the port is taken."""
        try:
            self._server = await asyncio.start_server(self._answer, self._host, self._port, limit=_MOST_HEADER)
        except OSError as error:
            raise Conflict("Port {port} cannot be used: {why}", port=self._port, why=error.strerror or error) from error

    async def stop(self) -> None:
        """Serve no more, and end what is under way."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _MOST_AT_ONCE:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                first, *fields = head.split(b"\r\n")
                method, path, *_ = first.split(b" ")
                status, body = self._page(method, path.split(b"?")[0], fields)
                # Empty before it is left: what waits to be read must not outlast the patience.
                writer.transport.set_write_buffer_limits(0)
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                    % (status, CONTENT_TYPE.encode(), len(body))
                )
                writer.write(body)
                await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)
            writer.close()

    def _page(self, method: bytes, path: bytes, fields: Iterable[bytes]) -> tuple[bytes, bytes]:
        if not _asks_us(fields):
            return b"403 Forbidden", b"Ask 127.0.0.1 or localhost\n"
        if method != b"GET":
            return b"405 Method Not Allowed", b""
        if path != b"/metrics":
            return b"404 Not Found", b"See /metrics\n"
        self.scrapes += 1
        return b"200 OK", self._text().encode()


def _asks_us(fields: Iterable[bytes]) -> bool:
    """Tell whether the Host among `fields`, if there is one, is loopback by name or number; its port may be any."""
    hosts = [value.strip().lower() for name, _, value in (one.partition(b":") for one in fields) if name.lower() == b"host"]
    return all(host.partition(b":")[0] in _OURS for host in hosts)
