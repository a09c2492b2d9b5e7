"""Routing without a QUBO: savings, then ruin and recreate for tours from a depot; 2-opt with kicks for one tour.

The start is that of Clarke, Wright 1964 ("Scheduling of vehicles from a central depot to a number of delivery points").
"""

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.qubo.allowance import Allowance

_SEEDS = 2**31 - 1
_CHUNK_S = 0.1
_NEIGHBOURS = 12
_FIRST_ROUNDS = 100
# Of the time, so many steps are told apart: a course holds about as many rows, however long it was.
_SHARES = 1000


class Stretch(NamedTuple):
    """Rounds made in one call of a kernel, `times` times over, and the shares of the work before and after, for its heat."""

    share: float
    after: float
    rounds: int
    times: int = 1


def course_of(rounds: int) -> list[Stretch]:
    """Return the course of so many rounds, whatever the time."""
    cuts = [*range(0, rounds, _FIRST_ROUNDS), rounds]
    return [Stretch(a / rounds, b / rounds, b - a) for a, b in pairwise(cuts)]


def rounds_of(course: Sequence[Stretch]) -> int:
    """Return the rounds of a course."""
    return sum(one.rounds * one.times for one in course)


def savings(d: NDArray[np.float64], demands: NDArray[np.int64], capacity: int) -> list[list[int]]:
    """Return tours joined at their ends in order of what joining saves, within `capacity`; `d` (n, n), the depot first."""
    n = len(d)
    tours = {c: [c] for c in range(1, n)}
    load = {c: int(demands[c]) for c in tours}
    of = {c: c for c in tours}
    gain = d[1:, 0][:, None] + d[0, 1:][None, :] - d[1:, 1:]
    np.fill_diagonal(gain, -np.inf)
    for flat in np.argsort(-gain, axis=None, kind="stable"):
        i, j = int(flat // (n - 1)) + 1, int(flat % (n - 1)) + 1
        if gain[i - 1, j - 1] <= 0:
            break
        a, b = of[i], of[j]
        if a != b and load[a] + load[b] <= capacity and tours[a][-1] == i and tours[b][0] == j:
            tours[a] += tours.pop(b)
            load[a] += load.pop(b)
            of.update(dict.fromkeys(tours[a], a))
    return list(tours.values())


def vehicles(  # noqa: PLR0917 - as all methods are called
    d: NDArray[np.float64], demands: NDArray[np.int64], capacity: int, most: int, seconds: float, seed: int, report: Report,
    stop: Stop, *, course: Sequence[Stretch] = (),
) -> tuple[list[list[int]], list[Stretch]]:  # fmt: skip
    """Return tours and the course taken; `most` tours at most if that can be (0: any number), `course` fixes the work."""
    if len(d) <= 1:
        return [], []
    if len(d) == 2:
        return [[1]], []
    from app.engine.qubo.domain.routing_kernel import anneal

    d = np.ascontiguousarray(d, np.float64)
    state = _State(savings(d, demands, capacity), demands, len(d))
    near = np.argsort((d + d.T)[:, :], axis=1, kind="stable")
    near = np.ascontiguousarray(np.array([[c for c in row if c != k] for k, row in enumerate(near)], np.int64))
    hot = 0.2 * float(d[d > 0].mean()) if (d > 0).any() else 1.0
    dear = 10.0 * float(d.max()) + 1.0
    best_route, best_length, best = state.route.copy(), state.length.copy(), np.inf
    limit = most or len(d)

    def run(share: float, after: float, count: int, number: int) -> float:
        nonlocal best
        heats = hot * 0.01**share, hot * 0.01**after
        state.tours, best = anneal(
            state.route, state.length, state.load, state.where, state.tours, best_route, best_length, best, d, near,
            demands.astype(np.int64), capacity, limit, dear, *heats, count, number,
        )  # fmt: skip
        return float(best)

    # The kernel is loaded, or compiled the first time, before the time counts.
    run(0.0, 0.0, 0, 0)
    best = _cost(best_route, best_length, d, limit, dear)
    made = _walk(run, Allowance(seconds, report, stop), seed, course)
    return [best_route[k, : best_length[k]].tolist() for k in range(len(best_length)) if best_length[k]], made


def tour(
    d: NDArray[np.float64], seconds: float, seed: int, report: Report, stop: Stop, *, course: Sequence[Stretch] = ()
) -> tuple[list[int], list[Stretch]]:
    """Return one tour through all places, 0 first, and the course of kicks; `d` (n, n), symmetric or not."""
    n = len(d)
    if n <= 3:
        return list(range(n)), []
    if n < 8 or not np.array_equal(d, d.T):
        found, made = vehicles(d, np.zeros(n, np.int64), 1, 1, seconds, seed, report, stop, course=course)
        return [0, *found[0]], made
    from app.engine.qubo.domain.tour_kernel import kicks

    d = np.ascontiguousarray(d, np.float64)
    near = np.argsort(d + np.diag(np.full(n, np.inf)), axis=1, kind="stable")[:, : min(_NEIGHBOURS, n - 1)].astype(np.int64)
    start = np.array([0, *savings(d, np.zeros(n, np.int64), 1)[0]], np.int64)
    rest = np.setdiff1d(np.arange(n), start)
    now = np.concatenate([start, rest]).astype(np.int64)
    best_tour, best = now.copy(), np.inf
    mean = float(np.sort(d, axis=1)[:, 1:4].mean())

    def run(share: float, after: float, count: int, number: int) -> float:
        nonlocal best
        del after
        best = kicks(now, d, near, count, number, 0.1 * mean * (1 - share) ** 2 + 1e-9, best_tour, best)
        return float(best)

    run(0.0, 0.0, 0, 0)
    made = _walk(run, Allowance(seconds, report, stop), seed, course)
    at = int(np.flatnonzero(best_tour == 0)[0])
    return [int(c) for c in np.roll(best_tour, -at)], made


class _State:
    """A solution in the arrays the kernel works on."""

    def __init__(self, tours: list[list[int]], demands: NDArray[np.int64], n: int) -> None:
        self.route, self.length = np.zeros((n, n), np.int64), np.zeros(n, np.int64)
        self.load, self.where, self.tours = np.zeros(n, np.int64), np.full(n, -1, np.int64), len(tours)
        for k, one in enumerate(tours):
            self.route[k, : len(one)] = one
            self.length[k] = len(one)
            self.load[k] = int(demands[one].sum())
            self.where[one] = k


def _cost(route: NDArray[np.int64], length: NDArray[np.int64], d: NDArray[np.float64], limit: int, dear: float) -> float:
    tours = [[0, *route[k, :m].tolist(), 0] for k, m in enumerate(length) if m]
    return float(sum(d[one[:-1], one[1:]].sum() for one in tours) + dear * max(0, len(tours) - limit))


def _walk(
    run: Callable[[float, float, int, int], float], allowance: Allowance, seed: int, course: Sequence[Stretch]
) -> list[Stretch]:
    """Call run(share, share after, rounds, seed) along `course`, or without one until time is spent; return the course taken.

    Rounds of a call grow until it takes a moment, and stay while the share does.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    planned = [one._replace(times=1) for one in course for _ in range(one.times)]
    made: list[Stretch] = []
    rounds = _FIRST_ROUNDS
    while (len(made) < len(planned)) if planned else (not made or not allowance.over()):
        began = allowance.now()
        now = planned[len(made)] if planned else Stretch(_share(allowance, 0.0), _share(allowance, _CHUNK_S), rounds)
        best: Any = run(now.share, now.after, now.rounds, int(rng.integers(_SEEDS)))
        made.append(now)
        allowance.tell(best)
        if allowance.stopped():
            break
        if not planned and now.share != _share(allowance, 0.0):
            rounds = max(20, int(rounds * min(4.0, _CHUNK_S / max(allowance.now() - began, 1e-6))))
    return [one._replace(times=len(list(same))) for one, same in groupby(made)]


def _share(allowance: Allowance, later_s: float) -> float:
    """Return the share of the time that will be spent so much later, in whole thousandths."""
    return int(_SHARES * min(1.0, (allowance.spent_s + later_s) / max(allowance.seconds, 1e-9))) / _SHARES
