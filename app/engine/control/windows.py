"""What one recording can tell: a block bootstrap over windows of the part that is reported.

However often a recording is turned round, it is one sample: the loads of a trial then differ in service times only, and an
interval over them tells nothing of another day. So the figures of all loads are gathered by where they stand in the recording,
in windows twice as long as its rate remembers, and windows are drawn anew, two neighbours at a time and round the end (Politis
and Romano, "A circular block-resampling procedure for stationary data", 1992). J is made anew of each drawing; the interval is
Student's, for half as many degrees of freedom as there are windows. Of fewer than eight windows there is no interval.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.control import stats
from app.engine.control.loads import TEST, Load, half_of

Floats = NDArray[np.float64]
LEAST: Final = 8
_SHORTEST_S: Final = 2.0
_GRID: Final = 400
_DRAWS: Final = 2000
# Three standard errors of a correlation that is none.
_NONE: Final = 3 / math.sqrt(_GRID)
# Waits are kept by their logarithm, to a three-hundredth.
_BINS: Final = 4096
_FIRST_S, _LAST_S = 1e-4, 1e3
_STEP: Final = math.log(_LAST_S / _FIRST_S) / _BINS
# Beside the waits: shed, paid worker seconds, offered worker seconds.
SHED, PAID, OFFERED = range(_BINS, _BINS + 3)
WIDE: Final = _BINS + 3


def memory_s(arrivals_s: Floats, span_s: float) -> float:
    """Return for how long the rate of `arrivals_s` within `span_s` remembers: its correlation, summed up to its first zero."""
    counts, _ = np.histogram(arrivals_s, _GRID, (0.0, span_s))
    centred = counts - counts.mean()
    spread = float(centred @ centred)
    if spread <= 0:
        return 0.0
    correlation = np.correlate(centred, centred, "full")[_GRID:] / spread
    # Chance alone (a Poisson count) is all at lag 0: what counts is relative to the first lag.
    if correlation[0] <= _NONE:
        return 0.0
    below = np.flatnonzero(correlation <= 0)
    until = int(below[0]) if len(below) else len(correlation)
    return span_s / _GRID * (0.5 + float(correlation[:until].sum() / correlation[0]))


def count_of(load: Load) -> int:
    """Return how many windows the reported half of a trace has, 0 where it is too short for an interval or is no trace."""
    if load.name != "trace":
        return 0
    kept, span_s = half_of(load, TEST)
    count = int(span_s / max(_SHORTEST_S, 2 * memory_s(kept, span_s)))
    return count if count >= LEAST else 0


def gather(places: NDArray[np.int64], count: int, latency_s: Floats, services_s: Floats) -> Floats:
    """Return (count, WIDE): the waits of tasks (negative: shed) by the windows in `places`, with what they needed."""
    told = np.zeros((count, WIDE))
    served = latency_s >= 0
    bins = np.log(np.maximum(latency_s[served], _FIRST_S) / _FIRST_S) / _STEP
    np.add.at(told, (places[served], np.minimum(bins.astype(np.int64), _BINS - 1)), 1.0)
    np.add.at(told[:, SHED], places[~served], 1.0)
    np.add.at(told[:, OFFERED], places, services_s)
    return told


def costs(told: Floats, shares: Floats, *, service_s: float, weight: float, shed_price: float) -> Floats:
    """Return J (draws,) of windows `told` (windows, WIDE) taken `shares` (draws, windows) times; see `simulate`."""
    out = np.empty(len(shares))
    for begin in range(0, len(shares), 250):
        sums = shares[begin : begin + 250] @ told
        running = np.cumsum(sums[:, :_BINS], axis=1)
        served = running[:, -1]
        place = (running >= 0.99 * served[:, None]).argmax(axis=1)
        slow = weight * _FIRST_S * np.exp((place + 0.5) * _STEP) / (math.log(100) * service_s)
        shed = sums[:, SHED] / np.maximum(served + sums[:, SHED], 1.0)
        paid = sums[:, PAID] / np.maximum(sums[:, OFFERED], 1e-9)
        out[begin : begin + 250] = slow + (shed_price * shed if shed_price else paid)
    return out


def drawn(count: int, seed: int, draws: int = _DRAWS) -> Floats:
    """Return (draws + 1, count): how often each window is taken; the first takes each once."""
    random = np.random.default_rng(np.random.SeedSequence([seed, 97]))
    starts = random.integers(0, count, (draws, (count + 1) // 2))
    taken = np.stack([starts, (starts + 1) % count], axis=2).reshape(draws, -1)[:, :count]
    shares = np.zeros((draws + 1, count))
    shares[0] = 1.0
    np.add.at(shares, (np.arange(1, draws + 1)[:, None], taken), 1.0)
    return shares


def judged(effects: list[stats.Effect], costs: Mapping[str, Floats], model: str, count: int) -> list[stats.Effect]:
    """Return `effects` as they are, with intervals and p values of the drawings: J (draws + 1,) by name.

    Without windows there are neither: what is too short tells an effect and nothing of its chance.
    """
    if not count:
        return [replace(one, low=None, high=None, p=None, p_holm=None) for one in effects]
    pairs = (count + 1) // 2
    spreads = [float((1 - costs[model] / costs[one.against])[1:].std()) * math.sqrt(pairs / (pairs - 1)) for one in effects]
    return stats.by_spread(effects, spreads, pairs - 1)
