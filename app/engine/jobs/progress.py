"""Progress at most so many times a second: what comes faster is merged, nothing of it is lost, the last one is sent."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

EVERY_S: Final = 0.05


class Throttle:
    """Holds news until the next may be told; not thread-safe, the clock (monotonic seconds) is handed in."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self.every_s = every_s
        self._held: dict[str, Any] | None = None
        self._next_s = float("-inf")

    def add(
        self,
        done: float,
        total: float,
        unit: str = "",
        partial: Mapping[str, Any] | None = None,
        samples: Mapping[str, Iterable[tuple[float, float]]] | None = None,
    ) -> None:
        """Take one report: counts replace, partial results merge, samples pile up."""
        held = self._held or {"partial": {}, "samples": {}}
        held.update(done=float(done), total=float(total), unit=unit)
        held["partial"].update(partial or {})
        for metric, points in (samples or {}).items():
            held["samples"].setdefault(metric, []).extend([float(t_s), float(value)] for t_s, value in points)
        self._held = held

    def wait_s(self, now_s: float) -> float | None:
        """Return how long what is held must still wait (0: tell it now), or None when nothing is held."""
        return None if self._held is None else max(0.0, self._next_s - now_s)

    def take(self, now_s: float) -> dict[str, Any] | None:
        """Return what is held, and count it as told at `now_s`; None when nothing is held."""
        held, self._held = self._held, None
        if held is not None:
            self._next_s = now_s + self.every_s
        return held
