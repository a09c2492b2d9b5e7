"""The job of the QUBO wing: read, choose, solve, verify, in a worker process.

spec: {"file": path} or {"text": …, "name": …}, and "solver", "seconds", "threads", "target" (objective at which
to end, or null), "options" (of the solver). Within a process "qubo" may hold the problem itself, "parsed" what was made of the
text before, and `look` then says more about the samples than their energy (see `problems/work.py`).
"""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.engine.base.contracts import Budget, Report, SolverResult, Stop
from app.engine.base.errors import BadInput, Bug
from app.engine.qubo import solvers
from app.engine.qubo.anneal import form_of
from app.engine.qubo.ising import spin_form
from app.engine.qubo.landscape import survey
from app.engine.qubo.portfolio import recipe_of
from app.engine.qubo.problem import Qubo, sample_text
from app.engine.qubo.reader import parse, read_text
from app.engine.qubo.records import AUTO
from app.engine.qubo.verify import confirm

_MOST_TRACE = 500
_MOST_ROWS = 200
# Solvers whose inner part is compiled.
_KERNELS = {
    "anneal": "app.engine.qubo.anneal", "tabu": "app.engine.qubo.tabu", "replicas": "app.engine.qubo.replicas",
}  # fmt: skip
_COMPILED = {
    "anneal": "app.engine.qubo.scan_kernel", "tabu": "app.engine.qubo.tabu_kernel",
    "replicas": "app.engine.qubo.replicas_kernel",
}  # fmt: skip

# Gets the samples of a run and returns a row of further columns for each, and which of them is the answer.
Look = Callable[[SolverResult], tuple[list[dict[str, Any]], int]]


def solve(spec: dict[str, Any], seed: int, report: Report, stop: Stop, look: Look | None = None) -> dict[str, Any]:
    """Solve the problem in `spec` and return {objective, energy, sample, solver, cpu_s, wall_s, n, edges, samples, trace…}."""
    text, problem = ("", spec["qubo"]) if "qubo" in spec else _problem(spec)
    chosen = solvers.choose(problem, spec.get("solver") or AUTO)
    options = {**chosen.options, **(spec.get("options") or {})}
    solver = solvers.make(chosen.name, options)
    loaded_s = _load_kernels(chosen.name)
    set_up_s = _set_up(chosen.name, problem)
    budget = Budget(max(0.0, float(spec.get("seconds", 5.0)) - set_up_s), int(spec.get("threads", 1)))
    warmup_s = loaded_s + warm_solver(chosen.name, problem)
    trace = _Trace(problem, chosen.name, report)
    wall, cpu = time.perf_counter(), time.process_time()
    found = solver.solve(problem, budget, seed, trace.take, trace.ends(stop, spec.get("target")))
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    sample = sample_text(found.sample)
    objective = confirm(problem, text, sample, found.energy)
    trace.close(wall_s, found.energy)
    info = {key: value for key, value in found.info.items() if key not in {"counts", "replay", "recipe_of"}}
    more, shown = look(found) if look is not None else ([{}] * len(found.energies), 0)
    rows, landscape = _rows(problem, found, more)
    return {
        "objective": objective, "energy": found.energy, "sample": sample, "solver": chosen.name, "why": chosen.why,
        "cpu_s": cpu_s, "wall_s": wall_s, "warmup_s": warmup_s, "set_up_s": set_up_s, "n": problem.n,
        "edges": problem.couplings,
        "kind": problem.kind, "sense": problem.sense, "seed": seed, "threads": budget.threads, "options": options,
        "info": info, "samples": rows, "landscape": landscape, "trace": trace.thinned(), "traces": trace.courses(),
        "verified": True,
        "replay": _recipe(found, shown, seed),
    }  # fmt: skip


def check(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Read the whole problem in `spec` and return its kind; raises what is wrong with it."""
    del seed, report, stop
    from app.engine.qubo.problems import load

    words = load.words_of(spec)
    load.check(words)
    return {"kind": words[2]}


def warm(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Compile the kernels ahead of the first question, so that the cache on disk holds them; spec is not used."""
    del spec, seed, report, stop
    began = time.perf_counter()
    for module in _KERNELS.values():
        importlib.import_module(module).warm_up()
    return {"warmup_s": time.perf_counter() - began}


def _problem(spec: dict[str, Any]) -> tuple[str, Qubo]:
    if spec.get("text"):
        text, name = str(spec["text"]), str(spec.get("name") or "text")
    elif spec.get("file"):
        text, name = read_text(Path(spec["file"])), str(spec["file"])
    else:
        raise BadInput("Give a file to solve", field="file")
    known: Qubo | None = spec.get("parsed")
    return text, parse(text, name) if known is None else known


def _members(name: str) -> tuple[str, ...]:
    return ("anneal", "tabu") if name == "portfolio" else (name,)


def _load_kernels(name: str) -> float:
    """Load the compiler and the modules of its kernels, which is no part of the search; returns the seconds it took."""
    began = time.perf_counter()
    for one in _members(name):
        if one in _COMPILED:
            importlib.import_module(_COMPILED[one])
    return time.perf_counter() - began


def _set_up(name: str, problem: Qubo) -> float:
    """Bring the problem into the form our solvers share; returns the seconds it took, which count as time of the search."""
    began = time.perf_counter()
    if name in {"anneal", "portfolio"}:
        form_of(problem)
    elif name in _KERNELS:
        spin_form(problem)
    return time.perf_counter() - began


def warm_solver(name: str, problem: Qubo) -> float:
    """Load what the solver needs before its time counts; returns the seconds it took."""
    began = time.perf_counter()
    for one in _members(name):
        if one.startswith("dwave"):
            from app.engine.qubo.adapters.dwave import load

            load(problem, one)
        elif one == "highs":
            from app.engine.qubo.adapters import highs

            highs.load()
        elif one in _KERNELS:
            importlib.import_module(_KERNELS[one]).warm_up(problem)
    return time.perf_counter() - began


def _recipe(found: SolverResult, shown: int, seed: int) -> dict[str, Any]:
    """Return what makes the sample of the answer once more: solver, seed, options and the version of the solvers.

    The `sample` stands there where it is not the one of least energy.
    """
    recipe = {"seed": seed, **recipe_of(found, shown), "version": solvers.VERSION}
    return recipe | ({"sample": sample_text(found.samples[shown])} if shown else {})


def _rows(problem: Qubo, found: SolverResult, more: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return the best distinct samples as rows, the best first, and what the landscape of them says as a whole.

    A row has energy, objective, count, its place in the landscape, and its part of `more`.
    """
    counts = found.info.get("counts") or [1] * len(found.energies)
    land = survey(problem, found.samples[:_MOST_ROWS])
    places = land.rows() if land is not None else [{}] * len(found.energies)
    rows = [
        {"energy": float(energy), "objective": problem.objective_of(float(energy)), "count": int(count), **place, **extra}
        for energy, count, place, extra in zip(found.energies[:_MOST_ROWS], counts, places, more, strict=False)
    ]
    return rows, None if land is None else {"shown_ratio": land.shown_ratio, "mirrored": land.mirrored}


class _Trace:
    """Best energy over time: kept for the result, and passed on for the eye in the file's own sense."""

    def __init__(self, problem: Qubo, solver: str, report: Report) -> None:
        self._problem, self._solver, self._report = problem, solver, report
        self._began = time.perf_counter()
        self._points: list[tuple[float, float]] = []
        self._courses: dict[str, list[tuple[float, float]]] = {}

    def take(self, done: float, total: float, unit: str = "", partial: dict[str, Any] | None = None, **_: object) -> None:
        """Stand in for the job's report."""
        told = partial or {}
        best, member = told.get("best_energy"), str(told.get("member", self._solver))
        if best is None:
            self._report(done, total, unit, {"solver": self._solver})
            return
        at_s = time.perf_counter() - self._began
        if not self._points or best < self._points[-1][1]:
            self._points.append((at_s, best))
        own = told.get("member_energy", best)
        course = self._courses.setdefault(member, [])
        if not course or own < course[-1][1]:
            course.append((at_s, own))
        told = {"best_energy": best, "objective": self._problem.objective_of(best), "solver": self._solver}
        samples = {"best_energy": [(at_s, best)], f"best_energy:{member}": [(at_s, own)]}
        self._report(done, total, unit, told, samples)

    def ends(self, stop: Stop, target: float | None) -> Stop:
        """Return a stop that comes with `stop`, or as soon as the objective `target` is reached."""
        if target is None:
            return stop
        goal = self._problem.objective_of(float(target))
        room = 1e-9 * max(1.0, abs(goal))
        return lambda: stop() or bool(self._points and self._points[-1][1] <= goal + room)

    def close(self, wall_s: float, energy: float) -> None:
        """Make the last point the answer."""
        if self._points and self._points[-1][1] < energy - 1e-6 * max(1.0, abs(energy)):
            raise Bug("A better energy was reported than was returned: {told}", told=self._points[-1][1])
        self._points.append((wall_s, energy))
        for course in self._courses.values():
            course.append((wall_s, course[-1][1]))

    def thinned(self) -> list[list[float]]:
        """Return at most 500 points [t_s, best_energy], the first and the last among them."""
        return _thinned(self._points)

    def courses(self) -> dict[str, list[list[float]]]:
        """Return the same for each solver that took part, by name."""
        return {name: _thinned(course) for name, course in self._courses.items()}


def _thinned(points: list[tuple[float, float]]) -> list[list[float]]:
    if len(points) > _MOST_TRACE:
        step = (len(points) - 1) / (_MOST_TRACE - 1)
        points = [points[round(k * step)] for k in range(_MOST_TRACE)]
    return [[round(at_s, 6), best] for at_s, best in points]
