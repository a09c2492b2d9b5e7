"""Discrete simulated bifurcation: particles in a double well that opens, pulled by the signs of their neighbours.

After Goto, Endo, Suzuki, Sakai, Kanao, Hamakawa, Hidaka, Yamasaki, Tatsumura 2021, "High-performance combinatorial
optimization based on classical mechanics" (dSB, symplectic Euler, inelastic walls at 1). A peer for ours: many
trajectories are one matrix product per step.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.ising import Ising, spin_form
from app.engine.qubo.problem import Qubo

_REPLICAS = 32
_STEPS = 1000
_DT = 0.5
# Multiplications between two looks at the clock and the stop, about 0.03 s of work.
_CHUNK_WORK = 5e7


@dataclass(frozen=True)
class Bifurcation:
    """Rounds of 32 trajectories of `steps` steps until the budget is spent; with `rounds`, exactly that many.

    `last` is after how many steps the last of them ended, where time had cut it; 0: none.
    """

    name = "bifurcation"
    title = "Simulated bifurcation"
    steps: int = _STEPS
    rounds: int = 0
    last: int = 0
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        form = _matrix(spin_form(problem))
        found, made = Found(problem.n), 0
        seeds = np.random.SeedSequence(seed)
        while not made or (made < self.rounds if self.rounds else not allowance.over()):
            if made and allowance.stopped():
                break
            rng = np.random.default_rng(seeds.spawn(1)[0])
            cut = self.last if made + 1 == self.rounds else 0
            samples, ended = _round(form, rng, (max(1, self.steps), cut), allowance, fixed=bool(self.rounds))
            made += 1
            found.add(samples, problem.energies(samples), at=(made, ended))
            allowance.tell(found.best, made if self.rounds else None, self.rounds or None, "rounds" if self.rounds else "s")
        table, energies, counts = found.table()
        places = found.places()

        def recipe(row: int) -> dict[str, Any]:
            rounds, last = places[row]
            return {"solver": self.name, "options": {"steps": self.steps, "rounds": rounds, "last": last}}

        info = {"counts": counts, "rounds": made, "replay": recipe(0), "recipe_of": recipe}
        return SolverResult(table[0], float(energies[0]), table, energies, info)


def _matrix(ising: Ising) -> tuple[Any, NDArray[np.float32], np.float32]:
    """Return the couplings (sparse, or dense where that is faster), the fields, and the strength of the pull."""
    sparse: Any = importlib.import_module("scipy.sparse")

    n = ising.n
    couplings = sparse.csr_matrix((ising.strength.astype(np.float32), ising.others, ising.start), shape=(n, n))
    scale = float(np.sqrt((np.square(ising.strength).sum() + np.square(ising.h).sum()) / n)) or 1.0
    dense = len(ising.strength) > 0.05 * n * n
    return (couplings.toarray() if dense else couplings), ising.h.astype(np.float32)[:, None], np.float32(0.5 / scale)


def _round(form: tuple[Any, NDArray[np.float32], np.float32], rng: np.random.Generator, planned: tuple[int, int],
           allowance: Allowance, *, fixed: bool) -> tuple[NDArray[np.int8], int]:  # fmt: skip
    """Return the samples of one round and after how many steps it ended; planned are its steps and where it is cut (0: not)."""
    couplings, h, pull = form
    steps, cut = planned
    x = rng.uniform(-0.1, 0.1, (len(h), _REPLICAS)).astype(np.float32)
    y = rng.uniform(-0.1, 0.1, (len(h), _REPLICAS)).astype(np.float32)
    entries = couplings.size if isinstance(couplings, np.ndarray) else couplings.nnz
    chunk = max(1, int(_CHUNK_WORK / (_REPLICAS * (entries + 10 * len(h)))))
    for step in range(steps):
        opened = np.float32(1 - step / steps)
        signs = np.where(x >= 0, np.float32(1), np.float32(-1))
        y -= np.float32(_DT) * (opened * x + pull * (couplings @ signs + h))
        x += np.float32(_DT) * y
        outside = np.abs(x) > 1
        x[outside] = np.sign(x[outside])
        y[outside] = 0
        if step + 1 == cut or (step % chunk == 0 and (allowance.stopped() if fixed else allowance.over())):
            break
    return np.ascontiguousarray((x >= 0).T).astype(np.int8), step + 1
