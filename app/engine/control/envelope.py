"""The safety envelope: whatever a law asks for, only a size that keeps every promise comes out.

Bounds and a rate limit always hold. A reading that is no number or is negative is refused and the size held; a reading
older than `stale_s` holds the size; one older than `lost_s` moves it, within the rate, to the safe size.
"""

import math
from collections import deque
from dataclasses import dataclass

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.records import BAD, FREE, HIGH, LOW, RATE, SAFE, STALE, Decision

_ROUNDING, _ROUNDED = 1e-9, 0.01
# Ages of a reading in turns: held from the second turn without news, the safe size at the third.
STALE_TURNS, LOST_TURNS = 1.5, 2.5
_FLIPS, _WITHIN_S, _CALM_S, _LARGE, _LEAST_GAIN = 6, 3.0, 10.0, 0.25, 0.125


@dataclass(frozen=True)
class Envelope:
    """Bounds of the size, the most it may change per second up and down, ages in s, and the safe size.

    After a change the size rests for `cool_s`; of what a law wants away from the safe size only the share `canary` is granted.
    """

    low: float
    high: float
    safe: float
    up_per_s: float = math.inf
    down_per_s: float = math.inf
    stale_s: float = 0.3
    lost_s: float = 1.0
    cool_s: float = 0.0
    canary: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low < 0:
            raise BadInput("The bounds of a size must be numbers of at least 0", field="low")
        if self.low > self.high:
            raise BadInput("The lower bound {low} is above the upper bound {high}", field="low", low=self.low, high=self.high)
        if not self.low <= self.safe <= self.high:
            raise BadInput("The safe size {safe} is outside the bounds", field="safe", safe=self.safe)
        if not (self.cool_s >= 0 and 0 < self.canary <= 1):
            raise BadInput("A cool-down is at least 0 s, and a canary share above 0 and at most 1", field="canary")
        if not (self.up_per_s > 0 and self.down_per_s > 0 and 0 < self.stale_s <= self.lost_s):
            raise BadInput("Rates must be above 0, and a sensor is stale before it is lost", field="stale_s")

    def is_safe(self, size: float) -> bool:
        """Tell whether `size` is the safe one, as a resource may have rounded it (to whole units, bytes to pages)."""
        return abs(size - self.safe) <= max(0.5 + _ROUNDING, _ROUNDED * self.safe)


def is_sane(state: ResourceState) -> bool:
    """Tell whether every figure of `state` is finite, and those that cannot be negative are not."""
    _, position, _, _, size, queue, wait_s, _, service_s, _, latency_s, rtt_s, done, _ = state
    least = min(position, size, queue, wait_s, service_s, latency_s, rtt_s, done)
    return math.isfinite(sum(state)) and least >= 0


def need_within(envelope: Envelope, resource: Resource) -> None:
    """Raise `BadInput` for an envelope that reaches beyond what `resource` can be set to."""
    if envelope.low < resource.low or envelope.high > resource.high:
        raise BadInput(
            "The envelope from {low} to {high} reaches beyond the resource, which takes {least} to {most}", field="envelope",
            low=envelope.low, high=envelope.high, least=resource.low, most=resource.high,
        )  # fmt: skip


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


class Ringing:
    """Tells whether sizes swing to and fro: six large changes of direction within three seconds."""

    def __init__(self) -> None:
        self._flips: deque[float] = deque(maxlen=_FLIPS)
        self._last = 0.0
        self.gain = 1.0

    def note(self, at_s: float, change: float, size: float) -> bool:
        """Note a change of the size; halve the gain and return True when it rings, double it after ten calm seconds."""
        if self.gain < 1 and self._flips and at_s - self._flips[-1] > _CALM_S:
            self.gain = min(1.0, 2 * self.gain)
            self._flips.clear()
        if abs(change) < max(2.0, _LARGE * size):
            return False
        if change * self._last < 0:
            self._flips.append(at_s)
        self._last = change
        if len(self._flips) == _FLIPS and at_s - self._flips[0] <= _WITHIN_S:
            self.gain = max(_LEAST_GAIN, self.gain / 2)
            self._flips.clear()
            self._flips.append(at_s)
            return True
        return False
