"""Work that runs on the loop itself, reported like a worker's: at most 20 times a second, the last one always."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from app.engine.base.clock import Clock
from app.engine.base.contracts import Report
from app.engine.jobs.progress import Throttle
from app.engine.jobs.worker import finite

Work: TypeAlias = Callable[[Report], Awaitable[dict[str, Any]]]


class LocalReport:
    """A `report(done, total, unit, partial, samples)` for a coroutine; `close` tells what is still held."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], clock: Clock) -> None:
        self._tell, self._clock = tell, clock
        self._throttle = Throttle()
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:
        """Tell how far the work is; cheap to call often."""
        self._throttle.add(done, total, unit, partial, samples)
        wait_s = self._throttle.wait_s(self._clock.monotonic_s())
        if not wait_s:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._flush)

    def close(self) -> None:
        """Tell what is held and be silent from now on."""
        self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held = self._throttle.take(self._clock.monotonic_s())
        if held is not None:
            self._tell({**held, "partial": _finite(held["partial"])})


def _finite(partial: Any) -> Any:
    """Return `partial` with null in the place of numbers that are not finite: mostly itself, and C finds that out sooner."""
    try:
        json.dumps(partial, allow_nan=False)
    except (TypeError, ValueError):
        return finite(partial)
    return partial
