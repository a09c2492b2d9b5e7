"""The inner part of tabu search for dense problems, compiled: whole rows at a time, in 32-bit whole numbers.

Fields f_i = h_i + sum_j J_ij s_j are kept for all spins; turning spin i costs one pass over row i of the dense matrix. In the
same pass the best move that is not tabu and the best move at all are found (two maxima, which compile to vector code), then
one look for where that maximum stands, from a random place on, so that ties are broken at random.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Spins (+1, -1), fields, and until when each spin is tabu, all int32 (n,).
State: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
_NONE = np.int32(-(2**31) + 1)


@njit(nogil=True, cache=True)
def set_fields(h: NDArray[np.int32], matrix: NDArray[Any], state: State) -> float:
    """Write the fields and return the energy sum_i (h_i + f_i) s_i / 2."""
    spins, fields, _ = state
    energy = 0.0
    for i in range(len(h)):
        total = np.int64(h[i])
        for j in range(len(h)):
            total += np.int64(matrix[i, j]) * np.int64(spins[j])
        fields[i] = total
        energy += (np.float64(h[i]) + np.float64(total)) * np.float64(spins[i]) / 2
    return energy


@njit(nogil=True, cache=True)
def turn(matrix: NDArray[Any], state: State, i: int) -> float:
    """Flip spin i; returns the change of energy."""
    spins, fields, _ = state
    change = -2.0 * np.float64(spins[i]) * np.float64(fields[i])
    step = np.int32(-2 * spins[i])
    spins[i] = -spins[i]
    row = matrix[i]
    for j in range(len(fields)):
        fields[j] += np.int32(row[j]) * step
    return change


@njit(nogil=True, cache=True)
def best_moves(state: State, now: Any) -> tuple[Any, Any]:
    """Return the largest s f among the spins that are not tabu, and among all."""
    spins, fields, until = state
    free, every = _NONE, _NONE
    for j in range(len(spins)):
        gain = np.int32(spins[j] * fields[j])
        every = max(every, gain)
        allowed = gain if until[j] <= now else _NONE
        free = max(free, allowed)
    return free, every


@njit(nogil=True, cache=True)
def where(state: State, value: Any, now: Any, first: Any, tabu_too: Any) -> int:
    """Return the first spin from `first` on (around the end) whose s f is `value`; tabu ones only when `tabu_too`."""
    spins, fields, until = state
    n = len(spins)
    for j in range(first, n):
        if spins[j] * fields[j] == value and (tabu_too or until[j] <= now):
            return j
    for j in range(first):
        if spins[j] * fields[j] == value and (tabu_too or until[j] <= now):
            return j
    return -1


@njit(nogil=True, cache=True)
def search(  # noqa: PLR0917 - as numba calls it
    matrix: NDArray[Any], state: State, best: NDArray[np.int32], energy: Any, limits: Any, key: Any
) -> tuple[float, float, int, Any]:
    """Make one-flip moves, the best that is not tabu each time; a tabu one only when it gives a new best.

    `limits` is (most moves without a new best, most moves at all, tenure). `best` (n,) gets the best state. Returns the
    energy of the last state, that of the best, the moves made, and the key of the random numbers to go on with.
    """
    spins, _, until = state
    idle_most, most, tenure = limits
    lowest = energy
    best[:] = spins
    until[:] = 0
    idle, moves = 0, 0
    key = np.uint32(key)
    while idle < idle_most and moves < most:
        key = np.uint32(key * np.uint32(1664525) + np.uint32(1013904223))
        first = np.int64(np.uint64(key) * np.uint64(len(spins)) >> np.uint64(32))
        free, every = best_moves(state, moves)
        aspires = every > free and energy - 2.0 * np.float64(every) < lowest
        i = where(state, every if aspires or free == _NONE else free, moves, first, aspires or free == _NONE)
        energy += turn(matrix, state, i)
        moves += 1
        until[i] = moves + tenure + np.int64((key >> np.uint32(8)) % np.uint32(10))
        if energy < lowest:
            lowest, idle = energy, 0
            best[:] = spins
        else:
            idle += 1
    return energy, lowest, moves, key


@njit(nogil=True, cache=True)
def relink(
    matrix: NDArray[Any], state: State, guide: NDArray[np.int32], energy: Any, best: NDArray[np.int32]
) -> tuple[float, float]:
    """Walk from the state to `guide`, the best differing spin first; `best` gets the best state of the middle of the way.

    Path relinking after Wang, Lu, Glover, Hao 2012, "Path relinking for unconstrained binary quadratic programming": the
    first and the last tenth of the way are too close to its ends. Returns that state's energy and that of the last state.
    """
    spins, fields, _ = state
    n = len(spins)
    distance = 0
    for j in range(n):
        distance += spins[j] != guide[j]
    lowest = np.inf
    margin = distance // 10 + 1
    for step in range(1, distance):
        pick, top = -1, _NONE
        for j in range(n):
            gain = np.int32(spins[j] * fields[j]) if spins[j] != guide[j] else _NONE
            if gain > top:
                pick, top = j, gain
        if pick < 0:
            break
        energy += turn(matrix, state, pick)
        if margin <= step <= distance - margin and energy < lowest:
            lowest = energy
            best[:] = spins
    return lowest, energy
