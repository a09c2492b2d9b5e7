"""Demand from noisy counts: position, velocity and acceleration of a filtered signal.

A Poisson count makes the raw demand x = arrivals × service time jump by √(x S / dt), so its rates are taken from
filtered values, never from raw ones. Each filter is first order with the exact gain 1 - exp(-dt / tau).
"""

import math
from typing import NamedTuple


class Motion(NamedTuple):
    """Position in workers (Erlang), velocity in workers/s, acceleration in workers/s²."""

    position: float = 0.0
    velocity: float = 0.0
    acceleration: float = 0.0
    known: bool = False


def share_of(dt_s: float, tau_s: float) -> float:
    """Return how much of a new value a first-order filter takes after `dt_s` seconds; all of it without a time constant."""
    return 1 - math.exp(-dt_s / tau_s) if tau_s > 0 else 1.0


def follow(motion: Motion, raw: float, dt_s: float, tau_s: float) -> Motion:
    """Return the motion after `dt_s` > 0 seconds with the raw demand `raw`; the first value is taken as it is."""
    before, speed, rate, known = motion
    if not known:
        return Motion(raw, 0.0, 0.0, True)
    share = share_of(dt_s, tau_s)
    position = before + share * (raw - before)
    velocity = speed + share * ((position - before) / dt_s - speed)
    return Motion(position, velocity, rate + share * ((velocity - speed) / dt_s - rate), True)
