"""A hub's own time: that of its clock, but never behind what it went by itself, which it handed on to consoles as the time.

Whoever went by a clock that was ahead has stamps of then: to a hub whose clock was set right they are of the future for as
long as it was ahead. Others' stamps have no part in it, or each could push it on by what a stamp may be ahead.
"""

from collections.abc import Sequence
from typing import Final

HOUR_US: Final = 3_600_000_000


def time_at(kept: Sequence[int], wall_us: int) -> int:
    """Return a hub's time where its clock reads `wall_us`; `kept` is what it was last, and what the clock read then.

    Behind that it goes at half the speed, an hour at once at most, until the clock has caught up.
    """
    last_us, read_us = kept
    passed_us = min(max(wall_us - read_us, 0), HOUR_US)
    return max(wall_us, last_us + passed_us // 2)
