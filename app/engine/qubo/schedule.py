"""Annealing schedules: which temperatures, and how the time at hand is spent on rounds of growing length.

Temperatures scale with the root mean square of the coupling strength around a spin, which is the scale of local fields in a
disordered state; the two ratios were tuned on G22, G55, G32 and bqp1000_1 (see `benchmarks/qubo_sparse.py`).
"""

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.ising import Ising

_HOT_RATIO = 0.45
_COLD_RATIO = 0.03
_FIRST_SWEEPS = 64
_GROWTH = 4
# One round never takes longer than this: beyond it, fresh starts find more than a slower cooling.
_MOST_SWEEPS = 200_000


def half_temperatures(ising: Ising, sweeps: int) -> NDArray[np.float64]:
    """Return T/2 for each of `sweeps` sweeps, falling linearly, in the units of the scaled couplings."""
    scale = field_scale(ising)
    return np.linspace(_HOT_RATIO * scale, _COLD_RATIO * scale, max(sweeps, 1))


def field_scale(ising: Ising) -> float:
    """Return the root mean square local field of random spins; of the linear terms where nothing is coupled; never 0."""
    coupled = float(np.sqrt(np.square(ising.strength).sum() / ising.n))
    return coupled or float(np.sqrt(np.square(ising.h).mean())) or 1.0


def next_sweeps(previous: int, seconds_per_sweep: float, left_s: float) -> int:
    """Return the length of the next round, 0 when no time is left.

    Rounds grow fourfold; when what is left holds less than five times the next round, it is all spent on one.
    """
    fits = int(left_s / seconds_per_sweep) if seconds_per_sweep > 0 else _FIRST_SWEEPS
    if fits < 1:
        return 0
    wanted = previous * _GROWTH if previous else _FIRST_SWEEPS
    return min(fits if fits < wanted * (1 + _GROWTH) else wanted, _MOST_SWEEPS)


class Heat:
    """The temperatures of our annealer."""

    def __init__(self, ising: Ising) -> None:
        self._scale = field_scale(ising)
        degree = len(ising.strength) / ising.n
        self.hot, self.cold = (0.35, 0.05) if degree < 10 else (0.45, 0.03)

    def half_temperatures(self, sweeps: int) -> NDArray[np.float64]:
        """Return T/2 for each of `sweeps` sweeps."""
        return np.linspace(self.hot * self._scale, self.cold * self._scale, max(sweeps, 1))
