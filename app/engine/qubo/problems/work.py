"""The job of a problem: read it, refuse what cannot be, solve it as a QUBO and by its own method, check, compare and draw.

spec: as in `qubo/work.py`, and "kind" (of problem, "auto": recognised) and "route": "auto" splits the time equally between
both routes where there are two, "qubo" and "domain" take one. The better feasible answer is the answer; the report keeps both.
Where none is feasible there is no answer and no bound, only the `nearest` miss with what it breaks; where that is proved to be
all there is, the problem is refused as infeasible.
"""

import json
import time
from typing import Any

import numpy as np

from app.engine.base.contracts import Budget, Report, SolverResult, Stop
from app.engine.base.errors import BadInput, Bug, Infeasible, Limit, Timeout
from app.engine.base.text import tr
from app.engine.base.units import ratio_text
from app.engine.qubo import solvers, spectral, work
from app.engine.qubo.adapters import highs, highs_search
from app.engine.qubo.domain import linear
from app.engine.qubo.domain.methods import Method, method_of, warm
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.load import (
    Subject,
    checked,
    digest_of,
    goes_straight,
    load,
    read,
    refuse_impossible,
    words_of,
)
from app.engine.qubo.problems.registry import KINDS

AUTO, QUBO, DOMAIN = ROUTES = ("auto", "qubo", "domain")
_RELATIVE = 1e-9
_PROVED = 1e-9
_BOUND_RATIO = 0.1
_MOST_VIOLATIONS = 20
_MOST_ANSWER_BYTES = 2**20

Result = dict[str, Any]


def look(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> Result:
    """Return what was understood of a problem: kind, facts, QUBO, penalties, conflicts, and its picture; solves nothing."""
    del seed, stop
    subject = load(spec)
    problem = subject.problem
    report(1.0, 2.0, "step")
    out = _about(problem)
    out |= {"name": subject.name, "conflicts": problem.conflicts(), "picture": problem.draw(None)}
    method = method_of(problem)
    return {**out, **_as_qubo(problem), "method": method[0] if method else ""}


def solve(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> Result:
    """Solve the problem in `spec`; returns {objective, answer, feasible, violations, routes, picture, problem, …}."""
    text, name, _ = words = words_of(spec)
    known = checked(words)
    if goes_straight(words):
        return _dated(work.solve({**spec, "text": text, "name": name, "parsed": known}, seed, report, stop), text)
    subject = known or read(words)
    problem = subject.problem
    refuse_impossible(problem, name)
    method = method_of(problem)
    route = str(spec.get("route") or AUTO)
    if route == DOMAIN and method is None:
        raise BadInput("{kind} has no method of its own here", field="route", kind=KINDS[problem.kind].title)
    asked = str(spec.get("solver") or AUTO)
    both = route == AUTO and asked == AUTO and method is not None
    budget = Budget(float(spec.get("seconds", 5.0)) / (2 if both else 1), int(spec.get("threads", 1)))
    routes: list[Result] = []
    target = _Target(problem, spec.get("target"))
    if route == DOMAIN or both:
        assert method is not None
        told = _half(report, problem, 0.0, both=both)
        routes.append(_dated(_by_method(problem, method, budget, seed, told, stop, target=target), text))
    if both and target.is_met(routes[0]["objective"]):
        routes.append(_without(tr("the target was reached before it")))
    elif route != DOMAIN:
        if both:
            _settled(routes[0], stop)
        routes.append(_by_qubo(subject, spec, budget, seed, _half(report, problem, 0.5 if both else 0.0, both=both), stop,
                               alone=not both))  # fmt: skip
    _refuse_proved(problem, routes, name, budget.seconds, stop)
    return _joined(problem, routes, target, both=both)


def _settled(row: Result, stop: Stop) -> None:
    """Wait for what the method left behind, which is time of its own, before the QUBO route begins."""
    began, cpu = time.perf_counter(), time.process_time()
    highs_search.settle(stop)
    if "wall_s" in row:
        row["wall_s"] += time.perf_counter() - began
        row["cpu_s"] += time.process_time() - cpu


class _Target:
    """The objective that a search may end with; None: there is none."""

    def __init__(self, problem: Problem, objective: float | None) -> None:
        self._sign = -1.0 if problem.sense == "max" else 1.0
        self._least = None if objective is None else self._sign * float(objective)

    def is_met(self, objective: float | None) -> bool:
        """Tell whether an answer of `objective` is as good as was asked for."""
        return objective is not None and self.is_told(self._sign * objective)

    def is_told(self, energy: float) -> bool:
        """Tell the same of an energy, of which less is better."""
        return self._least is not None and energy <= self._least + _RELATIVE * max(1.0, abs(self._least))


def _without(why_not: str) -> Result:
    """Return the row of a QUBO route that was not taken."""
    return {"route": QUBO, "solver": "", "objective": None, "feasible": False, "violations": [], "answer": None,
            "proved": False, "why_not": why_not}  # fmt: skip


def _refuse_proved(problem: Problem, routes: list[Result], name: str, seconds: float, stop: Stop) -> None:
    """Raise `Infeasible` where a route proved that there is no feasible answer, naming the constraints in conflict if known."""
    proof = next((row for row in routes if row.get("impossible")), None)
    if proof is None or any(row["feasible"] for row in routes):
        return
    programme = linear.programme_of(problem)[0] if linear.is_linear(problem) else None
    names = [] if programme is None else highs.conflict(programme, seconds, stop)[:_MOST_VIOLATIONS]
    if names:
        told = tr("these cannot be kept together: {names}", names=", ".join(names))
    else:
        told = tr("the nearest answer there is breaks: {what}", what="; ".join(proof["violations"][:5]))
    raise Infeasible("{file} is infeasible: {conflicts}", field="file", file=name, conflicts=told,
                   hint="No answer can keep these constraints; relax one of them.")  # fmt: skip


def _dated(result: Result, text: str) -> Result:
    """Return the result, its recipe marked with the text it holds for."""
    if result.get("replay"):
        result["replay"]["text_sha256"] = digest_of(text)
    return result


def _half(report: Report, problem: Problem, begin: float, *, both: bool) -> Report:
    """Return a report whose progress is one half of the whole when two routes share the time; it never goes back."""
    furthest = 0.0

    def told(done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:
        nonlocal furthest
        # What proves after a search counts its time from the beginning, the search only its own part.
        furthest = max(furthest, min(done / total, 1.0) if total > 0 else 0.0)
        done = max(done, furthest * total)
        if both:
            done, total, unit = 100 * (begin + 0.5 * furthest), 100.0, "%"
        report(done, total, unit, {**(partial or {}), "problem_kind": problem.kind}, samples)

    return told


def _by_method(  # noqa: PLR0917 - as jobs are called
    problem: Problem, method: tuple[str, Method], budget: Budget, seed: int, report: Report, stop: Stop, *, target: _Target
) -> Result:
    """Run the problem's own method; it ends where it tells of an answer that meets the `target`."""
    name, run = method
    sign = -1.0 if problem.sense == "max" else 1.0
    trace: list[list[float]] = []
    warm(problem)
    began, cpu = time.perf_counter(), time.process_time()

    def told(done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:
        del samples
        best = (partial or {}).get("best_energy")
        if best is not None:
            at_s = time.perf_counter() - began
            if not trace or best < trace[-1][1]:
                trace.append([round(at_s, 4), float(best)])
            point = [(at_s, float(best))]
            best = {"objective": sign * best, "solver": name, "best_energy": best}
            report(done, total, unit, best, {"best_energy": point, f"best_energy:{name}": point})

    def reached() -> bool:
        return bool(trace) and target.is_told(trace[-1][1])

    try:
        found = run(problem, budget, seed, told, lambda: stop() or reached())
        left_s = budget.seconds - (time.perf_counter() - began)
        # What it told of was no answer yet, as of too many vehicles: it goes on for the time that is left.
        if reached() and not stop() and left_s > 0 and problem.check(found.answer):
            found = run(problem, Budget(left_s, budget.threads), seed, told, stop)
    except (Timeout, Limit) as error:
        return {"route": DOMAIN, "solver": name, "objective": None, "feasible": False, "violations": [], "answer": None,
                "proved": False, "trace": [], "why_not": str(error)}  # fmt: skip
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    broken = problem.check(found.answer)
    objective = None if broken else problem.objective(found.answer)
    if objective is not None:
        trace.append([round(wall_s, 4), sign * objective])
    return {
        "route": DOMAIN, "solver": name, "why": tr("the method made for this kind of problem"), "objective": objective,
        "feasible": not broken,
        "violations": broken[:_MOST_VIOLATIONS],
        "answer": None if broken else found.answer, "nearest": found.answer if broken else None,
        "proved": found.proved and not broken, "wall_s": wall_s, "cpu_s": cpu_s, "info": dict(found.info),
        "trace": trace[-500:], "why_not": "", "bound": found.bound, "bound_by": found.by,
        "replay": {"seed": seed, "solver": name, "work": dict(found.work), "why": found.no_recipe, "version": solvers.VERSION},
    }  # fmt: skip


def _by_qubo(  # noqa: PLR0917 - as jobs are called
    subject: Subject, spec: dict[str, Any], budget: Budget, seed: int, report: Report, stop: Stop, *, alone: bool
) -> Result:
    problem = subject.problem
    inner = {**spec, "seconds": budget.seconds, "threads": budget.threads, "solver": spec.get("solver") or AUTO}
    if subject.plain and spec.get("kind") in (None, "", "auto", problem.kind):
        inner |= {"text": subject.text, "name": subject.name}
    else:
        try:
            inner |= {"qubo": problem.formulation.qubo}
        except Limit as error:
            if alone:
                raise
            return _without(str(error))
    judge = _Judge(problem)
    result = _dated(work.solve(inner, seed, report, stop, judge.look), subject.text)
    told, exact = judge.told(), problem.is_complete and bool(result["info"].get("proved"))
    if not told["feasible"]:
        # The least energy of all is a feasible answer's if there is one; see the law of problems.
        return {**result, "route": QUBO, **told, "proved": False, "why_not": "", "bound": None, "bound_by": "",
                "impossible": exact}  # fmt: skip
    # The least energy is the best objective, so what bounds the one bounds the other.
    least = (result["energy"] if judge.first else None) if exact else result["info"].get("bound")
    if not problem.is_complete:
        least = None
    by = "" if least is None else result["solver"]
    if least is None and method_of(problem) is None and not stop():
        least = spectral.bound(problem.formulation.qubo, result["energy"], min(1.0, _BOUND_RATIO * budget.seconds), stop)
        by = "" if least is None else tr("eigenvalues")
    bound = None if least is None else problem.formulation.qubo.objective_of(float(least))
    return {**result, "route": QUBO, **told, "proved": exact and judge.first, "why_not": "", "bound": bound, "bound_by": by}


class _Judge:
    """Looks at the samples in the problem's own terms and keeps the best feasible one."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.first = False
        self._best: tuple[float, Any] | None = None
        self._nearest: tuple[Any, list[str]] = (None, [])

    def look(self, found: SolverResult) -> tuple[list[dict[str, Any]], int]:
        """Return feasibility and objective of every sample, and which is the answer, or the nearest miss: the first."""
        rows: list[dict[str, Any]] = []
        shown = 0
        sign = -1.0 if self.problem.sense == "max" else 1.0
        for number, (sample, energy) in enumerate(zip(found.samples, found.energies, strict=True)):
            answer = self.problem.decode(sample)
            broken = self.problem.check(answer)
            if number == 0:
                self._nearest, self.first = (answer, broken), not broken
            if broken:
                terms = self.problem.terms(answer) if self.problem.terms_of_any else {}
                rows.append({"feasible": False, "objective": None, "violations": len(broken), "terms": terms})
                continue
            objective = self.problem.objective(answer)
            rows.append({"feasible": True, "objective": objective, "violations": 0, "terms": self.problem.terms(answer)})
            # A slack that is not settled costs, it never pays; less energy than the objective would be an error of ours.
            if energy < sign * objective - _RELATIVE * max(1.0, abs(objective)) - self._room(found):
                raise Bug("The energy {energy} is below the objective {objective}", energy=float(energy), objective=objective)
            if self._best is None or sign * objective < sign * self._best[0]:
                self._best, shown = (objective, answer), number
        return rows, shown

    def _room(self, found: SolverResult) -> float:
        """Return the rounding that a sum over all coefficients may have."""
        return 1e-12 * float(np.abs(self.problem.formulation.qubo.weights).sum() + np.abs(found.energies).max(initial=0.0))

    def told(self) -> Result:
        """Return the best feasible answer, or else no answer and the nearest miss with what it breaks."""
        if self._best is None:
            nearest, broken = self._nearest
            broken = broken[:_MOST_VIOLATIONS]
            return {"objective": None, "answer": None, "nearest": nearest, "feasible": False, "violations": broken}
        return {"objective": self._best[0], "answer": self._best[1], "nearest": None, "feasible": True, "violations": []}


def _joined(problem: Problem, routes: list[Result], target: _Target, *, both: bool) -> Result:
    """Return the better route's result with a row per route and the picture of the answer."""
    sign = -1.0 if problem.sense == "max" else 1.0
    feasible = [row for row in routes if row["feasible"]]
    best = min(feasible, key=lambda row: sign * row["objective"], default=routes[-1])
    shown = ("route", "solver", "objective", "feasible", "proved", "bound", "bound_by", "wall_s", "cpu_s", "why_not",
             "why", "replay")  # fmt: skip
    through = next((row for row in routes if row["route"] == QUBO), {})
    # Why a solver was taken stands beside its own answer only, and in its route.
    out = {key: value for key, value in through.items() if key not in ("text", "trace", "why")} | dict(best)
    if best["feasible"] and problem.check(best["answer"]):
        raise Bug("An infeasible answer was called feasible: {first}", first=problem.check(best["answer"])[0])
    out |= _about(problem) | _bounded(routes, best, sign)
    out |= {
        "routes": [{key: row.get(key) for key in shown} for row in routes], "verified": bool(best["feasible"]),
        "verdict": _verdict(problem, routes, target, both=both),
        "picture": problem.draw(best["answer"] if best["feasible"] else None),
        "kind": through.get("kind", "qubo"), "sense": problem.sense,
    }  # fmt: skip
    end_s = max((point[0] for row in routes for point in row.get("trace") or ()), default=0.0)
    own = {
        row["solver"]: [*row["trace"], [end_s, row["trace"][-1][1]]]
        for row in routes
        if row["route"] == DOMAIN and row["trace"]
    }
    out["traces"] = {**through.get("traces", {}), **own}
    for name in ("answer", "nearest"):
        out[name] = best.get(name) if len(json.dumps(best.get(name))) <= _MOST_ANSWER_BYTES else None
    out.pop("impossible", None)
    if through.get("why_not") != "" and through:
        return out
    return {**out, "penalties": [penalty.to_json() for penalty in problem.formulation.penalties] if through else []}


def _bounded(routes: list[Result], best: Result, sign: float) -> Result:
    """Return the best bound of all routes, whose it is, and how far the answer is from it at most, as a ratio; all proved."""
    told = [row for row in routes if row.get("bound") is not None]
    if not told or not best["feasible"]:
        return {"bound": None, "bound_by": "", "gap": None, "proved": bool(best["proved"])}
    row = max(told, key=lambda one: sign * one["bound"])
    bound, objective = float(row["bound"]) + 0.0, best["objective"]  # never -0
    away = sign * (objective - bound)
    room = _RELATIVE * max(1.0, abs(objective))
    if away < -room:
        raise Bug("The objective {objective} is better than the bound {bound}", objective=objective, bound=bound)
    gap = max(0.0, away) / max(abs(objective), abs(bound), 1e-12)
    return {"bound": bound, "bound_by": row["bound_by"], "gap": gap, "proved": bool(best["proved"]) or gap <= _PROVED}


def _verdict(problem: Problem, routes: list[Result], target: _Target, *, both: bool) -> str:
    """Return in one sentence which route did better, at equal time, or that nothing feasible was found."""
    if not both:
        return "" if routes[0]["feasible"] else tr("In this time no feasible answer was found.")
    domain, qubo = routes
    name, sign = tr(domain["solver"]), -1.0 if problem.sense == "max" else 1.0
    if not (domain["feasible"] and qubo["feasible"]):
        return _one_sided(domain, qubo, met=target.is_met(domain["objective"]))
    gap = sign * (qubo["objective"] - domain["objective"]) / max(1e-12, abs(domain["objective"]))
    if abs(gap) < _RELATIVE:
        return tr("At equal time both routes found the same objective.")
    share = ratio_text(abs(gap), ".2g")
    if gap > 0:
        return tr("At equal time the problem's own method ({name}) is better by {share}.", name=name, share=share)
    return tr("At equal time the QUBO route is better by {share}.", share=share)


def _one_sided(domain: Result, qubo: Result, *, met: bool) -> str:
    """Return the verdict where a route, or both, came back with nothing; `met` is whether the method met the target."""
    name = tr(domain["solver"])
    if qubo["why_not"] and met:
        return tr("The problem's own method ({name}) reached the target; the QUBO route was not taken.", name=name)
    if qubo["why_not"] and domain["feasible"]:
        return tr("The problem is too large as a QUBO; its own method did it: {name}.", name=name)
    if qubo["why_not"]:
        return tr("The problem is too large as a QUBO, and its own method ({name}) found no feasible answer.", name=name)
    if domain["feasible"]:
        return tr(
            "At equal time the QUBO route found no feasible answer; the problem's own method did: {name}.",
            name=tr(domain["solver"]),
        )
    if qubo["feasible"]:
        return tr("At equal time the problem's own method ({name}) found no feasible answer; the QUBO route did.",
                  name=tr(domain["solver"]))  # fmt: skip
    return tr("In this time neither route found a feasible answer.")


def _about(problem: Problem) -> Result:
    kind = KINDS[problem.kind]
    return {"problem": {"kind": kind.name, "title": kind.title, "name": problem.name, "sense": problem.sense,
                        "unit": problem.unit,
                        "facts": [list(fact) for fact in problem.facts()]}}  # fmt: skip


def _as_qubo(problem: Problem) -> Result:
    try:
        made = problem.formulation
    except Limit as error:
        return {"n": 0, "couplings": 0, "slack": 0, "penalties": [], "why_not": str(error)}
    slack = sum(len(capacity.weights) for capacity in made.capacities)
    return {"n": made.qubo.n, "couplings": made.qubo.couplings, "slack": slack, "why_not": "",
            "penalties": [penalty.to_json() for penalty in made.penalties]}  # fmt: skip
