"""The efficient frontier of a long-only portfolio: the least variance for each return (Markowitz 1952).

min w'Cw with sum w = 1, r'w = target, w >= 0 is a non-negative least-squares problem: C = L'L, and the two equations come
as rows of large weight (Lawson, Hanson 1974, "Solving least squares problems", chapter 22).
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROW_WEIGHT = 1e4


def least_variance(returns: NDArray[np.float64], covariance: NDArray[np.float64], target: float | None) -> NDArray[np.float64]:
    """Return the shares (n,) of least variance with the return `target` (None: whatever return comes with it)."""
    nnls: Any = importlib.import_module("scipy.optimize").nnls

    values, vectors = np.linalg.eigh(covariance)
    root = (np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T) / max(float(np.sqrt(np.abs(values).max())), 1e-300)
    scale = float(np.abs(returns).max()) or 1.0
    rows = [root, _ROW_WEIGHT * np.ones((1, len(returns)))]
    right = [*([0.0] * len(returns)), _ROW_WEIGHT]
    if target is not None:
        rows.append(_ROW_WEIGHT * returns[None, :] / scale)
        right.append(_ROW_WEIGHT * target / scale)
    shares = np.asarray(nnls(np.vstack(rows), np.array(right), maxiter=50 * len(returns))[0], np.float64)
    return np.asarray(shares / shares.sum(), np.float64)


def frontier(returns: NDArray[np.float64], covariance: NDArray[np.float64], points: int) -> list[tuple[float, float]]:
    """Return (return, variance) along the frontier, from the least variance of all to the highest return."""
    low = float(least_variance(returns, covariance, None) @ returns)
    out = []
    for target in np.linspace(low, float(returns.max()), points):
        shares = least_variance(returns, covariance, float(target))
        out.append((float(shares @ returns), float(shares @ covariance @ shares)))
    return out
