"""The knapsack with one capacity, exactly: Bellman's recursion over capacities (1957), all capacities of an item at once."""

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.base.errors import Limit

MOST_CELLS = 400_000_000


def fill(values: NDArray[np.float64], weights: NDArray[np.int64], capacity: int, stop: Stop = never) -> list[int]:
    """Return the items (rising) of the greatest value within `capacity`; raises `Limit` when the table would be too large.

    On `stop` they are the best of the items looked at so far.
    """
    if len(values) * (capacity + 1) > MOST_CELLS:
        raise Limit("{items} items times a capacity of {capacity} are too many cells for an exact table", items=len(values),
                    capacity=capacity)  # fmt: skip
    best = np.zeros(capacity + 1)
    taken = np.zeros((len(values), capacity + 1), bool)
    for item, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        if stop():
            break
        if value > 0 and weight <= capacity:
            with_it = best[: capacity + 1 - weight] + value
            better = with_it > best[weight:]
            taken[item, weight:] = better
            best[weight:] = np.where(better, with_it, best[weight:])
    out, left = [], capacity
    for item in range(len(values) - 1, -1, -1):
        if taken[item, left]:
            out.append(item)
            left -= int(weights[item])
    return sorted(out)
