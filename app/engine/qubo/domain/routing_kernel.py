# ruff: noqa: NPY002, PLR0917, C901 - compiled: numba knows the legacy generator, calls between loops cost
"""The inner part of vehicle routing, compiled: strings of customers taken out near one another, put back greedily with blinks.

Ruin and recreate after Christiaens, Vanden Berghe 2020, "Slack induction by string removals for vehicle routing problems"
(Transportation Science 54): parameters by their names there. A solution is `route` (tours, places) with `length` and `load`;
`where` is the tour of each customer. Customer 0 is the depot.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_STRING = 10
_REMOVED = 10.0
_SPLIT = 0.5
_DEEPER = 0.01
_BLINK = 0.01


@njit(nogil=True, cache=True)
def cost_of(
    route: NDArray[np.int64], length: NDArray[np.int64], d: NDArray[np.float64], tours: Any, most_tours: Any, dear: Any
) -> Any:
    """Return the length of all tours, and `dear` for each that is used beyond `most_tours`."""
    total, used = 0.0, 0
    for k in range(tours):
        at = 0
        used += 1 if length[k] > 0 else 0
        for p in range(length[k]):
            total += d[at, route[k, p]]
            at = route[k, p]
        total += d[at, 0]
    return total + dear * max(0, used - most_tours)


@njit(nogil=True, cache=True)
def ruin(route: NDArray[np.int64], length: NDArray[np.int64], load: NDArray[np.int64], where: NDArray[np.int64],
         near: NDArray[np.int64], demand: NDArray[np.int64], tours: Any, gone: NDArray[np.int64]) -> Any:  # fmt: skip
    """Take strings out of tours around a random customer; write the customers into `gone` and return how many."""
    n = near.shape[0]
    used = 0
    for k in range(tours):
        used += 1 if length[k] > 0 else 0
    mean = (n - 1) / max(used, 1)
    most = min(float(_STRING), mean)
    strings = int(np.random.random() * (4.0 * _REMOVED / (1.0 + most) - 1.0)) + 1
    seed, count, taken = np.random.randint(1, n), 0, 0
    touched = np.zeros(tours, np.bool_)
    for step in range(n - 1):
        if taken >= strings:
            break
        c = seed if step == 0 else near[seed, step - 1]
        k = where[c]
        if c == 0 or k < 0 or touched[k]:
            continue
        touched[k] = True
        taken += 1
        size = int(np.random.random() * min(float(length[k]), most)) + 1
        place = 0
        while route[k, place] != c:
            place += 1
        kept = 0
        if size > 1 and size < length[k] and np.random.random() < _SPLIT:
            kept = 1
            while size + kept < length[k] and np.random.random() > _DEEPER:
                kept += 1
        whole = size + kept
        first = place - np.random.randint(0, whole)
        first = max(0, min(first, length[k] - whole))
        hole = first + np.random.randint(0, size + 1) if kept else first + whole
        put = first
        for p in range(first, length[k]):
            inside = p < first + whole
            spared = kept > 0 and hole <= p < hole + kept
            if inside and not spared:
                gone[count] = route[k, p]
                where[route[k, p]] = -1
                load[k] -= demand[route[k, p]]
                count += 1
            else:
                route[k, put] = route[k, p]
                put += 1
        length[k] = put
    return count


@njit(nogil=True, cache=True)
def sort_gone(gone: NDArray[np.int64], count: Any, demand: NDArray[np.int64], d: NDArray[np.float64]) -> None:
    """Order the customers to be put back: at random, by demand, far first or near first (weights 4, 4, 2, 1)."""
    for k in range(count - 1, 0, -1):
        j = np.random.randint(0, k + 1)
        gone[k], gone[j] = gone[j], gone[k]
    pick = np.random.randint(0, 11)
    if pick < 4:
        return
    for k in range(1, count):
        c = gone[k]
        key = -float(demand[c]) if pick < 8 else (-d[0, c] if pick < 10 else d[0, c])
        j = k - 1
        while j >= 0:
            other = gone[j]
            if (-float(demand[other]) if pick < 8 else (-d[0, other] if pick < 10 else d[0, other])) <= key:
                break
            gone[j + 1] = other
            j -= 1
        gone[j + 1] = c


@njit(nogil=True, cache=True)
def recreate(route: NDArray[np.int64], length: NDArray[np.int64], load: NDArray[np.int64], where: NDArray[np.int64],
             d: NDArray[np.float64], demand: NDArray[np.int64], capacity: Any, tours: Any, gone: NDArray[np.int64],
             count: Any) -> Any:  # fmt: skip
    """Put customers back where they cost least, passing over a place now and then; return the number of tours."""
    for k in range(count):
        c = gone[k]
        best, best_tour, best_place = np.inf, -1, 0
        for t in range(tours):
            if load[t] + demand[c] > capacity or length[t] == 0:
                continue
            at = 0
            for p in range(length[t] + 1):
                after = route[t, p] if p < length[t] else 0
                cost = d[at, c] + d[c, after] - d[at, after]
                if cost < best and np.random.random() >= _BLINK:
                    best, best_tour, best_place = cost, t, p
                at = after
        if best_tour < 0:
            best_tour, best_place = tours, 0
            for t in range(tours):
                if length[t] == 0:
                    best_tour = t
                    break
            if best_tour == tours:
                tours += 1
            load[best_tour] = 0
        for p in range(length[best_tour], best_place, -1):
            route[best_tour, p] = route[best_tour, p - 1]
        route[best_tour, best_place] = c
        length[best_tour] += 1
        load[best_tour] += demand[c]
        where[c] = best_tour
    return tours


@njit(nogil=True, cache=True)
def anneal(route: NDArray[np.int64], length: NDArray[np.int64], load: NDArray[np.int64], where: NDArray[np.int64], tours: Any,
           best_route: NDArray[np.int64], best_length: NDArray[np.int64], best: Any, d: NDArray[np.float64],
           near: NDArray[np.int64], demand: NDArray[np.int64], capacity: Any, most_tours: Any, dear: Any, hot: Any, cold: Any,
           rounds: Any, seed: Any) -> Any:  # fmt: skip
    """Make `rounds` of ruin and recreate from temperature `hot` to `cold`; return the number of tours and the least cost.

    A tour beyond `most_tours` costs `dear`. The best solution is kept in `best_route`, `best_length`.
    """
    np.random.seed(seed)
    n = near.shape[0]
    gone, old_where = np.empty(n, np.int64), where.copy()
    old_route, old_length, old_load = route.copy(), length.copy(), load.copy()
    cost = cost_of(route, length, d, tours, most_tours, dear)
    old_tours = tours
    fall = (cold / hot) ** (1.0 / max(rounds, 1))
    heat = hot
    for _ in range(rounds):
        count = ruin(route, length, load, where, near, demand, tours, gone)
        sort_gone(gone, count, demand, d)
        tours = recreate(route, length, load, where, d, demand, capacity, tours, gone, count)
        fresh = cost_of(route, length, d, tours, most_tours, dear)
        if fresh < cost - heat * np.log(np.random.random()):
            cost = fresh
            for k in range(max(tours, old_tours)):
                old_length[k], old_load[k] = length[k], load[k]
                for p in range(length[k]):
                    old_route[k, p] = route[k, p]
            old_where[:] = where
            old_tours = tours
            if cost < best - 1e-9:
                best = cost
                best_length[:] = length
                for k in range(tours):
                    for p in range(length[k]):
                        best_route[k, p] = route[k, p]
        else:
            for k in range(max(tours, old_tours)):
                length[k], load[k] = old_length[k], old_load[k]
                for p in range(old_length[k]):
                    route[k, p] = old_route[k, p]
            where[:] = old_where
            tours = old_tours
        heat *= fall
    return tours, best
