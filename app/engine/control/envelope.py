"""The safety envelope: whatever a law asks for, only a size that keeps every promise comes out.

Bounds and a rate limit always hold. A reading that is no number or is negative is refused and the size held; a reading
older than `stale_s` holds the size; one older than `lost_s` moves it, within the rate, to the safe size.
"""

import math
from dataclasses import dataclass

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.records import BAD, FREE, HIGH, LOW, RATE, SAFE, STALE, Decision

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Envelope:
    """Bounds of the size, the most it may change per second up and down, ages in s, and the safe size."""

    low: float
    high: float
    safe: float
    up_per_s: float = math.inf
    down_per_s: float = math.inf
    stale_s: float = 0.3
    lost_s: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low < 0:
            raise BadInput("The bounds of a size must be numbers of at least 0", field="low")
        if self.low > self.high:
            raise BadInput("The lower bound {low} is above the upper bound {high}", field="low", low=self.low, high=self.high)
        if not self.low <= self.safe <= self.high:
            raise BadInput("The safe size {safe} is outside the bounds", field="safe", safe=self.safe)
        if not (self.up_per_s > 0 and self.down_per_s > 0 and 0 < self.stale_s <= self.lost_s):
            raise BadInput("Rates must be above 0, and a sensor is stale before it is lost", field="stale_s")


def is_sane(state: ResourceState) -> bool:
    """Tell whether every figure of `state` is finite, and those that cannot be negative are not."""
    figures = (state.at_s, state.position, state.velocity, state.acceleration, state.size, state.queue, state.wait_s)
    return all(map(math.isfinite, figures)) and min(state.position, state.size, state.queue, state.wait_s) >= 0


def guard(envelope: Envelope, applied: float, wanted: float, dt_s: float, age_s: float = 0.0) -> Decision:
    """Return what may be applied `dt_s` seconds after `applied`, when a law wants `wanted` from a reading `age_s` old."""
    if not math.isfinite(applied):
        applied = envelope.safe
    if age_s > envelope.lost_s or math.isnan(age_s):
        return Decision(_paced(envelope, applied, envelope.safe, dt_s), SAFE)
    if age_s > envelope.stale_s:
        return Decision(_within(envelope, applied), STALE)
    if not math.isfinite(wanted):
        return Decision(_within(envelope, applied), BAD)
    bounded = _within(envelope, wanted)
    size = _paced(envelope, applied, bounded, dt_s)
    if abs(size - bounded) > _ROUNDING:
        return Decision(size, RATE)
    if bounded != wanted:
        return Decision(size, LOW if bounded > wanted else HIGH)
    return Decision(size, FREE)


def _within(envelope: Envelope, size: float) -> float:
    return min(max(size, envelope.low), envelope.high)


def _paced(envelope: Envelope, applied: float, wanted: float, dt_s: float) -> float:
    """Return `wanted`, no further from `applied` than the rates allow; the bounds win over the rates."""
    span = dt_s if math.isfinite(dt_s) and dt_s > 0 else 0.0
    rise = span * envelope.up_per_s if span else 0.0
    fall = span * envelope.down_per_s if span else 0.0
    return _within(envelope, min(max(wanted, applied - fall), applied + rise))
