"""Dense samples: ring buffers with a min/max pyramid, so that a plot of a million points costs a few thousand.

Times are float seconds since 1970, values float64. A NaN marks a gap and is never averaged away.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FAN = 16
_FIRST = 64


class Ring:
    """The last `capacity` samples of one series, with minima and maxima of every block of 16, 256, 4096 and so on."""

    def __init__(self, capacity: int = 4096) -> None:
        if capacity < _FAN:
            raise ValueError("a ring holds at least 16 samples")
        self.capacity = -(-capacity // _FAN) * _FAN
        self.count = 0
        self._drawn = 0  # so many of the samples are in the pyramid, which is made when somebody looks
        self._t = np.full(min(_FIRST, self.capacity), np.nan)
        self._v = np.full(min(_FIRST, self.capacity), np.nan)
        self._low: list[Floats] = []
        self._high: list[Floats] = []

    def __len__(self) -> int:
        return min(self.count, self.capacity)

    def push(self, t_s: float, value: float) -> None:
        """Add one sample; times must not run backwards by more than the caller can bear to see drawn."""
        at = self.count % self.capacity
        if at >= len(self._t):
            self._grow(at + 1)
        self._t[at], self._v[at] = t_s, value
        self.count += 1

    def extend(self, times_s: Floats, values: Floats) -> None:
        """Add many samples at once; both arrays have shape (n,)."""
        times_s, values = np.asarray(times_s, float)[-self.capacity :], np.asarray(values, float)[-self.capacity :]
        done = 0
        while done < len(values):
            at = self.count % self.capacity
            step = min(len(values) - done, self.capacity - at)
            if at + step > len(self._t):
                self._grow(at + step)
            self._t[at : at + step] = times_s[done : done + step]
            self._v[at : at + step] = values[done : done + step]
            self.count += step
            done += step

    def last(self) -> tuple[float, float] | None:
        """Return the newest (time, value), or None when empty."""
        if not self.count:
            return None
        at = (self.count - 1) % self.capacity
        return float(self._t[at]), float(self._v[at])

    def tail(self, most: int = 0) -> tuple[Floats, Floats]:
        """Return copies of the newest `most` samples (0: all), oldest first."""
        have = len(self)
        take = have if most <= 0 else min(most, have)
        index = np.arange(self.count - take, self.count) % self.capacity
        return self._t[index], self._v[index]

    def envelope(self, most_points: int) -> tuple[Floats, Floats]:
        """Return at most about `most_points` (time, value) pairs that keep every minimum and maximum."""
        return self._thinned(self.count - len(self), self.count, most_points)

    def between(self, first_s: float, last_s: float, most_points: int) -> tuple[Floats, Floats]:
        """Return at most about `most_points` pairs from `first_s` to `last_s`, extremes kept, one neighbour at each side.

        Costs the points that are returned, not the samples that are held.
        """
        oldest = self.count - len(self)
        return self._thinned(max(oldest, self._find(first_s) - 1), min(self.count, self._find(last_s) + 1), most_points)

    def nearest(self, t_s: float) -> tuple[float, float] | None:
        """Return the sample (time, value) nearest to `t_s`, or None when empty."""
        if not self.count:
            return None
        at = self._find(t_s)
        around = [one for one in (at - 1, at) if self.count - len(self) <= one < self.count]
        best = min(around, key=lambda one: abs(float(self._t[one % self.capacity]) - t_s))
        return float(self._t[best % self.capacity]), float(self._v[best % self.capacity])

    def _find(self, t_s: float) -> int:
        """Return the number of the first sample at or after `t_s`, counted since the ring was made."""
        oldest, turn = self.count - len(self), self.count - self.count % self.capacity
        if oldest < turn:  # the ring has wrapped: the older part stands behind the newer one
            older = self._t[self.count % self.capacity :]
            at = int(np.searchsorted(older, t_s))
            if at < len(older):
                return oldest + at
        return turn + int(np.searchsorted(self._t[: self.count % self.capacity], t_s))

    def _thinned(self, first: int, last: int, most_points: int) -> tuple[Floats, Floats]:
        """Return the samples numbered from `first` to below `last`, as blocks of minimum and maximum where they are many."""
        have = last - first
        if have > most_points:
            self._draw()
        level = -1
        while level + 1 < len(self._low) and have / _FAN ** (level + 1) > 2 * most_points:
            level += 1
        block = _FAN ** (level + 1)
        if have <= most_points or not self._low:
            index = np.arange(first, last) % self.capacity
            return self._t[index], self._v[index]
        begin, end = -(-first // block), last // block
        join = max(1, -(-2 * (end - begin) // most_points))
        end -= (end - begin) % join
        index = np.arange(begin, end) % (self.capacity // block)
        low, high = (self._v, self._v) if level < 0 else (self._low[level], self._high[level])
        least, most = (one[index].reshape(-1, join) for one in (low, high))
        head, tail = (np.arange(*part) % self.capacity for part in ((first, begin * block), (end * block, last)))
        times = np.repeat(self._t[(np.arange(begin, end, join) * block) % self.capacity], 2)
        pairs = np.column_stack([np.fmin.reduce(least, axis=1), np.fmax.reduce(most, axis=1)]).ravel()
        return (
            np.concatenate([self._t[head], times, self._t[tail]]),
            np.concatenate([self._v[head], pairs, self._v[tail]]),
        )

    def _grow(self, need: int) -> None:
        """Make room for `need` samples: few series are ever full."""
        size = min(self.capacity, max(-(-need // _FAN) * _FAN, 2 * len(self._t)))
        for name in ("_t", "_v"):
            room, held = np.full(size, np.nan), getattr(self, name)
            room[: len(held)] = held
            setattr(self, name, room)

    def _draw(self) -> None:
        """Bring what came since the last look into the pyramid."""
        if not self._low:
            self._lay()
        fresh = min(self.count - self._drawn, self.capacity)
        self._drawn = self.count
        if fresh <= 0:
            return
        first, last = (self.count - fresh) % self.capacity, (self.count - 1) % self.capacity
        if first <= last:
            self._refresh(first, last)
        else:
            self._refresh(first, self.capacity - 1)
            self._refresh(0, last)

    def _lay(self) -> None:
        size = self.capacity // _FAN
        while size >= _FAN:
            self._low.append(np.full(size, np.nan))
            self._high.append(np.full(size, np.nan))
            if size % _FAN:
                break  # a level above would not turn over together with this one
            size //= _FAN

    def _refresh(self, first: int, last: int) -> None:
        source_low = source_high = self._v
        for low, high in zip(self._low, self._high, strict=True):
            first, last = first // _FAN, min(last // _FAN, len(low) - 1)
            if first > last:
                return
            cut = slice(first * _FAN, (last + 1) * _FAN)
            with np.errstate(invalid="ignore"):
                low[first : last + 1] = np.fmin.reduce(source_low[cut].reshape(-1, _FAN), axis=1)
                high[first : last + 1] = np.fmax.reduce(source_high[cut].reshape(-1, _FAN), axis=1)
            source_low, source_high = low, high


class Samples:
    """The sample lane: rings by (subject, metric), where a subject is a node, a job or a controller id."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._rings: dict[tuple[str, str], Ring] = {}

    def push(self, subject: str, metric: str, t_s: float, value: float) -> None:
        """Add one sample of `metric` (its unit in its name) for `subject`."""
        self.ring(subject, metric).push(t_s, value)

    def ring(self, subject: str, metric: str) -> Ring:
        """Return the ring of one series, made on first use."""
        key = (subject, metric)
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = Ring(self._capacity)
        return ring

    def metrics(self, subject: str) -> Iterator[str]:
        """Yield the metrics that have samples for `subject`."""
        return (metric for who, metric in tuple(self._rings) if who == subject)

    def forget(self, subject: str) -> None:
        """Drop every series of `subject`."""
        for key in [key for key in self._rings if key[0] == subject]:
            del self._rings[key]
