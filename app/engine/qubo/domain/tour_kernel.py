# ruff: noqa: NPY002, PLR0917, C901, PLR0912 - compiled: numba knows the legacy generator, calls between loops cost
"""The inner part of the search for one tour, compiled: 2-opt and moved segments over near neighbours, kicked and repeated.

Or-2opt with neighbour lists and a queue (Bentley 1992, "Fast algorithms for geometric traveling salesman problems"), the kick a
double bridge of near segments (Martin, Otto, Felten 1991). Distances are symmetric.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def turn(tour: NDArray[np.int64], place: NDArray[np.int64], i: Any, j: Any) -> None:
    """Reverse the tour from place `i` to place `j` (cyclic), the shorter way round."""
    n = len(tour)
    inside = (j - i + n) % n + 1
    if 2 * inside > n:
        i, j = (j + 1) % n, (i - 1 + n) % n
        inside = n - inside
    for _ in range(inside // 2):
        a, b = tour[i], tour[j]
        tour[i], tour[j] = b, a
        place[b], place[a] = i, j
        i = i + 1 if i + 1 < n else 0
        j = j - 1 if j > 0 else n - 1


@njit(nogil=True, cache=True)
def better_turn(
    tour: NDArray[np.int64], place: NDArray[np.int64], d: NDArray[np.float64], near: NDArray[np.int64], a: Any
) -> Any:
    """Try to shorten the tour by one reversal at city `a`; return the gain."""
    n = len(tour)
    for way in range(2):
        b = tour[(place[a] + 1) % n] if way == 0 else tour[place[a] - 1]
        for k in range(near.shape[1]):
            c = near[a, k]
            if d[a, c] >= d[a, b]:
                break
            e = tour[(place[c] + 1) % n] if way == 0 else tour[place[c] - 1]
            gain = d[a, b] + d[c, e] - d[a, c] - d[b, e]
            if gain > 1e-9:
                if way == 0:
                    turn(tour, place, place[b], place[c])
                else:
                    turn(tour, place, place[c], place[b])
                return gain
    return 0.0


@njit(nogil=True, cache=True)
def better_move(
    tour: NDArray[np.int64], place: NDArray[np.int64], d: NDArray[np.float64], near: NDArray[np.int64], a: Any
) -> Any:
    """Try to move one to three cities that begin or end at `a` elsewhere, by three reversals; return the gain."""
    n = len(tour)
    for size in range(1, 4):
        for way in range(2):
            first = place[a] if way == 0 else (place[a] - size + 1 + n) % n
            last = (first + size - 1) % n
            s, e = tour[first], tour[last]
            before, after = tour[first - 1], tour[(last + 1) % n]
            out = d[before, s] + d[e, after] - d[before, after]
            for k in range(near.shape[1]):
                c = near[a, k]
                if d[a, c] >= out:
                    break
                inside = (place[c] - first + n) % n
                if inside < size:
                    continue
                for side in range(2):
                    x = c if side == 0 else tour[place[c] - 1]
                    y = tour[(place[x] + 1) % n]
                    if x == e or y == s:
                        continue
                    # a touches c: decide which end of the segment is next to x.
                    head, tail = (a, s + e - a) if side == 0 else (s + e - a, a)
                    gain = out + d[x, y] - d[x, head] - d[tail, y]
                    if gain > 1e-9:
                        shift(tour, place, first, last, x, y, head == s)
                        return gain
    return 0.0


@njit(nogil=True, cache=True)
def shift(tour: NDArray[np.int64], place: NDArray[np.int64], first: Any, last: Any, x: Any, y: Any, straight: Any) -> None:
    """Move the cities at places first..last between neighbours x and y; `straight` keeps their direction."""
    s, e = tour[first], tour[last]
    n = len(tour)
    ahead = (place[x] - last + n) % n <= (first - place[y] + n) % n
    if ahead:
        # ... s..e m..x y ... : turn s..x gives x..m e..s, then turn x..m, and e..s if it should be straight.
        m = tour[(last + 1) % n]
        turn(tour, place, place[s], place[x])
        fix(tour, place, x, m)
        if straight:
            fix(tour, place, e, s)
    else:
        m = tour[first - 1]
        turn(tour, place, place[y], place[e])
        fix(tour, place, m, y)
        if straight:
            fix(tour, place, e, s)


@njit(nogil=True, cache=True)
def fix(tour: NDArray[np.int64], place: NDArray[np.int64], one: Any, other: Any) -> None:
    """Reverse the short run between two cities, whichever of them comes first now."""
    n = len(tour)
    if (place[other] - place[one] + n) % n <= (place[one] - place[other] + n) % n:
        turn(tour, place, place[one], place[other])
    else:
        turn(tour, place, place[other], place[one])


@njit(nogil=True, cache=True)
def descend(tour: NDArray[np.int64], place: NDArray[np.int64], d: NDArray[np.float64], near: NDArray[np.int64],
            queue: NDArray[np.int64], queued: NDArray[np.bool_], count: Any) -> Any:  # fmt: skip
    """Improve at the `count` queued cities and those that moves touch, until none is left; return the gain."""
    total = 0.0
    while count > 0:
        count -= 1
        a = queue[count]
        queued[a] = False
        while True:
            gain = better_turn(tour, place, d, near, a)
            if gain == 0.0:
                gain = better_move(tour, place, d, near, a)
            if gain == 0.0:
                break
            total += gain
            for k in range(min(5, near.shape[1])):
                c = near[a, k]
                if not queued[c]:
                    queued[c] = True
                    queue[count] = c
                    count += 1
    return total


@njit(nogil=True, cache=True)
def kicks(tour: NDArray[np.int64], d: NDArray[np.float64], near: NDArray[np.int64], rounds: Any, seed: Any, heat: Any,
          best_tour: NDArray[np.int64], best: Any) -> Any:  # fmt: skip
    """Kick and descend `rounds` times from `tour`; keep the best in `best_tour`; return its length."""
    np.random.seed(seed)
    n = len(tour)
    place = np.empty(n, np.int64)
    for k in range(n):
        place[tour[k]] = k
    queue, queued = np.empty(n, np.int64), np.zeros(n, np.bool_)
    for k in range(n):
        queue[k] = k
        queued[k] = True
    descend(tour, place, d, near, queue, queued, n)
    length = 0.0
    for k in range(n):
        length += d[tour[k - 1], tour[k]]
    old = tour.copy()
    if length < best - 1e-9:
        best = length
        best_tour[:] = tour
    for _ in range(rounds):
        reach = min(50, n // 2)
        start = np.random.randint(0, n)
        cuts = np.sort(np.random.choice(reach, 3, replace=False)) if reach >= 4 else np.arange(3)
        ends = np.empty(4, np.int64)
        ends[0] = start
        for k in range(3):
            ends[k + 1] = (start + 1 + cuts[k]) % n
        count, delta = 0, bridge(tour, place, d, ends)
        for k in range(4):
            c = tour[ends[k]]
            for other in (c, tour[(ends[k] + 1) % n]):
                if not queued[other]:
                    queued[other] = True
                    queue[count] = other
                    count += 1
        fresh = length + delta - descend(tour, place, d, near, queue, queued, count)
        if fresh <= length - heat * np.log(np.random.random()):
            length = fresh
            old[:] = tour
            if length < best - 1e-9:
                best = length
                best_tour[:] = tour
        else:
            tour[:] = old
            for k in range(n):
                place[tour[k]] = k
    return best


@njit(nogil=True, cache=True)
def bridge(tour: NDArray[np.int64], place: NDArray[np.int64], d: NDArray[np.float64], ends: NDArray[np.int64]) -> Any:
    """Exchange the two runs of places after ends[0] to ends[1] and after it to ends[2]; return the change in length."""
    n = len(tour)
    a, b = tour[ends[0]], tour[(ends[0] + 1) % n]
    c, e = tour[ends[1]], tour[(ends[1] + 1) % n]
    f, g = tour[ends[2]], tour[(ends[2] + 1) % n]
    first, second = (ends[1] - ends[0] + n) % n, (ends[2] - ends[1] + n) % n
    moved = np.empty(first + second, np.int64)
    for k in range(second):
        moved[k] = tour[(ends[1] + 1 + k) % n]
    for k in range(first):
        moved[second + k] = tour[(ends[0] + 1 + k) % n]
    for k in range(first + second):
        at = (ends[0] + 1 + k) % n
        tour[at] = moved[k]
        place[moved[k]] = at
    return d[a, e] + d[f, b] + d[c, g] - d[a, b] - d[c, e] - d[f, g]
