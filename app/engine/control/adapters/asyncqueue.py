"""A bounded asyncio queue in front of something contended: a limit of how many run at once, and sojourn-time control.

What waited too long for too long is shed, by CoDel's rule: once the sojourn time has stayed above `target_s` for
`interval_s`, drop, and the n-th time in a row already after interval / √n (Nichols and Jacobson, RFC 8289, 2018).
"""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.engine.base.errors import Limit
from app.engine.control.adapters.metered import Metered, Reading


class CoDel:
    """The state machine of RFC 8289, section 5: tells for each sojourn time whether to drop."""

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.1) -> None:
        self.target_s, self.interval_s = target_s, interval_s
        self._above_s: float | None = None
        self._dropping, self._count, self._next_s = False, 0, 0.0

    def drop(self, now_s: float, sojourn_s: float) -> bool:
        """Return whether what waited `sojourn_s` until `now_s` is to be shed."""
        if sojourn_s < self.target_s:
            self._above_s, self._dropping = None, False
            return False
        if self._above_s is None:
            self._above_s = now_s + self.interval_s
            return False
        if not self._dropping:
            if now_s < self._above_s:
                return False
            # A new spell soon after the last goes on near its rate.
            recent = now_s - self._next_s < self.interval_s and self._count > 2
            self._dropping, self._count = True, self._count - 2 if recent else 1
            self._next_s = now_s + self.interval_s / math.sqrt(self._count)
            return True
        if now_s < self._next_s:
            return False
        self._count += 1
        self._next_s += self.interval_s / math.sqrt(self._count)
        return True


class LimitedQueue:
    """`async with queue.slot():` runs at most `limit` at once; at most `most_waiting` wait, shed by `CoDel`."""

    def __init__(self, limit: int, *, most_waiting: int = 10_000, codel: CoDel | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self.limit, self._most, self._clock = limit, most_waiting, clock
        self.codel = codel or CoDel()
        self._waiting: OrderedDict[asyncio.Future[bool], float] = OrderedDict()
        self.asked = self.busy = self.done = self.shed = 0
        self.wait_s = self.served_s = 0.0
        # Where those wait who wait: they are woken there.
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def queued(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot; raises `Limit` when the queue is full or the wait was too long."""
        await self._enter()
        begin_s = self._clock()
        try:
            yield
        finally:
            self.busy -= 1
            self.done += 1
            self.served_s += self._clock() - begin_s
            self._wake()

    async def _enter(self) -> None:
        self.asked += 1
        if self.busy < self.limit and not self._waiting:
            self.busy += 1
            return
        if len(self._waiting) >= self._most:
            self.shed += 1
            raise Limit("{count} wait already, and no more are taken", count=len(self._waiting))
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = self._loop.create_future()
        self._waiting[future] = self._clock()
        try:
            admitted = await future
        except asyncio.CancelledError:
            self._waiting.pop(future, None)
            if future.done() and not future.cancelled() and future.result():
                self.busy -= 1
                self._wake()
            raise
        if not admitted:
            raise Limit("This waited too long and was turned away")

    def _wake(self) -> None:
        while self._waiting and self.busy < self.limit:
            future, since_s = self._waiting.popitem(last=False)
            if future.done():
                continue
            now_s = self._clock()
            if self.codel.drop(now_s, now_s - since_s):
                self.shed += 1
                future.set_result(False)
                continue
            self.wait_s += now_s - since_s
            self.busy += 1
            future.set_result(True)

    def set_limit(self, limit: int) -> int:
        """Set how many run at once, from any thread; more start now, those above it end in their own time."""
        self.limit = max(1, limit)
        if self._loop is not None:
            # A loop that is closed has nobody who waits.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)
        return self.limit


class QueueResource(Metered):
    """A `LimitedQueue` as a resource; looked at and resized from any thread."""

    name, unit, plant, delay_s = "queue", "tasks at once", "admission", 0.0

    def __init__(self, queue: LimitedQueue, min_limit: int = 1, max_limit: int = 256, **more: Any) -> None:
        super().__init__(min_limit, max_limit, **more)
        self._queue, self._first = queue, queue.done

    def read(self) -> Reading:
        """Return the figures now."""
        q = self._queue
        return Reading(q.limit, q.asked, q.done, q.served_s, q.wait_s, q.busy, q.queued, q.shed)

    def resize(self, size: float) -> float:
        """Set the limit."""
        return float(self._queue.set_limit(round(size)))

    def get_metrics(self) -> dict[str, float]:
        """Return totals and means since the queue was made, and tasks per second since this was."""
        q = self._queue
        return {
            "tasks_count": float(q.done), "tasks_hz": self.per_second(q.done - self._first),
            "drops_count": float(q.shed), "queued_count": float(q.queued),
            "mean_sojourn_s": q.wait_s / q.done if q.done else 0.0, "mean_service_s": q.served_s / q.done if q.done else 0.0,
        }  # fmt: skip
