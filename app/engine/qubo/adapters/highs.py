"""HiGHS (MIT) for linear programmes with whole variables, in the build that comes with scipy: an answer, a bound, a proof.

`Highs` is the solver of QUBOs behind our contract: each product x_i x_j becomes a variable between its two factors and their
sum less 1 (Fortet 1960; McCormick 1976), which makes the QUBO a linear programme in bits. The relaxation is weak where many
products have positive weight, so proofs come for some tens of dense variables, or a few hundred sparse ones.

A stop, or an objective that was asked for, ends a search under way with the best it has; see `highs_search`. The search itself
knows no clock: `again` comes to the values that a run ended with by counting the better and better ones on the way.
"""

import dataclasses
import functools
import importlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.base.errors import Bug, Conflict
from app.engine.qubo.adapters import highs_search, milp
from app.engine.qubo.adapters.highs_search import CUT, INFEASIBLE, OPTIMAL, BindingError, Ended, Search, Told, untold
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.problem import Qubo

MOST_PROVED = 500
_ROUNDING = 1e-9
_LEAST_S = 0.01
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Programme:
    """Minimise `costs` x over `low` <= x <= `high` with rows of (variables, coefficients, least, most); some x are whole.

    `names` are those of the rows, for telling which are in conflict; empty names are never told.
    """

    costs: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rows: Sequence[tuple[Sequence[int], Sequence[float], float, float]]
    whole: NDArray[np.bool_]
    names: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Outcome:
    """The values found (None: none in time), their cost, the least cost there can be, and whether both meet.

    `possible` is false when it is proved that no values keep all rows.
    """

    values: NDArray[np.float64] | None
    cost: float
    bound: float
    proved: bool
    possible: bool = True


def run(
    programme: Programme, seconds: float = 0.0, nodes: int = 0, better: int = 0, *, stop: Stop = never, told: Told = untold
) -> Outcome:
    """Return the best values within `seconds`, or `nodes` of the search tree, or once values improved `better` times.

    `told` gets better values on the way; on `stop`, and at the end of its time, which holds the building of the model too, it
    ends with the best it has, within a third of a second, whether HiGHS looks up or is left behind (see `highs_search.settle`).
    """
    until = math.inf if better or nodes else time.perf_counter() + max(seconds, _LEAST_S)
    sparse: Any = importlib.import_module("scipy.sparse")
    counts = [len(row[0]) for row in programme.rows]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at = np.fromiter((k for row in programme.rows for k in row[0]), np.int64, int(start[-1]))
    values = np.fromiter((c for row in programme.rows for c in row[1]), np.float64, int(start[-1]))
    matrix = sparse.csr_matrix((values, at, start), shape=(len(counts), len(programme.costs))).tocsc()
    least, most = (np.array([row[end] for row in programme.rows], np.float64) for end in (2, 3))
    # By itself HiGHS calls a gap of a ten-thousandth closed.
    work: dict[str, Any] = {"mip_max_improving_sols": better} if better else {"mip_max_nodes": nodes}
    options = {"mip_rel_gap": 0.0} | (work if better or nodes else {})
    columns = (programme.costs, programme.low, programme.high, programme.whole)
    found = _searched(columns, (matrix, least, most), options, stop, told, until)
    if found.how == INFEASIBLE:
        return Outcome(None, np.inf, np.inf, proved=True, possible=False)
    if found.how not in {OPTIMAL, CUT}:
        raise Bug("HiGHS ended in a way that was not expected: {told}", told=found.how)
    if found.values is None:
        return Outcome(None, np.inf, found.bound, proved=False)
    values = np.where(programme.whole, np.rint(found.values), found.values)
    return Outcome(values, float(programme.costs @ values), found.bound, proved=found.how == OPTIMAL)


def _searched(  # noqa: PLR0917 - what both ways to search take
    columns: tuple[Any, Any, Any, Any],
    rows: tuple[Any, Any, Any],
    options: dict[str, Any],
    stop: Stop,
    told: Told,
    until: float,
) -> Ended:
    try:
        return Search(columns, rows, options).run(stop, told, until)
    except BindingError as error:
        _warn(str(error))
        return milp.search(columns, rows, options, stop, until)


@functools.cache
def _warn(reason: str) -> None:
    log.warning("the bindings of HiGHS are not those that are known, its searches tell nothing on the way: %s", reason)


def again(programme: Programme, cost: float) -> Outcome:
    """Return the values with which a run of this programme ended, given their cost, whatever ended it.

    The search is the same each time, so the first values on its way that cost no more are those of then. Raises `Conflict`
    where they cost less: within a heuristic HiGHS searches a part of the programme, and where its clock ends it there, it takes
    over what that search has by then; without a clock it only ever sees what that search ends with.
    """
    better, found, room = 0, Outcome(None, np.inf, -np.inf, proved=False), _ROUNDING * max(1.0, abs(cost))
    while not found.proved and (found.values is None or found.cost > cost + room):
        better += 1
        found = run(programme, better=better)
    if found.cost < cost - room:
        raise Conflict("HiGHS was ended by its clock inside a search of a part of the problem, and took over what that search "
                       "had so far; without a clock that part is searched to its end, and gives a better answer")  # fmt: skip
    return found


def load() -> None:
    """Load what HiGHS comes in, ahead of a method's time."""
    importlib.import_module("scipy.sparse")
    try:
        highs_search.load()
    except BindingError:  # what searches then says so
        milp.load()


def conflict(programme: Programme, seconds: float, stop: Stop = never) -> list[str]:
    """Return the names of rows of an impossible programme that cannot be kept together; each of them is needed for that.

    Rows are left out one after the other as long as the rest stays impossible (the deletion filter of Chinneck and Dravnieks
    1991); when the time is up, what is left may hold rows that are not needed.
    """
    began, kept = time.perf_counter(), list(range(len(programme.rows)))
    free = dataclasses.replace(programme, costs=np.zeros(len(programme.costs)))
    for row in tuple(kept):
        left_s = seconds - (time.perf_counter() - began)
        if left_s <= 0 or stop():
            break
        fewer = [k for k in kept if k != row]
        if not run(dataclasses.replace(free, rows=[programme.rows[k] for k in fewer]), left_s, stop=stop).possible:
            kept = fewer
    return list(dict.fromkeys(programme.names[k] for k in kept if k < len(programme.names) and programme.names[k]))


@dataclass(frozen=True)
class Highs:
    """Branch and cut over the linearised QUBO until a proof or the end of the budget; with `nodes`, that many nodes.

    With `cost`, that of the programme's values, it ends where a run made before did; `idle`, with all zeros, where that one
    found nothing.
    """

    name = "highs"
    title = "HiGHS branch and cut"
    nodes: int = 0
    cost: float | None = None
    idle: bool = False
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found and the bound in `info`; see `contracts.Solver`. Deterministic: the seed is not used."""
        del seed
        allowance = Allowance(budget.seconds, report, stop, self.now)
        n, found = problem.n, Found(problem.n)
        empty = np.zeros((1, n), np.int8)
        found.add(empty, problem.energies(empty))
        allowance.tell(found.best)
        proved, bound = False, -np.inf
        options: dict[str, Any] = {"idle": True}
        if not self.idle and not allowance.stopped():
            programme = linearised(problem)

            def told(values: NDArray[np.float64]) -> None:
                allowance.tell(float(problem.energies(_bits_of(values, n))[0]))

            if self.cost is None:
                outcome = run(programme, allowance.left_s, self.nodes, stop=allowance.stopped, told=told)
            else:
                outcome = again(programme, self.cost)
            proved, bound = outcome.proved, outcome.bound + problem.offset
            if outcome.values is not None:
                sample = _bits_of(outcome.values, n)
                found.add(sample, problem.energies(sample))
                options = {"cost": outcome.cost}
        samples, energies, counts = found.table()
        allowance.tell(found.best)
        info = {"counts": counts, "proved": proved, "bound": bound if np.isfinite(bound) else None,
                "replay": {"solver": self.name, "options": options}}  # fmt: skip
        return SolverResult(samples[0], float(energies[0]), samples, energies, info)


def _bits_of(values: NDArray[np.float64], n: int) -> NDArray[np.int8]:
    """Return the sample (1, n) among the values of a linearised QUBO."""
    return (values[:n] > 0.5).astype(np.int8)[None]


def linearised(problem: Qubo) -> Programme:
    """Return the programme over the n variables of `problem` and one variable for each product, without the offset."""
    n, m = problem.n, problem.couplings
    rows: list[tuple[Sequence[int], Sequence[float], float, float]] = []
    for k, (i, j, weight) in enumerate(zip(problem.rows.tolist(), problem.cols.tolist(), problem.weights, strict=True)):
        if weight > 0:
            rows.append(((n + k, i, j), (1.0, -1.0, -1.0), -1.0, np.inf))
        else:
            rows += [((n + k, one), (1.0, -1.0), -np.inf, 0.0) for one in (i, j)]
    whole = np.arange(n + m) < n
    return Programme(np.concatenate([problem.linear, problem.weights]), np.zeros(n + m), np.ones(n + m), rows, whole)
