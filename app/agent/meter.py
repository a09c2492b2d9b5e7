"""How inference goes, between two measurements: counts, errors, and latency in a histogram of 5 % wide buckets."""

import math
from dataclasses import dataclass
from typing import Final

_FLOOR_S: Final = 1e-6
_GROWTH: Final = math.log(1.05)
_BUCKETS: Final = 400  # up to about 300 s
_TOLD: Final = 5  # buckets told as one: 28 % wide


@dataclass(frozen=True)
class Interval:
    """What was seen since the last look; None where nothing was."""

    inference_count: int = 0
    latency_mean_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    error_ratio: float | None = None


class Meter:
    """Counts on the loop; `take` returns the interval's figures and begins the next."""

    def __init__(self) -> None:
        self.total_count = 0
        self._buckets: dict[int, int] = {}
        self._good = self._bad = 0
        self._sum_s = self._most_s = 0.0

    def good(self, seconds: float) -> None:
        """Count one inference that took `seconds`."""
        place = int(math.log(max(seconds, _FLOOR_S) / _FLOOR_S) / _GROWTH)
        place = min(place, _BUCKETS - 1)
        self._buckets[place] = self._buckets.get(place, 0) + 1
        self._good += 1
        self._sum_s += seconds
        self._most_s = max(self._most_s, seconds)
        self.total_count += 1

    def bad(self) -> None:
        """Count one inference that failed."""
        self._bad += 1

    def histogram(self) -> dict[str, int]:
        """Return how many took how long since the last `take`: {most microseconds: count}, 28 % wide, empty ones left out.

        The edges are the same everywhere and always, so that histograms of nodes and times can be added up.
        """
        told: dict[str, int] = {}
        for place in sorted(self._buckets):
            edge_us = round(1e6 * _FLOOR_S * math.exp((place // _TOLD + 1) * _TOLD * _GROWTH), 1)
            told[f"{edge_us:g}"] = told.get(f"{edge_us:g}", 0) + self._buckets[place]
        return told

    def take(self) -> Interval:
        """Return what was counted since the last call."""
        asked = self._good + self._bad
        if not asked:
            return Interval()
        ratio = self._bad / asked
        if not self._good:
            told = Interval(error_ratio=ratio)
        else:
            told = Interval(self._good, self._sum_s / self._good, self._quantile(0.5), self._quantile(0.99), ratio)
        self._begin()
        return told

    def _begin(self) -> None:
        self._buckets.clear()
        self._good = self._bad = 0
        self._sum_s = self._most_s = 0.0

    def _quantile(self, part: float) -> float:
        """Return the upper edge of the bucket that holds the quantile (nearest rank), at most the largest seen."""
        left = math.ceil(part * self._good)
        for place in sorted(self._buckets):
            left -= self._buckets[place]
            if left <= 0:
                return min(_FLOOR_S * math.exp((place + 1) * _GROWTH), self._most_s)
        return self._most_s
