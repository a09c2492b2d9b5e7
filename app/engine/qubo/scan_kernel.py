"""The inner part of annealing one state at a time, compiled: 32 spins are asked at once, only those that flip cost more.

A Metropolis step (Metropolis et al. 1953) in the threshold form of `replicas_kernel`: spin i flips when s_i f_i >= (T/2) ln u.
Spins are visited in order, in blocks of LANES; one vector comparison tells which of a block would flip. Each that does is
turned and its neighbours' fields are changed; if one of them stands in the same block, the rest of the block is asked again.
So every spin is asked exactly once a sweep, with the fields of that moment: the result is that of the plain loop. Blocks are
padded with spins that never flip. Numba's cache on disk knows this file only: after a change in `lanes.py`, change this too.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.qubo.lanes import LANES, first_bit, ready

# Spins (+1 or -1) and local fields, both (blocks * LANES,), int16 or float32.
State: TypeAlias = tuple[NDArray[Any], NDArray[Any]]
# Symmetric couplings in CSR: start (n + 1,), neighbours (uint32), strengths of the type of the state.
Graph: TypeAlias = tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[Any]]
# Thresholds of one sweep, and the fixed table of ln u they are cut from; powers of two.
POOL = 4096
TABLE = 65_536
_LOWEST = np.float32(-32_000.0)
_MOST_DESCENTS = 1000
_ONE = np.uint64(1)


@njit(nogil=True, cache=True)
def turn(state: State, graph: Graph, i: Any, block: Any) -> tuple[float, bool]:
    """Flip spin i; returns the change of energy and whether a neighbour stands in `block`."""
    spins, fields = state
    start, others, strength = graph
    s = spins[i]
    change = -2.0 * np.float64(s) * np.float64(fields[i])
    spins[i] = -s
    near = False
    for e in range(np.uint64(start[i]), np.uint64(start[i + _ONE])):
        j = np.uint64(others[e])
        fields[j] = fields.dtype.type(fields[j] - fields.dtype.type(2) * strength[e] * s)
        near |= (j >> np.uint64(5)) == block
    return change, near


@njit(nogil=True, cache=True)
def sweep(state: State, graph: Graph, limits: NDArray[Any], place: Any) -> tuple[float, int, Any]:
    """Ask every spin once; returns the change of energy, the number of flips and the place to go on with."""
    spins, fields = state
    change, flips = 0.0, 0
    place = np.uint32(place)
    for block in range(len(spins) // LANES):
        base = block * LANES
        place = np.uint32(place * np.uint32(1664525) + np.uint32(1013904223))
        window = np.int64(place >> np.uint32(20))
        mask = ready(spins, fields, limits, base, window)
        while mask:
            k = first_bit(mask)
            mask &= mask - 1
            more, near = turn(state, graph, np.uint64(base + k), np.uint64(block))
            change += more
            flips += 1
            if near:
                mask = ready(spins, fields, limits, base, window) & ~((np.int64(2) << k) - np.int64(1))
    return change, flips, place


@njit(nogil=True, cache=True)
def anneal(
    state: State, graph: Graph, half_ts: NDArray[np.float64], logs: NDArray[np.float32], place: Any
) -> tuple[float, int, Any]:
    """Run one sweep per entry of `half_ts` (T/2 in units of the couplings); `logs` (TABLE + POOL,) holds ln u.

    Returns the change of energy (units of the couplings), the flips and the place of the random numbers to go on with.
    """
    dtype = state[0].dtype
    limits = np.empty(POOL + LANES, dtype)
    whole = dtype.type(1.5) == dtype.type(1)
    change, flips = 0.0, 0
    place = np.uint32(place)
    for t in range(len(half_ts)):
        place = np.uint32(place * np.uint32(1664525) + np.uint32(1013904223))
        first = np.int64(place >> np.uint32(16))
        half_t = np.float32(half_ts[t])
        if whole:
            for k in range(POOL):
                limits[k] = dtype.type(max(np.ceil(logs[first + k] * half_t), _LOWEST))
        else:
            for k in range(POOL):
                limits[k] = dtype.type(logs[first + k] * half_t)
        limits[POOL:] = limits[:LANES]
        more, turned, place = sweep(state, graph, limits, place)
        change += more
        flips += turned
    return change, flips, place


@njit(nogil=True, cache=True)
def set_fields(h: NDArray[Any], state: State, graph: Graph) -> float:
    """Write the local fields f_i = h_i + sum_j J_ij s_j and return the energy sum_i (h_i + f_i) s_i / 2; pads never flip."""
    spins, fields = state
    start, others, strength = graph
    energy = 0.0
    for i in range(len(h)):
        total = np.float64(h[i])
        for e in range(start[i], start[i + 1]):
            total += np.float64(strength[e]) * np.float64(spins[np.uint64(others[e])])
        fields[i] = fields.dtype.type(total)
        energy += (np.float64(h[i]) + total) * np.float64(spins[i]) / 2
    # Below every threshold: those of whole numbers end at _LOWEST.
    never = fields.dtype.type(-32_767) if fields.dtype.type(1.5) == fields.dtype.type(1) else fields.dtype.type(-np.inf)
    for i in range(len(h), len(spins)):
        spins[i] = 1
        fields[i] = never
    return energy


@njit(nogil=True, cache=True)
def descend(state: State, graph: Graph, least: Any) -> float:
    """Flip whatever lowers the energy by more than 2 * `least`, until nothing does; returns the change of energy."""
    dtype = state[0].dtype
    limits = np.full(POOL + LANES, dtype.type(least), dtype)
    change = 0.0
    for _ in range(_MOST_DESCENTS):
        more, flips, _place = sweep(state, graph, limits, np.uint32(0))
        change += more
        if flips == 0:
            break
    return change


@njit(nogil=True, cache=True)
def recombine(h: NDArray[Any], spins: NDArray[Any], other: NDArray[Any], graph: Graph) -> float:
    """Take into `spins` every cluster of differing spins of `other` that lowers the energy; returns the change.

    Clusters (connected parts of the graph where the two differ) do not touch, so their changes add up and each is judged
    alone (Houdayer 2001, "A cluster Monte Carlo algorithm for 2-dimensional spin glasses"; in the genetic literature:
    partition crossover, Whitley, Hains, Howe 2009).
    """
    start, others, strength = graph
    n = len(h)
    seen = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int64)
    total = 0.0
    for root in range(n):
        if seen[root] or spins[root] == other[root]:
            continue
        seen[root] = True
        stack[0] = root
        size, done = 1, 0
        change = 0.0
        while done < size:
            i = stack[done]
            done += 1
            s = np.float64(spins[i])
            change -= 2.0 * np.float64(h[i]) * s
            for e in range(start[i], start[i + 1]):
                j = np.int64(others[e])
                if spins[j] == other[j]:
                    change -= 2.0 * np.float64(strength[e]) * s * np.float64(spins[j])
                elif not seen[j]:
                    seen[j] = True
                    stack[size] = j
                    size += 1
        if change < 0:
            total += change
            _take(spins, other, stack, size)
    return total


@njit(nogil=True, cache=True)
def _take(spins: NDArray[Any], other: NDArray[Any], chosen: NDArray[np.int64], size: int) -> None:
    # Marked as equal only in places that later clusters do not touch: clusters are no neighbours of each other.
    for k in range(size):
        spins[chosen[k]] = other[chosen[k]]
