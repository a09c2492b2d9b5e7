"""Job-shop by tabu search over machine orders, restarted from shaken elite orders; ends early when a bound is met.

Tabu as in `shop_kernel`; the restarts are those of an iterated search (Lourenco, Martin, Stuetzle 2003). A makespan equal to
the bound of jobs and machines is proved.
"""

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.domain.dispatch import dispatch

_ROUNDS = 4000
_SEEDS = 2**31 - 1
_ELITE = 6


def search(  # noqa: PLR0917 - as all methods are called
    machines: NDArray[np.int64], times: NDArray[np.int64], lower: int, seconds: float, seed: int, report: Report, stop: Stop,
    *, restarts: int = 0,
) -> tuple[list[list[int]], int, int]:  # fmt: skip
    """Return starts, makespan and restarts made; `restarts` fixes their number, so that equal seeds give equal answers.

    `machines` and `times` are (jobs, steps); every job visits every machine once.
    """
    from app.engine.qubo.domain.shop_kernel import improve, shake

    machine, time, steps = machines.ravel(), times.ravel(), times.shape[1]
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    order = _order_of(machines, dispatch(machines, times))
    best_order, best = order.copy(), np.int64(2**60)
    elite: list[tuple[int, NDArray[np.int64]]] = []
    tenure = 8 + len(times) // 2
    # The kernel is loaded, or compiled the first time, before the time counts.
    improve(order.copy(), machine, time, steps, 0, tenure, 0, order.copy(), np.zeros((1, 1), np.int64), 0, np.int64(2**60))
    made, allowance = 0, Allowance(seconds, report, stop)
    while True:
        tabu, mine = np.zeros((len(machine), len(machine)), np.int64), order.copy()
        span = improve(order, machine, time, steps, _ROUNDS, tenure, int(rng.integers(_SEEDS)), mine, tabu, 0, np.int64(2**60))
        if span < best:
            best, best_order = span, mine.copy()
        elite = sorted([*elite, (int(span), mine.copy())], key=lambda one: one[0])[:_ELITE]
        made += 1
        allowance.tell(float(best))
        if best <= lower or ((made >= restarts) if restarts else allowance.over()):
            return _starts(best_order, machines, times), int(best), made
        order = elite[int(rng.integers(len(elite)))][1].copy()
        shake(order, machine, time, steps, int(rng.integers(5, 30)), int(rng.integers(_SEEDS)))


def _order_of(machines: NDArray[np.int64], starts: list[list[int]]) -> NDArray[np.int64]:
    """Return the operations of each machine in the order of their starts, (machines, jobs)."""
    begin = np.asarray(starts).ravel()
    on, step = machines.ravel(), np.arange(machines.size) % machines.shape[1]
    rows = [np.flatnonzero(on == m) for m in range(int(on.max()) + 1)]
    return np.array([row[np.lexsort((step[row], begin[row]))] for row in rows], np.int64)


def _starts(order: NDArray[np.int64], machines: NDArray[np.int64], times: NDArray[np.int64]) -> list[list[int]]:
    """Return the earliest starts under a machine order."""
    from app.engine.qubo.domain.shop_kernel import heads_of

    place = np.zeros(machines.size, np.int64)
    for row in order:
        place[row] = np.arange(len(row))
    head, tail, topo = (np.zeros(machines.size, np.int64) for _ in range(3))
    heads_of(order, place, machines.ravel(), times.ravel(), times.shape[1], head, tail, topo)
    return [[int(t) for t in row] for row in head.reshape(times.shape)]
