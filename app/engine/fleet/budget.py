"""The bytes a link may carry: token buckets, one per node and one per site, that a transfer asks before each piece."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from app.engine.base.clock import Clock

Pace: TypeAlias = Callable[[int], Awaitable[None]]
_BURST_S: Final = 1.0


class Bucket:
    """A token bucket of `bytes_s` per second that holds a second's worth; what is larger runs it into debt."""

    def __init__(self, bytes_s: float) -> None:
        self.bytes_s = bytes_s
        self._left = bytes_s * _BURST_S
        self._at_s: float | None = None

    def take(self, count: int, now_s: float) -> float:
        """Take `count` bytes now; return the seconds to wait before they may be sent."""
        if self._at_s is not None:
            self._left = min(self._left + (now_s - self._at_s) * self.bytes_s, self.bytes_s * _BURST_S)
        self._at_s = now_s
        self._left -= count
        return max(0.0, -self._left / self.bytes_s)


class Budgets:
    """The buckets of all links; a link without a limit has none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def pace(self, limits: Sequence[tuple[str, str, int]]) -> Pace:
        """Return what waits until every bucket of `limits`, as (kind, name, bytes per second), lets a piece through."""
        mine = [self._bucket(kind, name, bytes_s) for kind, name, bytes_s in limits if bytes_s > 0]

        async def wait(count: int) -> None:
            delay_s = max((bucket.take(count, self._clock.monotonic_s()) for bucket in mine), default=0.0)
            if delay_s:
                await asyncio.sleep(delay_s)

        return wait

    def _bucket(self, kind: str, name: str, bytes_s: int) -> Bucket:
        found = self._buckets.get((kind, name))
        if found is None or found.bytes_s != bytes_s:
            found = self._buckets[kind, name] = Bucket(bytes_s)
        return found
