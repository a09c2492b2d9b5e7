"""The inner part of routing commuting pairs, compiled: where qubits start, and which to swap, over a map of couplings.

Placement by simulated annealing (Kirkpatrick, Gelatt and Vecchi, 1983) of the sum of distances. Routing is greedy, in the
manner of SABRE (Li, Ding and Xie, 2019), for pairs without an order: a swap is worth what it brings all waiting pairs nearer.
A swap of two qubits that are a pair themselves takes their gate along: three gates of the device instead of five (Lao and
Browne, 2022, "2QAN"). `near` and `by` hold the partners and pair numbers of each qubit (n, widest), -1 where none.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
PLAIN, MERGED = 3, 1  # what a swap adds to the gates of the pairs alone
_DRAWS = 6


@njit(nogil=True, cache=True)
def moved(a: Any, b: Any, to: Any, near: Ints, place: Ints, cost: NDArray[np.float64], distance: Ints) -> Any:  # noqa: PLR0917 - as numba calls it
    """Return what qubit `a` going `to` a place changes in the sum over its pairs; its partner `b` comes along."""
    change, here = 0.0, place[a]
    for k in range(near.shape[1]):
        x = near[a, k]
        if x < 0:
            break
        if x != b:
            change += cost[distance[to, place[x]]] - cost[distance[here, place[x]]]
    return change


@njit(nogil=True, cache=True)
def target(rng: np.random.Generator, a: Any, near: Ints, place: Ints, distance: Ints) -> Any:
    """Return a place to try for `a`: any, or one near a partner."""
    size = distance.shape[0]
    to = rng.integers(0, size)
    if near[a, 0] >= 0 and rng.random() < 0.5:
        degree = 0
        while degree < near.shape[1] and near[a, degree] >= 0:
            degree += 1
        goal = place[near[a, rng.integers(0, degree)]]
        for _ in range(_DRAWS):
            other = rng.integers(0, size)
            if distance[goal, other] < distance[goal, to]:
                to = other
    return to


@njit(nogil=True, cache=True)
def settle(  # noqa: PLR0917 - as numba calls it
    rng: np.random.Generator,
    distance: Ints,
    near: Ints,
    place: Ints,
    moves: int,
    hot: float,
    cold: float,
    cost: NDArray[np.float64],
) -> None:
    """Anneal `place` (qubit to place, all places taken; the qubits from len(near) on are empty) in place."""
    size, count = distance.shape[0], near.shape[0]
    at = np.empty(size, np.int64)
    for qubit in range(size):
        at[place[qubit]] = qubit
    for move in range(moves):
        heat = hot * (cold / hot) ** (move / moves)
        a = rng.integers(0, count)
        to, here = target(rng, a, near, place, distance), place[a]
        b = at[to]
        if a == b:
            continue
        change = moved(a, b, to, near, place, cost, distance)
        if b < count:
            change += moved(b, a, here, near, place, cost, distance)
        if change <= 0 or rng.random() < np.exp(-change / heat):
            at[to], at[here], place[a], place[b] = a, b, to, here


@njit(nogil=True, cache=True)
def gain(  # noqa: PLR0917 - as numba calls it
    a: int, b: int, to: int, near: Ints, by: Ints, place: Ints, met: Any, cost: NDArray[np.float64], distance: Ints
) -> Any:
    """Return how much nearer the waiting pairs of `a` come when it goes `to` (swapped with `b`), and whether any wait."""
    waits, total, here = False, 0.0, place[a]
    for k in range(near.shape[1]):
        x = near[a, k]
        if x < 0:
            break
        if x != b and not met[by[a, k]]:
            waits = True
            total += cost[distance[here, place[x]]] - cost[distance[to, place[x]]]
    return total, waits


@njit(nogil=True, cache=True)
def pair_of(a: int, b: int, near: Ints, by: Ints, merged: Any) -> Any:
    """Return the number of the pair of `a` and `b` that no swap has taken along yet, or -1."""
    for k in range(near.shape[1]):
        if near[a, k] < 0:
            break
        if near[a, k] == b and not merged[by[a, k]]:
            return by[a, k]
    return -1


@njit(nogil=True, cache=True)
def best_swap(  # noqa: PLR0917 - as numba calls it
    rng: np.random.Generator, last: int, noise: float, links: Ints, near: Ints, by: Ints, place: Ints, at: Ints, met: Any,
    merged: Any, cost: NDArray[np.float64], distance: Ints,
) -> Any:  # fmt: skip
    """Return the link whose swap helps most for what it costs, or -1 when none helps."""
    best, chosen, count = 1e-9, -1, near.shape[0]
    for link in range(links.shape[0]):
        if link == last:
            continue
        p, q = links[link, 0], links[link, 1]
        a, b = at[p], at[q]
        total, waits = 0.0, False
        if a < count:
            more, waiting = gain(a, b, q, near, by, place, met, cost, distance)
            total, waits = total + more, waits or waiting
        if b < count:
            more, waiting = gain(b, a, p, near, by, place, met, cost, distance)
            total, waits = total + more, waits or waiting
        if not waits:
            continue
        if total > 0 and a < count and pair_of(a, b, near, by, merged) >= 0:
            total *= PLAIN / MERGED
        total += noise * rng.random()
        if total > best:
            best, chosen = total, link
    return chosen


@njit(nogil=True, cache=True)
def forced_swap(rng: np.random.Generator, links: Ints, pairs: Ints, place: Ints, met: Any, distance: Ints) -> Any:  # noqa: PLR0917 - as numba calls it
    """Return a link that brings the nearest waiting pair one step nearer."""
    least, a, b = 1 << 60, -1, -1
    for k in range(pairs.shape[0]):
        apart = distance[place[pairs[k, 0]], place[pairs[k, 1]]]
        if not met[k] and (apart < least or (apart == least and rng.random() < 0.3)):
            least, a, b = apart, pairs[k, 0], pairs[k, 1]
    if rng.random() < 0.5:
        a, b = b, a
    found, chosen = 0, 0
    for link in range(links.shape[0]):
        for turn in range(2):
            p, q = links[link, turn], links[link, 1 - turn]
            if p == place[a] and distance[q, place[b]] == least - 1:
                found += 1
                if rng.random() < 1.0 / found:
                    chosen = link
    return chosen


@njit(nogil=True, cache=True)
def meet(a: int, near: Ints, by: Ints, place: Ints, met: Any, distance: Ints) -> Any:  # noqa: PLR0917 - as numba calls it
    """Mark the pairs of `a` that now stand side by side and return how many were waiting."""
    found = 0
    for k in range(near.shape[1]):
        x = near[a, k]
        if x < 0:
            break
        if not met[by[a, k]] and distance[place[a], place[x]] == 1:
            met[by[a, k]] = True
            found += 1
    return found


@njit(nogil=True, cache=True)
def route(  # noqa: PLR0917 - as numba calls it
    rng: np.random.Generator, distance: Ints, links: Ints, pairs: Ints, near: Ints, by: Ints, place: Ints,
    cost: NDArray[np.float64], noise: float, most: int, swaps: Ints, taken: Ints,
) -> Any:  # fmt: skip
    """Bring all `pairs` side by side from `place`, which becomes the last one; return (gates added, number of swaps).

    `swaps` receives links, `taken` the pair a swap takes along or -1; (-1, 0) when their room is too small or more
    than `most` would be added.
    """
    size, count = distance.shape[0], near.shape[0]
    at = np.empty(size, np.int64)
    for qubit in range(size):
        at[place[qubit]] = qubit
    met, merged = np.zeros(pairs.shape[0], np.bool_), np.zeros(pairs.shape[0], np.bool_)
    left, added, done, last = pairs.shape[0], 0, 0, -1
    for qubit in range(count):
        left -= meet(qubit, near, by, place, met, distance)
    while left > 0:
        if done == swaps.shape[0] or added > most:
            return -1, 0
        link = best_swap(rng, last, noise, links, near, by, place, at, met, merged, cost, distance)
        if link < 0:
            link = forced_swap(rng, links, pairs, place, met, distance)
        p, q = links[link, 0], links[link, 1]
        a, b = at[p], at[q]
        pair = pair_of(a, b, near, by, merged) if a < count else -1
        if pair >= 0:
            merged[pair] = True
        added += MERGED if pair >= 0 else PLAIN
        swaps[done], taken[done], done, last = link, pair, done + 1, link
        at[p], at[q], place[a], place[b] = b, a, q, p
        left -= meet(a, near, by, place, met, distance) if a < count else 0
        left -= meet(b, near, by, place, met, distance) if b < count else 0
    return added, done
