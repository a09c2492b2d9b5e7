"""Resources counted in bytes, as rigs: a socket's receive buffer on loopback, and a cache with a byte budget.

The kernel's buffer, what it drops, the cache and what it evicts are real. A datagram is as long as its service time says; the
reader is away for a twentieth of a second at a time. What the cache has not kept is fetched: an injected wait.
"""

import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from app.engine.base.contracts import Resource  # noqa: TC001 - a protocol's member is declared with it
from app.engine.control.adapters.buffers import BufferResource, ByteCache, MemoryResource
from app.engine.control.rigs import ClientRig, Rig

_AWAY_S: Final = 0.05
_BYTES_PER_S, _LEAST_BYTES, _MOST_BYTES = 40_000, 64, 16_000
_DUE: Final = struct.Struct("!d")
_ITEM_BYTES, _ITEMS = 16_384, 2000


class Sent:
    """The bytes sent so far, as a metric source: what arrives at the socket, whatever becomes of it."""

    def __init__(self) -> None:
        self.total = 0

    def read(self) -> float:
        """Return the total."""
        return float(self.total)


class SocketRig:
    """Datagrams into a socket whose reader is mostly away; what finds no room in the kernel's buffer is lost."""

    def __init__(self, size: int, low: int, high: int) -> None:
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind(("127.0.0.1", 0))
        self._receiver.setblocking(False)
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.connect(self._receiver.getsockname())
        self._bytes = Sent()
        buffer = BufferResource("lo", self._bytes, sock=self._receiver, low=low, high=high, hold_s=_AWAY_S)
        buffer.apply_control(size)
        self.resource: Resource = buffer
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._waits: list[float] = []
        self._sent = self._read = self._lost = 0
        self._thread = threading.Thread(target=self._run, name="control-reader", daemon=True)
        self._thread.start()

    def submit(self, service_s: float, due_s: float) -> None:
        """Send a datagram."""
        length = min(max(_LEAST_BYTES, round(service_s * _BYTES_PER_S)), _MOST_BYTES)
        with self._lock:
            self._sender.send(_DUE.pack(due_s).ljust(length, b"\0"))
            self._sent += 1
            self._bytes.total += length

    def _run(self) -> None:
        while not self._ended.wait(_AWAY_S):
            self._drain()

    def _drain(self) -> None:
        """Read until nothing is left: what was sent by then and not read is lost, for loopback delivers as it sends."""
        while True:
            with self._lock:
                try:
                    told = self._receiver.recv(_MOST_BYTES)
                except BlockingIOError:
                    self._lost = self._sent - self._read
                    return
                self._read += 1
                self._waits.append(max(0.0, time.monotonic() - _DUE.unpack_from(told)[0]))

    def take_waits(self) -> list[float]:
        """Return how long each datagram that was read had waited."""
        with self._lock:
            taken, self._waits = self._waits, []
            return taken

    def counts(self) -> tuple[int, int, int]:
        """Return (in the buffer or lost since the last read, read, known to be lost)."""
        with self._lock:
            return self._sent - self._read - self._lost, self._read, self._lost

    def wake(self) -> None:
        """End the reader."""
        self._ended.set()

    def close(self) -> list[float]:
        """Read what is left and close both ends."""
        self._ended.set()
        self._thread.join()
        self._drain()
        self._sender.close()
        self._receiver.close()
        return []


def cache_rig(size: int, low: int, high: int, mean_s: float) -> Rig:
    """Return clients of a cache: each asks for one of two thousand things, few of them often; what is not kept is fetched."""
    ended, cache = threading.Event(), ByteCache(size)
    resource = MemoryResource(cache=cache, low=low, high=high)

    def serve(service_s: float, began: Callable[..., None]) -> None:
        # An exponential time over its mean is as good as a uniform number; its cube asks often for little.
        key = str(int(_ITEMS * math.exp(-service_s / mean_s) ** 3))
        if cache.get(key) is None:
            ended.wait(service_s)
            cache.put(key, bytes(_ITEM_BYTES))
        began()

    def end() -> None:
        ended.set()
        resource.close()

    return ClientRig(resource, serve, end)
