"""A rate limiter (token bucket) and a batcher of requests, each with the resource a controller steers it by."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.engine.base.errors import BadInput, Limit
from app.engine.control.adapters.metered import Metered, Reading

T = TypeVar("T")
R = TypeVar("R")


class TokenBucket:
    """Grants at most `rate_hz` on average and `burst` at once; safe between threads."""

    def __init__(self, rate_hz: float, burst: float = 10.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not (rate_hz > 0 and burst >= 1):
            raise BadInput("A rate must be above 0 and a burst at least 1", field="rate_hz")
        self.rate_hz, self.burst, self._clock = rate_hz, burst, clock
        self._tokens, self._at_s, self._lock = burst, clock(), threading.Lock()
        self.asked = self.granted = self.refused = self.busy = self.done = 0
        self.served_s, self.timed = 0.0, False

    def take(self) -> bool:
        """Take one token if there is one."""
        with self._lock:
            now_s = self._clock()
            self._tokens = min(self.burst, self._tokens + (now_s - self._at_s) * self.rate_hz)
            self._at_s = now_s
            self.asked += 1
            allowed = self._tokens >= 1
            self._tokens -= allowed
            self.granted += allowed
            self.refused += not allowed
            return allowed

    @contextmanager
    def using(self) -> Iterator[None]:
        """Serve what takes a token for as long as the block lasts; raises `Limit` when there is none.

        A limiter that sees how long its tasks take can tell when more of them at once are slower.
        """
        if not self.take():
            raise Limit("More than {rate} a second are asked for", rate=round(self.rate_hz, 3))
        begin_s = self._clock()
        with self._lock:
            self.busy += 1
            self.timed = True
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1
                self.done += 1
                self.served_s += self._clock() - begin_s

    def set_rate(self, rate_hz: float) -> float:
        """Set the rate from now on."""
        with self._lock:
            self.rate_hz = rate_hz
            return self.rate_hz


class RateLimitResource(Metered):
    """A `TokenBucket` as a resource; demand is what is asked per second, and what was refused of late counts as waiting.

    Where tasks are served within `TokenBucket.using` their times are known, and those in service stand for the rate they make
    (Little's law). Where they are not, nothing counts as waiting: a limit is not raised blindly.
    """

    name, unit, plant, delay_s = "ratelimit", "per second", "admission", 0.0

    def __init__(self, bucket: TokenBucket, low: float = 1.0, high: float = 1e6, **more: Any) -> None:
        super().__init__(low, high, **more)
        self._bucket, self._asked, self._refused, self._seen_s = bucket, 0, 0, self._clock()
        self._first = bucket.granted

    def read(self) -> Reading:
        """Return the figures now."""
        bucket, now_s = self._bucket, self._clock()
        dt_s = now_s - self._seen_s
        demand = (bucket.asked - self._asked) / dt_s if dt_s > 0 else 0.0
        refused, self._refused = bucket.refused - self._refused, bucket.refused
        self._asked, self._seen_s = bucket.asked, now_s
        if not bucket.timed:
            return Reading(bucket.rate_hz, bucket.asked, bucket.granted, busy=demand, dropped=bucket.refused, demand=demand)
        busy = bucket.busy * bucket.done / bucket.served_s if bucket.served_s > 0 else demand
        return Reading(bucket.rate_hz, bucket.asked, bucket.done, bucket.served_s, busy=busy, queue=refused,
                       dropped=bucket.refused, demand=demand)  # fmt: skip

    def resize(self, size: float) -> float:
        """Set the rate."""
        return self._bucket.set_rate(size)

    def get_metrics(self) -> dict[str, float]:
        """Return totals since the bucket was made, the limit in force, and how many were granted per second since this was."""
        b = self._bucket
        return {
            "granted_count": float(b.granted), "granted_hz": self.per_second(b.granted - self._first),
            "drops_count": float(b.refused), "rate_hz": b.rate_hz,
        }  # fmt: skip


@dataclass(eq=False)
class _Place(Generic[T, R]):
    """A request that waits, and its answer or what went wrong in its place."""

    item: T
    at_s: float
    answer: list[R] = field(default_factory=list)
    error: BaseException | None = None


class Batcher(Generic[T, R]):
    """Collects requests and hands them to `work` in batches of at most `most`; `add` waits for its own answer.

    What `work` raises, every request of that batch raises; a batch answered by the wrong number of answers is refused whole.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], most: int = 8, *, linger_s: float = 0.005,
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self.most, self._work, self._linger_s, self._clock = most, work, linger_s, clock
        self._changed = threading.Condition()
        self._items: list[_Place[T, R]] = []
        self._busy = False
        self.asked = self.done = self.batches = 0
        self.work_s = self.wait_s = 0.0

    @property
    def queued(self) -> int:
        """Return how many requests wait."""
        return len(self._items)

    def add(self, item: T) -> R:
        """Return the answer to `item`; the first of a batch waits at most `linger_s` for company and then works for all."""
        with self._changed:
            self.asked += 1
            mine: _Place[T, R] = _Place(item, self._clock())
            self._items.append(mine)
            self._changed.notify_all()
            until_s = self._clock() + self._linger_s
            while not mine.answer and mine.error is None:
                if not self._busy and (len(self._items) >= self.most or self._clock() >= until_s):
                    self._serve()
                else:
                    self._changed.wait(max(1e-4, until_s - self._clock()) if not self._busy else None)
        if mine.error is not None:
            raise mine.error
        return mine.answer[0]

    def _serve(self) -> None:
        batch, self._items = self._items[: self.most], self._items[self.most :]
        if not batch:
            return
        self._busy = True
        self._changed.release()
        begin_s = self._clock()
        try:
            answers = self._work([one.item for one in batch])
            if len(answers) != len(batch):
                raise BadInput("A batch of {count} was answered by {told}", count=len(batch), told=len(answers))
        except BaseException as error:
            for one in batch:
                one.error = error
            if not isinstance(error, Exception):
                raise
        else:
            for one, answer in zip(batch, answers, strict=True):
                one.answer.append(answer)
        finally:
            self._changed.acquire()
            self._busy = False
            self._changed.notify_all()
        self.batches += 1
        self.done += len(batch)
        self.work_s += self._clock() - begin_s
        self.wait_s += sum(begin_s - one.at_s for one in batch)


class BatchResource(Metered):
    """The most items a `Batcher` takes at once."""

    name, unit, plant, delay_s = "batch", "items", "admission", 0.0

    def __init__(self, batcher: "Batcher[Any, Any]", low: int = 1, high: int = 256, **more: Any) -> None:
        super().__init__(low, high, **more)
        self._batcher, self._first = batcher, batcher.done

    def read(self) -> Reading:
        """Return the figures now."""
        b = self._batcher
        return Reading(b.most, b.asked, b.done, b.work_s, b.wait_s, min(b.queued, b.most), b.queued)

    def resize(self, size: float) -> float:
        """Set the most items of a batch."""
        self._batcher.most = round(size)
        return float(self._batcher.most)

    def get_metrics(self) -> dict[str, float]:
        """Return totals and means since the batcher was made, and requests per second since this was."""
        b = self._batcher
        return {
            "requests_count": float(b.done), "requests_hz": self.per_second(b.done - self._first),
            "batches_count": float(b.batches),
            "mean_batch_count": b.done / b.batches if b.batches else 0.0,
            "mean_wait_s": b.wait_s / b.done if b.done else 0.0,
        }  # fmt: skip
