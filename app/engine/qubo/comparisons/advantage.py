"""Is one solver better than others? Times to target, their intervals, and a verdict that may say it does not know.

A run either reached the target after `spent` or was censored at its budget. Restarting until the target is reached costs on
average sum(spent) / hits (the expected running time of Auger and Hansen 2005, "Performance evaluation of an advanced local
search evolutionary algorithm"); if waiting has no memory, the time for 99 % is ln(100) times that, which for short runs is
the field's t ln(0.01) / ln(1 - p) (Ronnow et al. 2014, "Defining and detecting quantum speedup"). Intervals are percentile
bootstraps over the runs (Efron 1979). The verdict is a one-sided comparison at 2.5 %; its false alarms and its power are
tests of this module.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Word = Literal["yes", "no", "undecided"]
LEVEL = 0.975
# Below so many runs a bootstrap is too narrow: with five, identical solvers got a "yes" in up to 8.5 % of trials.
FEWEST_RUNS = 15
_RESAMPLES = 1000
_LN100 = math.log(100)
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Times:
    """Runs of one solver: what each `spent` until the target or its end, and whether it `hit`; both (runs,)."""

    spent: NDArray[np.float64]
    hit: NDArray[np.bool_]

    @classmethod
    def of(cls, times: Sequence[float], budget: float, ended: Sequence[float] | None = None) -> "Times":
        """Return runs from times to target, infinite (or above `budget`) where it was not reached.

        A miss spent what `ended` tells of its run, the whole budget unless told.
        """
        array = np.asarray(times, np.float64)
        hit = array <= budget
        # A run of no measurable length still took something.
        missed = budget if ended is None else np.asarray(ended, np.float64)
        return cls(np.maximum(np.where(hit, array, missed), 1e-9), hit)

    @property
    def success_ratio(self) -> float:
        """Return the share of runs that reached the target."""
        return float(self.hit.mean())

    @property
    def ttt99(self) -> float:
        """Return the time for the target with 99 % probability, infinite when no run reached it."""
        return float(_ttt99(self.spent[None], self.hit[None])[0])

    @property
    def per_success(self) -> float:
        """Return what one success costs on average."""
        return self.ttt99 / _LN100


@dataclass(frozen=True)
class Verdict:
    """Whether the first solver is faster than all others, how sure that is, and how many times faster it is (peer / first)."""

    word: Word
    confidence: float
    factor: float
    low: float
    high: float


def _ttt99(spent: NDArray[np.float64], hit: NDArray[np.bool_]) -> NDArray[np.float64]:
    hits = hit.sum(-1)
    return np.where(hits > 0, _LN100 * spent.sum(-1) / np.maximum(hits, 1), np.inf)


def resampled(times: Times, rng: np.random.Generator, count: int = _RESAMPLES) -> NDArray[np.float64]:
    """Return the TTT99 (count,) of runs drawn again with replacement."""
    n = len(times.spent)
    picked = rng.integers(0, n, (count, n))
    return _ttt99(times.spent[picked], times.hit[picked])


def interval(times: Times, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of TTT99; an end is infinite when too few runs reached the target."""
    if len(times.spent) < 1:
        raise BadInput("An interval needs at least one run")
    drawn = np.sort(resampled(times, np.random.default_rng(np.random.SeedSequence(seed))))
    return float(drawn[int(0.025 * len(drawn))]), float(drawn[int(0.975 * len(drawn))])


def success_interval(hits: int, runs: int) -> tuple[float, float]:
    """Return the 95 % interval of a success probability (Wilson 1927)."""
    p, z2 = hits / runs, _Z95**2
    middle, half = p + z2 / (2 * runs), _Z95 * math.sqrt(p * (1 - p) / runs + z2 / (4 * runs**2))
    return max(0.0, (middle - half) / (1 + z2 / runs)), min(1.0, (middle + half) / (1 + z2 / runs))


def decide(first: Times, others: Sequence[Times], seed: int = 0) -> Verdict:
    """Say whether `first` reaches the target sooner than the best of `others`.

    "yes" when at least 97.5 % of resamples say so, "no" when at least 97.5 % say the opposite, else "undecided"; with fewer
    than `FEWEST_RUNS` of any it is always undecided, and as likely one as the other.
    """
    if not others:
        raise BadInput("A comparison needs at least two solvers")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    mine = resampled(first, rng)
    theirs = np.min([resampled(other, rng) for other in others], axis=0)
    share = float((mine < theirs).mean() + 0.5 * (mine == theirs).mean())
    factor = _ratio(np.array([min(other.ttt99 for other in others)]), np.array([first.ttt99]))[0]
    ratios = np.sort(_ratio(theirs, mine))
    low, high = float(ratios[int(0.025 * len(ratios))]), float(ratios[int(0.975 * len(ratios))])
    word: Word = "yes" if share >= LEVEL else "no" if share <= 1 - LEVEL else "undecided"
    if min(len(one.hit) for one in (first, *others)) < FEWEST_RUNS:
        word, share = "undecided", 0.5
    return Verdict(word, max(share, 1 - share), float(factor), low, high)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return above / below, 1 where neither is finite."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(above) & np.isinf(below), 1.0, above / below)


def too_few(result: Mapping[str, Any]) -> bool:
    """Tell whether a comparison's result is undecided for want of runs."""
    return bool(result["verdict"] == "undecided" and result.get("runs", FEWEST_RUNS) < FEWEST_RUNS)


def joined(views: Sequence[Verdict]) -> tuple[Word, float]:
    """Return the verdict of several views (wall time, cost): "yes" or "no" only when all say so."""
    words = {view.word for view in views}
    word: Word = words.pop() if len(words) == 1 else "undecided"
    return word, min(view.confidence for view in views)
