"""Queueing in closed form and by exact recursion: how many workers a load needs, how long it waits.

Erlang C for M/M/c (Erlang, 1917), its probability by the stable recursion over Erlang B; square-root staffing
(Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers", Operations Research 29, 1981);
and the first-come first-served recursion of Kiefer and Wolfowitz (1955) for given arrivals and service times.
"""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Floats = NDArray[np.float64]


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability that an arrival waits, for `offered` Erlang on `servers`; 1 when overloaded."""
    if servers < 1 or offered < 0:
        raise BadInput("Erlang C needs at least one server and a load of at least 0", field="servers")
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def mean_wait_s(servers: int, rate_hz: float, service_s: float) -> float:
    """Return the mean wait before service in an M/M/c queue; infinite when overloaded."""
    offered = rate_hz * service_s
    if offered >= servers:
        return math.inf
    return erlang_c(servers, offered) * service_s / (servers - offered)


def staff_for(rate_hz: float, service_s: float, wait_s: float, low: int, high: int) -> int:
    """Return the fewest servers in [`low`, `high`] with a mean wait of at most `wait_s`; `high` when none has."""
    return next((c for c in range(low, high) if mean_wait_s(c, rate_hz, service_s) <= wait_s), high)


def fifo_waits_s(times_s: Floats, services_s: Floats, servers: int) -> Floats:
    """Return the wait of each task, float64 (n,), on a fixed number of servers, first come first served."""
    free = [0.0] * servers
    waits = np.empty(len(times_s))
    for index, (at, service) in enumerate(zip(times_s.tolist(), services_s.tolist(), strict=True)):
        start = max(at, free[0])
        heapq.heapreplace(free, start + service)
        waits[index] = start - at
    return waits
