"""Least risk less return in whole lots, with a proof: outer approximation (Duran, Grossmann 1986; Kelley 1960 for cuts).

The risk is convex, so every plane that touches it lies below it. HiGHS minimises over the planes found so far, which bounds
the answer from below; its lots are an answer, and the plane that touches there is added, until both meet.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop
from app.engine.qubo.adapters import highs

Floats = NDArray[np.float64]
_RELATIVE = 1e-9
_SIZE = 1e4


def least(  # noqa: PLR0917 - as all methods are called
    risk: Floats, gain: Floats, lots: int, starts: Sequence[Floats], left_s: Callable[[], float], tell: Callable[[float], None],
    stop: Stop, *, costs_before: Sequence[float] = (),
) -> tuple[NDArray[np.int64], float, int, list[float]]:  # fmt: skip
    """Return whole z (n,) >= 0 with sum `lots` and the least z'risk z - gain'z, a proved bound on that, and the planes used.

    Last come the costs at which HiGHS ended, time after time; given as `costs_before` they make a run again, whatever the time.
    `starts` are shares (n,), at least one, where planes touch from the beginning; the best of them in whole lots is the first
    answer. Without time the bound is minus infinity.
    """
    n, first = len(gain), [_in_lots(np.asarray(start), lots) for start in starts]
    # HiGHS' tolerances are absolute: the figures are brought to its size, and back at the end.
    unit = max(float(np.abs(gain).max()) * lots, float(np.abs(risk).max()) * lots**2, 1e-300) / _SIZE
    risk, gain = risk / unit, gain / unit
    # What rounding left below zero is lifted, and told from the bound: z'z is at most the square of the lots.
    lift = max(0.0, -float(np.linalg.eigvalsh(risk).min()))
    lifted = risk + lift * np.eye(n)
    costs = np.concatenate([-gain, [1.0]])
    high = np.concatenate([np.full(n, float(lots)), [np.inf]])
    whole = np.arange(n + 1) < n
    rows: list[Any] = [(range(n), (1.0,) * n, float(lots), float(lots))]
    rows += [_plane(lifted, lots * np.asarray(start)) for start in starts]
    best = min(first, key=lambda z: float(z @ lifted @ z - gain @ z))
    value, bound = float(best @ lifted @ best - gain @ best), -np.inf
    ended: list[float] = []
    tell(unit * float(best @ risk @ best - gain @ best))
    while value - bound > _RELATIVE * abs(value) and (len(ended) < len(costs_before) or left_s() > 0) and not stop():
        programme = highs.Programme(costs, np.zeros(n + 1), high, rows, whole)
        found = highs.again(programme, costs_before[len(ended)]) if costs_before else highs.run(programme, left_s(), stop=stop)
        bound = max(bound, found.bound)
        if found.values is None:
            break
        ended.append(found.cost)
        z = np.rint(found.values[:n]).astype(np.int64)
        here = float(z @ lifted @ z - gain @ z)
        if here < value:
            best, value = z, here
            tell(unit * float(z @ risk @ z - gain @ z))
        rows.append(_plane(lifted, z.astype(np.float64)))
    exact = float(best @ risk @ best - gain @ best)
    return best, unit * min(exact, bound - lift * lots**2), len(rows) - 1, ended


def _in_lots(shares: Floats, lots: int) -> NDArray[np.int64]:
    """Return shares in whole lots, the largest remainders rounded up."""
    wanted = lots * shares / shares.sum()
    z: NDArray[np.int64] = np.floor(wanted + 1e-9).astype(np.int64)
    z[np.argsort(z - wanted, kind="stable")[: lots - int(z.sum())]] += 1
    return z


def _plane(risk: Floats, at: Floats) -> Any:
    """Return the row t - 2 (risk at)'z >= -at'risk at: the plane that touches z'risk z at `at`."""
    slope = risk @ at
    return (range(len(at) + 1), [*(-2.0 * slope).tolist(), 1.0], -float(at @ slope), np.inf)
