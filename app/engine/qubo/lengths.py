"""How long the next anneal is: twice as long as the longest, and at the end what still fits.

Doubling costs at most twice the anneal that was needed, whatever length that is (the argument of Luby, Sinclair, Zuckerman
1993, "Optimal speedup of Las Vegas algorithms").
"""

from collections.abc import Sequence
from typing import NamedTuple

FIRST_SWEEPS = 256
_GROWTH = 2
# Anneals longer than this find less than several of this length.
MOST_SWEEPS = 400_000


class Length(NamedTuple):
    """An anneal: the sweeps its cooling is made for, after how many it ended, and whether it was joined with the elite."""

    sweeps: int
    stop: int
    joined: bool = True


def next_length(before: Sequence[Length], sweep_s: float, left_s: float) -> Length:
    """Return the next anneal; one that would not fit is shortened, and when little would be left after it, it takes all."""
    wanted = min(max((one.sweeps for one in before), default=FIRST_SWEEPS // _GROWTH) * _GROWTH, MOST_SWEEPS)
    if sweep_s > 0:
        fits = max(1, int(left_s / sweep_s))
        if fits < 1.5 * wanted:
            wanted = min(fits, MOST_SWEEPS)
    return Length(wanted, wanted)
