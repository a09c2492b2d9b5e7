"""A SQLAlchemy connection pool as a resource: how many connections there may be, the overflow included.

Works on anything shaped like `sqlalchemy.pool.QueuePool` (written against 2.1): `checkedout()`, `size()` and the private
`_max_overflow`, which takes effect at the next checkout. The shape is tried at the start and refused with a reason when it
is another one. Checkouts go through `Checkouts`, which times them. More connections can be slower: an admission plant.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from app.engine.base.errors import BadInput, Timeout
from app.engine.control.adapters.metered import Metered, Reading


class Checkouts:
    """Counts and times checkouts of a pool; `using` gives a connection and takes it back."""

    def __init__(self, pool: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pool, self._clock, self._lock = pool, clock, threading.Lock()
        self.asked = self.done = self.failed = self.timed_out = self.waiting = 0
        self.wait_s = self.used_s = 0.0

    @contextlib.contextmanager
    def using(self) -> Iterator[Any]:
        """Give a connection; raises `Timeout` when the pool had none in its own time."""
        begin_s = self._clock()
        with self._lock:
            self.asked += 1
            self.waiting += 1
        try:
            connection = self.pool.connect()
        except Exception as error:
            late = type(error).__name__ == "TimeoutError"
            with self._lock:
                self.waiting -= 1
                self.timed_out += late
                self.failed += not late
            if late:
                raise Timeout("No connection was free in time") from error
            raise
        got_s = self._clock()
        with self._lock:
            self.waiting -= 1
            self.wait_s += got_s - begin_s
        try:
            yield connection
        finally:
            connection.close()
            with self._lock:
                self.done += 1
                self.used_s += self._clock() - got_s


class ConnectionPoolResource(Metered):
    """A queue pool as a resource; its own size is the lower bound, the overflow is what moves."""

    name, unit, plant, delay_s = "connections", "connections", "admission", 0.0

    def __init__(self, checkouts: Checkouts, max_connections: int = 64, **more: Any) -> None:
        pool = checkouts.pool
        if not all(hasattr(pool, part) for part in ("checkedout", "size", "_max_overflow", "connect")):
            raise BadInput(
                "{kind} is no pool whose size can be set", field="pool", kind=type(pool).__name__,
                hint="Use sqlalchemy.pool.QueuePool (the default for most databases).",
            )  # fmt: skip
        if pool._max_overflow < 0:  # noqa: SLF001 - no public name
            raise BadInput("The pool has no limit; give it a max_overflow of at least 0", field="pool")
        super().__init__(max(1, pool.size()), max_connections, **more)
        self._checkouts, self._pool, self._first = checkouts, pool, checkouts.done

    def read(self) -> Reading:
        """Return the figures now."""
        c, pool = self._checkouts, self._pool
        limit = float(pool.size() + pool._max_overflow)  # noqa: SLF001 - no public name
        return Reading(limit, c.asked, c.done, c.used_s, c.wait_s, pool.checkedout(), c.waiting, c.timed_out)

    def resize(self, size: float) -> float:
        """Set how many connections there may be; those in use above it are closed when they come back."""
        self._pool._max_overflow = max(0, round(size) - self._pool.size())  # noqa: SLF001 - no public name
        return float(self._pool.size() + self._pool._max_overflow)  # noqa: SLF001 - no public name

    def get_metrics(self) -> dict[str, float]:
        """Return totals and means since the pool was made."""
        c = self._checkouts
        return {
            "connections_count": float(c.done), "connections_hz": self.per_second(c.done - self._first),
            "errors_count": float(c.failed), "timeouts_count": float(c.timed_out),
            "checked_out_count": float(self._pool.checkedout()), "waiting_count": float(c.waiting),
            "mean_use_s": c.used_s / c.done if c.done else 0.0, "mean_wait_s": c.wait_s / c.done if c.done else 0.0,
        }  # fmt: skip
