"""Real resources under a load of our own making: what `control run` steers, one rig for each kind.

The resource, its queue and its waits are real; the service of a task is an injected wait. Where more at once is slower the
slowdown is injected too, by the universal scalability law S(n) = S (1 + σ(n - 1) + κ n(n - 1)) with the σ and κ of
`simulate.CONTENDED` (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, Protocol

from app.engine.base.contracts import Resource
from app.engine.base.errors import OutpostError
from app.engine.control.adapters.asyncqueue import CoDel, LimitedQueue, QueueResource
from app.engine.control.adapters.connections import Checkouts, ConnectionPoolResource
from app.engine.control.adapters.processpool import ElasticProcessPool, ProcessPoolResource
from app.engine.control.adapters.rates import Batcher, BatchResource, RateLimitResource, TokenBucket
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.simulate import CONTENDED

_CLIENTS: Final = 128
_PATIENCE_S: Final = 2.0
_BATCH_FIXED: Final = 4.0


def slowed(service_s: float, at_once: int) -> float:
    """Return the service time with `at_once` in service on a contended resource."""
    n = max(1, at_once)
    return service_s * (1 + CONTENDED.sigma * (n - 1) + CONTENDED.kappa * n * (n - 1))


class Rig(Protocol):
    """A resource with its load: tasks go in when they fall due, waits come out; `close` returns what was never served."""

    resource: Resource

    def submit(self, service_s: float, due_s: float) -> None:
        """Offer a task that fell due at `due_s` (monotonic clock); never blocks."""

    def take_waits(self) -> list[float]:
        """Return the waits of the tasks started since the last call, in s."""

    def counts(self) -> tuple[int, int, int]:
        """Return (waiting, done, turned away)."""

    def wake(self) -> None:
        """End every injected service at once."""

    def close(self) -> list[float]:
        """Take the rig down and return how long each task had waited that was not served."""


class ThreadRig:
    """The elastic thread pool itself."""

    def __init__(self, size: int, low: int, high: int) -> None:
        self._ended = threading.Event()
        self._pool = ElasticThreadPool(size, name="control")
        self.resource: Resource = ThreadPoolResource(self._pool, low, high)

    def submit(self, service_s: float, due_s: float) -> None:
        """Queue a wait."""
        self._pool.submit(self._ended.wait, service_s, due_s=due_s)

    def take_waits(self) -> list[float]:
        """Return what the pool measured."""
        return self._pool.take_waits()

    def counts(self) -> tuple[int, int, int]:
        """Return the pool's figures."""
        counts = self._pool.counts()
        return counts.queued, counts.finished, 0

    def wake(self) -> None:
        """Wake every waiting task."""
        self._ended.set()

    def close(self) -> list[float]:
        """Cancel what is queued."""
        return self._pool.shutdown(cancel_queued=True)


class ProcessRig:
    """An elastic pool of processes; each task sleeps in a child."""

    def __init__(self, size: int, low: int, high: int) -> None:
        self._pool = ElasticProcessPool(size, name="control-processes")
        self.resource: Resource = ProcessPoolResource(self._pool, low, high)

    def submit(self, service_s: float, due_s: float) -> None:
        """Queue a sleep."""
        self._pool.submit("time:sleep", service_s, due_s=due_s)

    def take_waits(self) -> list[float]:
        """Return what the pool measured."""
        return self._pool.threads.take_waits()

    def counts(self) -> tuple[int, int, int]:
        """Return the pool's figures."""
        counts = self._pool.threads.counts()
        return counts.queued, counts.finished, 0

    def wake(self) -> None:
        """A child's sleep ends with the child."""

    def close(self) -> list[float]:
        """Cancel what is queued and end every child."""
        return self._pool.shutdown(cancel_queued=True)


class ClientRig:
    """Clients on threads of their own that ask a blocking resource.

    `serve(service_s, began)` calls `began()` when it is served, or `began(served_s)` after it was.
    """

    def __init__(
        self, resource: Resource, serve: Callable[[float, Callable[..., None]], None], end: Callable[[], None]
    ) -> None:
        self.resource, self._serve, self._end = resource, serve, end
        self.backends: Callable[[], list[dict[str, Any]]] = list
        self._clients = ElasticThreadPool(_CLIENTS, name="control-clients")
        self._lock = threading.Lock()
        self._waits: list[float] = []
        self._started = self._done = self._refused = 0

    def submit(self, service_s: float, due_s: float) -> None:
        """Let a client ask."""
        self._clients.submit(self._ask, service_s, due_s, due_s=due_s)

    def _ask(self, service_s: float, due_s: float) -> None:
        def began(served_s: float = 0.0) -> None:
            with self._lock:
                self._started += 1
                self._waits.append(max(0.0, time.monotonic() - due_s - served_s))

        try:
            self._serve(service_s, began)
        except OutpostError:
            with self._lock:
                self._refused += 1
            return
        with self._lock:
            self._done += 1

    def take_waits(self) -> list[float]:
        """Return the waits of those that began."""
        with self._lock:
            taken, self._waits = self._waits, []
            return taken

    def counts(self) -> tuple[int, int, int]:
        """Return the clients' figures."""
        counts = self._clients.counts()
        with self._lock:
            return counts.submitted - self._started - self._refused, self._done, self._refused

    def wake(self) -> None:
        """Let the resource end what it serves."""
        self._end()

    def close(self) -> list[float]:
        """Cancel the clients that have not begun."""
        left = self._clients.shutdown(cancel_queued=True)
        self._end()
        return left


def connections_rig(size: int, low: int, high: int) -> Rig:
    """Return clients of a SQLAlchemy connection pool over SQLite; the more are in use, the slower each."""
    from app.engine.store.pools import sqlite_pool

    ended = threading.Event()
    pool = sqlite_pool(low, size - low, timeout_s=_PATIENCE_S)
    checkouts = Checkouts(pool)

    def serve(service_s: float, began: Callable[..., None]) -> None:
        with checkouts.using() as connection:
            began()
            connection.execute("SELECT 1")
            ended.wait(slowed(service_s, pool.checkedout()))

    def end() -> None:
        ended.set()
        pool.dispose()

    return ClientRig(ConnectionPoolResource(checkouts, high), serve, end)


def batch_rig(size: int, low: int, high: int) -> Rig:
    """Return clients of a batcher: a batch costs four items' time and that of the items in it, so size buys throughput."""
    ended = threading.Event()

    def work(items: Any) -> list[bool]:
        each_s = sum(items) / len(items) / (_BATCH_FIXED + 1)
        ended.wait(each_s * (_BATCH_FIXED + len(items)) / 4)
        return [True] * len(items)

    batcher: Batcher[float, bool] = Batcher(work, size)

    def serve(service_s: float, began: Callable[..., None]) -> None:
        batcher.add(service_s)
        began()

    return ClientRig(BatchResource(batcher, low, high), serve, ended.set)


def ratelimit_rig(size: int, low: int, high: int) -> Rig:
    """Return clients that a token bucket lets in or refuses; the more are served at once, the slower each."""
    ended = threading.Event()
    bucket = TokenBucket(float(size))

    def serve(service_s: float, began: Callable[..., None]) -> None:
        with bucket.using():
            began()
            ended.wait(slowed(service_s, bucket.busy))

    return ClientRig(RateLimitResource(bucket, low, high), serve, ended.set)


class QueueRig:
    """A bounded asyncio queue on a loop of its own; what waited too long is shed by CoDel."""

    def __init__(self, size: int, low: int, high: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._queue = LimitedQueue(size, codel=CoDel(0.1, 1.0))
        self.resource: Resource = QueueResource(self._queue, low, high)
        self._waits: list[float] = []
        self._unserved: list[float] = []
        self._lock = threading.Lock()
        self._ended = asyncio.Event()
        self._asked: set[Future[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="control-queue", daemon=True)
        self._thread.start()

    def _later(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        return future

    def submit(self, service_s: float, due_s: float) -> None:
        """Let a task ask for a slot."""
        self._later(self._ask(service_s, due_s))

    async def _ask(self, service_s: float, due_s: float) -> None:
        let_in = False
        try:
            async with self._queue.slot():
                let_in = True
                with self._lock:
                    self._waits.append(max(0.0, time.monotonic() - due_s))
                try:
                    await asyncio.wait_for(self._ended.wait(), slowed(service_s, self._queue.busy))
                except TimeoutError:
                    return  # the injected service is over
        except OutpostError:
            return  # shed, and counted by the queue
        except asyncio.CancelledError:
            if not let_in:
                self._unserved.append(max(0.0, time.monotonic() - due_s))
            raise

    def take_waits(self) -> list[float]:
        """Return the waits of those let in."""
        with self._lock:
            taken, self._waits = self._waits, []
            return taken

    def counts(self) -> tuple[int, int, int]:
        """Return the queue's figures."""
        return self._queue.queued, self._queue.done, self._queue.shed

    def wake(self) -> None:
        """End every service."""
        self._loop.call_soon_threadsafe(self._ended.set)

    def close(self) -> list[float]:
        """Cancel what waits and end the loop; return the waits of those never let in."""
        left = list(self._asked)
        for future in left:
            future.cancel()
        asyncio.run_coroutine_threadsafe(_settled(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return self._unserved


async def _settled() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await asyncio.gather(*others, return_exceptions=True)


def rig_of(kind: str, size: int, low: int, high: int, more: dict[str, Any]) -> Rig:
    """Return the rig of a kind of resource, at `size` within [`low`, `high`].

    `more` holds a balancer's policy and agents, the mean service time that a cache's keys are drawn with, and the folder of a
    control group with the mode it is steered in.
    """
    from app.engine.control.rig_agents import agents_rig
    from app.engine.control.rig_balancer import balancer_rig
    from app.engine.control.rig_bytes import SocketRig, cache_rig
    from app.engine.control.rig_group import GroupRig

    if more.get("agents"):
        return agents_rig(more, size, low, high)

    make: dict[str, Callable[[int, int, int], Rig]] = {
        "threadpool": ThreadRig, "processpool": ProcessRig, "connections": connections_rig, "queue": QueueRig,
        "batch": batch_rig, "balancer": partial(balancer_rig, policy=str(more.get("policy", "two_choices"))),
        "socket": SocketRig, "memory": partial(cache_rig, mean_s=float(more.get("service_s", 0.05))),
        "ratelimit": ratelimit_rig, "cgroup": partial(GroupRig, more=more),
    }  # fmt: skip
    return make[kind](size, low, high)
