"""An HTTP load balancer over live backends, and the resource a controller steers: how many backends take requests.

What sends a request is handed in (`send(backend name, request) -> answer`), so that agents, plain HTTP servers or a test
can stand behind it. A request that fails is tried once more at another backend; one that `send` refuses with `BadInput` is at
fault itself: it is not tried again, and no backend is blamed for it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.engine.base.errors import BadInput, Limit
from app.engine.control.adapters.metered import Metered, Reading
from app.engine.control.routing import Backend, Router

Send = Callable[[str, Any], Any]


class LoadBalancer:
    """Sends requests to the first `active` backends by a router's policy; safe between threads."""

    def __init__(self, send: Send, names: Sequence[str], *, policy: str = "two_choices", limit: int = 64, active: int = 0,
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        if not names:
            raise BadInput("A load balancer needs at least one backend", field="names")
        self._send, self._clock, self._lock = send, clock, threading.Lock()
        self.router = Router(policy, limit, backends=[Backend(name, since_s=clock()) for name in names])
        self.active = min(active or len(names), len(names))
        self.asked = self.done = self.failed = self.refused = 0
        self.served_s = 0.0
        self._recent: list[float] = []

    def call(self, request: Any) -> Any:
        """Return a backend's answer; raises `Limit` when none can take it, else what the last one raised."""
        with self._lock:
            self.asked += 1
            begin_s = self._clock()
            backend = self.router.pick(begin_s, self.active)
            # Only a trial is picked while its backend is ejected.
            trial = backend is not None and backend.trying
            self.refused += backend is None
        if backend is None:
            raise Limit("No backend can take a request now")
        try:
            answer = self._try(request, backend, begin_s, trial=trial)
        except BadInput:
            with self._lock:
                self.failed += 1
            raise
        except Exception as first:  # noqa: BLE001 - whatever a backend raises, another is asked
            answer = self._again(request, backend, first)
        with self._lock:
            self.done += 1
            took_s = self._clock() - begin_s
            self.served_s += took_s
            self._recent = [*self._recent[-999:], took_s]
        return answer

    def _again(self, request: Any, failed: Backend, first: Exception) -> Any:
        """Try another backend; where there is none, what the first raised is raised."""
        with self._lock:
            begin_s = self._clock()
            other = self.router.pick(begin_s, self.active, but=failed)
            trial = other is not None and other.trying
        try:
            if other is None:
                raise first
            return self._try(request, other, begin_s, trial=trial)
        except Exception:
            with self._lock:
                self.failed += 1
            raise

    def _try(self, request: Any, backend: Backend, begin_s: float, *, trial: bool) -> Any:
        failed: bool | None = True
        try:
            answer = self._send(backend.name, request)
            failed = False
            return answer
        except BadInput:
            failed = None
            raise
        finally:
            with self._lock:
                now_s = self._clock()
                self.router.ended(backend, now_s, now_s - begin_s, failed=failed, trial=trial)

    def add(self, name: str) -> None:
        """Add a backend; it starts slowly."""
        with self._lock:
            if any(one.name == name for one in self.router.backends):
                raise BadInput("{name} is a backend already", field="name", name=name)
            self.router.backends.append(Backend(name, since_s=self._clock()))

    def remove(self, name: str) -> None:
        """Take a backend out; what it is serving ends in its own time."""
        with self._lock:
            left = [one for one in self.router.backends if one.name != name]
            if not left or len(left) == len(self.router.backends):
                raise BadInput("{name} is no backend, or the last one", field="name", name=name)
            self.router.backends = left
            self.active = min(self.active, len(left))

    def set_active(self, count: int) -> int:
        """Set how many backends take requests; one that comes back starts slowly."""
        with self._lock:
            count = min(max(1, count), len(self.router.backends))
            for one in self.router.backends[self.active : count]:
                one.since_s = self._clock()
            self.active = count
            return count

    def shares(self) -> list[dict[str, Any]]:
        """Return of each backend its name, how many requests it answered, and how many of them failed."""
        with self._lock:
            return [{"name": one.name, "done": one.done, "failed": one.failed} for one in self.router.backends]

    def p99_s(self) -> float:
        """Return the 99th percentile of the last thousand answers."""
        with self._lock:
            ordered = sorted(self._recent)
        return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else 0.0


class LoadBalancerResource(Metered):
    """A `LoadBalancer` as a resource; `each` requests at once are the work of one backend.

    Without a `high` it is how many backends there are, also later; a controller keeps the bound it began with.
    """

    name, unit, plant, delay_s = "balancer", "backends", "sizing", 0.1

    def __init__(self, balancer: LoadBalancer, low: int = 1, high: int = 0, *, each: int = 1, **more: Any) -> None:
        super().__init__(low, high or len(balancer.router.backends), **more)
        self._balancer, self._each, self._first = balancer, each, balancer.done
        self._most = float(high)

    @property
    def high(self) -> float:
        """Return the most backends that may take requests."""
        return self._most or max(self.low, float(len(self._balancer.router.backends)))

    @high.setter
    def high(self, most: float) -> None:
        self._most = most

    def read(self) -> Reading:
        """Return the figures now; busy and demand are in backends."""
        b = self._balancer
        inflight = sum(one.inflight for one in b.router.backends)
        return Reading(b.active, b.asked / self._each, b.done / self._each, b.served_s / self._each, 0.0,
                       min(inflight / self._each, b.active), max(0.0, inflight / self._each - b.active), b.refused)  # fmt: skip

    def resize(self, size: float) -> float:
        """Set how many backends take requests."""
        return float(self._balancer.set_active(round(size)))

    def get_metrics(self) -> dict[str, float]:
        """Return totals since the balancer was made."""
        b = self._balancer
        return {
            "requests_count": float(b.done), "requests_hz": self.per_second(b.done - self._first),
            "errors_count": float(b.failed), "refused_count": float(b.refused),
            "p99_s": b.p99_s(), "ejected_count": float(sum(one.until_s > 0 for one in b.router.backends)),
        }  # fmt: skip
