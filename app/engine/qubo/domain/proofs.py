"""Methods that search first and prove then: each returns its answer with a bound that no answer can be better than.

The bound is proved, not estimated. Where it meets the answer the answer is proved best; else the gap between both is told.
Given `again`, the `work` that an outcome tells, a method makes that answer once more, whatever the time.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Budget, Report, Stop
from app.engine.base.text import tr
from app.engine.qubo.adapters import cpsat, cpsat_routes
from app.engine.qubo.domain import assignment, convex, onetree, routing, shop
from app.engine.qubo.domain.frontier import least_variance
from app.engine.qubo.problems.base import Problem
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
    """The answer of a method, whether it is proved best, what the method says of its work, and a bound and whose it is.

    `work` is what was done until the answer, as plain data without a clock; `no_recipe` says why that does not make it again.
    """

    answer: Any
    proved: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    bound: float | None = None
    by: str = ""
    work: Mapping[str, Any] = field(default_factory=dict)
    no_recipe: str = ""


AFRESH: Final[Mapping[str, Any]] = MappingProxyType({})


class _Clock:
    """What is left of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._end, self._threads = time.perf_counter() + budget.seconds, budget.threads

    def left_s(self) -> float:
        return self._end - time.perf_counter()

    def left(self) -> Budget:
        return Budget(max(0.0, self.left_s()), self._threads)


def _teller(problem: Problem, budget: Budget, clock: _Clock, report: Report) -> Callable[[Any], None]:
    """Return what tells of an answer on the way; what breaks something is no answer."""

    def tell(answer: Any) -> None:
        if not problem.check(answer):
            best = {"best_energy": problem.objective(answer)}
            report(budget.seconds - clock.left_s(), budget.seconds, "s", best)

    return tell


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


def _course(again: Mapping[str, Any]) -> list[routing.Stretch]:
    return [routing.Stretch(*row) for row in again.get("course", ())]


def tsp(problem: Tsp, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH) -> Outcome:
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
    left_s = max(0.0, search_s - budget.seconds + clock.left_s())
    tour, course = routing.tour(d, left_s, seed, *_until(bound, report, stop), course=_course(again))
    work: dict[str, Any] = {"course": course}
    no_recipe = ""
    wanted = "steps" in again or (exact and clock.left_s() > 0 and not _meet(problem.objective(tour), bound))
    if wanted and not stop():
        tell = _teller(problem, budget, clock, report)
        (shorter,), further = cpsat_routes.shorten(
            d, None, [tour], clock.left(), seed, stop, goal=again.get("steps"), told=lambda tours: tell(tours[0])
        )
        bound, by = max((bound, by), (further, "CP-SAT"))
        if shorter != tour:
            tour, work = shorter, work | {"steps": cpsat_routes.steps_of(d, [shorter], closed=False)}
            no_recipe = cpsat.no_recipe(budget.threads)
    proved = len(d) <= 3 or _meet(problem.objective(tour), bound)
    info = {"kicks": routing.rounds_of(course)}
    return Outcome(tour, proved, info, bound if by else None, by, work, no_recipe)


def cvrp(problem: Cvrp, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH) -> Outcome:
    """Return tours, and where customers are few CP-SAT's bound on any number of tours."""
    places, clock = problem.places, _Clock(budget)
    exact = cpsat.available() and 1 < places.n <= cpsat_routes.MOST_SERVED + 1
    tours, course = routing.vehicles(
        places.distances, places.demands, places.capacity, places.vehicles, budget.seconds * (_MOST if exact else 1.0), seed,
        report, stop, course=_course(again),
    )  # fmt: skip
    info = {"rounds": routing.rounds_of(course)}
    work: dict[str, Any] = {"course": course}
    if ("steps" not in again and (not exact or clock.left_s() <= 0)) or stop():
        return Outcome(tours, proved=False, info=info, work=work)
    loads = (places.demands, places.capacity)
    shorter, bound = cpsat_routes.shorten(
        places.distances, loads, tours, clock.left(), seed, stop, goal=again.get("steps"),
        told=_teller(problem, budget, clock, report),
    )  # fmt: skip
    # The bound is on any number of tours; tours that are too many for the vehicles are no answer.
    no_recipe = ""
    if shorter != tours and not problem.check(shorter):
        tours, work = shorter, work | {"steps": cpsat_routes.steps_of(places.distances, shorter, closed=True)}
        no_recipe = cpsat.no_recipe(budget.threads)
    return Outcome(tours, _meet(problem.objective(tours), bound), info, bound, "CP-SAT", work, no_recipe)


def jobshop(
    problem: JobShop, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
) -> Outcome:
    """Search for half of the time where CP-SAT is installed, and let it improve and prove what was found in what is left."""
    clock, exact = _Clock(budget), cpsat.available()
    share_s, restarts = budget.seconds * (_HALF if exact else 1.0), int(again.get("restarts", 0))
    starts, span, restarts = shop.search(
        problem.machines, problem.times, problem.lower, share_s, seed, report, stop, restarts=restarts
    )  # fmt: skip
    info: dict[str, Any] = {"restarts": restarts}
    work: dict[str, Any] = {"restarts": restarts}
    counted = (float(problem.lower), tr("counting"))
    if span <= problem.lower or (budget.seconds <= 0 and "span" not in again):
        return Outcome(starts, span <= problem.lower, info, *counted, work)
    if not exact:
        told = tr("ortools is not installed (extra exact): no proof")
        return Outcome(starts, False, info | {"exact": told}, *counted, work)
    found = cpsat.schedule(
        problem.machines, problem.times, starts, problem.lower, clock.left(), seed, stop, goal=again.get("span"),
        told=lambda length: report(budget.seconds - clock.left_s(), budget.seconds, "s", {"best_energy": length}),
    )  # fmt: skip
    told = tr("CP-SAT proved it") if found.proved else tr("CP-SAT ran out of time before a proof")
    info |= {"found_by_search": span, "exact": told}
    no_recipe = cpsat.no_recipe(budget.threads) if found.span < span else ""
    work |= {"span": found.span} if found.span < span else {}
    return Outcome(found.starts, found.proved, info, float(found.bound), "CP-SAT", work, no_recipe)


def qap(problem: Qap, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH) -> Outcome:
    """Search over swaps for a quarter of the time, and prove in the rest what can be."""
    clock, a, b = _Clock(budget), problem.first, problem.second
    best, moves = assignment.search(a, b, (1 - _MOST) * budget.seconds, seed, report, stop, swaps=again.get("swaps", 0))
    best, bound, looked = assignment.prove(a, b, best, clock.left_s, stop, parts=again.get("parts"))
    answer = [int(p) for p in best]
    info, work = {"moves": moves, "looked_into": looked}, {"swaps": moves, "parts": looked}
    by = tr("branch and bound (Gilmore, Lawler)")
    return Outcome(answer, _meet(problem.objective(answer), bound), info, bound, by, work)


def portfolio(
    problem: Portfolio, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
) -> Outcome:
    """Return the lots of least cost, bounded by planes under the risk."""
    del seed
    clock, share = _Clock(budget), 1.0 / problem.lots
    lowest = float(least_variance(problem.returns, problem.covariance, None) @ problem.returns)
    targets = np.linspace(lowest, float(problem.returns.max()), _PLANES)
    starts = [least_variance(problem.returns, problem.covariance, float(target)) for target in targets]

    def tell(value: float) -> None:
        report(budget.seconds - clock.left_s(), budget.seconds, "s", {"best_energy": value})

    risk = (1 - problem.appetite) * share * share * problem.covariance
    lots, bound, planes, costs = convex.least(
        risk, problem.appetite * share * problem.returns, problem.lots, starts, clock.left_s, tell, stop,
        costs_before=again.get("costs", ()),
    )  # fmt: skip
    answer, by = [int(one) for one in lots], tr("planes under the risk, HiGHS")
    proved, work = _meet(problem.objective(answer), bound), {"costs": costs}
    known = bool(np.isfinite(bound))
    return Outcome(answer, proved, {"planes": planes}, bound if known else None, by if known else "", work)
