"""Which problems have a method of their own, what it is called, and one way to run it.

A method gets the problem, a budget, a seed, a report and a stop, and returns an `Outcome`; it never sees a QUBO. With `again`,
the `work` of an outcome, it makes that one's answer once more.
"""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from app.engine.base.contracts import Budget, Report, Stop, never, silent
from app.engine.base.errors import Infeasible, Limit, Timeout
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.adapters import cpsat, highs
from app.engine.qubo.domain import flow, knapsack, linear, proofs
from app.engine.qubo.domain.proofs import AFRESH, Outcome
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.cvrp import Cvrp
from app.engine.qubo.problems.flowshop import FlowShop
from app.engine.qubo.problems.jobshop import JobShop
from app.engine.qubo.problems.knapsack import Knapsack
from app.engine.qubo.problems.network import Network
from app.engine.qubo.problems.portfolio import Portfolio
from app.engine.qubo.problems.qap import Qap
from app.engine.qubo.problems.tsp import Tsp

_MOST_NAMES = 20


class Method(Protocol):
    """Runs on one problem."""

    def __call__(
        self, problem: Any, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
    ) -> Outcome:
        """Return the answer found within `budget`."""


def _flowshop(
    problem: FlowShop, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
) -> Outcome:
    order, rounds = flow.iterated_greedy(problem.times, budget.seconds, seed, report, stop, rounds=int(again.get("rounds", 0)))
    starts, proved = flow.starts_of(problem.times, order), flow.makespan(problem.times, order) <= problem.lower
    return Outcome(starts, proved, {"rounds": rounds}, problem.lower, tr("counting"), {"rounds": rounds})


def _knapsack(
    problem: Knapsack, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
) -> Outcome:
    del budget, seed, report, again
    taken = knapsack.fill(problem.values, problem.weights[0], int(problem.capacities[0]), stop)
    if stop():
        return Outcome(taken)
    return Outcome(taken, proved=True, bound=problem.objective(taken), by=tr("dynamic programming"))


def _linear(
    problem: Problem, budget: Budget, seed: int, report: Report, stop: Stop, *, again: Mapping[str, Any] = AFRESH
) -> Outcome:
    """Branch and cut; the bound is told in the problem's own sense."""
    del seed
    programme, back = linear.programme_of(problem)
    began, sign = time.perf_counter(), -1.0 if problem.sense == "max" else 1.0

    def told(values: Any) -> None:
        energy = sign * problem.objective(back(values))
        report(time.perf_counter() - began, budget.seconds, "s", {"best_energy": energy})

    found = highs.again(programme, again["cost"]) if again else highs.run(programme, budget.seconds, stop=stop, told=told)
    whole = not isinstance(problem, Network) or problem.is_complete
    if not found.possible and not whole:
        raise Limit("no choice of the candidate paths keeps all capacities",
                    hint="Allow more of them by a line such as: paths = 20.")  # fmt: skip
    if not found.possible:
        raise Infeasible("{file} is infeasible: {conflicts}", field="file", file=problem.name,
                       conflicts=tr("these cannot be kept together: {names}", names=", ".join(
                           highs.conflict(programme, budget.seconds, stop)[:_MOST_NAMES])),
                       hint="No answer can keep these constraints; relax one of them.")  # fmt: skip
    if found.values is None:
        raise Timeout(
            "HiGHS found no answer in {seconds} s", seconds=number_text(budget.seconds, ".3g"), hint="Give it more time."
        )
    answer = back(found.values)
    # The constant part of the objective is in neither the cost nor the bound.
    bound = problem.objective(answer) + sign * (found.bound - found.cost)
    if not whole:
        among = tr("best of the candidate paths; further paths were not tried")
        return Outcome(answer, proved=False, info={"among": among}, work={"cost": found.cost})
    return Outcome(answer, found.proved, {}, bound, "HiGHS", {"cost": found.cost})


_METHODS: Mapping[type[Problem], tuple[str, Method]] = {
    Tsp: ("2-opt, moved segments and kicks", proofs.tsp),
    Cvrp: ("savings, then ruin and recreate", proofs.cvrp),
    JobShop: ("tabu search on critical blocks", proofs.jobshop),
    FlowShop: ("NEH and iterated greedy", _flowshop),
    Knapsack: ("dynamic programming", _knapsack),
    Qap: ("tabu search over swaps, then branch and bound", proofs.qap),
    Portfolio: ("planes under the risk, with HiGHS", proofs.portfolio),
}


NAMES: tuple[str, ...] = (*(name for name, _ in _METHODS.values()), highs.Highs.title)


def method_of(problem: Problem) -> tuple[str, Method] | None:
    """Return name and method for `problem`, or None when a QUBO solver is all there is."""
    large = isinstance(problem, Knapsack) and (len(problem.capacities) > 1 or problem.capacities[0] > 10**7)
    if type(problem) in _METHODS and not large:
        return _METHODS[type(problem)]
    return (highs.Highs.title, _linear) if linear.is_linear(problem) else None


def warm(problem: Problem) -> None:
    """Load, or compile the first time, what the method for `problem` needs, before its time counts."""
    method = method_of(problem)
    if method is not None and method[1] in (_linear, proofs.portfolio):
        highs.load()
    if isinstance(problem, (JobShop, Tsp, Cvrp)):
        cpsat.load()
    if isinstance(problem, (Tsp, Cvrp, JobShop)):
        _METHODS[type(problem)][1](problem, Budget(0.0), 0, silent, never)
