"""What a running solver may still spend, and the one way it tells how it is doing; safe to share between threads."""

import threading
import time
from collections.abc import Callable

import numpy as np

from app.engine.base.contracts import Report, Stop


class Allowance:
    """A wall-time budget with a stop: `over()` is asked often, `tell(energy)` reports the best so far."""

    def __init__(self, seconds: float, report: Report, stop: Stop, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds, self._report, self._stop, self._now = seconds, report, stop, now
        self._start = now()
        self._lock = threading.Lock()
        self._best = np.inf
        self._stopped = False

    @property
    def spent_s(self) -> float:
        """Return the seconds since the start."""
        return self._now() - self._start

    @property
    def left_s(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.seconds - self.spent_s)

    def now(self) -> float:
        """Return the clock this allowance is counted on, in seconds."""
        return self._now()

    def stopped(self) -> bool:
        """Tell whether the work was asked to stop; once true it stays true."""
        with self._lock:
            self._stopped = self._stopped or self._stop()
            return self._stopped

    def over(self) -> bool:
        """Tell whether to end: stopped, or out of time."""
        return self.stopped() or self.left_s <= 0

    def tell(self, energy: float, done: float | None = None, total: float | None = None, unit: str = "s") -> None:
        """Report `energy` if it is the best so far, and how far the work is (in seconds unless said)."""
        with self._lock:
            self._best = min(self._best, float(energy))
            at = self.spent_s if done is None else done
            best = {"best_energy": self._best} if np.isfinite(self._best) else {}
            self._report(at, self.seconds if total is None else total, unit, best)
