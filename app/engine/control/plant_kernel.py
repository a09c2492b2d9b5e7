"""The inner part of the simulator, compiled: many first-come first-served queues with a changing number of workers.

A worker asked for at t takes tasks from t + lag; one that is let go finishes its task first and is paid until then. A
task that waited longer than `timeout` is shed. Service slows with the number n in flight by 1 + σ(n - 1) + κ n(n - 1).
"""

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _remove(free: Any, alive: int, wanted: int, t: float) -> float:
    """Let the workers go that are soonest free; return the seconds they still work."""
    left = 0.0
    while alive > wanted:
        soonest = 0
        for j in range(1, alive):
            if free[j] < free[soonest]:
                soonest = j
        if free[soonest] > t:
            left += free[soonest] - t
        alive -= 1
        free[soonest] = free[alive]
    return left


@njit(cache=True, nogil=True)
def _serve(times: Any, services: Any, free: Any, alive: int, head: int, arrived: int, span: Any, slow: Any,  # noqa: PLR0917
           latency: Any, bins: Any) -> int:  # fmt: skip
    """Start what can start before the turn ends; return the new head."""
    t, end, dt = span
    sigma, kappa, timeout = slow
    while head < arrived:
        soonest = 0
        for j in range(1, alive):
            if free[j] < free[soonest]:
                soonest = j
        start = max(times[head], free[soonest], t)
        if start >= end:
            break
        if start - times[head] > timeout:
            latency[head] = -1.0
            head += 1
            continue
        service = services[head]
        if sigma > 0.0 or kappa > 0.0:
            n = 1.0
            for j in range(alive):
                if free[j] > start:
                    n += 1.0
            service *= 1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0)
        done = start + service
        free[soonest] = done
        latency[head] = done - times[head]
        place = min(int(done / dt), bins.shape[0] - 1)
        bins[place, 0] += 1.0
        bins[place, 1] += service
        bins[place, 2] += done - times[head]
        head += 1
    return head


@njit(cache=True, nogil=True)
def advance(tick: int, dt: float, times: Any, services: Any, rows: Any, wanted: Any, lag: float, slow: Any,  # noqa: PLR0917
            free: Any, alive: Any, head: Any, arrived: Any, latency: Any, bins: Any, cost: Any) -> None:  # fmt: skip
    """Play one turn of `dt` seconds for every run i; arrays are changed in place, shapes as `plant.Plants` makes them."""
    t = tick * dt
    end = t + dt
    for i in range(len(rows)):
        row = rows[i]
        before, now = alive[i], wanted[i]
        for j in range(before, now):
            free[i, j] = t + lag
        if now < before:
            cost[i] += _remove(free[i], before, now, t)
        alive[i] = now
        cost[i] += now * dt
        at = arrived[i]
        while at < times.shape[1] and times[row, at] < end:
            at += 1
        arrived[i] = at
        head[i] = _serve(times[row], services[row], free[i], now, head[i], at, (t, end, dt), slow, latency[i], bins[i])


@njit(cache=True, nogil=True)
def shed(latency: Any, since: Any, head: Any) -> Any:
    """Return how many tasks each run has shed between `since` and `head`."""
    counted = np.zeros(len(head))
    for i in range(len(head)):
        for j in range(since[i], head[i]):
            if latency[i, j] < 0.0:
                counted[i] += 1.0
    return counted
