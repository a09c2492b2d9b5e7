"""A thread pool that grows and shrinks while it works, and the resource a controller steers it by.

The standard library's pool can be made larger but never smaller; this one retires surplus threads as soon as they
are between tasks. Tasks start first come first served, each exactly once, and every start records how long it waited.
"""

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Offline
from app.engine.control.estimate import Motion, follow

T = TypeVar("T")
_MEMORY_S = 10.0


class Counts(NamedTuple):
    """Figures of a pool at one moment; totals count since it was made. Made at every look, so a tuple: it is cheaper."""

    size: int
    threads: int
    busy: int
    queued: int
    submitted: int
    started: int
    finished: int
    failed: int
    service_total_s: float
    wait_total_s: float
    oldest_wait_s: float


@dataclass(frozen=True)
class _Task:
    future: Future[Any]
    work: Callable[[], Any]
    due_s: float


_BY_NAME: "weakref.WeakValueDictionary[str, ElasticThreadPool]" = weakref.WeakValueDictionary()


def pool_named(pool: "ElasticThreadPool | str") -> "ElasticThreadPool":
    """Return the pool, or the newest one of that name; raises `Missing`, and `BadInput` for a pool that cannot shrink."""
    if isinstance(pool, str):
        found = _BY_NAME.get(pool)
        if found is None:
            raise Missing("There is no thread pool named {name}", name=pool)
        return found
    if not isinstance(pool, ElasticThreadPool):
        raise BadInput(
            "{kind} cannot shrink", field="pool", kind=type(pool).__name__,
            hint="Use ElasticThreadPool: the standard library's pool keeps every thread it has started.",
        )  # fmt: skip
    return pool


class ElasticThreadPool:
    """Runs what is submitted on `size` threads; `resize` takes effect at once upwards, between tasks downwards.

    Use it as a context manager, or call `shutdown`; `clock` gives seconds, `most_queued` bounds the queue.
    """

    def __init__(
        self, size: int, *, name: str = "elastic", most_queued: int = 100_000, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if size < 1 or most_queued < 1:
            raise BadInput("A pool needs at least one thread and room for one task", field="size")
        self.name, self._most, self._clock = name, most_queued, clock
        self._lock = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._threads: set[threading.Thread] = set()
        self._waits: deque[float] = deque(maxlen=most_queued)
        self._size, self._closing, self._serial = size, False, 0
        self._submitted = self._started = self._finished = self._failed = self._busy = 0
        self._service_s = self._wait_s = 0.0
        _BY_NAME[name] = self
        with self._lock:
            try:
                self._grow()
            except Limit:
                self._closing = True
                self._lock.notify_all()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()

    def submit(self, work: Callable[..., T], *args: Any, due_s: float | None = None) -> Future[T]:
        """Queue `work(*args)` and return its future; raise `Limit` when the queue is full, `Conflict` after the end.

        The wait is counted from `due_s` on the pool's clock (default: now), so that a late caller hides no delay.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closing:
                raise Conflict("The pool {name} is shut down", name=self.name)
            if len(self._tasks) >= self._most:
                raise Limit("The pool {name} has {count} tasks waiting and takes no more", name=self.name, count=self._most)
            self._tasks.append(_Task(future, lambda: work(*args), self._clock() if due_s is None else due_s))
            self._submitted += 1
            self._lock.notify()
        return future

    def resize(self, size: int) -> int:
        """Set how many threads there should be (at least 1) and return that; raises `Limit` where the system has no more.

        Raises `Offline` once the pool was shut down and has none.
        """
        if size < 1:
            raise BadInput("A pool needs at least one thread, not {size}", field="size", size=size)
        with self._lock:
            self.need_alive()
            if not self._closing and size != self._size:
                surplus = size < self._size
                self._size = size
                self._grow()
                if surplus:  # only who is to end must wake: a controller asks for a size at every turn
                    self._lock.notify_all()
            return self._size

    def need_alive(self) -> None:
        """Raise `Offline` where the pool was shut down and its last thread has ended."""
        if self._closing and not self._threads:
            raise Offline("The pool {name} is shut down", name=self.name)

    def counts(self) -> Counts:
        """Return the figures now."""
        with self._lock:
            oldest = self._clock() - self._tasks[0].due_s if self._tasks else 0.0
            return Counts(
                self._size, len(self._threads), self._busy, len(self._tasks), self._submitted, self._started,
                self._finished, self._failed, self._service_s, self._wait_s, max(0.0, oldest),
            )  # fmt: skip

    def take_waits(self) -> list[float]:
        """Return the waits in seconds of the tasks started since the last call, in order of start.

        No more are kept than tasks may wait (`most_queued`): of those nobody asked for, the newest.
        """
        with self._lock:
            taken = list(self._waits)
            self._waits.clear()
            return taken

    def shutdown(self, *, cancel_queued: bool = False) -> list[float]:
        """Take no more tasks, finish (or cancel) those queued, and return when every thread has ended.

        The list holds how long each cancelled task had waited, in seconds.
        """
        with self._lock:
            self._closing = True
            dropped = list(self._tasks) if cancel_queued else []
            if cancel_queued:
                self._tasks.clear()
            threads, now_s = tuple(self._threads), self._clock()
            self._lock.notify_all()
        cancelled = [task for task in dropped if task.future.cancel()]
        for thread in threads:
            thread.join()
        return [max(0.0, now_s - task.due_s) for task in cancelled]

    def _grow(self) -> None:
        """Start the threads that lack; raises `Limit` where the system has no more, and the pool is as large as it came."""
        while len(self._threads) < self._size:
            self._serial += 1
            thread = threading.Thread(target=self._work, name=f"{self.name}-{self._serial}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                wanted, self._size = self._size, len(self._threads)
                raise Limit("The pool {name} has {count} of {wanted} threads: {why}", name=self.name, count=self._size,
                            wanted=wanted, why=error) from error  # fmt: skip
            self._threads.add(thread)  # it waits for the lock, which we hold

    def _work(self) -> None:
        while (task := self._next()) is not None:
            begin_s = self._clock()
            failed = _perform(task)
            with self._lock:
                self._busy -= 1
                self._finished += 1
                self._failed += failed
                self._service_s += self._clock() - begin_s

    def _next(self) -> _Task | None:
        """Return the next task once there is one, or None when this thread is to end."""
        with self._lock:
            while True:
                surplus = not self._closing and len(self._threads) > self._size
                if surplus or (self._closing and not self._tasks):
                    self._threads.discard(threading.current_thread())
                    if surplus and self._tasks:
                        self._lock.notify()
                    return None
                if self._tasks:
                    task = self._tasks.popleft()
                    if not task.future.set_running_or_notify_cancel():
                        continue
                    wait_s = max(0.0, self._clock() - task.due_s)
                    self._waits.append(wait_s)
                    self._wait_s += wait_s
                    self._started += 1
                    self._busy += 1
                    return task
                self._lock.wait()


def _perform(task: _Task) -> bool:
    """Run a task into its future; tell whether it failed."""
    try:
        result = task.work()
    except BaseException as error:  # noqa: BLE001 - a future carries whatever its work raised
        task.future.set_exception(error)
        return True
    task.future.set_result(result)
    return False


class ThreadPoolResource:
    """An `ElasticThreadPool` as a resource: position is the offered load in Erlang, the size is in threads."""

    name = "threadpool"
    unit = "threads"
    plant = "sizing"
    delay_s = 0.1

    def __init__(
        self, pool: ElasticThreadPool | str, min_threads: int = 2, max_threads: int = 64,
        *, clock: Callable[[], float] = time.monotonic, filter_s: float = 0.4,
    ) -> None:  # fmt: skip
        if not 1 <= min_threads <= max_threads:
            raise BadInput(
                "min_threads {low} and max_threads {high} must be ascending and at least 1",
                field="min_threads", low=min_threads, high=max_threads,
            )  # fmt: skip
        self.low, self.high = float(min_threads), float(max_threads)
        self._pool = pool = pool_named(pool)
        self._clock, self._filter_s = clock, filter_s
        self._motion = Motion()
        self._service_s, self._raw = 0.0, 0.0
        self._before = self._first = pool.counts()
        self._at_s = self._begun_s = clock()

    def measure_state(self) -> ResourceState:
        """Return the demand (arrival rate × mean service time), its rates, size, queue, and what ended since the last look."""
        now_s, before = self._clock(), self._before
        self._pool.need_alive()
        now = self._pool.counts()
        size, _, busy, queued, submitted, started, finished, _, service_s, waited_s, oldest_s = now
        dt_s, done = now_s - self._at_s, finished - before.finished
        rtt_s = (service_s - before.service_total_s) / done if done else 0.0
        wait_s = oldest_s
        if began := started - before.started:
            wait_s = max((waited_s - before.wait_total_s) / began, oldest_s)
        if dt_s > 0:
            if done:  # a plain mean while little was seen, then one that fades over ten seconds
                self._service_s += max(done / finished, dt_s / (_MEMORY_S + dt_s)) * (rtt_s - self._service_s)
            mean_s = self._service_s
            self._raw = mean_s * (submitted - before.submitted) / dt_s if mean_s else float(busy + queued)
            self._motion = follow(self._motion, self._raw, dt_s, self._filter_s)
            self._before, self._at_s = now, now_s
        position, velocity, acceleration, _ = self._motion
        return ResourceState(
            now_s, position, velocity, acceleration, size, queued, wait_s, self._raw, self._service_s, busy,
            wait_s + rtt_s, rtt_s, done,
        )  # fmt: skip

    def apply_control(self, new_size: float) -> float:
        """Resize the pool to the nearest whole number of threads within the bounds and return it."""
        if not math.isfinite(new_size):
            raise BadInput("A pool cannot have {size} threads", field="new_size", size=new_size)
        return float(self._pool.resize(round(min(max(new_size, self.low), self.high))))

    def get_metrics(self) -> dict[str, float]:
        """Return totals and means since the pool was made, and tasks per second since this was."""
        counts = self._pool.counts()
        return {
            "tasks_count": float(counts.finished),
            "failed_count": float(counts.failed),
            "queued_count": float(counts.queued),
            "saturation_ratio": counts.busy / counts.threads if counts.threads else 0.0,
            "tasks_hz": (counts.finished - self._first.finished) / max(self._clock() - self._begun_s, 1e-9),
            "mean_service_s": counts.service_total_s / counts.finished if counts.finished else 0.0,
            "mean_wait_s": counts.wait_total_s / counts.started if counts.started else 0.0,
        }
