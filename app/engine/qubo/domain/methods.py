"""Which problems have a method of their own, what it is called, and one way to run it.

A method gets the problem, a budget, a seed, a report and a stop, and returns an `Outcome`; it never sees a QUBO.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.base.contracts import Budget, Report, Stop, never, silent
from app.engine.base.errors import BadInput, Limit, Timeout
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.adapters import cpsat, highs
from app.engine.qubo.domain import flow, knapsack, linear, routing, shop
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.cvrp import Cvrp
from app.engine.qubo.problems.flowshop import FlowShop
from app.engine.qubo.problems.jobshop import JobShop
from app.engine.qubo.problems.knapsack import Knapsack
from app.engine.qubo.problems.network import Network
from app.engine.qubo.problems.tsp import Tsp

_SEARCH_RATIO = 0.5
_MOST_NAMES = 20


@dataclass(frozen=True)
class Outcome:
    """The answer of a method, whether it is proved best, and what the method says of its work."""

    answer: Any
    proved: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)


Method = Callable[[Any, Budget, int, Report, Stop], Outcome]


def _tsp(problem: Tsp, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    tour, kicks = routing.tour(problem.places.distances, budget.seconds, seed, report, stop)
    return Outcome(tour, problem.places.n <= 3, {"kicks": kicks})


def _cvrp(problem: Cvrp, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    places = problem.places
    tours, rounds = routing.vehicles(
        places.distances, places.demands, places.capacity, places.vehicles, budget.seconds, seed, report, stop
    )
    return Outcome(tours, proved=False, info={"rounds": rounds})


def _jobshop(problem: JobShop, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Search for half of the time where CP-SAT is installed, and let it improve and prove what was found in what is left."""
    began, exact = time.perf_counter(), cpsat.available()
    share_s = budget.seconds * (_SEARCH_RATIO if exact else 1.0)
    starts, span, restarts = shop.search(problem.machines, problem.times, problem.lower, share_s, seed, report, stop)
    info: dict[str, Any] = {"restarts": restarts, "bound": problem.lower}
    if span <= problem.lower or budget.seconds <= 0:
        return Outcome(starts, span <= problem.lower, info)
    if not exact:
        return Outcome(starts, proved=False, info=info | {"exact": tr("ortools is not installed (extra exact): no proof")})
    left = Budget(budget.seconds - (time.perf_counter() - began), budget.threads)
    found = cpsat.schedule(problem.machines, problem.times, starts, problem.lower, left, seed, stop)
    told = tr("CP-SAT proved it") if found.proved else tr("CP-SAT ran out of time before a proof")
    return Outcome(found.starts, found.proved, info | {"bound": found.bound, "found_by_search": span, "exact": told})


def _flowshop(problem: FlowShop, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    order, rounds = flow.iterated_greedy(problem.times, budget.seconds, seed, report, stop)
    proved = flow.makespan(problem.times, order) <= problem.lower
    return Outcome(flow.starts_of(problem.times, order), proved, {"rounds": rounds, "bound": problem.lower})


def _knapsack(problem: Knapsack, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    del budget, seed, report, stop
    return Outcome(knapsack.fill(problem.values, problem.weights[0], int(problem.capacities[0])), proved=True)


def _linear(problem: Problem, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    """Branch and cut; the bound is told in the problem's own sense."""
    del seed, report, stop
    programme, back = linear.programme_of(problem)
    found = highs.run(programme, budget.seconds)
    whole = not isinstance(problem, Network) or problem.is_complete
    if not found.possible and not whole:
        raise Limit("no choice of the candidate paths keeps all capacities",
                    hint="Allow more of them by a line such as: paths = 20.")  # fmt: skip
    if not found.possible:
        raise BadInput("{file} is infeasible: {conflicts}", field="file", file=problem.name,
                       conflicts=tr("these cannot be kept together: {names}", names=", ".join(
                           highs.conflict(programme, budget.seconds)[:_MOST_NAMES])),
                       hint="No answer can keep these constraints; relax one of them.")  # fmt: skip
    if found.values is None:
        raise Timeout(
            "HiGHS found no answer in {seconds} s", seconds=number_text(budget.seconds, ".3g"), hint="Give it more time."
        )
    answer = back(found.values)
    # The constant part of the objective is in neither the cost nor the bound.
    bound = problem.objective(answer) + (-1.0 if problem.sense == "max" else 1.0) * (found.bound - found.cost)
    if not whole:
        return Outcome(answer, proved=False, info={"among": tr("best of the candidate paths; further paths were not tried")})
    return Outcome(answer, found.proved, {"bound": bound})


_METHODS: Mapping[type[Problem], tuple[str, Method]] = {
    Tsp: ("2-opt, moved segments and kicks", _tsp),
    Cvrp: ("savings, then ruin and recreate", _cvrp),
    JobShop: ("tabu search on critical blocks", _jobshop),
    FlowShop: ("NEH and iterated greedy", _flowshop),
    Knapsack: ("dynamic programming", _knapsack),
}


def method_of(problem: Problem) -> tuple[str, Method] | None:
    """Return name and method for `problem`, or None when a QUBO solver is all there is."""
    large = isinstance(problem, Knapsack) and (len(problem.capacities) > 1 or problem.capacities[0] > 10**7)
    if type(problem) in _METHODS and not large:
        return _METHODS[type(problem)]
    return (highs.Highs.title, _linear) if linear.is_linear(problem) else None


def warm(problem: Problem) -> None:
    """Load, or compile the first time, what the method for `problem` needs, before its time counts."""
    if isinstance(problem, JobShop):
        cpsat.load()
    if isinstance(problem, (Tsp, Cvrp, JobShop)):
        _METHODS[type(problem)][1](problem, Budget(0.0), 0, silent, never)
