"""The inner part of replica annealing, compiled: LANES independent replicas side by side, one row of memory per spin.

A Metropolis step (Metropolis et al. 1953) accepts a change dE when dE <= -T ln u. With dE = -2 s f, f the local field, that is
s f >= (T/2) ln u: all that is random is a threshold. Thresholds are drawn afresh for every sweep into a pool, and each row
takes a window of it at a random place, so that the loop over spins holds no exponential and no gather. Integers and float32
run through the same source. The state of the random numbers is one 32-bit key, so results do not depend on how a run is cut
into calls. Numba's cache on disk knows this file only: after a change in `lanes.py`, change this file too.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.qubo.lanes import LANES, spread_row, turn_row

# Spins (+1 or -1) and local fields, both (n, LANES), int16 or float32.
State: TypeAlias = tuple[NDArray[Any], NDArray[Any]]
# Symmetric couplings in CSR: start (n + 1,), neighbours, strengths of the type of the state.
Graph: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]
# A power of two: window places are the top bits of a 32-bit generator.
POOL = 4096
_POOL_BITS = 12
_GOLDEN = np.uint32(0x9E3779B9)
_LN2 = np.float32(np.log(2.0))
# Below every threshold that can matter and every field that is allowed in int16.
_LOWEST = np.float32(-32_000.0)
_MOST_DESCENTS = 1000


@njit(nogil=True, cache=True)
def mix(x: Any) -> Any:
    """Return a 32-bit hash of a 32-bit counter (lowbias32 family: Wellons 2018, "Prospecting for hash functions")."""
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x21F0AAAD))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0xD35A2D97))
    return np.uint32(x ^ (x >> np.uint32(15)))


@njit(nogil=True, cache=True)
def fill_pool(pool: NDArray[np.float32], bits: NDArray[np.uint32], key: Any, scale: Any) -> None:
    """Fill `pool` (POOL + LANES,) with scale * ln u, u uniform on (0, 1); `bits` is scratch of the same length.

    ln by exponent and mantissa, ln(1 + m) by Abramowitz and Stegun 1964, eq. 4.1.44 (error below 3e-8 before rounding).
    """
    reals = bits.view(np.float32)
    for k in range(POOL):
        x = mix(np.uint32(np.uint32(k) * _GOLDEN + key))
        reals[k] = np.float32(np.float32(x >> np.uint32(8)) + np.float32(0.5)) * np.float32(2.0**-24)
    for k in range(POOL):
        pool[k] = np.float32(np.int32(bits[k] >> np.uint32(23)) - np.int32(127))
        bits[k] = np.uint32((bits[k] & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000))
    factor = np.float32(scale)
    for k in range(POOL):
        m = reals[k] - np.float32(1.0)
        p = np.float32(-0.0064535442)
        p = p * m + np.float32(0.0360884937)
        p = p * m + np.float32(-0.0953293897)
        p = p * m + np.float32(0.1676540711)
        p = p * m + np.float32(-0.2407338084)
        p = p * m + np.float32(0.3317990258)
        p = p * m + np.float32(-0.4998741238)
        p = p * m + np.float32(0.9999964239)
        pool[k] = (pool[k] * _LN2 + p * m) * factor
    pool[POOL:] = pool[:LANES]


@njit(nogil=True, cache=True)
def sweep(state: State, graph: Graph, limits: NDArray[Any], place: Any, step: NDArray[Any]) -> int:
    """Visit every spin once in all lanes; returns the number of rows in which any lane flipped. `step` is scratch (LANES,)."""
    spins, fields = state
    start, others, strength = graph
    turned = 0
    for i in range(len(spins)):
        place = np.uint32(place * np.uint32(1664525) + np.uint32(1013904223))
        if turn_row(spins, fields, i, limits, np.int64(place >> np.uint32(32 - _POOL_BITS)), step):
            turned += 1
            spread_row(fields, others, strength, start[i], start[i + 1], step)
    return turned


@njit(nogil=True, cache=True)
def set_fields(h: NDArray[Any], state: State, graph: Graph) -> None:
    """Write the local fields f_i = h_i + sum_j J_ij s_j of every lane into `fields` (n, LANES)."""
    spins, fields = state
    start, others, strength = graph
    for i in range(len(spins)):
        fields[i, :] = h[i]
    for i in range(len(spins)):
        spread_row(fields, others, strength, start[i], start[i + 1], spins[i])


@njit(nogil=True, cache=True)
def anneal(state: State, graph: Graph, half_ts: NDArray[np.float64], key: Any) -> Any:
    """Run one sweep per entry of `half_ts` (T/2 in units of the couplings); returns the key to go on with."""
    bits = np.empty(POOL + LANES, np.uint32)
    pool = np.empty(POOL + LANES, np.float32)
    dtype = state[0].dtype
    limits = np.empty(POOL + LANES, dtype)
    step = np.empty(LANES, dtype)
    cast = dtype.type
    whole = cast(1.5) == cast(1)
    for t in range(len(half_ts)):
        key = mix(np.uint32(key + _GOLDEN))
        fill_pool(pool, bits, key, half_ts[t])
        if whole:
            for k in range(POOL + LANES):
                limits[k] = cast(max(np.ceil(pool[k]), _LOWEST))
        else:
            for k in range(POOL + LANES):
                limits[k] = cast(pool[k])
        sweep(state, graph, limits, key, step)
    return key


@njit(nogil=True, cache=True)
def descend(state: State, graph: Graph, least: Any) -> int:
    """Flip whatever lowers the energy by more than 2 * `least`, until nothing does; returns the sweeps it took."""
    dtype = state[0].dtype
    step = np.empty(LANES, dtype)
    limits = np.full(POOL + LANES, dtype.type(least), dtype)
    for done in range(_MOST_DESCENTS):
        if sweep(state, graph, limits, np.uint32(0), step) == 0:
            return done
    return _MOST_DESCENTS


@njit(nogil=True, cache=True)
def lane_energies(h: NDArray[Any], state: State) -> NDArray[np.float64]:
    """Return sum_i (h_i + f_i) s_i / 2 of every lane (LANES,), which is the energy without its constant."""
    spins, fields = state
    total = np.zeros(LANES, np.float64)
    for i in range(len(spins)):
        for r in range(LANES):
            total[r] += (np.float64(h[i]) + np.float64(fields[i, r])) * np.float64(spins[i, r])
    return total / 2
