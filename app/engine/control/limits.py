"""Laws for a contended plant, where more at once is slower: they set a concurrency limit, never follow demand.

Peers are ports of the rules of Netflix concurrency-limits (Apache-2.0; AIMDLimit, Gradient2Limit, VegasLimit). Extremum
seeking by a square dither and lock-in is the rule of .NET's hill climbing with a signal gate. `Fitted` learns how service
slows with the number in flight, after Gunther's universal scalability law: S(n) = S₀(1 + κ n(n - 1)), whose throughput
n / S(n) is largest at n* = √(1 / κ) (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4, with σ folded into κ).
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from app.engine.control.ops import Num, Ops, full_like, zero_like
from app.engine.control.physics import Space
from app.engine.control.sight import Sight


class RoundTrip(NamedTuple):
    """Long and least round trip in s, and the time since the least was renewed."""

    long_s: Num
    least_s: Num
    age_s: Num


def _begin(like: Num) -> RoundTrip:
    zero = zero_like(like)
    return RoundTrip(zero, zero, zero)


def _trip(memory: RoundTrip, sight: Sight, dt_s: float, ops: Ops) -> tuple[RoundTrip, Num]:
    known = memory.long_s > 0
    now = ops.where(sight.done > 0, sight.rtt_s, ops.where(known, memory.long_s, ops.maximum(sight.service_s, 1e-6)))
    now = ops.maximum(now, 1e-6)
    long_s = ops.where(known, memory.long_s + dt_s / (10.0 + dt_s) * (now - memory.long_s), now)
    renew = memory.age_s > 20.0
    least = ops.where(known & (renew < 1), ops.minimum(memory.least_s, now), now)
    return RoundTrip(long_s, least, ops.where(renew, 0.0, memory.age_s + dt_s)), now


@dataclass(frozen=True)
class GradientLimit:
    """L ← (1 - s) L + s (g L + q), g = clamp(tol × long / now, 0.5, 1); no growth while less than half is in flight."""

    tolerance: Num = 1.5
    headroom: Num = 4.0
    smooth: Num = 0.2
    name: str = "gradient2"
    space: ClassVar[Space] = {"tolerance": (1.0, 2.0, False), "headroom": (0.2, 6.0, True), "smooth": (0.05, 0.5, True)}

    def begin(self, like: Num = 0.0) -> RoundTrip:
        """Return an empty memory."""
        return _begin(like)

    def step(self, memory: RoundTrip, sight: Sight, dt_s: float, ops: Ops) -> tuple[RoundTrip, Num]:
        """Return (memory, wanted limit)."""
        memory, now = _trip(memory, sight, dt_s, ops)
        gradient = ops.clip(self.tolerance * memory.long_s / now, 0.5, 1.0)
        wanted = (1 - self.smooth) * sight.size + self.smooth * (gradient * sight.size + self.headroom)
        return memory, ops.where(sight.busy < sight.size / 2, ops.minimum(wanted, sight.size), wanted)


@dataclass(frozen=True)
class VegasLimit:
    """Queue estimate L(1 - least / now) kept between α = 3 log₁₀ L and β = 6 log₁₀ L, both scaled by `width`."""

    width: Num = 1.0
    name: str = "vegas"
    space: ClassVar[Space] = {"width": (0.2, 3.0, True)}

    def begin(self, like: Num = 0.0) -> RoundTrip:
        """Return an empty memory."""
        return _begin(like)

    def step(self, memory: RoundTrip, sight: Sight, dt_s: float, ops: Ops) -> tuple[RoundTrip, Num]:
        """Return (memory, wanted limit)."""
        memory, now = _trip(memory, sight, dt_s, ops)
        queued = sight.size * (1 - ops.minimum(memory.least_s / now, 1.0))
        scale = ops.log10(ops.maximum(sight.size, 2.0)) * self.width
        up = (queued < 3 * scale) & (sight.busy >= sight.size / 2)
        return memory, ops.where(up, sight.size + scale, ops.where(queued > 6 * scale, sight.size - scale, sight.size))


@dataclass(frozen=True)
class AimdLimit:
    """One more each turn while at least half is in flight, a tenth less when something timed out."""

    rise: Num = 1.0
    keep: Num = 0.9
    name: str = "aimd"
    space: ClassVar[Space] = {"rise": (0.1, 2.0, True), "keep": (0.5, 0.95, False)}

    def begin(self, like: Num = 0.0) -> None:
        """Return no memory."""
        del like

    def step(self, memory: None, sight: Sight, dt_s: float, ops: Ops) -> tuple[None, Num]:
        """Return the wanted limit."""
        del dt_s
        calm = ops.where(sight.busy >= sight.size / 2, sight.size + self.rise, sight.size)
        return memory, ops.where(sight.dropped > 0, sight.size * self.keep, calm)


class Dither(NamedTuple):
    """Base limit, turns into the half wave, its sign, throughput of this half and of the last, and its variation."""

    base: Num
    turns: Num
    sign: Num
    now: Num
    before: Num
    noise: Num


@dataclass(frozen=True)
class Extremum:
    """Square dither of `swing`; the base climbs where throughput rose with it, when that stands out of the noise."""

    swing: Num = 2.0
    gain: Num = 0.3
    half: Num = 8.0
    name: str = "extremum"
    space: ClassVar[Space] = {"swing": (0.5, 4.0, True), "gain": (0.05, 1.0, True), "half": (3, 20, True)}

    def begin(self, like: Num = 0.0) -> Dither:
        """Return an empty memory."""
        zero = zero_like(like)
        return Dither(zero, zero, full_like(like, 1.0), zero, full_like(like, -1.0), zero)

    def step(self, memory: Dither, sight: Sight, dt_s: float, ops: Ops) -> tuple[Dither, Num]:
        """Return (memory, wanted limit)."""
        del dt_s
        base = ops.where(memory.base > 0, memory.base, sight.size)
        now, turns = memory.now + sight.done, memory.turns + 1
        over = turns >= self.half
        change = (now - memory.before) * memory.sign
        known = over & (memory.before >= 0) & (sight.queue > 0)
        noise = ops.where(known, 0.8 * memory.noise + 0.2 * abs(change), memory.noise)
        climb = self.gain * ops.clip(change / ops.maximum(noise, 1.0), -2.0, 2.0)
        base = ops.clip(ops.where(known, base + climb, base), sight.low, sight.high)
        sign = ops.where(over, -memory.sign, memory.sign)
        memory = Dither(
            base, ops.where(over, 0.0, turns), sign, ops.where(over, 0.0, now), ops.where(over, now, memory.before), noise
        )
        return memory, base + sign * self.swing


class Slowdown(NamedTuple):
    """Forgetting sums of a weighted regression of service time on n(n - 1), the largest n of late, and the weights' squares."""

    w: Num
    x: Num
    y: Num
    xx: Num
    xy: Num
    yy: Num
    most: Num
    inflight: Num
    ww: Num


def slowdown_begin(like: Num) -> Slowdown:
    """Return empty sums."""
    zero = zero_like(like)
    return Slowdown(zero, zero, zero, zero, zero, zero, zero, zero, zero)


def slowdown(memory: Slowdown, sight: Sight, span_s: Num, dt_s: float, ops: Ops) -> Slowdown:
    """Return the sums after one more turn; the memory fades over `span_s`."""
    fade = 1 - dt_s / (span_s + dt_s)
    share = dt_s / (ops.maximum(sight.service_s, 1e-3) + dt_s)
    n = memory.inflight + share * (sight.busy - memory.inflight)
    w, x, y = sight.done, ops.maximum(n * (n - 1), 0.0), sight.rtt_s
    return Slowdown(
        fade * memory.w + w, fade * memory.x + w * x, fade * memory.y + w * y, fade * memory.xx + w * x * x,
        fade * memory.xy + w * x * y, fade * memory.yy + w * y * y, ops.maximum(fade * memory.most, n), n,
        fade * memory.ww + w * w,
    )  # fmt: skip


# Of the turns that tell something: neighbours meet nearly the same number in flight, so they count for less than one.
_OF_TURNS = 0.65


def independent(memory: Slowdown, ops: Ops) -> Num:
    """Return on how many independent means of service the sums rest: turns, weighted by their tasks (Kish, 1965), and fewer."""
    return _OF_TURNS * memory.w * memory.w / ops.maximum(memory.ww, 1e-9)


def optimum(memory: Slowdown, ops: Ops) -> tuple[Num, Num, Num]:
    """Return (n*, t value of the slope, slowdown at the largest n seen as a ratio); n* is huge without contention."""
    w = ops.maximum(memory.w, 1e-9)
    mean_x, mean_y = memory.x / w, memory.y / w
    sxx = ops.maximum(memory.xx / w - mean_x * mean_x, 1e-12)
    sxy = memory.xy / w - mean_x * mean_y
    syy = ops.maximum(memory.yy / w - mean_y * mean_y, 1e-18)
    slope = sxy / sxx
    base = ops.maximum(mean_y - slope * mean_x, 0.1 * mean_y) + 1e-12
    left = ops.maximum(syy - slope * sxy, 1e-18)
    t_value = slope / ops.sqrt(left / (sxx * ops.maximum(independent(memory, ops), 1.0)))
    n = ops.sqrt(base / ops.maximum(slope, 1e-12 * base + 1e-15))
    return n, t_value, 1 + slope * memory.most * memory.most / base


# A slope is believed from this t value on, and from as many tasks and independent means (fading): a few tell of a slowdown that
# is chance.
_SURE_T = 3.0
_SURE_TASKS = 100.0
SURE_MEANS = 10.0


@dataclass(frozen=True)
class Fitted:
    """The limit at `share` of the fitted n*; until the slowdown is sure it grows by `rise` each service time while tasks wait.

    What a size does to the service is seen a service time later, and later still where it slows: to grow by the turn went far
    past n* before the first slow task had ended.
    """

    share: Num = 0.95
    span_s: Num = 60.0
    rise: Num = 0.1
    name: str = "fitted"
    space: ClassVar[Space] = {"share": (0.7, 1.0, False), "span_s": (10.0, 120.0, True), "rise": (0.02, 0.3, True)}

    def begin(self, like: Num = 0.0) -> Slowdown:
        """Return empty sums."""
        return slowdown_begin(like)

    def step(self, memory: Slowdown, sight: Sight, dt_s: float, ops: Ops) -> tuple[Slowdown, Num]:
        """Return (memory, wanted limit)."""
        memory = slowdown(memory, sight, self.span_s, dt_s, ops)
        return memory, self.aim(memory, optimum(memory, ops), sight, dt_s, ops)

    def aim(self, memory: Slowdown, fit: tuple[Num, Num, Num], sight: Sight, dt_s: float, ops: Ops) -> Num:
        """Return the limit that `fit` (see `optimum`) calls for, approached within a second or so.

        Below n* once the slowdown is sure; until then it rises while tasks wait, and can pass n*.
        """
        best, t_value, _ = fit
        known = (t_value > _SURE_T) & (memory.w > _SURE_TASKS) & (independent(memory, ops) > SURE_MEANS)
        grown = sight.size * (1 + self.rise * dt_s / (ops.maximum(sight.service_s, 1e-3) + dt_s))
        probe = ops.where(sight.queue > 0, grown, sight.size)
        target = ops.where(known, ops.clip(self.share * best, sight.low, sight.high), ops.minimum(probe, sight.high))
        pace = dt_s / (0.5 + dt_s)
        return ops.where(known, sight.size + pace * (target - sight.size), target)
