"""CP-SAT (ortools, Apache-2.0): how a model is run, and schedules, for a bound and a proof; needs the extra `exact`.

The model of a schedule is the usual one of intervals: one per operation, none overlapping on a machine, in order within a job.
"""

import importlib
import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Stop
from app.engine.base.errors import Bug
from app.engine.base.text import tr

Told = Callable[[Any], None]
_LOOK_S = 0.1


def untold(what: Any) -> None:
    """Hear nothing of answers on the way."""


@dataclass(frozen=True)
class Schedule:
    """The starts (jobs, steps), their makespan, and the best bound on it."""

    starts: list[list[int]]
    span: int
    bound: int

    @property
    def proved(self) -> bool:
        """Tell whether no schedule can be shorter."""
        return self.bound >= self.span


def available() -> bool:
    """Tell whether ortools is installed, without loading it."""
    return importlib.util.find_spec("ortools") is not None


def load() -> None:
    """Load the package, where it is installed, ahead of a method's time."""
    if available():
        package()


def schedule(  # noqa: PLR0917 - as all methods are called
    machines: NDArray[np.int64],
    times: NDArray[np.int64],
    known: list[list[int]],
    lower: int,
    budget: Budget,
    seed: int,
    stop: Stop,
    *,
    goal: float | None = None,
    told: Told = untold,
) -> Schedule:
    """Return a schedule no longer than the `known` one, and a bound no lower than `lower`; ends early on proof or stop.

    `told` hears the makespan of each schedule on the way.
    With `goal`, the makespan of a schedule found before, it ends there, whatever the budget; see `run`.
    """
    span = int((np.asarray(known) + times).max())
    if span <= lower or (budget.seconds <= 0 and goal is None) or stop():
        return Schedule(known, span, lower)
    model, starts, makespan = _model(package(), machines, times, known, (lower, span))
    solver, found = run(model, budget, seed, stop, goal=goal, told=lambda one: told(float(one.objective_value)))
    bound = max(lower, int(np.ceil(solver.best_objective_bound - 1e-6)))
    if found and solver.value(makespan) < span:
        return Schedule([[int(solver.value(one)) for one in row] for row in starts], int(solver.value(makespan)), bound)
    return Schedule(known, span, min(bound, span))


def run(
    model: Any, budget: Budget, seed: int, stop: Stop, *, linear: int = 1, goal: float | None = None, told: Told = untold
) -> tuple[Any, bool]:
    """Solve a model an answer to which is known; returns the solver, and whether it holds an answer, not a bound alone.

    `linear` is how much of the model goes into its linear relaxation, 2 being all of it. On one thread the search knows no
    clock but the one that ends it: with `goal`, the objective with which a run ended, it comes to the same answer again.
    `told` gets the callback of ortools with each answer, which reads its values and `objective_value`.
    """
    cp: Any = package()
    solver = cp.CpSolver()
    if goal is None:
        solver.parameters.max_time_in_seconds = budget.seconds
    solver.parameters.num_workers = max(1, budget.threads)
    solver.parameters.random_seed = int(seed % 2**31)
    solver.parameters.linearization_level = linear
    with _watched(solver, stop):
        status = solver.solve(model, _telling(cp, told, -np.inf if goal is None else goal))
    if status not in (cp.OPTIMAL, cp.FEASIBLE, cp.UNKNOWN):
        raise Bug("CP-SAT calls impossible what is known: {status}", status=solver.status_name(status))
    return solver, status != cp.UNKNOWN


def _telling(cp: Any, told: Told, goal: float) -> Any:
    """Return a callback that tells of each answer, and ends the search with the first one that costs no more than `goal`."""

    class Telling(cp.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            told(self)
            if self.objective_value <= goal:
                self.stop_search()

    return Telling()


def no_recipe(threads: int) -> str:
    """Return why what CP-SAT found cannot be found again; empty where it can."""
    if threads <= 1:
        return ""
    return tr("CP-SAT found it on {threads} threads, which tell each other what they find when they find it, so that no two "
              "runs take the same course; on one thread it can be replayed", threads=threads)  # fmt: skip


def package() -> Any:
    """Return the part of ortools used here; its own types do not pass a strict check."""
    return importlib.import_module("ortools.sat.python.cp_model")


def _model(
    cp: Any, machines: NDArray[np.int64], times: NDArray[np.int64], known: list[list[int]], limits: tuple[int, int]
) -> tuple[Any, list[list[Any]], Any]:
    """Return the model, its start variables and its makespan, with the known schedule as a hint."""
    model, (lower, latest) = cp.CpModel(), limits
    makespan = model.new_int_var(lower, latest, "makespan")
    starts: list[list[Any]] = []
    on: dict[int, list[Any]] = {}
    for j, row in enumerate(times):
        mine = [model.new_int_var(0, latest, f"s{j}_{s}") for s in range(len(row))]
        for s, (start, length) in enumerate(zip(mine, row, strict=True)):
            on.setdefault(int(machines[j, s]), []).append(model.new_fixed_size_interval_var(start, int(length), f"i{j}_{s}"))
            after = mine[s + 1] if s + 1 < len(mine) else makespan
            model.add(after >= start + int(length))
            model.add_hint(start, int(known[j][s]))
        starts.append(mine)
    for intervals in on.values():
        model.add_no_overlap(intervals)
    model.minimize(makespan)
    return model, starts, makespan


@contextmanager
def _watched(solver: Any, stop: Stop) -> Iterator[None]:
    """Ask `stop` ten times a second while the solver works, and end its search when told so."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            if stop():
                solver.stop_search()

    thread = threading.Thread(target=watch, name="stop of CP-SAT", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
