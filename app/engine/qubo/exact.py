"""All energies of a small problem at once: the oracle other solvers are held against, and a solver for what is small enough.

The energies of all states of the first k + 1 variables are those of the first k twice over, the second half raised by what
variable k adds (its linear term and its couplings to the states before): 2^n sums and no loop over states.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.base.errors import Limit
from app.engine.qubo.problem import Qubo

MOST_EXACT = 22
_KEPT = 50


def spectrum(problem: Qubo) -> NDArray[np.float64]:
    """Return the energies (2^n,) of all states; bit k of the index is variable k. Raises `Limit` for more than 22 variables."""
    if problem.n > MOST_EXACT:
        raise Limit("{n} variables are more than the {most} that can be tried one by one", n=problem.n, most=MOST_EXACT)
    energies = np.array([problem.offset])
    for k in range(problem.n):
        mine = problem.cols == k
        added = np.array([problem.linear[k]])
        coupling = np.zeros(k)
        coupling[problem.rows[mine]] = problem.weights[mine]
        for weight in coupling:
            added = np.concatenate([added, added + weight])
        energies = np.concatenate([energies, energies + added])
    return energies


def state_of(index: int | NDArray[np.int64], n: int) -> NDArray[np.int8]:
    """Return the sample (n,), or samples (k, n), that an index into `spectrum` stands for."""
    return ((np.asarray(index)[..., None] >> np.arange(n)) & 1).astype(np.int8)


@dataclass(frozen=True)
class Exact:
    """Tries every state; what it returns is proved optimal."""

    name = "exact"
    title = "Exhaustive search"

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best of all states; see `contracts.Solver`. It ends in well under a second, whatever the budget."""
        del budget, seed, stop
        energies = spectrum(problem)
        kept = min(_KEPT, len(energies))
        lowest = np.argpartition(energies, kept - 1)[:kept] if kept < len(energies) else np.arange(kept)
        lowest = lowest[np.lexsort((lowest, energies[lowest]))]
        samples = state_of(lowest, problem.n)
        best = float(energies[lowest[0]])
        report(1.0, 1.0, "", {"best_energy": best})
        info = {"counts": [1] * kept, "proved": True, "states": len(energies), "replay": {"solver": self.name, "options": {}}}
        return SolverResult(samples[0], best, samples, energies[lowest], info)
