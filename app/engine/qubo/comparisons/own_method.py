"""What a problem's own method does in the time that each solver of a comparison gets: its objectives, and what it proves.

Where there is no such method, eigenvalues give a bound at least.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from app.engine.base.contracts import Budget, Stop, silent
from app.engine.base.errors import Cancelled, Limit, Timeout
from app.engine.base.text import tr
from app.engine.qubo import spectral
from app.engine.qubo.adapters import highs_search
from app.engine.qubo.domain.methods import method_of, warm
from app.engine.qubo.problems.base import Problem

RUNS = 3


def run(problem: Problem, seconds: float, seeds: Sequence[int], known: float, stop: Stop) -> dict[str, Any]:
    """Return the method's name (empty without one), its best and median objective, and the best bound (None: proves none).

    `known` is the lowest energy there is so far. Raises `BadInput` when the method proves that no answer can be.
    """
    method = method_of(problem)
    if method is None:
        energy = spectral.bound(problem.formulation.qubo, known, min(1.0, seconds), stop)
        bound = None if energy is None else problem.formulation.qubo.objective_of(energy)
        return {"method": "", "runs": 0, "seconds": seconds, "cpu_s": 0.0, "best": None, "median": None, "bound": bound,
                "bound_by": "" if bound is None else tr("eigenvalues"), "proved": False}  # fmt: skip
    name, solve = method
    warm(problem)
    sign = -1.0 if problem.sense == "max" else 1.0
    objectives: list[float] = []
    bounds: list[tuple[float, str]] = []
    proved, began = False, time.process_time()
    for seed in seeds:
        try:
            found = solve(problem, Budget(seconds), seed, silent, stop)
        except (Timeout, Limit):
            continue
        finally:
            highs_search.settle(stop)
        if stop():
            raise Cancelled("The comparison was cancelled")
        if not problem.check(found.answer):
            objectives.append(problem.objective(found.answer))
        if found.bound is not None:
            bounds.append((sign * found.bound, found.by))
        proved = proved or found.proved
        if proved:
            break
    least, by = max(bounds, default=(None, ""))
    return {
        "method": name, "runs": len(objectives), "seconds": seconds, "cpu_s": time.process_time() - began,
        "best": min(objectives, key=lambda one: sign * one) if objectives else None,
        "median": statistics.median(objectives) if objectives else None,
        "bound": None if least is None else sign * least, "bound_by": by, "proved": proved,
    }  # fmt: skip
