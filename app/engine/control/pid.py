"""A PID controller in velocity (incremental) form, as a pure function of its memory.

    u_k = u_{k-1} + Kp (e_k - e_{k-1}) + Ki dt e_k - Kd (d_k - d_{k-1})

where e is set-point minus measurement and d the filtered rate of the measurement (Åström and Hägglund, "Advanced PID
Control", 2006, chapters 3 and 13). The caller hands back the output that was really applied: there is then no integral
that could wind up at a bound, and taking over from another controller makes no bump.
"""

import math
from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import BadInput


@dataclass(frozen=True)
class Gains:
    """Proportional gain, integral gain in 1/s, derivative gain in s, and the time constant of its filter in s."""

    kp: float
    ki: float
    kd: float = 0.0
    filter_s: float = 0.1

    def __post_init__(self) -> None:
        for name in ("kp", "ki", "kd", "filter_s"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise BadInput("{name} must be a number of at least 0, not {value}", field=name, name=name, value=value)


@dataclass(frozen=True)
class Memory:
    """What the controller remembers between ticks; a fresh one starts without a kick."""

    error: float | None = None
    measured: float | None = None
    rate: float = 0.0


def simc(gain: float, lag_s: float, delay_s: float, closed_s: float | None = None) -> Gains:
    """Return PI gains for a plant `gain` exp(-`delay_s` s) / (`lag_s` s + 1), by the SIMC rule.

    `closed_s` is the wanted closed-loop time constant, `delay_s` by default. Source: Skogestad, "Simple analytic rules
    for model reduction and PID controller tuning", J. Process Control 13 (2003), equations 23 and 24; a plant that
    is delay alone gets the pure integral controller.
    """
    if gain == 0 or lag_s < 0 or delay_s < 0 or lag_s + delay_s <= 0:
        raise BadInput("A plant needs a gain other than 0 and a lag or a delay", field="gain")
    horizon = (delay_s if closed_s is None else closed_s) + delay_s
    if horizon <= 0:
        raise BadInput("The closed loop needs a time constant above 0 s", field="closed_s")
    kp = lag_s / (gain * horizon)
    integral_s = min(lag_s, 4 * horizon)
    return Gains(kp, kp / integral_s if lag_s > 0 else 1 / (gain * horizon))


def step(
    gains: Gains, memory: Memory, set_point: float, measured: float, applied: float, *, dt_s: float
) -> tuple[Memory, float]:
    """Return (next memory, output) for one tick of `dt_s` > 0 seconds; `applied` is the output now in force."""
    error = set_point - measured
    before = error if memory.error is None else memory.error
    seen = measured if memory.measured is None else memory.measured
    share = dt_s / (gains.filter_s + dt_s)
    rate = memory.rate + share * ((measured - seen) / dt_s - memory.rate)
    move = gains.kp * (error - before) + gains.ki * dt_s * error - gains.kd * (rate - memory.rate)
    return Memory(error, measured, rate), applied + move


# One tick of delay and a plant of gain 1: closed-loop poles at 0.69 and -0.29 per tick of 0.1 s.
DEFAULT_GAINS: Final = Gains(kp=0.2, ki=4.0, kd=0.01, filter_s=0.1)
