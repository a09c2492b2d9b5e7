"""Time handed in: integer UTC microseconds for records, monotonic seconds for deadlines."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a service asks for the time."""

    def now_us(self) -> int:
        """Return UTC time as integer microseconds since 1970."""

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean anything."""


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        """Return UTC time as integer microseconds since 1970."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Return seconds on the system's monotonic clock."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told; for tests and replays."""

    def __init__(self, now_us: int = 1_700_000_000_000_000) -> None:
        self._start_us = self._now_us = now_us

    def now_us(self) -> int:
        """Return the time last set, in microseconds."""
        return self._now_us

    def monotonic_s(self) -> float:
        """Return the seconds this clock was advanced by since it was made."""
        return (self._now_us - self._start_us) / 1e6

    def advance(self, seconds: float) -> None:
        """Move time on by `seconds` (>= 0)."""
        if seconds < 0:
            raise ValueError("a clock does not run backwards")
        self._now_us += round(seconds * 1e6)


def iso_of(at_us: int) -> str:
    """Return ISO 8601 text in UTC with Z and milliseconds for `at_us` microseconds."""
    stamp = datetime.fromtimestamp(at_us / 1e6, UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
