"""The pool of worker processes: first come first served, warm per kind, a killed worker breaks only its own job.

All of it lives on the loop; threads only carry messages (see `process.py`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.engine.jobs.process import WorkerProcess

STOP_GRACE_S: Final = 0.8
# Idle workers of other kinds that may stay warm beside a full pool.
_SPARE: Final = 2
# Seconds until another process is started after one that ended before it could take a job; doubled each time, up to the second.
_PAUSES_S: Final = (0.1, 30.0)
# Kinds that wait most of the time, and how many of each may run: they take no place from what computes.
WAITING: Final = {"control": 8}


@dataclass
class Order:
    """One job for the pool."""

    job_id: str
    kind: str
    target: str
    spec: dict[str, Any]
    seed: int
    begun: bool = False
    stopped: bool = False
    tries: int = 0


class Listener(Protocol):
    """Who is told what becomes of an order; called on the loop."""

    def job_begun(self, job_id: str) -> None:
        """The job runs now."""

    def job_progressed(self, job_id: str, news: dict[str, Any]) -> None:
        """The job told how far it is: done, total, unit, partial, samples."""

    def job_returned(self, job_id: str, result: Any) -> None:
        """The job ended by itself."""

    def job_raised(self, job_id: str, problem: dict[str, Any], trace: str) -> None:
        """The job raised an error, here as a problem document."""

    def worker_lost(self, job_id: str, reason: str) -> None:
        """The process of the job ended before the job did."""


@dataclass
class _Slot:
    process: WorkerProcess
    order: Order | None = None
    timer: asyncio.TimerHandle | None = None
    retired: bool = False
    heard: bool = False

    def set_timer(self, delay_s: float, call: Callable[[], None]) -> None:
        self.clear_timer()
        self.timer = asyncio.get_running_loop().call_later(delay_s, call)

    def clear_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Starts:
    """When the next process may be started: at once, or after a growing pause where those before could not even begin."""

    def __init__(self, pauses_s: tuple[float, float] = _PAUSES_S) -> None:
        self._first_s, self._most_s = pauses_s
        self._failures = 0
        self._due_s = float("-inf")

    def failed(self, now_s: float) -> None:
        """Note that a process ended before it told anything."""
        self._due_s = now_s + min(self._most_s, self._first_s * 2.0 ** min(self._failures, 30))
        self._failures += 1

    def worked(self) -> None:
        """Note that a process told something: it could be started."""
        self._failures, self._due_s = 0, float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next process may be started."""
        return max(0.0, self._due_s - now_s)


class Pool:
    """Runs orders in worker processes; `limit` and `idle_s` are asked each time, so settings act at once.

    `clock_s` reads seconds of a steady clock.
    """

    def __init__(
        self,
        listener: Listener,
        limit: Callable[[], int],
        idle_s: Callable[[], float],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener, self._limit, self._idle_s, self._clock_s = listener, limit, idle_s, clock_s
        self._waiting: deque[Order] = deque()
        self._slots: dict[WorkerProcess, _Slot] = {}
        self._starts = Starts()
        self._later: asyncio.TimerHandle | None = None
        self._closing = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def workers(self) -> dict[int, str]:
        """Return the live worker processes: pid to kind (0 while one starts)."""
        return {slot.process.pid: slot.process.kind for slot in self._slots.values()}

    def submit(self, order: Order) -> None:
        """Run `order` when its turn comes."""
        self._waiting.append(order)
        self._dispatch()

    def withdraw(self, job_id: str) -> bool:
        """Take a waiting order back; False when it is not waiting any more."""
        for order in self._waiting:
            if order.job_id == job_id:
                self._waiting.remove(order)
                return True
        return False

    def stop(self, job_id: str) -> None:
        """Ask a running job to end, and end its process if it has not within the grace time."""
        for slot in self._slots.values():
            if slot.order is not None and slot.order.job_id == job_id:
                slot.order.stopped = True
                slot.process.send({"do": "stop", "id": job_id})
                slot.set_timer(STOP_GRACE_S, slot.process.kill)

    async def close(self) -> None:
        """End every worker, at once where it computes; one that steers something may first leave it safe.

        Returns when none is left.
        """
        self._closing = True
        self._waiting.clear()
        if self._later is not None:
            self._later.cancel()
        for slot in self._slots.values():
            if slot.order is not None and slot.order.kind in WAITING:
                self.stop(slot.order.job_id)
            elif slot.order is not None:
                slot.process.kill()
            else:
                self._retire(slot)
        if self._slots:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    def _dispatch(self) -> None:
        for order in tuple(self._waiting):
            if self._closing:
                return
            slot = self._slot_for(order.kind) if self._room(order.kind) else None
            if slot is not None:
                self._waiting.remove(order)
                self._assign(slot, order)

    def _room(self, kind: str) -> bool:
        """Tell whether one more of `kind` may run; those that wait most of the time are counted apart."""
        busy = [slot.order.kind for slot in self._slots.values() if slot.order is not None]
        if kind in WAITING:
            return busy.count(kind) < WAITING[kind]
        return sum(one not in WAITING for one in busy) < self._limit()

    def _slot_for(self, kind: str) -> _Slot | None:
        """Return a worker for `kind`, or None while no process may be started."""
        idle = [slot for slot in self._slots.values() if slot.order is None and not slot.retired]
        for slot in idle:
            if slot.process.kind == kind:
                return slot
        wait_s = self._starts.wait_s(self._clock_s())
        if wait_s > 0:
            if self._later is None:
                self._later = asyncio.get_running_loop().call_later(wait_s, self._try_again)
            return None
        if idle and len(self._slots) >= self._limit() + _SPARE:
            self._retire(idle[0])
        slot = _Slot(WorkerProcess(kind, self._heard, self._ended))
        self._slots[slot.process] = slot
        return slot

    def _try_again(self) -> None:
        self._later = None
        self._dispatch()

    def _assign(self, slot: _Slot, order: Order) -> None:
        slot.clear_timer()
        slot.order = order
        order.tries += 1
        # Move to the end, so that the first idle slot is the one idle for longest.
        self._slots[slot.process] = self._slots.pop(slot.process)
        document = {"do": "job", "id": order.job_id, "target": order.target, "spec": order.spec, "seed": order.seed}
        slot.process.send(document)

    def _retire(self, slot: _Slot) -> None:
        slot.retired = True
        slot.process.send({"do": "end"})
        slot.set_timer(STOP_GRACE_S, slot.process.kill)

    def _heard(self, process: WorkerProcess, document: dict[str, Any]) -> None:
        slot = self._slots.get(process)
        if slot is None:
            return
        if not slot.heard:
            slot.heard = True
            self._starts.worked()
        order = slot.order
        if order is None or order.job_id != document.get("id"):
            return
        news = document["is"]
        if news == "begun":
            order.begun = True
            self._listener.job_begun(order.job_id)
        elif news == "progress":
            self._listener.job_progressed(order.job_id, document)
        else:
            self._free(slot)
            if news == "done":
                self._listener.job_returned(order.job_id, document["result"])
            else:
                self._listener.job_raised(order.job_id, document["problem"], document.get("trace", ""))
            self._dispatch()

    def _free(self, slot: _Slot) -> None:
        slot.order = None
        if self._closing:
            self._retire(slot)
            return
        slot.set_timer(self._idle_s(), lambda: self._retire(slot))
        self._slots[slot.process] = self._slots.pop(slot.process)

    def _ended(self, process: WorkerProcess, reason: str) -> None:
        slot = self._slots.pop(process)
        slot.clear_timer()
        order = slot.order
        if order is not None and not (slot.heard or order.stopped or self._closing):
            self._starts.failed(self._clock_s())
        if order is not None and not (order.begun or order.stopped or self._closing) and order.tries == 1:
            # A warm worker that died while idle: the job never began, so a fresh one may have it.
            self._waiting.appendleft(order)
        elif order is not None:
            self._listener.worker_lost(order.job_id, reason)
        if self._closing:
            if not self._slots and self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)
        else:
            self._dispatch()
