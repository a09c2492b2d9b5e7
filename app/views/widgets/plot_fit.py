"""The range that a live plot shows: all there is, with room ahead where time goes on, and the same while it will do."""

from typing import Final

import numpy as np

from app.engine.base.rings import Floats
from app.views.widgets.time_axis import Span

_MARGIN: Final = 0.06
_ROUNDING: Final = 1e-9
_AHEAD: Final = 0.12
_LEAST_FILLED: Final = 0.5


def padded(low: float, high: float) -> tuple[float, float]:
    """Return a range a little wider than from `low` to `high`, never empty, nor so narrow that it shows how sums round."""
    span, size = high - low, max(abs(low), abs(high))
    if span <= _ROUNDING * size:
        span = size * 0.1 or 1.0
    return low - _MARGIN * span, high + _MARGIN * span


def span_of(arrays: list[Floats]) -> tuple[float, float] | None:
    """Return the least and the greatest finite value of `arrays`, or None when there is none."""
    parts = [part[np.isfinite(part)] for part in arrays]
    parts = [part for part in parts if len(part)]
    return (float(min(part.min() for part in parts)), float(max(part.max() for part in parts))) if parts else None


class Fit:
    """Keeps the range in force; `fixed_y` pins the vertical one."""

    def __init__(self, fixed_y: Span | None = None) -> None:
        self._fixed_y = fixed_y
        self._x = self._y = (0.0, 0.0)

    def holds(self, times: Span | None, values: Span) -> bool:
        """Tell whether what spans `times` and `values` lies within the range and fills enough of it."""
        if times is None:
            return True
        (first, last), (bottom, top) = self._x, self._y
        if not (first <= times[0] <= first + _AHEAD * (last - first) and times[1] <= last):
            return False
        least, most = padded(*values)
        fits = bottom <= values[0] and values[1] <= top and most - least >= _LEAST_FILLED * (top - bottom)
        return self._fixed_y is not None or fits

    def take(self, times: Span, values: Span, *, ahead: bool, least: float) -> tuple[Span, Span]:
        """Return the range (x, y) from now on, at least `least` wide, with room for what comes where it is shown `ahead`."""
        first, last = times
        last += _AHEAD * (last - first) if ahead else 0.0
        self._x, self._y = (first, max(last, first + least)), self._fixed_y or padded(*values)
        return self._x, self._y
