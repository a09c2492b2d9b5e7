"""What the updates of a round tell: their lengths, which stand out, how far clients pull apart, what each adds.

A length is an outlier when its modified z-score, 0.6745 |x - median| / MAD, exceeds 3.5 (Iglewicz, Hoaglin, "How to
detect and handle outliers", 1993). Drift is 1 - |mean of updates| / mean of |updates|: 0 when all agree, near 1 when they
cancel. That of one client is how far its update is from the combined move, in typical lengths of an update.
The share of a client is the cosine of its update to the combined move: negative for one that pulls the other way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.nets import Array, lengths_of

_SCORE, _CUT = 0.6745, 3.5
_TINY = float(np.finfo(np.float64).tiny)
MOST_SHOWN = 100


def look(updates: Array, weights: NDArray[np.float64], norms: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Return norms, shares and drifts (clients,), outliers (places) and drift (ratio) of updates (clients, params).

    Where the lengths of the updates are known, they are handed in as `norms`.
    """
    norms = lengths_of(updates) if norms is None else norms
    total = float(weights.sum())
    shares_of = (weights / max(total, _TINY)).astype(np.float32)  # for the eye: what is learnt is summed in float64 elsewhere
    mean = shares_of @ updates if total > 0 else np.zeros(updates.shape[1], np.float32)
    length = float(np.linalg.norm(mean))
    typical = float(weights @ norms / total) if total > 0 else 0.0
    along = (updates @ mean).astype(np.float64)
    shares = along / np.maximum(norms * length, _TINY)
    away = np.sqrt(np.maximum(norms**2 - 2 * along + length**2, 0))
    return {
        "drifts": (away / max(typical, _TINY)).tolist() if typical > 0 else np.zeros(len(norms)).tolist(),
        "norms": norms.tolist(),
        "shares": shares.tolist(),
        "outliers": outliers(norms).tolist(),
        "drift": max(0.0, 1 - length / max(typical, _TINY)) if typical > 0 else 0.0,
    }


def outliers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of values that stand out from the others."""
    if len(values) < 4:
        return np.zeros(0, np.int64)
    away = np.abs(values - np.median(values))
    spread = float(np.median(away))
    return np.flatnonzero(_SCORE * away > _CUT * max(spread, 1e-9 * float(np.abs(values).max(initial=0)), _TINY))


def shown(
    clients: NDArray[np.int64], updates: Array, weights: NDArray[np.float64], norms: NDArray[np.float64] | None = None
) -> dict[str, Any]:  # fmt: skip
    """Return `look` for at most `MOST_SHOWN` clients, those that stand out first, with their places in the fixed order."""
    told = look(updates, weights, norms)
    apart = np.isin(np.arange(len(clients)), told["outliers"])
    first = np.sort(np.argsort(~apart, kind="stable")[:MOST_SHOWN])
    return {
        "clients": clients[first].tolist(),
        "norms": [round(told["norms"][at], 6) for at in first],
        "shares": [round(told["shares"][at], 4) for at in first],
        "drifts": [round(told["drifts"][at], 4) for at in first],
        "outliers": [int(clients[at]) for at in told["outliers"]][:MOST_SHOWN],
        "drift": round(told["drift"], 4),
    }
