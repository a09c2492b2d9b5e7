"""The allowance of one model on its node, kept: a share of one core over a window, and memory when it is loaded."""

from collections import deque
from typing import Final

from app.agent.manifest import Allowance
from app.engine.base.errors import Limit

WINDOW_S: Final = 5.0
_SLOT_S: Final = 0.05  # what is spent within it is kept as one entry, so that no rate of requests makes the record long


class CpuBudget:
    """How much of one core a model used in the last seconds; a request beyond its share is refused until that is past."""

    def __init__(self) -> None:
        self._spent: deque[tuple[float, float]] = deque()
        self._sum_s = 0.0

    def check(self, name: str, allowance: Allowance, now_s: float) -> None:
        """Raise `Limit` when the model has used up its share of the window that ends now."""
        if allowance.cpu_ratio is None:
            return
        self._forget(now_s)
        if self._sum_s >= allowance.cpu_ratio * WINDOW_S:
            raise Limit(
                "The model {name} has used its {ratio} of a core", name=name, ratio=allowance.cpu_ratio,
                hint="Ask less often, or allow it more.",
            )  # fmt: skip

    def spend(self, seconds: float, now_s: float) -> None:
        """Count `seconds` of work that ended now."""
        self._forget(now_s)
        if self._spent and now_s - self._spent[-1][0] < _SLOT_S:
            began_s, before_s = self._spent[-1]
            self._spent[-1] = (began_s, before_s + seconds)
        else:
            self._spent.append((now_s, seconds))
        self._sum_s += seconds

    def _forget(self, now_s: float) -> None:
        while self._spent and self._spent[0][0] <= now_s - WINDOW_S:
            self._sum_s -= self._spent.popleft()[1]
        if not self._spent:
            self._sum_s = 0.0  # what rounding left over


def check_memory(name: str, allowance: Allowance, grown_bytes: int) -> None:
    """Raise `Limit` when loading and trying the model took more memory than it may use."""
    if allowance.memory_bytes is not None and grown_bytes > allowance.memory_bytes:
        raise Limit(
            "The model {name} needs {grown} bytes, allowed are {most}", name=name, grown=grown_bytes,
            most=allowance.memory_bytes, field="limits",
        )  # fmt: skip
