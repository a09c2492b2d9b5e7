"""A pool of processes that grows and shrinks while it works: each thread of an elastic pool drives one child at a time.

A task is named "module:function" and its arguments travel as JSON, so that nothing but importable code can be run.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from app.engine.base.errors import BadInput, Limit
from app.engine.control.adapters.metered import Metered, Reading
from app.engine.control.adapters.threadpool import ElasticThreadPool

if TYPE_CHECKING:
    from concurrent.futures import Future

_TARGET: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_END_S: Final = 3.0


class _Child:
    def __init__(self) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.engine.control.adapters.process_child"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        except OSError as error:
            raise Limit("No process could be started: {why}", why=error) from error
        self._asked = 0

    def call(self, target: str, args: tuple[Any, ...]) -> Any:
        """Run `target(*args)` in the child; raises `BadInput` with what it raised.

        Raises `Limit` when the child is gone, or what it says is no answer to this: then it is not to be used again.
        """
        asked, answers = self._process.stdin, self._process.stdout
        self._asked += 1
        try:
            order = json.dumps([self._asked, target, args])
        except (TypeError, ValueError, RecursionError) as error:
            raise BadInput("{target} failed: {why}", target=target, why=error) from error
        try:
            if asked is None or answers is None:
                raise OSError
            asked.write(order + "\n")
            asked.flush()
            line = answers.readline()
        except (OSError, UnicodeError) as error:
            raise Limit("The process of {target} ended before it was done", target=target) from error
        if not line:
            raise Limit("The process of {target} ended before it was done", target=target)
        told = _answer(line, self._asked)
        if told is None:
            raise Limit("The process of {target} said something else than its answer, and was ended", target=target)
        if "error" in told:
            raise BadInput("{target} failed: {why}", target=target, why=told["error"])
        return told["result"]

    def end(self) -> None:
        """Close the pipes, which ends the child."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _answer(line: str, asked: int) -> dict[str, Any] | None:
    """Return what a child answered, or None where `line` is no answer to the task of the number `asked`."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(told, dict) and told.get("id") == asked and ("result" in told or "error" in told)
    return told if fits else None


class ElasticProcessPool:
    """Runs tasks on `size` processes; use it as a context manager, or call `shutdown`."""

    def __init__(self, size: int, *, name: str = "processes") -> None:
        self.threads = ElasticThreadPool(size, name=name)
        self._idle: list[_Child] = []
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()

    @property
    def processes(self) -> int:
        """Return how many children there are."""
        with self._lock:
            return self._count

    def submit(self, target: str, *args: Any, due_s: float | None = None) -> "Future[Any]":
        """Queue "module:function" with JSON arguments; return the future of its JSON result. Its wait counts from `due_s`."""
        if not _TARGET.fullmatch(target):
            raise BadInput("{target} names no function as module:function", field="target", target=repr(target))
        return self.threads.submit(self._call, target, args, due_s=due_s)

    def resize(self, size: int) -> int:
        """Set how many processes there may be; surplus idle ones end now, busy ones after their task."""
        size = self.threads.resize(size)
        self._trim(size)
        return size

    def shutdown(self, *, cancel_queued: bool = False) -> list[float]:
        """Finish what is queued, or cancel it and return how long each had waited in s; and end every child."""
        left = self.threads.shutdown(cancel_queued=cancel_queued)
        self._trim(0)
        return left

    def _call(self, target: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            child = self._idle.pop() if self._idle else None
            self._count += child is None
        try:
            child = child or _Child()
            result = child.call(target, args)
        except BadInput:
            if child is not None:
                self._put_back(child)
            raise
        except BaseException:
            # An answer may still be on its way: the next task must not be told it.
            with self._lock:
                self._count -= 1
            if child is not None:
                child.end()
            raise
        self._put_back(child)
        return result

    def _put_back(self, child: _Child) -> None:
        with self._lock:
            self._idle.append(child)
        self._trim(self.threads.counts().size)

    def _trim(self, size: int) -> None:
        while True:
            with self._lock:
                if self._count <= size or not self._idle:
                    return
                child = self._idle.pop(0)
                self._count -= 1
            child.end()


class ProcessPoolResource(Metered):
    """An `ElasticProcessPool` as a resource; the size is in processes."""

    name, unit, plant, delay_s = "processpool", "processes", "sizing", 0.3

    def __init__(self, pool: ElasticProcessPool, min_processes: int = 1, max_processes: int = 16, **more: Any) -> None:
        super().__init__(min_processes, max_processes, **more)
        self._pool, self._first = pool, pool.threads.counts().finished

    def read(self) -> Reading:
        """Return the figures now; raises `Offline` where the pool was shut down."""
        self._pool.threads.need_alive()
        c = self._pool.threads.counts()
        return Reading(c.size, c.submitted, c.finished, c.service_total_s, c.wait_total_s, c.busy, c.queued)

    def resize(self, size: float) -> float:
        """Set the number of processes."""
        return float(self._pool.resize(round(size)))

    def get_metrics(self) -> dict[str, float]:
        """Return totals and means since the pool was made, and tasks per second since this was."""
        c = self._pool.threads.counts()
        return {
            "tasks_count": float(c.finished), "tasks_hz": self.per_second(c.finished - self._first),
            "failed_count": float(c.failed), "queued_count": float(c.queued),
            "saturation_ratio": c.busy / c.size, "processes_count": float(self._pool.processes),
            "mean_service_s": c.service_total_s / c.finished if c.finished else 0.0,
            "mean_wait_s": c.wait_total_s / c.started if c.started else 0.0,
        }  # fmt: skip
