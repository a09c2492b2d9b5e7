"""Which problems have a method of their own, what it is called, and one way to run it.

A method gets the problem, a budget, a seed, a report and a stop, and returns an `Outcome`; it never sees a QUBO.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.base.contracts import Budget, Report, Stop, never, silent
from app.engine.qubo.domain import flow, knapsack, routing, shop
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.cvrp import Cvrp
from app.engine.qubo.problems.flowshop import FlowShop
from app.engine.qubo.problems.jobshop import JobShop
from app.engine.qubo.problems.knapsack import Knapsack
from app.engine.qubo.problems.tsp import Tsp


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
    starts, span, restarts = shop.search(problem.machines, problem.times, problem.lower, budget.seconds, seed, report, stop)
    return Outcome(starts, span <= problem.lower, {"restarts": restarts, "bound": problem.lower})


def _flowshop(problem: FlowShop, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    order, rounds = flow.iterated_greedy(problem.times, budget.seconds, seed, report, stop)
    proved = flow.makespan(problem.times, order) <= problem.lower
    return Outcome(flow.starts_of(problem.times, order), proved, {"rounds": rounds, "bound": problem.lower})


def _knapsack(problem: Knapsack, budget: Budget, seed: int, report: Report, stop: Stop) -> Outcome:
    del budget, seed, report, stop
    return Outcome(knapsack.fill(problem.values, problem.weights[0], int(problem.capacities[0])), proved=True)


_METHODS: Mapping[type[Problem], tuple[str, Method]] = {
    Tsp: ("2-opt, moved segments and kicks", _tsp),
    Cvrp: ("savings, then ruin and recreate", _cvrp),
    JobShop: ("tabu search on critical blocks", _jobshop),
    FlowShop: ("NEH and iterated greedy", _flowshop),
    Knapsack: ("dynamic programming", _knapsack),
}


def method_of(problem: Problem) -> tuple[str, Method] | None:
    """Return name and method for `problem`, or None when a QUBO solver is all there is."""
    if isinstance(problem, Knapsack) and (len(problem.capacities) > 1 or problem.capacities[0] > 10**7):
        return None
    return _METHODS.get(type(problem))


def warm(problem: Problem) -> None:
    """Load, or compile the first time, what the method for `problem` needs, before its time counts."""
    if isinstance(problem, (Tsp, Cvrp, JobShop)):
        _METHODS[type(problem)][1](problem, Budget(0.0), 0, silent, never)
