"""The answer of a run once more: made from what the run recorded of its work, or, where that cannot be, checked as it stands.

A recipe holds `solver`, `seed` and `version`, the digest of the problem's text, and the `options` of a solver of QUBOs or the
`work` of a problem's own method. A recipe with `why` says why this very answer cannot be made again.
"""

import json
from typing import Any

from app.engine.base.contracts import Budget, Report, Stop
from app.engine.base.errors import Conflict
from app.engine.base.text import tr
from app.engine.qubo import solvers
from app.engine.qubo.adapters import cpsat
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.problem import sample_of, sample_text
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.load import digest_of, load, words_of
from app.engine.qubo.verify import confirm_sample
from app.engine.qubo.work import warm_solver

Result = dict[str, Any]
# What CP-SAT found is in the work of a method under these names.
_EXACT = ("steps", "span")
_PATIENCE_S = 86_400.0


def replay(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> Result:
    """Return the answer made again, and whether it is the same as in spec["told"]: {sample, energy, answer, objective}.

    `same` is None where nothing could be made, but what was told is `verified`; `why` says why not. The recipe may be empty.
    Raises `Conflict` when the recipe is of another text than the file holds now, or the figures told do not hold.
    """
    recipe, told = spec["recipe"] or {}, spec["told"]
    text, name, _kind = words_of({**spec, "kind": "qubo"})
    if recipe.get("text_sha256") not in {None, digest_of(text)}:
        raise Conflict("{file} has changed since this run, which cannot be replayed from it", field="file", file=name,
                       hint="Put the file back as it was, or solve it anew.")  # fmt: skip
    problem = load(spec).problem
    head = {"solver": recipe.get("solver", ""), "version": solvers.VERSION, "why": _why_not(recipe)}
    if not head["why"]:
        try:
            made = _by_method if "work" in recipe else _by_solver
            return {**head, **made(problem, recipe, told, (seed, report, stop))}
        except Conflict as error:
            head["why"] = str(error)
    return {**head, **_checked(problem, told), "same": None}


def _by_solver(problem: Problem, recipe: Result, told: Result, how: tuple[int, Report, Stop]) -> Result:
    """Return the sample of a solver of QUBOs, made again, and its answer."""
    qubo = problem.formulation.qubo
    warm_solver(recipe["solver"], qubo)
    found = solvers.make(recipe["solver"], recipe["options"]).solve(qubo, Budget(_PATIENCE_S), *how)
    wanted = recipe.get("sample", told.get("sample"))
    row = next((k for k, sample in enumerate(found.samples) if sample_text(sample) == wanted), -1)
    sample, energy = found.samples[max(row, 0)], found.energies[max(row, 0)]
    energy, answer = confirm_sample(qubo, sample, float(energy)), problem.decode(sample)
    broken = problem.check(answer)
    made = {"energy": energy, "objective": qubo.objective_of(energy) if broken else problem.objective(answer),
            "sample": sample_text(sample), "answer": answer, "verified": not broken}  # fmt: skip
    return {**made, "same": row >= 0}


def _why_not(recipe: Result) -> str:
    """Return why a recipe does not make its answer again; empty where it does."""
    if not recipe:
        return tr("the run left no recipe: it was made by a version that kept none for its solver")
    if any(name in recipe.get("work", ()) for name in _EXACT) and not cpsat.available():
        return tr("the answer is CP-SAT's, and ortools is not installed (extra exact)")
    return str(recipe.get("why", ""))


def _by_method(problem: Problem, recipe: Result, told: Result, how: tuple[int, Report, Stop]) -> Result:
    """Return the answer of the problem's own method, made again."""
    method = method_of(problem)
    assert method is not None
    answer = method[1](problem, Budget(0.0), *how, again=recipe["work"]).answer
    made = {"objective": problem.objective(answer), "answer": answer, "verified": not problem.check(answer)}
    same = json.loads(json.dumps(answer)) == told["answer"] if told.get("answer") is not None else None
    if same is None:
        same = made["objective"] == told.get("objective")
    return {**made, "energy": None, "sample": "", "same": same}


def _checked(problem: Problem, told: Result) -> Result:
    """Return what a run told, once its sample's energy and its answer's objective were summed again; raises `Conflict`."""
    energy, answer, objective = told.get("energy"), told.get("answer"), told.get("objective")
    sample = str(told.get("sample") or "")
    sums = [(energy, problem.formulation.qubo.energy(sample_of(sample)))] if sample else []
    sums += [(objective, problem.objective(answer))] if answer is not None else []
    for claimed, summed in sums:
        if claimed is None or abs(claimed - summed) > 1e-9 * max(1.0, abs(summed)):
            raise Conflict("The run tells {claimed}, and its answer sums to {summed}", claimed=claimed, summed=summed)
    held = bool(sums) and (answer is None or not problem.check(answer))
    return {"energy": energy, "objective": objective, "sample": sample, "verified": held}
