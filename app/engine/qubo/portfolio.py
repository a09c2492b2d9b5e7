"""A portfolio within one budget: every member gets a first share, the one that is ahead gets the rest.

For the algorithm portfolio see Huberman, Lukose, Hogg 1997, "An economics approach to hard computational problems".
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.engine.base.contracts import Budget, Report, Solver, SolverResult, Stop, never, silent
from app.engine.qubo.found import Found
from app.engine.qubo.problem import Qubo

_FIRST_RATIO = 0.15


def recipe_of(found: SolverResult, row: int) -> dict[str, Any]:
    """Return the recipe that makes sample `row` of what a solver found; one recipe makes all where it knows of no other."""
    make = found.info.get("recipe_of")
    recipe: dict[str, Any] = found.info["replay"] if make is None else make(row)
    return recipe


@dataclass(frozen=True)
class Portfolio:
    """Runs `members`, the favourite first; ties go to the favourite. `moves` ends every member after a fixed amount of work."""

    members: Sequence[Solver]
    name = "portfolio"
    title = "Portfolio"
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        best, began = np.inf, self.now()
        results: list[SolverResult] = []
        shares: list[dict[str, Any]] = []

        member = ""

        def told(_done: float, _total: float, _unit: str = "", partial: dict[str, Any] | None = None, **_: object) -> None:
            nonlocal best
            own = (partial or {}).get("best_energy", np.inf)
            best = min(best, own)
            both = {"best_energy": best, "member": member, "member_energy": own}
            report(self.now() - began, budget.seconds, "s", both if np.isfinite(own) else {})

        def run(which: int, seconds: float) -> None:
            nonlocal member
            member = self.members[which].name
            one = int(np.random.SeedSequence([seed, len(results)]).generate_state(1, np.uint64)[0])
            result = self.members[which].solve(problem, Budget(seconds, budget.threads), one, told, stop)
            results.append(result)
            shares.append({"solver": member, "seconds": round(seconds, 3), "energy": result.energy, "seed": one})

        for k in range(len(self.members)):
            run(k, budget.seconds * _FIRST_RATIO)
            if stop():
                break
        left = budget.seconds - (self.now() - began)
        if left > 0 and not stop():
            run(int(np.argmin([result.energy for result in results])), left)
        return self._join(problem, results, shares)

    @staticmethod
    def _join(problem: Qubo, results: list[SolverResult], shares: list[dict[str, Any]]) -> SolverResult:
        found = Found(problem.n)
        for which, result in enumerate(results):
            for row, count in enumerate(result.info["counts"]):
                one = slice(row, row + 1)
                found.add(result.samples[one], result.energies[one], np.array([count], np.int64), at=(which, row))
        samples, energies, counts = found.table()
        places = found.places()

        def recipe(row: int) -> dict[str, Any]:
            which, own = places[row]
            return {**recipe_of(results[which], own), "seed": shares[which]["seed"]}

        info = {"counts": counts, "shares": shares, "replay": recipe(0), "recipe_of": recipe}
        return SolverResult(samples[0], float(energies[0]), samples, energies, info)
