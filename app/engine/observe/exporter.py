"""A small HTTP server on loopback that answers GET /metrics for Prometheus; nothing else, and nobody else."""

import asyncio
from collections.abc import Callable
from typing import Final

from app.engine.base.errors import Conflict
from app.engine.observe.exposition import CONTENT_TYPE

_MOST_HEADER: Final = 16_384
_PATIENCE_S: Final = 5.0


class Exporter:
    """Serves what `text` returns at the moment of a scrape; on the loop only."""

    def __init__(self, text: Callable[[], str], *, host: str = "127.0.0.1", port: int = 9464) -> None:
        self._text, self._host, self._port = text, host, port
        self._server: asyncio.Server | None = None
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
        """Serve no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
            method, path, *_ = head.split(b"\r\n", 1)[0].split(b" ")
            status, body = self._page(method, path.split(b"?")[0])
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % (status, CONTENT_TYPE.encode(), len(body))
            )
            writer.write(body)
            await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            writer.close()

    def _page(self, method: bytes, path: bytes) -> tuple[bytes, bytes]:
        if method != b"GET":
            return b"405 Method Not Allowed", b""
        if path != b"/metrics":
            return b"404 Not Found", b"See /metrics\n"
        self.scrapes += 1
        return b"200 OK", self._text().encode()
