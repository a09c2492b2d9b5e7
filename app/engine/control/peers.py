"""The field's own laws for sizing, as peers; ports of published rules, each told no more than ours.

PID in velocity form on occupancy; AIMD; Gradient2 and Vegas as in Netflix concurrency-limits (Apache-2.0), turned from
admission to sizing; the Kubernetes horizontal autoscaler's rule; square-root staffing; and the literal law F = v²(1 + a)
as a counter-example: it has no set-point and drifts.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from app.engine.control.ops import Num, Ops, full_like, zero_like
from app.engine.control.physics import Space
from app.engine.control.sight import Sight, set_point


@dataclass(frozen=True)
class Static:
    """Hold one size; 0 leaves the size as it is."""

    level: Num = 0.0
    name: str = "static"
    space: ClassVar[Space] = {"level": (2, 64, False)}

    def begin(self, like: Num = 0.0) -> None:
        """Return no memory."""
        del like

    def step(self, memory: None, sight: Sight, dt_s: float, ops: Ops) -> tuple[None, Num]:
        """Return the level, or the present size."""
        del dt_s
        return memory, ops.where(self.level > 0, ops.clip(self.level, sight.low, sight.high), sight.size)


class PidMemory(NamedTuple):
    """Error and filtered rate of the measurement."""

    error: Num
    load: Num
    rate: Num
    known: Num


@dataclass(frozen=True)
class Pid:
    """Velocity-form PID on occupancy: e = (busy + weight × queue) / utilisation - size, gains per tick in SI units.

    What is measured is what an autoscaler sees, occupancy and queue; see `pid.py` for the form and its source.
    """

    kp: Num = 0.3
    ki: Num = 4.0
    kd: Num = 0.0
    weight: Num = 0.5
    utilisation: Num = 0.75
    filter_s: Num = 0.1
    name: str = "pid"
    space: ClassVar[Space] = {
        "kp": (0.0, 1.5, False), "ki": (0.3, 12.0, True), "kd": (0.0, 0.1, False),
        "weight": (0.05, 2.0, True), "utilisation": (0.5, 0.95, False),
    }  # fmt: skip

    def begin(self, like: Num = 0.0) -> PidMemory:
        """Return an empty memory."""
        zero = zero_like(like)
        return PidMemory(zero, zero, zero, zero)

    def step(self, memory: PidMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[PidMemory, Num]:
        """Return (memory, wanted size)."""
        load = (sight.busy + self.weight * sight.queue) / self.utilisation
        error = load - sight.size
        fresh = memory.known < 1
        before, seen = ops.where(fresh, error, memory.error), ops.where(fresh, load, memory.load)
        share = dt_s / (self.filter_s + dt_s)
        rate = memory.rate + share * ((load - seen) / dt_s - memory.rate)
        move = self.kp * (error - before) + self.ki * dt_s * error + self.kd * (rate - memory.rate)
        return PidMemory(error, load, rate, full_like(error, 1.0)), sight.size + move


@dataclass(frozen=True)
class Aimd:
    """Grow by `rise` (and by a share of the queue) while tasks wait, shrink by a factor while workers idle."""

    rise: Num = 2.0
    share: Num = 0.2
    fall: Num = 0.05
    utilisation: Num = 0.8
    name: str = "aimd"
    space: ClassVar[Space] = {
        "rise": (0.5, 8.0, True),
        "share": (0.02, 1.0, True),
        "fall": (0.005, 0.3, True),
        "utilisation": (0.4, 0.95, False),
    }

    def begin(self, like: Num = 0.0) -> None:
        """Return no memory."""
        del like

    def step(self, memory: None, sight: Sight, dt_s: float, ops: Ops) -> tuple[None, Num]:
        """Return the wanted size."""
        del dt_s
        idle = sight.busy < self.utilisation * sight.size
        calm = ops.where(idle, sight.size * (1 - self.fall), sight.size)
        return memory, ops.where(sight.queue > 0, sight.size + self.rise + self.share * sight.queue, calm)


class LatencyMemory(NamedTuple):
    """Long and least mean latency in s."""

    long_s: Num
    least_s: Num


def _latency(memory: LatencyMemory, sight: Sight, dt_s: float, ops: Ops, span_s: Num = 30.0) -> tuple[LatencyMemory, Num]:
    """Return (memory, latency now); the least forgets upwards within about a minute."""
    long_s = ops.where(memory.long_s > 0, memory.long_s, ops.maximum(sight.latency_s, sight.service_s))
    now = ops.where(sight.done > 0, sight.latency_s, long_s)
    long_s = long_s + dt_s / (span_s + dt_s) * (now - long_s)
    least = ops.where(memory.least_s > 0, memory.least_s + dt_s / 60.0 * (long_s - memory.least_s), now)
    return LatencyMemory(long_s, ops.maximum(ops.minimum(least, now), 1e-6)), ops.maximum(now, 1e-6)


@dataclass(frozen=True)
class Gradient2:
    """The gradient of latency, turned to sizing: occupancy over g = clamp(tol × no-load latency / latency, 0.5, 1)."""

    tolerance: Num = 1.5
    headroom: Num = 4.0
    smooth: Num = 0.2
    name: str = "gradient2"
    space: ClassVar[Space] = {"tolerance": (1.0, 3.0, False), "headroom": (0.5, 12.0, True), "smooth": (0.05, 1.0, True)}

    def begin(self, like: Num = 0.0) -> LatencyMemory:
        """Return an empty memory."""
        return LatencyMemory(zero_like(like), zero_like(like))

    def step(self, memory: LatencyMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[LatencyMemory, Num]:
        """Return (memory, wanted size)."""
        memory, now = _latency(memory, sight, dt_s, ops)
        gradient = ops.clip(self.tolerance * sight.service_s / now, 0.5, 1.0)
        target = sight.busy / gradient + self.headroom
        return memory, (1 - self.smooth) * sight.size + self.smooth * target


@dataclass(frozen=True)
class Vegas:
    """Vegas turned to sizing: the estimated queue u(1 - service / latency) is kept between `alpha` and `gamma` × log₁₀ u."""

    alpha: Num = 0.5
    gamma: Num = 2.0
    rise: Num = 2.0
    fall: Num = 0.5
    name: str = "vegas"
    space: ClassVar[Space] = {
        "alpha": (0.05, 2.0, True),
        "gamma": (0.5, 6.0, True),
        "rise": (0.5, 8.0, True),
        "fall": (0.1, 2.0, True),
    }

    def begin(self, like: Num = 0.0) -> LatencyMemory:
        """Return an empty memory."""
        return LatencyMemory(zero_like(like), zero_like(like))

    def step(self, memory: LatencyMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[LatencyMemory, Num]:
        """Return (memory, wanted size)."""
        memory, now = _latency(memory, sight, dt_s, ops)
        queued = sight.size * (1 - ops.minimum(sight.service_s / now, 1.0))
        scale = ops.log10(ops.maximum(sight.size, 10.0))
        short = (queued > self.gamma * scale) | (sight.queue > 0)
        spare = (queued < self.alpha * scale) & (sight.busy < 0.9 * sight.size)
        return memory, ops.where(short, sight.size + self.rise, ops.where(spare, sight.size - self.fall, sight.size))


class HpaMemory(NamedTuple):
    """The largest wish of this half window and of the one before, and the age of this one in s."""

    now: Num
    before: Num
    age_s: Num


@dataclass(frozen=True)
class Hpa:
    """desired = ceil(n × load / target), no move within the tolerance, down only to the largest wish of a window."""

    target: Num = 0.7
    tolerance: Num = 0.1
    window_s: Num = 5.0
    weight: Num = 1.0
    name: str = "hpa"
    space: ClassVar[Space] = {
        "target": (0.5, 0.95, False),
        "tolerance": (0.02, 0.2, False),
        "window_s": (0.3, 10.0, True),
        "weight": (0.1, 1.5, False),
    }

    def begin(self, like: Num = 0.0) -> HpaMemory:
        """Return an empty memory."""
        zero = zero_like(like)
        return HpaMemory(zero, zero, zero)

    def step(self, memory: HpaMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[HpaMemory, Num]:
        """Return (memory, wanted size)."""
        ratio = (sight.busy + self.weight * sight.queue) / ops.maximum(sight.size, 1e-9) / self.target
        desired = ops.where(abs(ratio - 1) <= self.tolerance, sight.size, ops.ceil(sight.size * ratio))
        turn = memory.age_s >= self.window_s / 2
        now = ops.where(turn, desired, ops.maximum(memory.now, desired))
        before = ops.where(turn, memory.now, memory.before)
        memory = HpaMemory(now, before, ops.where(turn, 0.0, memory.age_s) + dt_s)
        return memory, ops.maximum(desired, ops.minimum(sight.size, ops.maximum(now, before)))


@dataclass(frozen=True)
class Staffing:
    """Square-root staffing on demand smoothed over `tau_s`, with the queue's share (Halfin and Whitt, 1981)."""

    tau_s: Num = 0.5
    beta: Num = 0.8
    drain_s: Num = 0.3
    name: str = "staffing"
    space: ClassVar[Space] = {"tau_s": (0.05, 2.0, True), "beta": (0.0, 2.0, False), "drain_s": (0.05, 2.0, True)}

    def begin(self, like: Num = 0.0) -> Any:
        """Return no estimate yet."""
        return full_like(like, -1.0)

    def step(self, memory: Any, sight: Sight, dt_s: float, ops: Ops) -> tuple[Any, Num]:
        """Return (smoothed demand, wanted size)."""
        share = dt_s / (self.tau_s + dt_s)
        memory = ops.where(memory < 0, sight.demand, memory + share * (sight.demand - memory))
        return memory, set_point(memory, sight, self.beta, self.drain_s, ops)


class LiteralMemory(NamedTuple):
    """Demand before, and its velocity."""

    x: Num
    v: Num
    known: Num


@dataclass(frozen=True)
class Literal:
    """u̇ = v²(1 + a), as it is written: kept to be shown as harmful, never picked."""

    gain: Num = 0.02
    name: str = "literal"
    space: ClassVar[Space] = {"gain": (1e-4, 0.5, True)}

    def begin(self, like: Num = 0.0) -> LiteralMemory:
        """Return an empty memory."""
        zero = zero_like(like)
        return LiteralMemory(zero, zero, zero)

    def step(self, memory: LiteralMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[LiteralMemory, Num]:
        """Return (memory, wanted size)."""
        x = ops.where(memory.known < 1, sight.demand, memory.x + 0.2 * (sight.demand - memory.x))
        v = ops.where(memory.known < 1, 0.0, (x - memory.x) / dt_s)
        a = ops.where(memory.known < 2, 0.0, (v - memory.v) / dt_s)
        return LiteralMemory(x, v, memory.known + 1), sight.size + self.gain * dt_s * v * v * (1 + a)
