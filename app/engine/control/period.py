"""Find the period of a load, and recall what the demand did one period ago.

The period is the argument of the largest unbiased autocorrelation after its first zero crossing, accepted above 0.4,
computed by the fast Fourier transform (Wiener and Khinchin; Box, Jenkins and Reinsel, "Time Series Analysis", chapter 2).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.control.ops import Num

Floats = NDArray[np.float64]
ACCEPT: Final = 0.4
LENGTH: Final = 600
_LEAST: Final = 80
_SMOOTH: Final = 3
_MOST_PERIODS: Final = 3


def periods(history: Floats, least_lag: int = 8) -> tuple[Floats, Floats]:
    """Return (period in steps, autocorrelation there) for each row of `history` (rows, steps); period 0 when none.

    Only lags up to half the length are looked at, so that at least two periods were seen.
    """
    rows, steps = history.shape
    centred = history - history.mean(axis=1, keepdims=True)
    size = 1 << (2 * steps - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    lags = steps // 2
    raw = np.fft.irfft(power, size, axis=1)[:, : lags + 1] / (steps - np.arange(lags + 1))
    level = np.where(raw[:, :1] > 1e-12, raw[:, :1], 1.0)
    rho = raw / level
    crossed = np.maximum.accumulate(rho < 0, axis=1)
    allowed = crossed & (np.arange(lags + 1) >= least_lag)
    scored = np.where(allowed, rho, -1.0)
    best = scored.argmax(axis=1)
    # The smallest lag nearly as good as the best is the period; its multiples are as good.
    near = scored >= (scored[np.arange(rows), best] * 0.85)[:, None]
    peak = near & (scored >= np.roll(scored, 1, axis=1)) & (scored >= np.roll(scored, -1, axis=1))
    first = np.where(peak.any(axis=1), peak.argmax(axis=1), best)
    value = scored[np.arange(rows), first]
    inside = (first > 0) & (first < lags) & (value > ACCEPT)
    return np.where(inside, first, 0).astype(float), np.where(first > 0, value, 0.0)


class Past:
    """The last `LENGTH` turns of demand as a running sum, for one controller or a bank of them; changed in place."""

    def __init__(self, like: Num) -> None:
        self.scalar = not np.ndim(like)
        self.rows = 1 if self.scalar else len(like)
        self._sum: Floats = np.zeros((self.rows, 2 * LENGTH))
        self._row, self._count = self._sum[0], 0
        self.period: Floats = np.zeros(self.rows)
        self.strength: Floats = np.zeros(self.rows)
        self._all, self.found = np.arange(self.rows), False

    def add(self, demand: Num, dt_s: float) -> None:
        """Note one more turn of `dt_s` seconds; periods are looked for anew every two seconds."""
        if self._count == 2 * LENGTH:
            kept = self._sum[:, LENGTH:] - self._sum[:, LENGTH - 1 : LENGTH]
            self._sum[:, :LENGTH] = kept
            self._count = LENGTH
        at = self._count
        if self.scalar:  # ten times quicker than columns of one row
            self._row[at] = (self._row.item(at - 1) if at else 0.0) + demand
        else:
            self._sum[:, at] = (self._sum[:, at - 1] if at else 0.0) + demand
        self._count += 1
        if self._count >= _LEAST and self._count % max(1, round(2.0 / dt_s)) == 0:
            self._look()

    def window(self) -> Floats:
        """Return the demand of the last turns, smoothed a little, shape (rows, at most `LENGTH`)."""
        count = min(self._count, LENGTH)
        total = self._sum[:, self._count - count : self._count]
        return (total[:, _SMOOTH:] - total[:, :-_SMOOTH]) / _SMOOTH

    def _look(self) -> None:
        self.period, self.strength = periods(self.window())
        self.found = bool(self.period.any())

    def recall(self, ahead: Num) -> tuple[Num, Num, Num]:
        """Return (whether a period is known, mean demand one period ago, and `ahead` turns after that)."""
        if not self.found:
            return (False, 0.0, 0.0) if self.scalar else (self.period > 0, 0.0, 0.0)
        lag = self.period
        now: Any = np.zeros(self.rows)
        then: Any = np.zeros(self.rows)
        count: Any = np.zeros(self.rows)
        for times in range(1, _MOST_PERIODS + 1):
            at = self._count - 1 - times * lag
            there = (lag > 0) & (at >= _SMOOTH + 1)
            now += np.where(there, self._mean(at), 0.0)
            then += np.where(there, self._mean(at + ahead), 0.0)
            count += there
        known, count = count > 0, np.maximum(count, 1)
        if self.scalar:
            return bool(known[0]), float(now[0] / count[0]), float(then[0] / count[0])
        return known, now / count, then / count

    def _mean(self, at: Floats) -> Floats:
        """Return the mean demand in the turns around `at`."""
        last = self._count - 1
        up = np.clip(at + _SMOOTH, 1, last).astype(int)
        down = np.clip(at - _SMOOTH - 1, 0, last - 1).astype(int)
        return np.asarray((self._sum[self._all, up] - self._sum[self._all, down]) / np.maximum(up - down, 1))
