"""Byte-sized resources: a socket's receive buffer, and a cache with a byte budget beside the collector's thresholds.

Linux doubles what is asked for SO_RCVBUF and caps it at net.core.rmem_max; the resource reports what the kernel grants.
CPython does not give all memory back to the system, so what is steered is the cache's budget, never the heap itself.
"""

import gc
import os
import socket
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import psutil

from app.engine.base.errors import BadInput, Missing, Offline
from app.engine.control.adapters.metered import Metered, Reading
from app.engine.control.adapters.procs import SAMPLER, interface_counts, resident_bytes
from app.engine.control.adapters.sources import MetricSource, source_of
from app.engine.control.adapters.stamps import oldest_wait_s, stamped

_NET_DEV: Final = Path("/proc/net/dev")


class BufferResource(Metered):
    """The receive buffer of a socket behind a network interface; demand is bytes per s × `hold_s`.

    Without a socket the interface is watched only: its buffers belong to the system, and setting them needs root.
    """

    name, unit, plant, delay_s = "socket", "bytes", "sizing", 0.0
    # Linux charges a datagram far more than its length, and a twentieth of a second of a burst is more than its mean: with as
    # much again as the demand a sixth of the datagrams of a bursty load was lost, with three times as much one in a hundred.
    reserve = 3.0

    def __init__(self, interface: str = "lo", metric_source: str | MetricSource = "", *, sock: socket.socket | None = None,
                 low: int = 4096, high: int = 16 << 20, hold_s: float = 0.05, **more: Any) -> None:  # fmt: skip
        super().__init__(low, high, **more)
        self._interface, self._sock, self._hold_s = interface, sock, hold_s
        self._source = source_of(metric_source) if isinstance(metric_source, str) and metric_source else metric_source or None
        self._last: tuple[float, float] | None = None
        self._devices = SAMPLER.watch(_NET_DEV) if _NET_DEV.exists() else None
        self._first = self._counters()
        self._stamped = sock is not None and stamped(sock)
        self._looks, self._waited_s = 0, 0.0

    def _counters(self) -> tuple[float, float, float, float]:
        """Return (received bytes, packets, errors, drops) of the interface."""
        if self._devices is not None:
            found = interface_counts(self._devices.text(), self._interface)
        else:
            told = psutil.net_io_counters(pernic=True).get(self._interface)
            found = (told.bytes_recv, told.packets_recv, told.errin, told.dropin) if told is not None else None
        if found is None:
            raise Missing("There is no network interface {name}", name=self._interface)
        return found

    def read(self) -> Reading:
        """Return the figures now; demand is the bytes that arrive while the reader is away for `hold_s`."""
        (told, packets, _, drops), now_s = self._counters(), self._clock()
        received = self._source.read() if self._source is not None else float(told)
        rate = 0.0
        if self._last is not None and now_s > self._last[0]:
            rate = max(0.0, received - self._last[1]) / (now_s - self._last[0])
        self._last = (now_s, received)
        self._look()
        demand = rate * self._hold_s
        return Reading(self._granted(), received, float(packets), busy=demand, dropped=float(drops), demand=demand)

    def _look(self) -> None:
        """Note how long the oldest datagram in the buffer has waited."""
        if self._sock is not None and self._stamped:
            self._waited_s += oldest_wait_s(self._sock)
            self._looks += 1

    def _granted(self) -> float:
        if self._sock is None:
            return self.low
        return float(self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))

    def resize(self, size: float) -> float:
        """Ask for a buffer and return what the kernel granted."""
        if self._sock is None:
            raise BadInput(
                "The buffers of {interface} belong to the system and need root", field="interface", interface=self._interface,
                hint="Hand over a socket of your own with sock=.",
            )  # fmt: skip
        # Linux keeps twice the figure for its own bookkeeping and reports that.
        asked = max(1, round(size) // 2) if hasattr(socket, "SO_PEERCRED") else round(size)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, asked)
        return min(max(self._granted(), self.low), self.high)

    def get_metrics(self) -> dict[str, float]:
        """Return totals of the interface since this was made, what the kernel granted, and how long a socket's datagrams wait.

        `latency_s` is how long the oldest datagram in the buffer had waited, a mean over every look so far; it is told where
        there is a socket and the system stamps what comes in.
        """
        received, _, errors, drops = (float(now - then) for now, then in zip(self._counters(), self._first, strict=True))
        told = {
            "drops_count": drops, "received_bytes": received, "errors_count": errors,
            "throughput_bytes_hz": self.per_second(received), "buffer_bytes": self._granted(),
        }  # fmt: skip
        self._look()
        if self._looks:
            told["latency_s"] = self._waited_s / self._looks
        return told


class ByteCache:
    """A cache of byte strings with a budget, least recently used first out; safe between threads."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes, self.used_bytes = budget_bytes, 0
        self.hits = self.misses = self.evicted = self.evicted_bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            value = self._kept.get(key)
            if value is None:
                self.misses += 1
                return None
            self.hits += 1
            self._kept.move_to_end(key)
            return value

    def put(self, key: str, value: bytes) -> None:
        """Keep `value`; what is larger than the budget is not kept."""
        with self._lock:
            self.used_bytes -= len(self._kept.pop(key, b""))
            if len(value) <= self.budget_bytes:
                self._kept[key] = value
                self.used_bytes += len(value)
            self._evict()

    def set_budget(self, budget_bytes: int) -> int:
        """Set the budget; what is above it goes now."""
        with self._lock:
            self.budget_bytes = budget_bytes
            self._evict()
            return self.budget_bytes

    def _evict(self) -> None:
        while self.used_bytes > self.budget_bytes:
            _, value = self._kept.popitem(last=False)
            self.used_bytes -= len(value)
            self.evicted += 1
            self.evicted_bytes += len(value)


class MemoryResource(Metered):
    """A process's cache budget; demand is what is used plus what misses would have needed."""

    name, unit, plant, delay_s, reserve = "memory", "bytes", "sizing", 0.0, 0.25

    def __init__(self, process_id: int = 0, metric_source: str = "", *, cache: ByteCache | None = None,
                 low: int = 1 << 20, high: int = 1 << 30, **more: Any) -> None:  # fmt: skip
        super().__init__(low, high, **more)
        try:
            self._process = psutil.Process(process_id or None)
        except psutil.NoSuchProcess:
            raise Missing("There is no process {pid}", pid=process_id) from None
        self._source = source_of(metric_source) if metric_source else None
        statm = Path(f"/proc/{self._process.pid}/statm")
        self._statm = SAMPLER.watch(statm) if self._source is None and statm.exists() else None
        self._cache = cache
        self._evicted_bytes = 0
        self._pause_s = self._pause_began_s = 0.0
        # Another process's collector cannot be seen from here.
        self._own = self._process.pid == os.getpid()
        self._first = _collected()
        self._first_cache = (cache.hits, cache.misses) if cache is not None else (0, 0)
        if self._own:
            gc.callbacks.append(self._paused)

    def _paused(self, phase: str, _info: dict[str, int]) -> None:
        """Sum up how long the collector held everything else."""
        if phase == "start":
            self._pause_began_s = self._clock()
        elif self._pause_began_s:
            self._pause_s += self._clock() - self._pause_began_s

    def close(self) -> None:
        """Watch the collector no more."""
        if self._paused in gc.callbacks:
            gc.callbacks.remove(self._paused)

    def rss_bytes(self) -> float:
        """Return the resident memory, or the figure of the metric source; raises `Offline` when the process is gone."""
        if self._source is not None:
            return self._source.read()
        if self._statm is not None:
            return resident_bytes(self._statm.text())
        try:
            return float(self._process.memory_info().rss)
        except psutil.NoSuchProcess:
            raise Offline("The process {pid} has ended", pid=self._process.pid) from None

    def read(self) -> Reading:
        """Return the figures now."""
        cache = self._cache
        if cache is None:
            rss = self.rss_bytes()
            return Reading(min(max(rss, self.low), self.high), busy=rss, demand=rss)
        used, pressed = float(cache.used_bytes), cache.evicted_bytes - self._evicted_bytes
        self._evicted_bytes = cache.evicted_bytes
        return Reading(float(cache.budget_bytes), cache.hits + cache.misses, cache.hits, busy=used, dropped=cache.evicted,
                       demand=used + pressed)  # fmt: skip

    def resize(self, size: float) -> float:
        """Set the cache's budget."""
        if self._cache is None:
            raise BadInput(
                "Memory of a process cannot be set from outside without a delegated cgroup", field="process_id",
                hint="Hand over the process's cache with cache=.",
            )  # fmt: skip
        return float(self._cache.set_budget(round(size)))

    def set_collector(self, threshold: int) -> int:
        """Set the youngest generation's threshold of Python's collector (100 to 1,000,000 allocations) and return it."""
        if not 100 <= threshold <= 1_000_000:
            raise BadInput("A collector's threshold is between 100 and 1000000", field="threshold")
        gc.set_threshold(threshold, *gc.get_threshold()[1:])
        return threshold

    def get_metrics(self) -> dict[str, float]:
        """Return the resident memory; of this very process the collector's totals, of a cache handed over its hits.

        Totals count since this was made; `live_allocations_count` is how many blocks the interpreter holds now.
        """
        told = {"rss_bytes": self.rss_bytes()}
        if self._own:
            (runs, found), (runs_then, found_then) = _collected(), self._first
            told |= {
                "collections_count": float(runs - runs_then), "collected_count": float(found - found_then),
                "pause_s": self._pause_s, "live_allocations_count": float(sys.getallocatedblocks()),
            }  # fmt: skip
        if self._cache is not None:
            hits, misses = self._cache.hits - self._first_cache[0], self._cache.misses - self._first_cache[1]
            told["hit_ratio"] = hits / (hits + misses) if hits + misses else 0.0
        return told


def _collected() -> tuple[int, int]:
    """Return how often this process's collector ran, and how much it freed, since the process began."""
    stats = gc.get_stats()
    return sum(one["collections"] for one in stats), sum(one["collected"] for one in stats)
