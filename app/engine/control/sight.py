"""What a law sees of a resource at one turn, and the estimates that laws share.

Demand x = arrivals × service time / dt is in workers (Erlang). A Poisson count gives it the variance x S / dt, so a
Kalman filter of position and velocity knows its measurement noise (Bar-Shalom, Li and Kirubarajan, "Estimation with
Applications to Tracking and Navigation", 2001, section 6.2.2, white-noise acceleration).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from app.engine.control.ops import Num, Ops, full_like, zero_like


@dataclass
class Sight:
    """One turn's measurements, numbers or arrays (n,): sizes, demand, busy and queue in workers and tasks, times in s.

    `latency_s` (wait and service) and `rtt_s` (service alone) are means of the tasks that ended since the last turn, 0 when
    none did; `low` and `high` bound the size; `delay_s` is how long a growth takes to have effect.
    """

    demand: Num
    service_s: Num
    busy: Num
    queue: Num
    size: Num
    latency_s: Num
    rtt_s: Num
    done: Num
    dropped: Num
    low: Num
    high: Num
    delay_s: float = 0.0


_LEAST_DRAIN = 4 / math.pi


class Track(NamedTuple):
    """A Kalman estimate: position, velocity, the covariance's three figures; and the mean size over the last delay."""

    x: Num
    v: Num
    pxx: Num
    pxv: Num
    pvv: Num
    known: Num
    capacity: Num


def track_begin(like: Num) -> Track:
    """Return the estimate of who has seen nothing."""
    zero = zero_like(like)
    return Track(zero, zero, full_like(like, 100.0), zero, full_like(like, 100.0), zero, zero)


def track(before: Track, sight: Sight, q: Num, dt_s: float, ops: Ops) -> Track:
    """Return the estimate after one more measurement of demand; `q` is the drift of velocity in workers²/s³."""
    x, v, pxx, pxv, pvv, known, capacity = before
    fresh = known < 1
    x = ops.where(fresh, sight.demand, x + v * dt_s)
    pxx = pxx + 2 * pxv * dt_s + pvv * dt_s * dt_s + q * dt_s**3 / 3
    pxv = pxv + pvv * dt_s + q * dt_s * dt_s / 2
    pvv = pvv + q * dt_s
    noise = ops.maximum(x, 0.5) * ops.maximum(sight.service_s, 1e-6) / dt_s
    gain_x, gain_v = pxx / (pxx + noise), pxv / (pxx + noise)
    error = sight.demand - x
    share = dt_s / (sight.delay_s / 2 + dt_s)
    capacity = ops.where(fresh, sight.size, capacity + share * (sight.size - capacity))
    return Track(
        ops.maximum(x + gain_x * error, 0.0), v + gain_v * error,
        pxx * (1 - gain_x), pxv * (1 - gain_x), pvv - gain_v * pxv, known + 1, capacity,
    )  # fmt: skip


def set_point(  # noqa: PLR0917 - a formula's figures
    demand: Num, sight: Sight, beta: Num, drain_s: Num, ops: Ops, margin: Num = 0.0, queue: Num = None
) -> Num:
    """Return x + margin x + β√x plus the workers that empty the queue in `drain_s`, never so short that the loop rings.

    The queue drains with the pole -1/drain_s behind the delay d, stable for drain_s > 2 d / π; half that gain is the
    most allowed. The square root covers chance (Halfin and Whitt, 1981), the margin what is wrong in proportion.
    """
    drain_s = ops.maximum(drain_s, _LEAST_DRAIN * sight.delay_s)
    x = ops.maximum(demand, 0.0)
    waiting = sight.queue if queue is None else queue
    return x * (1 + margin) + beta * ops.sqrt(x) + waiting * sight.service_s / drain_s


def foreseen(seen: Track, sight: Sight, share: Num, ops: Ops) -> Num:
    """Return the queue one delay ahead, by `share`: what is on order already will have drained (Smith's predictor)."""
    coming = sight.delay_s * (seen.x - seen.capacity) / ops.maximum(sight.service_s, 1e-6)
    return sight.queue + share * (ops.maximum(sight.queue + coming, 0.0) - sight.queue)


def settle(  # noqa: PLR0917 - a formula's figures
    target: Num, sight: Sight, band: Num, fall_s: Num, dt_s: float, ops: Ops
) -> Num:
    """Return the next size: up at once when the target is half a band above, down over `fall_s` when it is two below.

    What is let go comes back only after the actuation delay, so the capacity in force is the least of the sizes asked for
    within it: noise costs on the way down, not on the way up. Nothing is let go while what waits is work for longer than
    that delay.
    """
    share = dt_s / (ops.maximum(fall_s, 0.0) + dt_s)
    idle = (target < sight.size - 2 * band) & (sight.queue * sight.service_s <= sight.size * sight.delay_s)
    lower = ops.where(idle, sight.size + share * (target - sight.size), sight.size)
    return ops.where(target > sight.size + band / 2, target, lower)
