"""Methods of others for the problems of `problems.py`, one thread and the same time: OR-Tools where installed, and scipy.

Each gets a problem and seconds, and returns an answer in the problem's own terms (None: none was found), which the problem
itself checks and prices. The programmes are those of `domain.linear`; where a problem's own method is HiGHS on that
programme, the peer is CP-SAT on the same.
"""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.adapters import highs
from app.engine.qubo.domain import linear
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.cvrp import Cvrp
from app.engine.qubo.problems.jobshop import JobShop
from app.engine.qubo.problems.network import Network
from app.engine.qubo.problems.portfolio import Portfolio
from app.engine.qubo.problems.qap import Qap
from app.engine.qubo.problems.tsp import Tsp

Peer = Callable[[Any, float, int], Any]
_SCALES = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)


def peers_of(problem: Problem) -> list[tuple[str, Peer]]:
    """Return names and methods that can take on `problem`."""
    by_type: dict[type[Problem], list[tuple[str, Peer]]] = {
        Cvrp: [("OR-Tools routing, guided local search", routes)],
        Tsp: [("OR-Tools routing, guided local search", routes)],
        JobShop: [("CP-SAT, intervals", intervals)],
        Qap: [("scipy 2-opt, again from random starts", swaps)],
        Portfolio: [("scipy SLSQP, rounded to lots", rounded)],
        Network: [("CP-SAT, the candidate paths", programme), ("HiGHS, flows on arcs", lambda *given: arcs(*given)[0])],
    }
    found = by_type.get(type(problem), [])
    if not found and linear.is_linear(problem):
        found = [("CP-SAT, the same programme", programme)]
        method = method_of(problem)
        if method is not None and method[0] != highs.Highs.title:
            found.append(("HiGHS, the same programme", by_highs))
    return found


def routes(problem: Any, seconds: float, seed: int) -> list[Any] | None:
    """Return tours by OR-Tools' routing library, which has no seed.

    It gets the fleet that our method gets: as many vehicles as it likes, unless the file limits them. Where savings find no
    first answer, as in a fleet with hardly any room, other ways to begin have the time that is left.
    """
    del seed
    began = time.perf_counter()
    # Only the whole package has it; named apart, so that nothing needs it.
    cp: Any = importlib.import_module("ortools.constraint_solver.pywrapcp")
    enums: Any = importlib.import_module("ortools.constraint_solver.routing_enums_pb2")
    d = np.rint(problem.places.distances).astype(int).tolist()
    several = isinstance(problem, Cvrp)
    fleet = (problem.places.vehicles or len(d) - 1) if several else 1
    manager = cp.RoutingIndexManager(len(d), fleet, 0)
    model = cp.RoutingModel(manager)
    at = manager.IndexToNode
    # As matrix and vector: a function of ours would be called for every move, and slow the search down many times.
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(d))
    if several:
        load = model.RegisterUnaryTransitVector(problem.places.demands.tolist())
        model.AddDimensionWithVehicleCapacity(load, 0, [problem.places.capacity] * fleet, True, "load")
    wishes = cp.DefaultRoutingSearchParameters()
    wishes.local_search_metaheuristic = enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    found = None
    for start in ("SAVINGS", "PARALLEL_CHEAPEST_INSERTION", "LOCAL_CHEAPEST_INSERTION", "CHRISTOFIDES", "ALL_UNPERFORMED"):
        wishes.first_solution_strategy = getattr(enums.FirstSolutionStrategy, start)
        wishes.time_limit.FromMilliseconds(max(1, int(1000 * (seconds - (time.perf_counter() - began)))))
        found = model.SolveWithParameters(wishes)
        if found is not None:
            break
    if found is None:
        return None
    tours = []
    for vehicle in range(fleet):
        index, tour = found.Value(model.NextVar(model.Start(vehicle))), []
        while not model.IsEnd(index):
            tour.append(at(index))
            index = found.Value(model.NextVar(index))
        tours.append(tour)
    return [tour for tour in tours if tour] if several else [0, *tours[0]]


def programme(problem: Problem, seconds: float, seed: int) -> Any:
    """Return an answer by CP-SAT on the programme of `domain.linear`, its coefficients in whole numbers."""
    stated, back = linear.programme_of(problem)
    cp: Any = importlib.import_module("ortools.sat.python.cp_model")
    model = cp.CpModel()
    values = [model.new_int_var(int(low), int(high), "") for low, high in zip(stated.low, stated.high, strict=True)]
    for at, factors, least, most in stated.rows:
        scale = scale_of([*factors, *(end for end in (least, most) if np.isfinite(end))])
        total = sum(round(scale * c) * values[k] for k, c in zip(at, factors, strict=True))
        if np.isfinite(least):
            model.add(total >= round(scale * least))
        if np.isfinite(most):
            model.add(total <= round(scale * most))
    scale = scale_of(stated.costs)
    model.minimize(sum(round(scale * c) * value for c, value in zip(stated.costs, values, strict=True)))
    solver, found = solved(cp, model, seconds, seed)
    return back(np.array([solver.value(value) for value in values], float)) if found else None


def by_highs(problem: Problem, seconds: float, seed: int) -> Any:
    """Return an answer by HiGHS on the programme of `domain.linear`."""
    del seed
    stated, back = linear.programme_of(problem)
    found = highs.run(stated, seconds)
    return None if found.values is None else back(found.values)


def intervals(problem: Any, seconds: float, seed: int) -> list[list[int]] | None:
    """Return a job-shop's starts by CP-SAT's intervals."""
    cp: Any = importlib.import_module("ortools.sat.python.cp_model")
    model, end = cp.CpModel(), int(problem.times.sum())
    last = model.new_int_var(0, end, "")
    starts = [[model.new_int_var(0, end, "") for _ in row] for row in problem.times]
    on: dict[int, list[Any]] = {}
    for j, row in enumerate(problem.times.tolist()):
        for s, took in enumerate(row):
            on.setdefault(int(problem.machines[j, s]), []).append(model.new_fixed_size_interval_var(starts[j][s], took, ""))
            model.add((starts[j][s + 1] if s + 1 < len(row) else last) >= starts[j][s] + took)
    for held in on.values():
        model.add_no_overlap(held)
    model.minimize(last)
    solver, found = solved(cp, model, seconds, seed)
    return [[solver.value(start) for start in row] for row in starts] if found else None


def swaps(problem: Any, seconds: float, seed: int) -> list[int]:
    """Return the best of scipy's 2-opt from random starts."""
    qap: Any = importlib.import_module("scipy.optimize").quadratic_assignment
    rng, ends, best, answer = np.random.default_rng(seed), time.perf_counter() + seconds, np.inf, []
    while not answer or time.perf_counter() < ends:
        found = qap(problem.first, problem.second, method="2opt", options={"rng": rng})
        if found.fun < best:
            best, answer = float(found.fun), [int(k) for k in found.col_ind]
    return answer


def rounded(problem: Any, seconds: float, seed: int) -> list[int]:
    """Return lots of scipy's best shares, the largest remainders rounded up."""
    del seconds, seed
    minimize: Any = importlib.import_module("scipy.optimize").minimize
    n, a = len(problem.assets), problem.appetite
    risk, gain = (1 - a) * problem.covariance, a * problem.returns
    unit = float(np.abs(gain).max())
    found = minimize(
        lambda w: (w @ risk @ w - gain @ w) / unit, np.full(n, 1 / n), jac=lambda w: (2 * risk @ w - gain) / unit,
        bounds=[(0, 1)] * n, constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP", options={"maxiter": 1000, "ftol": 1e-12},
    )  # fmt: skip
    shares = np.clip(found.x, 0, None) * problem.lots / found.x.sum()
    lots = np.floor(shares).astype(int)
    for k in np.argsort(lots - shares)[: problem.lots - int(lots.sum())]:
        lots[k] += 1
    return [int(k) for k in lots]


def arcs(problem: Network, seconds: float, seed: int) -> tuple[list[int] | None, float]:
    """Return an answer and a bound by HiGHS on flows along arcs, which knows no candidate paths; the bound holds for all paths.

    An answer whose paths are not all among the candidates cannot be told in the problem's terms, and is None.
    """
    del seed
    ways = [(i, j, k) for k, (a, b, _, _) in enumerate(problem.links) for i, j in ((a, b), (b, a))]
    n, m = len(problem.demands), len(ways)
    rows: list[Any] = []
    for d, (start, end, _) in enumerate(problem.demands):
        for v in range(len(problem.nodes)):
            out = [(d * m + w, 1.0 if i == v else -1.0) for w, (i, j, _) in enumerate(ways) if v in {i, j}]
            need = float(v == start) - float(v == end)
            rows.append(([k for k, _ in out], [c for _, c in out], need, need))
    for k, (_, _, _, capacity) in enumerate(problem.links):
        mine = [w for w, (_, _, link) in enumerate(ways) if link == k]
        at = [d * m + w for d in range(n) for w in mine]
        rows.append((at, [float(problem.demands[d][2]) for d in range(n) for _ in mine], -np.inf, float(capacity)))
    costs = np.array([size * problem.links[k][2] for _, _, size in problem.demands for _, _, k in ways], float)
    found = highs.run(highs.Programme(costs, np.zeros(n * m), np.ones(n * m), rows, np.ones(n * m, bool)), seconds)
    if found.values is None:
        return None, found.bound
    chosen = [_path(problem, d, found.values[d * m : (d + 1) * m], ways) for d in range(n)]
    return (None if None in chosen else [k for k in chosen if k is not None]), found.bound


def _path(problem: Network, d: int, flow: NDArray[np.float64], ways: list[tuple[int, int, int]]) -> int | None:
    after = {ways[w][0]: ways[w][1] for w in np.flatnonzero(flow > 0.5).tolist()}
    path = [problem.demands[d][0]]
    while path[-1] != problem.demands[d][1]:
        path.append(after[path[-1]])
    return problem.paths[d].index(tuple(path)) if tuple(path) in problem.paths[d] else None


def scale_of(values: Any) -> float:
    """Return what makes all `values` whole, or else as large as keeps nine digits."""
    array = np.abs(np.asarray(values, float))
    for scale in _SCALES:
        if np.allclose(array * scale, np.rint(array * scale), rtol=0, atol=1e-6):
            return float(scale)
    return 1e9 / float(array.max())


def solved(cp: Any, model: Any, seconds: float, seed: int) -> tuple[Any, bool]:
    """Return the solver, and whether it has an answer; one thread."""
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed
    return solver, solver.solve(model) in (cp.OPTIMAL, cp.FEASIBLE)
