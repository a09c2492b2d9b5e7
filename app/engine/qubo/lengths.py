"""How long the next anneal is: twice as long as the longest, and at the end what still fits; and when replica exchange runs.

Doubling costs at most twice the anneal that was needed, whatever length that is (the argument of Luby, Sinclair, Zuckerman
1993, "Optimal speedup of Las Vegas algorithms"). Before that come two short ones: on easy problems one of them often is all
that was needed, on others they are a small part. Short anneals find good answers soon, exchange finds better ones late
(figures: `benchmarks/qubo_exchange.py`); so once anneals are long, both get the same number of sweeps, and later exchange more.
"""

from collections.abc import Sequence
from typing import NamedTuple

SHORT_SWEEPS = 192
_SHORT = 2
FIRST_SWEEPS = 256
_GROWTH = 2
# Anneals longer than this find less than several of this length.
MOST_SWEEPS = 400_000
# From this length of the longest anneal on, exchange gets its share.
SHARED_SWEEPS = 4096
# From this length on it gets three sweeps for each of theirs: what short anneals have not found, longer ones seldom find.
LED_SWEEPS = 4 * SHARED_SWEEPS
_LEAD = 3
# Exchange is asked to end between its looks only, so on problems where one takes longer it does not run.
_MOST_LOOK_S = 0.3


class Length(NamedTuple):
    """An anneal: the sweeps its cooling is made for, after how many it ended, and whether it was joined with the elite.

    With `traded`, a stretch of replica exchange: its looks as planned, and as made.
    """

    sweeps: int
    stop: int
    joined: bool = True
    traded: bool = False


def next_length(before: Sequence[Length], sweep_s: float, left_s: float) -> Length:
    """Return the next anneal; one that would not fit is shortened, and when little would be left after it, it takes all."""
    known = longest(before)
    wanted = min(known * _GROWTH if known >= FIRST_SWEEPS else FIRST_SWEEPS, MOST_SWEEPS)
    if sum(not one.traded for one in before) < _SHORT and known <= SHORT_SWEEPS:
        wanted = SHORT_SWEEPS
    if sweep_s > 0:
        fits = max(1, int(left_s / sweep_s))
        if fits < 1.5 * wanted:
            wanted = min(fits, MOST_SWEEPS)
    return Length(wanted, wanted)


def longest(before: Sequence[Length]) -> int:
    """Return the sweeps of the longest anneal, 0 before the first."""
    return max((one.sweeps for one in before if not one.traded), default=0)


def looks_due(before: Sequence[Length], sweep_s: float, look_sweeps: int) -> int:
    """Return how many looks (of `look_sweeps` sweeps each) exchange lags behind the anneals; 0 while it is not its time."""
    if longest(before) < SHARED_SWEEPS or sweep_s * look_sweeps > _MOST_LOOK_S:
        return 0
    lead = _LEAD if longest(before) >= LED_SWEEPS else 1
    annealed = lead * sum(one.stop for one in before if not one.traded)
    return max(0, annealed // look_sweeps - sum(one.stop for one in before if one.traded))
