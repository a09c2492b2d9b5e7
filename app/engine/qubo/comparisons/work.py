"""The job that compares solvers: the same problem, the same budget, many seeds, in turns; see `advantage` for the statistics.

spec: "file" or "text" and "name" (and "kind") as in `work`; "solvers" (text, the first is the one in question), "seconds",
"runs", "target" (objective, or null), "best_known" (objective, or null), "gap" (ratio the target may lie from the best),
"tune" (peers get the best setting of a small sweep, on seeds of their own). All solvers get one thread. Both clocks are read
in every run: wall time, and CPU seconds as its cost. A solver that can look for an energy is told the one to come to by what
all runs before found; what is judged in the end is never easier.
"""

import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.base.contracts import Budget, Report, Stop
from app.engine.base.errors import Cancelled
from app.engine.qubo import solvers
from app.engine.qubo.adapters import highs_search
from app.engine.qubo.comparisons import own_method
from app.engine.qubo.comparisons.advantage import Times, decide, interval, joined, success_interval
from app.engine.qubo.comparisons.settings import Setting, choices, facts, read_settings
from app.engine.qubo.problem import Qubo
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.verify import confirm_sample
from app.engine.qubo.work import warm_solver

_TUNE_RUNS = 3
REFERENCES = (
    "proved", "best known", "best of these runs", "best of these runs, above what was known",
    "best of the problem's own method", "best of the problem's own method, above what was known",
)  # fmt: skip
_MOST_TIMES = 400
_MOMENTS = 48


@dataclass
class Course:
    """One run: when its best energy fell, in wall and CPU seconds, and what it spent in all.

    `sweeps` is how many a read had, where the solver tells: it may have cut what was asked to what fits the budget.
    """

    points: list[tuple[float, float, float]] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    energy: float = np.inf
    proved: bool = False
    sweeps: int = 0

    def time_to(self, energy: float, clock: int) -> float:
        """Return when `energy` was reached first on the wall (0) or the CPU (1) clock, infinite when never."""
        return next((point[clock] for point in self.points if point[2] <= energy), np.inf)


def run(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Compare and return {rows, verdict, confidence, views, target, reference, machine, settings, tuning}."""
    stated, name = _problem(spec)
    problem = stated.formulation.qubo
    asked = read_settings(spec["solvers"])
    seconds, runs = float(spec.get("seconds", 1.0)), int(spec.get("runs", 20))
    for setting in asked:
        solvers.choose(problem, setting.solver)
        warm_solver(setting.solver, problem)
    progress = _Progress(report, len(asked) * runs + _trials(asked, tune=bool(spec.get("tune", True))), problem, seconds)
    seeds, runner = np.random.SeedSequence(seed), _Runner(problem, seconds, spec, stop)
    settings, tuning = list(asked), []
    if _trials(asked, tune=bool(spec.get("tune", True))):
        tried = [_tried(runner, one, seeds.spawn(1)[0], progress) for one in asked]
        target = runner.goal
        for k, group in enumerate(tried):
            settings[k], told_of = tuned(problem, group, target, seconds)
            tuning.extend(told_of)
    drawn = [int(one.generate_state(1, np.uint64)[0]) for one in seeds.spawn(runs)]
    courses: list[list[Course]] = [[] for _ in settings]
    for k, number in enumerate(drawn):
        order = range(len(settings)) if k % 2 == 0 else range(len(settings) - 1, -1, -1)
        for at in order:
            courses[at].append(runner.course(settings[at], number))
            progress.step(settings[at].label, courses[at][-1], courses[at])
    numbers = [int(one.generate_state(1, np.uint64)[0]) for one in seeds.spawn(own_method.RUNS)]
    least = min(course.energy for group in courses for course in group)
    own = own_method.run(stated, seconds, numbers, least, stop)
    told = _judge(problem, settings, courses, {**spec, "own": own}, seconds=seconds, seed=seed)
    return told | {
        "own_method": own,
        "name": name, "n": problem.n, "edges": problem.couplings, "sense": problem.sense, "seconds": seconds, "runs": runs,
        "seed": seed, "seeds": [str(one) for one in drawn], "tuning": tuning, "version": solvers.VERSION,
        "median_course": progress.convergence,
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.system()},
    }  # fmt: skip


def _problem(spec: dict[str, Any]) -> tuple[Problem, str]:
    from app.engine.qubo.problems.load import Subject, checked, read, refuse_impossible, words_of

    words = words_of(spec)
    known = checked(words)  # also where it is of no use here: it would be held beside this one
    subject = known if isinstance(known, Subject) else read(words)
    refuse_impossible(subject.problem, subject.name)
    return subject.problem, Path(subject.name).name


def _trials(asked: Sequence[Setting], *, tune: bool) -> int:
    """Return how many runs the tuning takes: none where no solver has a choice, else all take part in them."""
    offered = [len(choices(one)) for one in asked]
    return sum(offered) * _TUNE_RUNS if tune and max(offered) > 1 else 0


class _Progress:
    """Runs done of all, the best of each solver, and how the median of its runs comes down, for the eye."""

    def __init__(self, report: Report, total: int, problem: Qubo, seconds: float) -> None:
        self._report, self._total, self._done = report, total, 0
        self._problem, self._seconds = problem, seconds
        self._best: dict[str, float] = {}
        self.convergence: dict[str, list[list[float]]] = {}

    def skip(self, count: int) -> None:
        """Count runs that need not be made."""
        self._done += count

    def step(self, label: str, course: Course, courses: Sequence[Course] = ()) -> None:
        """Count one run; `courses` are all of its solver's runs that will be judged."""
        self._done += 1
        self._best[label] = min(self._best.get(label, np.inf), course.energy)
        told = {one: self._problem.objective_of(energy) for one, energy in self._best.items()}
        if courses:
            self.convergence[label] = median_course(self._problem, courses, self._seconds)
        self._report(self._done, self._total, "runs", {"best": told, "median_course": dict(self.convergence)})


class _Runner:
    """Makes the runs, each with the goal that the ones before leave it."""

    def __init__(self, problem: Qubo, seconds: float, spec: dict[str, Any], stop: Stop) -> None:
        self._problem, self._seconds, self._spec, self._stop = problem, seconds, spec, stop
        known = spec.get("best_known")
        self._best = np.inf if known is None else problem.objective_of(float(known))

    @property
    def goal(self) -> float:
        """Return the energy to come to by now: the given target, else the gap from the best of any run; infinite at first."""
        return _target(self._problem, self._best, self._spec)

    def course(self, setting: Setting, seed: int) -> Course:
        """Run `setting` once."""
        goal = self.goal if np.isfinite(self.goal) else None
        course = _course(self._problem, setting, self._seconds, seed, self._stop, goal=goal)
        self._best = min(self._best, course.energy)
        return course


def _course(problem: Qubo, setting: Setting, seconds: float, seed: int, stop: Stop, *, goal: float | None = None) -> Course:
    """Run one solver once, and sum the energy of its answer again."""
    course = Course()
    wall, cpu = time.perf_counter(), time.process_time()

    def told(_done: float, _total: float, _unit: str = "", partial: dict[str, Any] | None = None, **_: object) -> None:
        best = (partial or {}).get("best_energy", np.inf)
        if best < course.energy:
            course.energy = best
            course.points.append((time.perf_counter() - wall, time.process_time() - cpu, best))

    found = setting.make(goal).solve(problem, Budget(seconds), seed, told, stop)
    at = (time.perf_counter() - wall, time.process_time() - cpu)
    highs_search.settle(stop)  # what it left behind is time of this run, and takes none from the next
    course.wall_s, course.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    if stop():
        raise Cancelled("The comparison was cancelled")
    course.energy = confirm_sample(problem, found.sample, found.energy)
    course.proved = bool(found.info.get("proved"))
    course.sweeps = int(found.info.get("sweeps", 0))
    if not course.points or course.energy < course.points[-1][2]:
        course.points.append((*at, course.energy))
    return course


def _tried(
    runner: _Runner, setting: Setting, seeds: np.random.SeedSequence, progress: _Progress
) -> list[tuple[Setting, list[Course]]]:
    """Return each setting offered with its runs, on seeds of their own.

    One whose sweeps do not fit the budget is not run on: cut, it would be another setting than it says.
    """
    offered = choices(setting)
    numbers = [int(one.generate_state(1, np.uint64)[0]) for one in seeds.spawn(_TUNE_RUNS)]
    tried: list[tuple[Setting, list[Course]]] = []
    for one in offered:
        tried.append((one, []))
        for k, number in enumerate(numbers, 1):
            tried[-1][1].append(runner.course(one, number))
            progress.step(one.label, tried[-1][1][-1])
            if len(offered) > 1 and _cut(one, tried[-1][1]):
                progress.skip(len(numbers) - k)
                break
    return tried


def _cut(setting: Setting, group: Sequence[Course]) -> bool:
    """Tell whether a run had fewer sweeps than its setting says."""
    return any(0 < course.sweeps < setting.sweeps for course in group)


def tuned(
    problem: Qubo, tried: Sequence[tuple[Setting, list[Course]]], target: float, seconds: float
) -> tuple[Setting, list[dict[str, Any]]]:
    """Return the setting that comes to `target` (energy) soonest, the lower mean energy among equals, and what was tried.

    A run that misses counts as twice its time. One whose sweeps did not fit the budget is left out, unless none fits: then
    the first, the shortest, is taken.
    """
    if len(tried) == 1:
        return tried[0][0], []
    fits = [not _cut(one, group) for one, group in tried]
    scores = [
        (
            statistics.fmean(min(course.time_to(target, 0), 2 * seconds) for course in group),
            statistics.fmean(course.energy for course in group),
        )
        for _, group in tried
    ]
    taken = min((k for k in range(len(tried)) if fits[k]), key=lambda k: scores[k], default=0)
    told = [
        {
            **facts(one),
            "mean_time_s": score[0],
            "mean_objective": problem.objective_of(score[1]),
            "taken": k == taken,
            "left_out": not fits[k] and k != taken,
        }
        for k, ((one, _), score) in enumerate(zip(tried, scores, strict=True))
    ]
    return tried[taken][0], told


def _target(problem: Qubo, reference: float, spec: dict[str, Any]) -> float:
    """Return the energy to reach: the given objective, else so far from `reference` as the gap says; a hair above either."""
    given = spec.get("target")
    target = reference + float(spec.get("gap", 0.003)) * abs(reference) if given is None else problem.objective_of(float(given))
    return target + 1e-9 * max(1.0, abs(target))


def median_course(problem: Qubo, courses: Sequence[Course], seconds: float) -> list[list[float]]:
    """Return [t_s, objective] of the median run at moments that grow evenly in their logarithm.

    A moment at which half of the runs have nothing yet is left out.
    """
    out = []
    for moment in np.geomspace(seconds / 1000, seconds, _MOMENTS).tolist():
        reached = [min((point[2] for point in course.points if point[0] <= moment), default=np.inf) for course in courses]
        middle = sorted(reached)[len(reached) // 2]
        if np.isfinite(middle):
            out.append([round(moment, 6), problem.objective_of(middle)])
    return out


def _reference(problem: Qubo, courses: list[list[Course]], spec: dict[str, Any]) -> tuple[float, str]:
    """Return the energy that gaps are counted from, and what it is, one of `REFERENCES`."""
    best = min(course.energy for group in courses for course in group)
    if any(course.proved for group in courses for course in group):
        return best, "proved"
    found, own = "best of these runs", spec["own"]
    if own["best"] is not None:
        energy = problem.objective_of(own["best"])
        bound = -np.inf if own["bound"] is None else problem.objective_of(own["bound"])
        if own["proved"] or min(best, energy) <= bound + 1e-9 * max(1.0, abs(bound)):
            return min(best, energy), "proved"
        if energy < best:
            best, found = energy, "best of the problem's own method"
    if spec.get("best_known") is None:
        return best, found
    energy = problem.objective_of(float(spec["best_known"]))
    return (energy, "best known") if energy <= best else (best, found + ", above what was known")


def _judge(
    problem: Qubo, settings: list[Setting], courses: list[list[Course]], spec: dict[str, Any], *, seconds: float, seed: int
) -> dict[str, Any]:
    reference, kind = _reference(problem, courses, spec)
    target = _target(problem, reference, spec)
    clocks = {"wall": 0, "cost": 1}
    times = {view: [_times(group, target, clock, seconds) for group in courses] for view, clock in clocks.items()}
    views = {view: decide(groups[0], groups[1:], seed) for view, groups in times.items()}
    word, confidence = joined(list(views.values()))
    rows = [
        _row(setting, group, times["wall"][k], times["cost"][k], reference=reference, seed=seed)
        for k, (setting, group) in enumerate(zip(settings, courses, strict=True))
    ]
    return {
        "rows": rows, "verdict": word, "confidence": confidence, "target": problem.objective_of(target),
        "reference": problem.objective_of(reference), "reference_kind": kind, "gap_ratio": float(spec.get("gap", 0.003)),
        "views": {view: {"verdict": one.word, "confidence": one.confidence, "factor": _finite(one.factor),
                         "low": _finite(one.low), "high": _finite(one.high)} for view, one in views.items()},
    }  # fmt: skip


def _times(group: list[Course], target: float, clock: int, seconds: float) -> Times:
    """Return the runs on one clock; a miss spent what its run did, which for a solver that ends by itself is less."""
    ended = [course.cpu_s if clock else course.wall_s for course in group]
    return Times.of([course.time_to(target, clock) for course in group], seconds, ended)


def _row(setting: Setting, group: list[Course], wall: Times, cost: Times, *, reference: float, seed: int) -> dict[str, Any]:
    hits = int(wall.hit.sum())
    scale = abs(reference) or 1.0
    gaps = [(course.energy - reference) / scale for course in group]
    low, high = interval(wall, seed)
    cost_low, cost_high = interval(cost, seed)
    success_low, success_high = success_interval(hits, len(group))
    return facts(setting) | {
        "success": wall.success_ratio, "success_low": success_low, "success_high": success_high, "hits": hits,
        "ttt99": _finite(wall.ttt99), "low": _finite(low), "high": _finite(high),
        "cost_ttt99": _finite(cost.ttt99), "cost_low": _finite(cost_low), "cost_high": _finite(cost_high),
        "cost_per_success": _finite(cost.per_success), "gap": statistics.median(gaps), "gap_best": min(gaps),
        "times": [_finite(float(t) if hit else np.inf) for t, hit in zip(wall.spent, wall.hit, strict=True)][:_MOST_TIMES],
        "cpu_s": sum(course.cpu_s for course in group), "wall_s": sum(course.wall_s for course in group),
        "least_sweeps": min(course.sweeps for course in group) if _cut(setting, group) else None,
        "energies": [course.energy for course in group][:_MOST_TIMES],
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
