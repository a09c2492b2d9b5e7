"""uvicorn, with the peer's certificate put beside each request, one signal path, and no clock ticks while idle."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.agent.refusals import Refusals
from app.engine.base.errors import Conflict
from app.wire.tls import peer_der

_KEEP_ALIVE_S = 75
_GRACE_S = 3
_FAREWELL_S = 0.1
_ANSWER_S = 1.0


class PeerProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application whose certificate the connection showed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Note the certificate; the handshake is over when this is called."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "peer_der": peer_der(transport.get_extra_info("ssl_object"))}

    def on_response_complete(self) -> None:
        """Read no more of a body that was answered before its end, and drop its connection."""
        unread = self.cycle.more_body
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            self.flow.pause_reading()
            self.loop.call_later(_ANSWER_S, self.transport.abort)

    def shutdown(self) -> None:
        """Close in order; a peer that does not answer the farewell of TLS is not waited for."""
        super().shutdown()
        delay_s = _FAREWELL_S if self.transport.is_closing() else _ANSWER_S
        self.loop.call_later(delay_s, self.transport.abort)


class AgentServer(uvicorn.Server):
    """Serves `app` on one socket until told to stop; `stopping` is called once, on the loop, when that happens."""

    def __init__(self, app: Any, context: ssl.SSLContext, stopping: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app, http=PeerProtocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            date_header=False, timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_GRACE_S, proxy_headers=False,
        )  # fmt: skip
        config.load()
        config.ssl = context
        Refusals().watch(context)
        super().__init__(config)
        self._stopping = stopping
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Wait for the end instead of looking for it ten times a second."""
        await self._end.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; a signal is an order here, not a death to be re-raised."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()
        self._loop.call_soon_threadsafe(self.end)

    def end(self) -> None:
        """Stop serving; from the loop."""
        self.should_exit = True
        self._stopping()
        self._end.set()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host`, `port`; raise `Conflict` when that cannot be."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, proto)
        try:
            if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Conflict(
            "Nothing can listen on {host}, port {port}: {reason}",
            host=host, port=port, reason=error.strerror or str(error), hint="Choose another --port or --host.",
        ) from None  # fmt: skip
    return listener
