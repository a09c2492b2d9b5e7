"""Methods that search first and prove then: each returns its answer with a bound that no answer can be better than.

The bound is proved, not estimated. Where it meets the answer the answer is proved best; else the gap between both is told.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Budget, Report, Stop
from app.engine.base.text import tr
from app.engine.qubo.adapters import cpsat, cpsat_routes
from app.engine.qubo.domain import assignment, convex, onetree, routing, shop
from app.engine.qubo.domain.frontier import least_variance
from app.engine.qubo.problems.cvrp import Cvrp
from app.engine.qubo.problems.jobshop import JobShop
from app.engine.qubo.problems.portfolio import Portfolio
from app.engine.qubo.problems.qap import Qap
from app.engine.qubo.problems.tsp import Tsp

_HALF: Final = 0.5
_MOST: Final = 0.75  # of the time for a search whose proof hardly ever closes
_CLOSED: Final = 1e-6
_TREE_PLACES: Final = 1000
_PLANES: Final = 8


@dataclass(frozen=True)
class Outcome:
    """The answer of a method, whether it is proved best, what the method says of its work, and a bound and whose it is."""

    answer: Any
    proved: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    bound: float | None = None
    by: str = ""


class _Clock:
    """What is left of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._end, self._threads = time.perf_counter() + budget.seconds, budget.threads

    def left_s(self) -> float:
        return self._end - time.perf_counter()

    def left(self) -> Budget:
        return Budget(max(0.0, self.left_s()), self._threads)


def _until(goal: float, report: Report, stop: Stop) -> tuple[Report, Stop]:
    """Return report and stop of a search that ends once it told a cost of `goal` or less."""
    reached = False

    def told(done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:
        nonlocal reached
        reached = reached or (partial or {}).get("best_energy", np.inf) <= goal + _CLOSED * max(1.0, abs(goal))
        report(done, total, unit, partial, samples)

    return told, lambda: reached or stop()


def _meet(objective: float, bound: float) -> bool:
    return objective - bound <= _CLOSED * max(1.0, abs(objective))


def tsp(problem: Tsp, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Return a tour with the bound of the best 1-tree, or of CP-SAT where that is not enough and places are few."""
    clock, d = _Clock(budget), problem.places.distances
    search_s = budget.seconds
    if exact := cpsat.available() and 3 < len(d) <= cpsat_routes.MOST_PLACES:
        search_s *= _HALF
    bound, by = 0.0, ""
    if len(d) <= _TREE_PLACES and bool((d == d.T).all()) and budget.seconds > 0:
        first, _ = routing.tour(d, 0.0, seed, report, stop)
        bound = onetree.bound(d, problem.objective(first), lambda: clock.left_s() - 0.9 * budget.seconds, stop)
        by = tr("1-trees")
    tour, kicks = routing.tour(d, max(0.0, search_s - budget.seconds + clock.left_s()), seed, *_until(bound, report, stop))
    if exact and clock.left_s() > 0 and not _meet(problem.objective(tour), bound) and not stop():
        (tour,), further = cpsat_routes.shorten(d, None, [tour], clock.left(), seed, stop)
        bound, by = max((bound, by), (further, "CP-SAT"))
    proved = len(d) <= 3 or _meet(problem.objective(tour), bound)
    return Outcome(tour, proved, {"kicks": kicks}, bound if by else None, by)


def cvrp(problem: Cvrp, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Return tours, and where customers are few CP-SAT's bound on any number of tours."""
    places, clock = problem.places, _Clock(budget)
    exact = cpsat.available() and 1 < places.n <= cpsat_routes.MOST_SERVED + 1
    tours, rounds = routing.vehicles(
        places.distances, places.demands, places.capacity, places.vehicles, budget.seconds * (_MOST if exact else 1.0), seed,
        report, stop,
    )  # fmt: skip
    if not exact or clock.left_s() <= 0 or stop():
        return Outcome(tours, proved=False, info={"rounds": rounds})
    loads = (places.demands, places.capacity)
    shorter, bound = cpsat_routes.shorten(places.distances, loads, tours, clock.left(), seed, stop)
    # The bound is on any number of tours; tours that are too many for the vehicles are no answer.
    tours = tours if problem.check(shorter) else shorter
    return Outcome(tours, _meet(problem.objective(tours), bound), {"rounds": rounds}, bound, "CP-SAT")


def jobshop(problem: JobShop, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Search for half of the time where CP-SAT is installed, and let it improve and prove what was found in what is left."""
    clock, exact = _Clock(budget), cpsat.available()
    share_s = budget.seconds * (_HALF if exact else 1.0)
    starts, span, restarts = shop.search(problem.machines, problem.times, problem.lower, share_s, seed, report, stop)
    info: dict[str, Any] = {"restarts": restarts}
    counted = (float(problem.lower), tr("counting"))
    if span <= problem.lower or budget.seconds <= 0:
        return Outcome(starts, span <= problem.lower, info, *counted)
    if not exact:
        return Outcome(starts, False, info | {"exact": tr("ortools is not installed (extra exact): no proof")}, *counted)
    found = cpsat.schedule(problem.machines, problem.times, starts, problem.lower, clock.left(), seed, stop)
    told = tr("CP-SAT proved it") if found.proved else tr("CP-SAT ran out of time before a proof")
    return Outcome(found.starts, found.proved, info | {"found_by_search": span, "exact": told}, float(found.bound), "CP-SAT")


def qap(problem: Qap, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Search over swaps for a quarter of the time, and prove in the rest what can be."""
    clock = _Clock(budget)
    best, moves = assignment.search(problem.first, problem.second, (1 - _MOST) * budget.seconds, seed, report, stop)
    best, bound, looked = assignment.prove(problem.first, problem.second, best, clock.left_s, stop)
    answer = [int(p) for p in best]
    info = {"moves": moves, "looked_into": looked}
    return Outcome(answer, _meet(problem.objective(answer), bound), info, bound, tr("branch and bound (Gilmore, Lawler)"))


def portfolio(problem: Portfolio, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Return the lots of least cost, bounded by planes under the risk."""
    del seed
    clock, share = _Clock(budget), 1.0 / problem.lots
    lowest = float(least_variance(problem.returns, problem.covariance, None) @ problem.returns)
    targets = np.linspace(lowest, float(problem.returns.max()), _PLANES)
    starts = [least_variance(problem.returns, problem.covariance, float(target)) for target in targets]

    def tell(value: float) -> None:
        report(budget.seconds - clock.left_s(), budget.seconds, "s", {"best_energy": value})

    risk = (1 - problem.appetite) * share * share * problem.covariance
    lots, bound, planes = convex.least(
        risk, problem.appetite * share * problem.returns, problem.lots, starts, clock.left_s, tell, stop
    )
    answer, by = [int(one) for one in lots], tr("planes under the risk, HiGHS")
    told = (bound, by) if np.isfinite(bound) else (None, "")
    return Outcome(answer, _meet(problem.objective(answer), bound), {"planes": planes}, *told)
