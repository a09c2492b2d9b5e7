# ruff: noqa: NPY002, PLR0917, C901, PLR0912 - compiled: numba knows the legacy generator, calls between loops cost
"""The inner part of tabu search for shops, compiled: heads and tails of a machine order, moves at the ends of critical blocks.

N5 moves swap the first or the last two operations of a block of the critical path (Nowicki, Smutnicki 1996, "A fast taboo
search algorithm for the job shop problem"). Operations are numbered job * steps + step. A swapped arc may not be swapped back
for a while unless that gives a new best. Moves are priced by the longest path through the two operations (Taillard 1994), which
never tells more than the truth; the chosen one is computed in full.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def heads_of(order: NDArray[np.int64], place: NDArray[np.int64], machine: NDArray[np.int64], time: NDArray[np.int64],
             steps: Any, head: NDArray[np.int64], tail: NDArray[np.int64], topo: NDArray[np.int64]) -> Any:  # fmt: skip
    """Fill `head` (longest path before) and `tail` (after, with own time) of operations; return the makespan, -1: a cycle."""
    n = len(machine)
    waiting = np.zeros(n, np.int64)
    first, last = 0, 0
    for o in range(n):
        waiting[o] = (1 if o % steps > 0 else 0) + (1 if place[o] > 0 else 0)
        if waiting[o] == 0:
            topo[last] = o
            last += 1
    while first < last:
        o = topo[first]
        first += 1
        begin = 0
        if o % steps > 0:
            begin = head[o - 1] + time[o - 1]
        if place[o] > 0:
            p = order[machine[o], place[o] - 1]
            begin = max(begin, head[p] + time[p])
        head[o] = begin
        if o % steps < steps - 1:
            waiting[o + 1] -= 1
            if waiting[o + 1] == 0:
                topo[last] = o + 1
                last += 1
        if place[o] < order.shape[1] - 1:
            q = order[machine[o], place[o] + 1]
            waiting[q] -= 1
            if waiting[q] == 0:
                topo[last] = q
                last += 1
    if last < n:
        return -1
    span = 0
    for k in range(n - 1, -1, -1):
        o = topo[k]
        after = 0
        if o % steps < steps - 1:
            after = tail[o + 1]
        if place[o] < order.shape[1] - 1:
            after = max(after, tail[order[machine[o], place[o] + 1]])
        tail[o] = after + time[o]
        span = max(span, head[o] + tail[o])
    return span


@njit(nogil=True, cache=True)
def priced(order: NDArray[np.int64], place: NDArray[np.int64], machine: NDArray[np.int64], time: NDArray[np.int64], steps: Any,
           head: NDArray[np.int64], tail: NDArray[np.int64], u: Any, v: Any) -> Any:  # fmt: skip
    """Return the longest path through neighbours u, v of a machine once they are swapped."""
    m = machine[u]
    begin_v = 0
    if v % steps > 0:
        begin_v = head[v - 1] + time[v - 1]
    if place[u] > 0:
        p = order[m, place[u] - 1]
        begin_v = max(begin_v, head[p] + time[p])
    begin_u = begin_v + time[v]
    if u % steps > 0:
        begin_u = max(begin_u, head[u - 1] + time[u - 1])
    after_u = 0
    if u % steps < steps - 1:
        after_u = tail[u + 1]
    if place[v] < order.shape[1] - 1:
        after_u = max(after_u, tail[order[m, place[v] + 1]])
    after_u += time[u]
    after_v = after_u
    if v % steps < steps - 1:
        after_v = max(after_v, tail[v + 1])
    after_v += time[v]
    return max(begin_u + after_u, begin_v + after_v)


@njit(nogil=True, cache=True)
def critical(place: NDArray[np.int64], order: NDArray[np.int64], machine: NDArray[np.int64], time: NDArray[np.int64],
             steps: Any, head: NDArray[np.int64], tail: NDArray[np.int64], span: Any, draw: Any,
             path: NDArray[np.int64]) -> Any:  # fmt: skip
    """Write one critical path into `path` and return its length; `draw` picks among several."""
    n = len(machine)
    count, at = 0, -1
    for k in range(n):
        o = (k + draw) % n
        if head[o] == 0 and tail[o] == span:
            at = o
            break
    while at >= 0:
        path[count] = at
        count += 1
        end, following = head[at] + time[at], -1
        on = order[machine[at], place[at] + 1] if place[at] < order.shape[1] - 1 else -1
        job = at + 1 if at % steps < steps - 1 else -1
        on_good = on >= 0 and head[on] == end and head[on] + tail[on] == span
        job_good = job >= 0 and head[job] == end and head[job] + tail[job] == span
        if on_good and job_good:
            following = on if (draw >> (count & 15)) & 1 else job
        elif on_good:
            following = on
        elif job_good:
            following = job
        at = following
    return count


@njit(nogil=True, cache=True)
def improve(order: NDArray[np.int64], machine: NDArray[np.int64], time: NDArray[np.int64], steps: Any, rounds: Any, tenure: Any,
            seed: Any, best_order: NDArray[np.int64], tabu: NDArray[np.int64], clock: Any, best: Any) -> Any:  # fmt: skip
    """Make `rounds` moves from `order` in place; keep what beats `best` in `best_order`; return the least makespan seen."""
    n = len(machine)
    place, head, tail = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    topo, path = np.zeros(n, np.int64), np.zeros(n + 1, np.int64)
    for m in range(order.shape[0]):
        for k in range(order.shape[1]):
            place[order[m, k]] = k
    np.random.seed(seed)
    span = heads_of(order, place, machine, time, steps, head, tail, topo)
    if span < best:
        best = span
        best_order[:] = order
    for turn in range(rounds):
        count = critical(place, order, machine, time, steps, head, tail, span, np.random.randint(0, 65536), path)
        chosen_u, chosen_v, chosen, ties = -1, -1, np.int64(2**60), 0
        any_u, any_v = -1, -1
        for k in range(count - 1):
            u, v = path[k], path[k + 1]
            if machine[u] != machine[v]:
                continue
            begins = k == 0 or machine[path[k - 1]] != machine[u]
            ends = k + 2 >= count or machine[path[k + 2]] != machine[v]
            if not (begins and k > 0) and not (ends and k + 2 < count):
                continue
            told = priced(order, place, machine, time, steps, head, tail, u, v)
            any_u, any_v = (u, v) if any_u < 0 or np.random.random() < 0.3 else (any_u, any_v)
            if tabu[v, u] > clock + turn and told >= best:
                continue
            if told < chosen:
                chosen_u, chosen_v, chosen, ties = u, v, told, 1
            elif told == chosen:
                ties += 1
                if np.random.random() * ties < 1.0:
                    chosen_u, chosen_v = u, v
        if chosen_u < 0:
            chosen_u, chosen_v = any_u, any_v
        if chosen_u < 0:
            break
        m, k = machine[chosen_u], place[chosen_u]
        order[m, k], order[m, k + 1] = chosen_v, chosen_u
        place[chosen_u], place[chosen_v] = k + 1, k
        tabu[chosen_u, chosen_v] = clock + turn + tenure + np.random.randint(0, tenure)
        span = heads_of(order, place, machine, time, steps, head, tail, topo)
        if span < best:
            best = span
            best_order[:] = order
    return best


@njit(nogil=True, cache=True)
def shake(
    order: NDArray[np.int64], machine: NDArray[np.int64], time: NDArray[np.int64], steps: Any, moves: Any, seed: Any
) -> None:
    """Swap neighbours on the critical path at random `moves` times: always feasible (Van Laarhoven, Aarts, Lenstra 1992)."""
    n = len(machine)
    place, head, tail = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    topo, path, spots = np.zeros(n, np.int64), np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
    for m in range(order.shape[0]):
        for k in range(order.shape[1]):
            place[order[m, k]] = k
    np.random.seed(seed)
    for _ in range(moves):
        span = heads_of(order, place, machine, time, steps, head, tail, topo)
        count = critical(place, order, machine, time, steps, head, tail, span, np.random.randint(0, 65536), path)
        found = 0
        for k in range(count - 1):
            if machine[path[k]] == machine[path[k + 1]]:
                spots[found] = k
                found += 1
        if found == 0:
            return
        k = spots[np.random.randint(0, found)]
        u, v = path[k], path[k + 1]
        at = place[u]
        order[machine[u], at], order[machine[u], at + 1] = v, u
        place[u], place[v] = at + 1, at
