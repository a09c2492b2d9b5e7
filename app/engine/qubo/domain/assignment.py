"""Quadratic assignment: a tabu search over swaps, and branch and bound on what the rest costs at least.

The search is that of Taillard 1991 ("Robust taboo search for the quadratic assignment problem"). The bound gives each
facility and place the least that its flows on its distances can cost, sorted against each other, and takes the best assignment
of these (Gilmore 1962; Lawler 1963). Twelve facilities are proved in seconds; for thirty only the bound is left.
"""

import heapq
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.qubo.allowance import Allowance

Floats = NDArray[np.float64]
_TELL = 200


def cost(a: Floats, b: Floats, place: NDArray[np.int64]) -> float:
    """Return sum a[i, j] b[p(i), p(j)]."""
    return float((a * b[np.ix_(place, place)]).sum())


def gains(a: Floats, b: Floats, place: NDArray[np.int64]) -> Floats:
    """Return what swapping the places of two facilities adds to the cost, (n, n)."""
    on = b[np.ix_(place, place)]
    out: Floats = np.zeros_like(a)
    # Sums over all third facilities k, then without k being one of the two.
    for flow, far in ((a.T, on), (a, on.T)):
        both = flow @ far
        own = both.diagonal()
        out += both + both.T - own[:, None] - own[None, :]
    da, db = a.diagonal(), on.diagonal()
    # At k = r and k = s the sums hold the terms of the pair itself, with the old places; put the right ones in their stead.
    for flow, far, df, dd in ((a.T, on, da, db), (a, on.T, da, db)):
        at_first = (df[:, None] - flow.T) * (far - dd[:, None])
        at_second = (flow - df[None, :]) * (dd[None, :] - far.T)
        out -= at_first + at_second
    return out + (da[:, None] - da[None, :]) * (db[None, :] - db[:, None]) + (a - a.T) * (on.T - on)


def search(  # noqa: PLR0917 - as all methods are called
    a: Floats, b: Floats, seconds: float, seed: int, report: Report, stop: Stop, *, swaps: int = 0
) -> tuple[NDArray[np.int64], int]:
    """Return places (n,) and the swaps made; `swaps` fixes their number."""
    n, allowance = len(a), Allowance(seconds, report, stop)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    place = rng.permutation(n)
    best, now = place.copy(), cost(a, b, place)
    least, moves = now, 0
    until = np.zeros((n, n), np.int64)  # when a facility may be at a place again
    low, high = np.triu_indices(n, 1)
    while n > 1 and (not moves or (moves < swaps if swaps else not allowance.over())):
        gain = gains(a, b, place)[low, high]
        barred = (until[low, place[high]] > moves) & (until[high, place[low]] > moves)
        barred &= now + gain >= least - 1e-9 * max(1.0, abs(least))
        pick = int(np.where(barred, np.inf, gain).argmin()) if not barred.all() else int(rng.integers(len(gain)))
        r, s = int(low[pick]), int(high[pick])
        for facility in (r, s):
            until[facility, place[facility]] = moves + int(rng.integers(max(1, int(0.9 * n)), int(1.1 * n) + 3))
        place[[r, s]] = place[[s, r]]
        moves += 1
        now = cost(a, b, place) if moves % _TELL == 0 else now + float(gain[pick])
        if now < least - 1e-9 * max(1.0, abs(least)):
            least, best = now, place.copy()
            allowance.tell(least)
        if allowance.stopped():
            break
    return best, moves


@dataclass(frozen=True)
class Node:
    """A part of the answers: the first facilities stand at `places`; `used` is what that costs among them."""

    places: tuple[int, ...]
    used: float


class _Bounds:
    """Bounds on parts of the answers, the flows sorted once for each number of facilities that are still free."""

    def __init__(self, a: Floats, b: Floats) -> None:
        self.a, self.b = a, b
        self._assign: Any = importlib.import_module("scipy.optimize").linear_sum_assignment
        self._flows = [-np.sort(-_others(a[at:, at:]), axis=1) for at in range(len(a))]

    def of(self, node: Node) -> tuple[float, list[int]]:
        """Return what an answer within `node` costs at least, and the places that this would give the free facilities."""
        a, b, at, fixed = self.a, self.b, len(node.places), list(node.places)
        if at == len(a):
            return node.used, []
        free = np.ones(len(a), np.bool_)
        free[fixed] = False
        places = np.flatnonzero(free)
        near = b[places]
        costs = np.outer(a.diagonal()[at:], b.diagonal()[places])
        if at:
            costs += a[at:, :at] @ near[:, fixed].T + a[:at, at:].T @ b[fixed][:, places]
        if len(places) > 1:
            costs += self._flows[at] @ np.sort(_others(near[:, places]), axis=1).T
        rows, taken = self._assign(costs)
        return node.used + float(costs[rows, taken].sum()), [int(p) for p in places[taken]]

    def parts(self, node: Node) -> list[Node]:
        """Return the parts of `node`: one for each place of the next facility."""
        a, b, at, fixed = self.a, self.b, len(node.places), list(node.places)
        more = a[at, at] * b.diagonal() + b[:, fixed] @ a[at, :at] + a[:at, at] @ b[fixed]
        taken = set(fixed)
        return [Node((*node.places, p), node.used + float(more[p])) for p in range(len(a)) if p not in taken]


def _others(square: Floats) -> Floats:
    """Return the rows of (k, k) without their diagonal, (k, k - 1)."""
    k = len(square)
    return square.ravel()[1:].reshape(k - 1, k + 1)[:, :-1].reshape(k, k - 1) if k > 1 else np.empty((k, 0))


def prove(
    a: Floats, b: Floats, known: NDArray[np.int64], left_s: Callable[[], float], stop: Stop, *, parts: int | None = None
) -> tuple[NDArray[np.int64], float, int]:
    """Return the best places, a proved bound on the cost, and the parts looked into; bound and cost meet when all were.

    `parts` fixes how many are looked into.
    """
    best, least = known, cost(a, b, known)
    whole = bool((a == np.rint(a)).all() and (b == np.rint(b)).all())
    # To beat the best known takes a whole unit less where all numbers are whole.
    room = 1.0 - 1e-6 if whole else 1e-9 * max(1.0, abs(least))
    order = np.argsort(-(a + a.T).sum(1), kind="stable")
    bounds = _Bounds(a[np.ix_(order, order)], b)
    every = Node((), 0.0)
    heap: list[tuple[float, int, int, Node]] = [(bounds.of(every)[0], 0, 0, every)]
    looked = made = 0
    while heap and heap[0][0] < least - room and (left_s() > 0 if parts is None else looked < parts) and not stop():
        low, _, _, node = heapq.heappop(heap)
        looked += 1
        for part in bounds.parts(node):
            under, guess = bounds.of(part)
            full = np.empty_like(best)
            full[order] = [*part.places, *guess]
            if under < least - room and cost(a, b, full) < least - room:
                least, best = cost(a, b, full), full
            if under < least - room:
                made += 1
                heapq.heappush(heap, (max(low, under), -len(part.places), made, part))
    reached = heap[0][0] if heap else least
    return best, min(least, float(np.ceil(reached - 1e-6)) if whole else reached), looked
