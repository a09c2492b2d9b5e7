"""A length below which no tour can be: the best 1-tree under weights of the places (Held, Karp 1970 and 1971).

A tour is a 1-tree (a tree over all places but one, and two edges at that one) in which every place has two edges. Raising the
price of places with more and lowering that of those with fewer never makes a tour dearer than another, so each 1-tree under
such prices, less twice their sum, is a bound. Steps after Held, Wolfe, Crowder 1974 ("Validation of subgradient optimization").
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop

_START_STEP = 2.0
_PATIENCE = 30
_LEAST_STEP = 1e-3
_ROUNDING = 1e-9


def bound(d: NDArray[np.float64], known: float, left_s: Callable[[], float], stop: Stop) -> float:
    """Return a proved bound on tours through all places of symmetric `d` (n, n), given the length of a `known` one."""
    n = len(d)
    if n < 3:
        return known
    prices, best, step, since = np.zeros(n), -np.inf, _START_STEP, 0
    whole = bool((d == np.rint(d)).all())
    while step > _LEAST_STEP and left_s() > 0 and not stop():
        length, degree = _one_tree(d + prices[:, None] + prices[None, :])
        length -= 2.0 * float(prices.sum())
        since += 1
        if length > best + _ROUNDING * abs(best if np.isfinite(best) else 0.0):
            best, since = length, 0
        excess = degree - 2
        if not excess.any() or best >= known - (1.0 - 1e-6 if whole else 0.0):
            break
        prices = prices + step * max(known - length, _ROUNDING * known) / float((excess**2).sum()) * excess
        if since >= _PATIENCE:
            step, since = step / 2, 0
    if not np.isfinite(best):
        return 0.0
    # Sums of floats may lie a little above the truth.
    best -= _ROUNDING * max(1.0, abs(best))
    return min(known, float(np.ceil(best))) if whole else min(known, best)


def _one_tree(d: NDArray[np.float64]) -> tuple[float, NDArray[np.int64]]:
    """Return length and degrees (n,) of the least 1-tree: Prim's tree over places 1 to n - 1, and two edges at place 0."""
    n = len(d)
    degree = np.zeros(n, np.int64)
    far, to = d[1].copy(), np.ones(n, np.int64)
    far[:2] = np.inf
    outside = np.ones(n, np.bool_)
    outside[:2] = False
    total = 0.0
    for _ in range(n - 2):
        new = int(far.argmin())
        total += float(far[new])
        degree[new] += 1
        degree[to[new]] += 1
        far[new], outside[new] = np.inf, False
        nearer = outside & (d[new] < far)
        far[nearer] = d[new][nearer]
        to[nearer] = new
    two = np.argsort(d[0, 1:], kind="stable")[:2] + 1
    degree[0] += 2
    degree[two] += 1
    return total + float(d[0, two].sum()), degree
