"""Virtual nodes: the wire's GET status and telemetry over real TLS, many in one process, each with its own identity.

Their telemetry is a function of the sequence number alone, so that what was pulled can be compared with what was there.
`grow_s` 0 means that all measurements are there from the start; else one more every `grow_s` seconds.
"""

import asyncio
import contextlib
import time
from urllib.parse import parse_qs, urlsplit

from app.wire.documents import to_bytes
from app.wire.identity import DeviceIdentity
from app.wire.status import Status
from app.wire.telemetry import Measurement, TelemetryPage
from app.wire.tls import pin, server_context

START_US = 1_700_000_000_000_000


def measurement(seq):
    return Measurement(
        seq, START_US + seq * 1_000_000, cpu_ratio=seq % 100 / 100, mem_ratio=0.5, resources={"mem_bytes": 1e9 + seq}
    )


class VirtualNode:
    """One node: speaks HTTP/1.1 with keep-alive, to the pinned console alone."""

    def __init__(self, name, console, have, grow_s=0.0):
        self.identity = DeviceIdentity.generate(name)
        self.epoch, self.first = f"epoch-of-{name}", 1
        self._have, self._grow_s, self._began_s = have, grow_s, time.monotonic()
        self._context = server_context(self.identity)
        pin(self._context, console)
        self.requests = 0
        self.silent = asyncio.Event()
        self._talks = set()

    @property
    def have(self):
        grown = int((time.monotonic() - self._began_s) / self._grow_s) if self._grow_s else 0
        return self._have + grown

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self):
        self._server.close()
        for task in tuple(self._talks):
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._talks.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, OSError, asyncio.CancelledError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = self._answer(head.split(b" ", 2)[1].decode())
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                    )
                    await writer.drain()
        finally:
            self._talks.discard(task)
            writer.close()

    def _answer(self, target):
        self.requests += 1
        asked = urlsplit(target)
        if asked.path == "/v1/status":
            public, now_us = self.identity.public, time.time_ns() // 1000
            status = Status(public.device_id, public.name, "virtual", now_us, now_us, self.epoch, self.have, 0, 1.0)
            return to_bytes(status.to_json())
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        after = int(query["after"]) if query.get("epoch") == self.epoch else 0
        begin = max(after + 1, self.first)
        end = min(self.have, begin + int(query["limit"]) - 1)
        lost = ((after + 1, begin - 1),) if begin > after + 1 else ()
        items = tuple(measurement(seq) for seq in range(begin, end + 1))
        return to_bytes(TelemetryPage(self.epoch, items, end + 1 if items else begin, lost).to_json())
