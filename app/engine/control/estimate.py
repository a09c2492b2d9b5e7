"""Demand from noisy counts: position, velocity and acceleration of a filtered signal.

A Poisson count makes the raw demand x = arrivals × service time jump by √(x S / dt), so its rates are taken from
filtered values, never from raw ones. Each filter is first order with the exact gain 1 - exp(-dt / tau).
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Motion:
    """Position in workers (Erlang), velocity in workers/s, acceleration in workers/s²."""

    position: float = 0.0
    velocity: float = 0.0
    acceleration: float = 0.0
    known: bool = False


def blend(before: float, now: float, dt_s: float, tau_s: float) -> float:
    """Return the first-order filter's next value, `dt_s` after `before`, for the input `now`."""
    if tau_s <= 0:
        return now
    return before + (1 - math.exp(-dt_s / tau_s)) * (now - before)


def follow(motion: Motion, raw: float, dt_s: float, tau_s: float) -> Motion:
    """Return the motion after `dt_s` > 0 seconds with the raw demand `raw`; the first value is taken as it is."""
    if not motion.known:
        return Motion(raw, known=True)
    position = blend(motion.position, raw, dt_s, tau_s)
    velocity = blend(motion.velocity, (position - motion.position) / dt_s, dt_s, tau_s)
    acceleration = blend(motion.acceleration, (velocity - motion.velocity) / dt_s, dt_s, tau_s)
    return Motion(position, velocity, acceleration, known=True)
