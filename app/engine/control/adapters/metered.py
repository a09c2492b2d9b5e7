"""What every real resource has in common: counters are read, their differences become a state, sizes stay in bounds."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.estimate import Motion, follow

_MEMORY_S = 10.0


@dataclass(frozen=True)
class Reading:
    """Figures of a resource at one moment; totals count since it was made, times are in s, `queue` and `busy` in tasks."""

    size: float
    arrived: float = 0.0
    done: float = 0.0
    service_total_s: float = 0.0
    wait_total_s: float = 0.0
    busy: float = 0.0
    queue: float = 0.0
    dropped: float = 0.0
    demand: float = -1.0


class Metered:
    """A resource made of a reading and a resize; a kind of resource fills in the two and `get_metrics`."""

    name = "metered"
    unit = "units"
    plant = "sizing"
    delay_s = 0.0

    def __init__(self, low: float, high: float, *, clock: Callable[[], float] = time.monotonic, filter_s: float = 0.4) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and 0 < low <= high):
            raise BadInput(
                "The bounds {low} and {high} of {what} must be ascending and above 0",
                field="low", low=low, high=high, what=self.name,
            )  # fmt: skip
        self.low, self.high = float(low), float(high)
        self._clock, self._filter_s = clock, filter_s
        self._motion, self._service_s, self._raw = Motion(), 0.0, 0.0
        self._before: Reading | None = None
        self._at_s = self._begun_s = clock()

    def per_second(self, total: float) -> float:
        """Return `total` over the time since this resource was made."""
        return total / max(self._clock() - self._begun_s, 1e-9)

    def read(self) -> Reading:
        """Return the figures now."""
        raise BadInput("{what} cannot be read", what=self.name)

    def resize(self, size: float) -> float:
        """Set the size, which lies within the bounds, and return what was set."""
        raise BadInput("{what} cannot be set to {size}", what=self.name, size=size)

    def measure_state(self) -> ResourceState:
        """Return demand, its rates, size, queue and what ended since the last look."""
        now_s, now = self._clock(), self.read()
        before, dt_s = self._before or now, now_s - self._at_s
        done = now.done - before.done
        rtt_s = (now.service_total_s - before.service_total_s) / done if done > 0 else 0.0
        wait_s = max(0.0, (now.wait_total_s - before.wait_total_s) / done) if done > 0 else 0.0
        if done > 0:
            share = max(done / max(now.done, 1.0), dt_s / (_MEMORY_S + dt_s))
            self._service_s += share * (rtt_s - self._service_s)
        if dt_s > 0:
            self._raw = self._demand(now, before, dt_s)
            self._motion = follow(self._motion, self._raw, dt_s, self._filter_s)
            self._before, self._at_s = now, now_s
        motion = self._motion
        return ResourceState(
            now_s, motion.position, motion.velocity, motion.acceleration, now.size, now.queue, wait_s, self._raw,
            self._service_s, now.busy, wait_s + rtt_s, rtt_s, done, now.dropped - before.dropped,
        )  # fmt: skip

    def _demand(self, now: Reading, before: Reading, dt_s: float) -> float:
        if now.demand >= 0:
            return now.demand
        return self._service_s * (now.arrived - before.arrived) / dt_s if self._service_s else now.busy + now.queue

    def apply_control(self, new_size: float) -> float:
        """Set the size within the bounds and return what was set; a size that is no number is refused."""
        if not math.isfinite(new_size):
            raise BadInput("{what} cannot have the size {size}", field="new_size", what=self.name, size=new_size)
        return float(self.resize(min(max(new_size, self.low), self.high)))
