"""One thread that takes the turns of all who have turns to take, together; more of them where a turn is slow or hangs.

What costs when many take ten turns a second is that each wakes a thread of its own. So turns fall due at whole multiples of
their length, the same moment for all, and one thread takes one after the other: the leader, who waits for the next moment.
Whoever is about to take a turn that was slow the last time has another lead on first. Where something due is not taken up
within half a turn, because a turn hangs that never did, the watch calls `help`. A thread that is not needed for some seconds
ends.
"""

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)
_LINGER_S: Final = 5.0
_QUICK_S: Final = 0.005


class Spoke:
    """Somebody's turns: `take` is called when one falls due, never twice at once."""

    def __init__(self, take: Callable[[], None], tick_s: float) -> None:
        self.take, self.tick_s = take, tick_s
        self.taker: threading.Thread | None = None
        self.wanted = False
        self.due_s, self.since_s, self.took_s = math.inf, 0.0, 0.0


class Wheel:
    """Takes the turns of those that were added until they are removed; `takers` is how many threads there are for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._wanted: set[Spoke] = set()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take nobody's turns: a child that was forked has none of the threads."""
        self._lock = threading.Lock()
        self._lead, self._spare, self._ended = (threading.Condition(self._lock) for _ in range(3))
        self._due: list[tuple[float, int, Spoke]] = []
        for spoke in self._wanted:
            spoke.wanted, spoke.taker = False, None
        self._wanted = set()
        self._spares = self._called = self.takers = 0
        self._leading = False

    def add(self, spoke: Spoke) -> bool:
        """Take the first turn of `spoke` now and go on until `remove`; False where it is there, or its last turn hangs."""
        with self._lock:
            if spoke.wanted or spoke.taker not in {None, threading.current_thread()}:
                return False
            spoke.wanted = True
            self._wanted.add(spoke)
            if spoke.taker is None:
                self._put(spoke, self._clock())
            if not self.takers:
                self._pass_on(1)
            return True

    def remove(self, spoke: Spoke, wait_s: float) -> bool:
        """Take no more turns of `spoke`, and tell whether the last is over; it is waited for `wait_s`, but not by itself."""
        with self._lock:
            spoke.wanted = False
            self._wanted.discard(spoke)
            if not self._wanted:
                self._lead.notify_all()
                self._spare.notify_all()
            if spoke.taker is threading.current_thread():
                return False
            return self._ended.wait_for(lambda: spoke.taker is None, wait_s)

    def help(self) -> None:
        """Have twice as many take turns where what is due waits for half a turn."""
        with self._lock:
            now_s = self._clock()
            late = 0 if self._leading else sum(one.wanted and now_s - due_s > one.tick_s / 2 for due_s, _, one in self._due)
            if late:
                self._pass_on(min(max(1, self.takers), late))

    def _pass_on(self, count: int) -> None:
        """Have `count` more threads look for turns, unless one does, or is about to."""
        if self._leading or self._called:
            return
        self._called = min(count, self._spares)
        self._spare.notify(self._called)
        for _ in range(count - self._called):
            try:
                threading.Thread(target=self._run, name="controller-turns", daemon=True).start()
            except RuntimeError as error:
                # Whoever asks goes on by itself; what then waits is seen by the watch, which asks again.
                log.warning("turns have %d threads and get no more: %s", self.takers, error)
                return
            self.takers += 1
            self._called += 1

    def _put(self, spoke: Spoke, due_s: float) -> None:
        spoke.due_s = due_s
        heapq.heappush(self._due, (due_s, next(self._order), spoke))
        if self._due[0][2] is spoke:
            self._lead.notify()

    def _run(self) -> None:
        with self._lock:
            self._called -= 1
        while (spoke := self._next()) is not None:
            try:
                spoke.take()
            finally:
                self._over(spoke)

    def _over(self, spoke: Spoke) -> None:
        with self._lock:
            now_s = self._clock()
            spoke.taker, spoke.took_s = None, now_s - spoke.since_s
            if spoke.wanted:
                # The next moment that all share; one that is nearly now is left out.
                self._put(spoke, (math.floor(now_s / spoke.tick_s + 0.5) + 1) * spoke.tick_s)
            else:
                self._ended.notify_all()

    def _next(self) -> Spoke | None:
        """Wait for a turn that falls due and return whose it is; None where this thread is needed no more."""
        with self._lock:
            while self._wanted:
                now_s = self._clock()
                while self._due and not self._counts(*self._due[0]):
                    heapq.heappop(self._due)
                if self._due and self._due[0][0] <= now_s:
                    return self._taken(heapq.heappop(self._due)[2], now_s)
                if not self._leading:
                    self._leading = True
                    self._lead.wait(self._due[0][0] - now_s if self._due else None)
                    self._leading = False
                elif not self._stands_by():
                    break
            self.takers -= 1
            return None

    def _taken(self, spoke: Spoke, now_s: float) -> Spoke:
        spoke.taker, spoke.since_s = threading.current_thread(), now_s
        if spoke.took_s > max(_QUICK_S, spoke.tick_s / (2 * len(self._wanted))):
            self._pass_on(1)
        return spoke

    def _stands_by(self) -> bool:
        """Wait until one more is needed; False where that is not for some seconds."""
        self._spares += 1
        self._spare.wait_for(lambda: self._called or not self._wanted, _LINGER_S)
        self._spares -= 1
        needed = self._called > 0
        self._called -= needed
        return needed

    @staticmethod
    def _counts(due_s: float, _order: int, spoke: Spoke) -> bool:
        """Tell whether an entry still counts: who was removed has none, who was added anew since has another."""
        return spoke.wanted and spoke.taker is None and spoke.due_s == due_s


WHEEL: Final = Wheel()
