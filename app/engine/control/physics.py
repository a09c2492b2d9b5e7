"""The three models of the house, read so that they are sound control: classical control inspired by physics.

Optomechanical: a damped spring to the demand set-point with cold damping and a bounded push, after the equation of a
mirror under radiation pressure (Aspelmeyer, Kippenberg and Marquardt, "Cavity optomechanics", Rev. Mod. Phys. 86, 2014,
section V). Coherent: a Kalman estimate with known noise and a dead-band, the fewest actions (Åström, "Introduction to
Stochastic Control Theory", 1970, chapter 8). Parametric: coherent, plus a detected period whose past tells the demand
one actuation delay ahead.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from app.engine.control import period
from app.engine.control.ops import Num, Ops, full_like, zero_like
from app.engine.control.sight import Sight, Track, foreseen, set_point, settle, track, track_begin

# name: (lowest, highest, whether drawn on a logarithmic scale)
Space = dict[str, tuple[float, float, bool]]
# Settings to try first, each found on tuning loads of one character: bursts of a second, slow drift, batches shorter than
# the actuation delay, a thin and noisy demand, waves. A negative margin says that the queue's term carries a part of demand.
Starts = tuple[dict[str, float], ...]
BURSTS = {
    "q": 2300.0,
    "beta": 1.4,
    "drain_s": 0.5,
    "lead": 0.59,
    "band": 0.075,
    "fall_s": 0.35,
    "margin": -0.29,
    "foresee": 0.52,
}
CALM = {"q": 15.0, "beta": 0.9, "drain_s": 0.5, "lead": 0.1, "band": 0.9, "fall_s": 0.31, "margin": -0.18, "foresee": 0.38}
BATCHES = {"q": 69.0, "beta": 0.64, "drain_s": 0.1, "lead": 0.48, "band": 0.12, "fall_s": 0.2, "margin": -0.5, "foresee": 1.0}
THIN = {"q": 3.5, "beta": 2.1, "drain_s": 0.5, "lead": 0.46, "band": 1.2, "fall_s": 0.43, "margin": -0.46, "foresee": 0.2}
WAVES = {
    "q": 116.0, "beta": 0.96, "drain_s": 0.16, "lead": 0.59, "band": 0.3, "fall_s": 0.32, "margin": -0.21, "foresee": 0.15,
    "ahead": 1.23, "trust": 0.35,
}  # fmt: skip


# The spring is stepped in at least four parts of a turn, none longer than this: at 0.05 s and more the stiffest would swing
# ever further. What it had not come to within a long turn it does at the next.
_LEAST_PARTS, _PART_S, _MOST_S = 4, 0.025, 10.0


def parts_of(dt_s: float) -> tuple[int, float]:
    """Return in how many parts a turn of `dt_s` is stepped, and how long each is in s, so that no spring runs away."""
    dt_s = min(dt_s, _MOST_S)
    parts = max(_LEAST_PARTS, math.ceil(dt_s / _PART_S - 1e-9))
    return parts, dt_s / parts


@dataclass(frozen=True)
class Estimated:
    """Settings of who follows an estimate: its drift, the staffing, the queue's time, the lead, the dead-band, the fall."""

    q: Num = 100.0
    beta: Num = 1.2
    drain_s: Num = 0.4
    lead: Num = 0.4
    band: Num = 0.4
    fall_s: Num = 0.33
    margin: Num = -0.25
    foresee: Num = 0.45


@dataclass(frozen=True)
class Foretold(Estimated):
    """And of who looks for a period: how many actuation delays ahead, and the share of the estimate in what is told."""

    ahead: Num = 1.2
    trust: Num = 0.6


@dataclass(frozen=True)
class Coherent(Estimated):
    """A Kalman estimate led by `lead` actuation delays; the size moves only when the set-point leaves the dead-band."""

    name: str = "coherent"
    space: ClassVar[Space] = {
        "q": (0.3, 3000, True), "beta": (0.0, 2.5, False), "drain_s": (0.1, 0.5, True),
        "lead": (0.0, 1.5, False), "band": (0.05, 2.0, True), "fall_s": (0.1, 4.0, True), "margin": (-0.7, 0.4, False),
        "foresee": (0.0, 1.0, False),
    }  # fmt: skip
    starts: ClassVar[Starts] = (BURSTS, CALM, BATCHES, THIN)

    def begin(self, like: Num = 0.0) -> Track:
        """Return the memory of who has seen nothing."""
        return track_begin(like)

    def step(self, memory: Track, sight: Sight, dt_s: float, ops: Ops) -> tuple[Track, Num]:
        """Return (memory, wanted size)."""
        memory = track(memory, sight, self.q, dt_s, ops)
        demand = memory.x + memory.v * self.lead * sight.delay_s
        target = set_point(demand, sight, self.beta, self.drain_s, ops, self.margin, foreseen(memory, sight, self.foresee, ops))
        return memory, settle(target, sight, self.band, self.fall_s, dt_s, ops)


class OptoMemory(NamedTuple):
    """Estimate, filtered acceleration, size and its speed in workers/s."""

    seen: Track
    acceleration: Num
    size: Num
    speed: Num
    known: Num


@dataclass(frozen=True)
class Optomechanical:
    """A mass on a damped spring: ü = ω²(r + F - u) - 2ζω(u̇ - g v), ω other when falling.

    F = k (v⁺/v₀)² (1 + sat(a/a₀, -1, 2)) within [0, `push_most`] with v₀ = 1 worker/s and a₀ = 5 workers/s²: the
    literal v²(1 + a) with units, for a rise only, bounded, and entering the set-point instead of the size.
    """

    omega: Num = 18.0
    fall: Num = 0.6
    zeta: Num = 0.9
    cold: Num = 0.5
    push: Num = 0.0005
    push_most: Num = 6.0
    q: Num = 100.0
    beta: Num = 1.2
    drain_s: Num = 0.4
    margin: Num = -0.25
    foresee: Num = 0.45
    name: str = "optomechanical"
    space: ClassVar[Space] = {
        "omega": (4, 20, True), "fall": (0.05, 1.0, True), "zeta": (0.4, 1.4, False), "cold": (0.0, 1.0, False),
        "push": (1e-5, 0.05, True), "q": (0.3, 3000, True), "beta": (0.0, 2.5, False), "drain_s": (0.1, 0.5, True),
        "margin": (-0.7, 0.4, False), "foresee": (0.0, 1.0, False),
    }  # fmt: skip
    starts: ClassVar[Starts] = (BURSTS, CALM, BATCHES, THIN)

    def begin(self, like: Num = 0.0) -> OptoMemory:
        """Return the memory of who has seen nothing."""
        zero = zero_like(like)
        return OptoMemory(track_begin(like), zero, zero, zero, zero)

    def force(self, velocity: Num, acceleration: Num, ops: Ops) -> Num:
        """Return the bounded push in workers for a demand's velocity and acceleration."""
        rise = ops.maximum(velocity, 0.0)
        return ops.minimum(self.push * rise * rise * (1 + ops.clip(acceleration / 5.0, -1.0, 2.0)), self.push_most)

    def step(self, memory: OptoMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[OptoMemory, Num]:
        """Return (memory, wanted size)."""
        seen = track(memory.seen, sight, self.q, dt_s, ops)
        sharp = memory.acceleration + 0.3 * ((seen.v - memory.seen.v) / dt_s - memory.acceleration)
        waiting = foreseen(seen, sight, self.foresee, ops)
        target = set_point(seen.x, sight, self.beta, self.drain_s, ops, self.margin, waiting)
        target = target + self.force(seen.v, sharp, ops)
        # An outside hand (a bound, a rate, another law before this one) moved the size: go on from there.
        moved = (memory.known < 1) | (abs(sight.size - memory.size) > 0.51)
        size = ops.where(moved, sight.size, memory.size)
        speed = ops.where(moved, 0.0, memory.speed)
        omega = ops.where(target > size, self.omega, self.omega * self.fall)
        parts, part_s = parts_of(dt_s)
        for _ in range(parts):
            pull = omega * omega * (target - size) - 2 * self.zeta * omega * (speed - self.cold * seen.v)
            speed = speed + part_s * pull
            size = size + part_s * speed
        size = ops.clip(size, sight.low, sight.high)
        return OptoMemory(seen, sharp, size, speed, full_like(size, 1.0)), size


class ParaMemory(NamedTuple):
    """Estimate, and the past that periods are looked for in."""

    seen: Track
    past: Any


@dataclass(frozen=True)
class Parametric(Foretold):
    """Coherent, and where a period is detected, fed forward by `ahead` actuation delays from `period.Past`.

    x̂(t + d) = w x̂ + (1 - w) x̄(t - P) + x̄(t + d - P) - x̄(t - P), x̄ the centred mean of past periods.
    """

    name: str = "parametric"
    space: ClassVar[Space] = {**Coherent.space, "ahead": (0.5, 2.0, False), "trust": (0.2, 0.9, False)}
    starts: ClassVar[Starts] = (WAVES, *Coherent.starts)

    def begin(self, like: Num = 0.0) -> ParaMemory:
        """Return the memory of who has seen nothing."""
        return ParaMemory(track_begin(like), period.Past(like))

    def step(self, memory: ParaMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[ParaMemory, Num]:
        """Return (memory, wanted size)."""
        seen = track(memory.seen, sight, self.q, dt_s, ops)
        past = memory.past
        past.add(sight.demand, dt_s)
        plain = seen.x + seen.v * self.lead * sight.delay_s
        known, now, then = past.recall(self.ahead * sight.delay_s / dt_s)
        led = self.trust * seen.x + (1 - self.trust) * now + (then - now)
        demand = ops.where(known, led, plain)
        target = set_point(demand, sight, self.beta, self.drain_s, ops, self.margin, foreseen(seen, sight, self.foresee, ops))
        return ParaMemory(seen, past), settle(target, sight, self.band, self.fall_s, dt_s, ops)
