"""Load to test a controller with: arrivals that come in bursts, and service times, both from a seed.

The arrivals are a Poisson process switched between two rates by a two-state Markov chain (Fischer and Meier-Hellstern,
"The Markov-modulated Poisson process cookbook", Performance Evaluation 18, 1993).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bursts:
    """Base rate in 1/s, how many times that rate holds inside a burst, and mean lengths of bursts and gaps in s."""

    rate_hz: float = 200.0
    factor: float = 3.0
    burst_s: float = 0.8
    gap_s: float = 2.0

    def __post_init__(self) -> None:
        if not (self.rate_hz > 0 and self.factor >= 1 and self.burst_s > 0 and self.gap_s > 0):
            raise BadInput("Bursts need rates and lengths above 0 and a factor of at least 1")

    @property
    def mean_hz(self) -> float:
        """Return the long-run arrival rate in 1/s."""
        share = self.burst_s / (self.burst_s + self.gap_s)
        return self.rate_hz * (1 + share * (self.factor - 1))


def arrivals(bursts: Bursts, seconds: float, seed: int) -> Floats:
    """Return the ascending arrival times in [0, `seconds`), float64 (n,); equal seeds give equal times."""
    random = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    share = bursts.burst_s / (bursts.burst_s + bursts.gap_s)
    inside = bool(random.random() < share)
    parts: list[Floats] = []
    at = 0.0
    while at < seconds:
        length = float(random.exponential(bursts.burst_s if inside else bursts.gap_s))
        end = min(at + length, seconds)
        rate = bursts.rate_hz * (bursts.factor if inside else 1.0)
        count = int(random.poisson(rate * (end - at)))
        parts.append(np.sort(random.uniform(at, end, count)))
        at, inside = at + length, not inside
    return np.concatenate(parts) if parts else np.empty(0)


def services(count: int, mean_s: float, seed: int) -> Floats:
    """Return `count` exponential service times with mean `mean_s`, float64 (count,)."""
    random = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    return random.exponential(mean_s, count)


def dispersion(times_s: Floats, seconds: float, window_s: float) -> float:
    """Return the index of dispersion of counts, variance over mean in windows: 1 for Poisson, more for bursts."""
    counts, _ = np.histogram(times_s, bins=max(2, int(seconds / window_s)), range=(0.0, seconds))
    mean = float(counts.mean())
    return float(counts.var(ddof=1)) / mean if mean else 0.0
