"""A hybrid logical clock in one whole number: microseconds that never stand still nor run backwards.

After Kulkarni, Demirbas, Madeppa, Avva, Leone, "Logical Physical Clocks" (2014). Its counter is folded into the microseconds:
where the wall has not moved, the clock goes on by one, so a stamp is at most as far ahead of the wall as there were writes in
that microsecond. A stamp is (hlc, replica); replicas break ties, so that stamps of different replicas are never equal.
"""

from typing import Final, TypeAlias

from app.engine.base.errors import Conflict

Stamp: TypeAlias = tuple[int, str]

ZERO: Final[Stamp] = (0, "")
DRIFT_US: Final = 300_000_000  # as far ahead of the hub as a stamp may be


def tick(last: int, now_us: int) -> int:
    """Return the clock of an event here: later than everything seen, and the wall's time where that is later."""
    return max(last + 1, now_us)


def observe(last: int, stamp: int, now_us: int, drift_us: int = DRIFT_US) -> int:
    """Return the clock after seeing `stamp`; raise `Conflict` when that is further ahead of the wall than `drift_us`."""
    if stamp > now_us + drift_us:
        raise Conflict(
            "A write is stamped {ahead_s} s ahead of this clock", ahead_s=round((stamp - now_us) / 1e6), field="hlc",
            hint="Set the clock of the device that wrote it; it then stamps anew what it has not handed over yet.",
        )  # fmt: skip
    return max(last, stamp)
