"""Problems that are linear programmes by nature, as such: facilities, networks, flows, covers, knapsacks, halves, LP files.

Each gives the programme and the way back from its values to an answer. The formulations are the strong ones (a customer is
served from a site only if that one is open: Balinski 1965), not those of the QUBO.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from app.engine.qubo.adapters.highs import Programme
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.coloring import Coloring
from app.engine.qubo.problems.cover import Cover
from app.engine.qubo.problems.facility import Facility
from app.engine.qubo.problems.knapsack import Knapsack
from app.engine.qubo.problems.network import Network
from app.engine.qubo.problems.partition import Partition
from app.engine.qubo.problems.placement import Placement
from app.engine.qubo.problems.programme import Integer
from app.engine.qubo.problems.supply import Supply

Back = Callable[[Any], Any]
_MOST_ENTRIES = 2_000_000
_MOST_CUT = 2000  # edges; for more the bound stays at nothing


def is_linear(problem: Problem) -> bool:
    """Tell whether `programme_of` knows this problem."""
    if isinstance(problem, Integer):
        return not problem.quadratic
    if isinstance(problem, Facility):
        return problem.serving.size <= _MOST_ENTRIES
    if isinstance(problem, Coloring):
        return len(problem.graph.i) * problem.colors <= _MOST_ENTRIES // 20
    if isinstance(problem, Partition):
        return len(problem.graph.i) <= _MOST_CUT
    return isinstance(problem, (Placement, Cover, Knapsack, Network, Supply))


def programme_of(problem: Problem) -> tuple[Programme, Back]:
    """Return `problem` as a programme to be minimised, and what turns its values into an answer."""
    makers: dict[type[Problem], Callable[[Any], tuple[Programme, Back]]] = {
        Facility: _facility, Placement: _placement, Coloring: _coloring, Cover: _cover, Knapsack: _knapsack,
        Network: _network, Integer: _integer, Partition: _partition,
        Supply: lambda one: _integer(one.programme),
    }  # fmt: skip
    return makers[type(problem)](problem)


def _bits(costs: Any, rows: list[Any], names: list[str]) -> Programme:
    n = len(costs)
    return Programme(np.asarray(costs, np.float64), np.zeros(n), np.ones(n), rows, np.ones(n, bool), names)


def _facility(problem: Facility) -> tuple[Programme, Back]:
    n, m = problem.serving.shape
    rows: list[Any] = [(range(c * m, (c + 1) * m), (1.0,) * m, 1.0, 1.0) for c in range(n)]
    names = [*problem.customers, *[""] * (n * m)]
    rows += [((c * m + f, n * m + f), (1.0, -1.0), -np.inf, 0.0) for c in range(n) for f in range(m)]
    for f in np.flatnonzero(problem.capacities > 0).tolist():
        own = [*range(f, n * m, m), n * m + f]
        rows.append((own, [*problem.demands.tolist(), -float(problem.capacities[f])], -np.inf, 0.0))
        names.append(problem.sites[f])
    costs = np.concatenate([problem.serving.ravel(), problem.opening])
    return _bits(costs, rows, names), lambda values: [int(row.argmax()) for row in values[: n * m].reshape(n, m)]


def _placement(problem: Placement) -> tuple[Programme, Back]:
    n, m = problem.costs.shape
    rows: list[Any] = [(range(w * m, (w + 1) * m), (1.0,) * m, 1.0, 1.0) for w in range(n)]
    names = [workload[0] for workload in problem.workloads]
    for resource, needs, room in problem.rooms():
        rows += [(range(h, n * m, m), [float(need) for need in needs], -np.inf, float(room[h])) for h in range(m)]
        names += [f"{host.name} ({resource})" for host in problem.hosts]
    return _bits(problem.costs.ravel(), rows, names), lambda values: [int(row.argmax()) for row in values.reshape(n, m)]


def _coloring(problem: Coloring) -> tuple[Programme, Back]:
    """Return one colour a node, and per edge and colour at most one end, which also counts as use; colours used in order."""
    n, k = problem.graph.n, problem.colors
    used = n * k
    rows: list[Any] = [(range(v * k, (v + 1) * k), (1.0,) * k, 1.0, 1.0) for v in range(n)]
    names = [*problem.graph.names]
    for i, j in zip(problem.graph.i.tolist(), problem.graph.j.tolist(), strict=True):
        rows += [((i * k + c, j * k + c, used + c), (1.0, 1.0, -1.0), -np.inf, 0.0) for c in range(k)]
        names += [f"{problem.graph.names[i]} - {problem.graph.names[j]}"] * k
    rows += [((v * k + c, used + c), (1.0, -1.0), -np.inf, 0.0) for v in range(n) for c in range(k)]
    rows += [((used + c, used + c + 1), (1.0, -1.0), 0.0, np.inf) for c in range(k - 1)]
    costs = np.concatenate([np.zeros(used), np.ones(k)])
    return _bits(costs, rows, names), lambda values: [int(row.argmax()) for row in values[:used].reshape(n, k)]


def _cover(problem: Cover) -> tuple[Programme, Back]:
    rows = [(holders.tolist(), (1.0,) * len(holders), 1.0, np.inf) for holders in problem.holders]
    return _bits(problem.costs, rows, list(problem.elements)), _ones


def _knapsack(problem: Knapsack) -> tuple[Programme, Back]:
    every = range(len(problem.items))
    rows = [(every, row.tolist(), -np.inf, float(most)) for row, most in zip(problem.weights, problem.capacities, strict=True)]
    return _bits(-problem.values, rows, [f"capacity {k + 1}" for k in range(len(rows))]), _ones


def _partition(problem: Partition) -> tuple[Programme, Back]:
    """Return a side per node and a variable per edge that is 1 where its ends differ; the first node's side is given."""
    graph, n = problem.graph, problem.graph.n
    rows: list[Any] = [(range(n), (1.0,) * n, float(n // 2), float((n + 1) // 2)), ((0,), (1.0,), 0.0, 0.0)]
    for k, (i, j) in enumerate(zip(graph.i.tolist(), graph.j.tolist(), strict=True)):
        rows += [((n + k, one, other), (1.0, -1.0, 1.0), 0.0, np.inf) for one, other in ((i, j), (j, i))]
    costs = np.concatenate([np.zeros(n), np.asarray(graph.weights, np.float64)])
    return _bits(costs, rows, []), lambda values: [int(v > 0.5) for v in values[:n]]


def _network(problem: Network) -> tuple[Programme, Back]:
    costs, uses, own = problem.choices()
    rows: list[Any] = [(mine, (1.0,) * len(mine), 1.0, 1.0) for mine in own]
    names = [" ".join((problem.nodes[a], problem.nodes[b], str(size))) for a, b, size in problem.demands]
    for (at, sizes), (i, j, _, capacity) in zip(uses, problem.links, strict=True):
        rows.append((at, sizes, -np.inf, float(capacity)))
        names.append(f"{problem.nodes[i]} - {problem.nodes[j]}")
    return _bits(costs, rows, names), lambda values: [int(values[mine].argmax()) for mine in own]


def _integer(problem: Integer) -> tuple[Programme, Back]:
    n = len(problem.variables)
    costs = np.zeros(n)
    for k, c in problem.linear:
        costs[k] += -c if problem.sense == "max" else c
    rows = [
        ([k for k, _ in row.terms], [float(c) for _, c in row.terms],
         -np.inf if row.relation == "<=" else float(row.limit), np.inf if row.relation == ">=" else float(row.limit))
        for row in problem.constraints
    ]  # fmt: skip
    low, high = (np.array(side, np.float64) for side in (problem.low, problem.high))
    names = [row.name for row in problem.constraints]
    return Programme(costs, low, high, rows, np.ones(n, bool), names), lambda values: [int(v) for v in values]


def _ones(values: Any) -> list[int]:
    return [int(k) for k in np.flatnonzero(np.asarray(values) > 0.5)]
