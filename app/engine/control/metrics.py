"""Figures of a run: waits by percentile, and the size averaged over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.engine.control.records import Tick


def percentile_s(waits_s: ArrayLike, share: float) -> float:
    """Return the wait that `share` (0 to 1) of the tasks did not exceed; 0 when there were none."""
    values = np.asarray(waits_s, float)
    return float(np.quantile(values, share, method="higher")) if values.size else 0.0


def mean_over_time(times_s: Sequence[float], values: Sequence[float], end_s: float) -> float:
    """Return the mean of a staircase that takes `values[i]` at `times_s[i]` and holds it; the last until `end_s`."""
    if not values:
        return 0.0
    spans = np.diff(np.asarray([*times_s, end_s], float))
    total = float(spans.sum())
    return float(np.dot(spans, np.asarray(values, float)) / total) if total > 0 else float(values[-1])


def resizes(sizes: Sequence[float]) -> int:
    """Return how often the size changed."""
    return int(np.count_nonzero(np.diff(np.asarray(sizes, float)))) if len(sizes) > 1 else 0


def outside(sizes: Sequence[float], low: float, high: float) -> int:
    """Return how many sizes lie outside [low, high]."""
    return sum(not low <= size <= high for size in sizes)


def series(ticks: Sequence[Tick], most: int = 600) -> dict[str, list[Any]]:
    """Return the ticks as columns for a plot, evenly thinned to at most `most` points."""
    every = max(1, -(-len(ticks) // most))
    kept = ticks[::every]
    columns = ("at_s", "target", "size", "queue", "wait_s", "reason", "position", "velocity")
    return {name: [round(v, 6) if isinstance(v := getattr(t, name), float) else v for t in kept] for name in columns}
