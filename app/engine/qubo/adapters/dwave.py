"""The classical samplers of D-Wave (dwave-samplers, Apache-2.0) behind our contract: annealing, tabu, descent.

Reads are made in chunks, so that a budget and a stop are kept. With `reads` given a solver makes exactly that many, whatever
the time, and equal seeds give equal results; without, it reads until the budget is spent.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.problem import Qubo

_CHUNK_S = 0.2
_CHUNK_READS = 8
_PROBE_SWEEPS = 20
_SEEDS = 2**31 - 1

# The sampler lays out its whole schedule in memory before it starts.
_MOST_SWEEPS = 10_000_000
# One call of a sampler: (number of reads, seed) -> a dimod sample set.
_Read = Callable[[int, int], Any]


@dataclass(frozen=True)
class DwaveAnnealing:
    """dwave-samplers' SimulatedAnnealingSampler; its default is 1000 sweeps a read."""

    name = "dwave-sa"
    title = "D-Wave simulated annealing"
    sweeps: int = 1000
    reads: int = 0
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        sampler, model = _sampler("SimulatedAnnealingSampler"), _model(problem, "SPIN")
        allowance = Allowance(budget.seconds, report, stop, self.now)
        # Without any coefficient the sampler cannot tell a temperature, and warns.
        betas = None if problem.couplings or problem.linear.any() else (0.1, 1.0)
        sweeps = self.sweeps if self.reads else self._fitting(sampler, model, allowance, betas)

        def read(reads: int, number: int) -> Any:
            return sampler.sample(
                model, num_reads=reads, num_sweeps=sweeps, seed=number, beta_range=betas,
                interrupt_function=allowance.stopped if self.reads else allowance.over,
            )  # fmt: skip

        return _collect(problem, read, allowance, seed, reads=self.reads, info={"sweeps": sweeps})

    def _fitting(self, sampler: Any, model: Any, allowance: Allowance, betas: tuple[float, float] | None) -> int:
        """Return the sweeps a read may have so that the first one ends within the budget, `sweeps` at most."""
        took = []
        for probe in (1, 1 + _PROBE_SWEEPS):
            began = allowance.now()
            sampler.sample(model, num_reads=1, num_sweeps=probe, seed=0, beta_range=betas)
            took.append(allowance.now() - began)
        # A busy machine may stretch the short probe past the long one; then the long one alone bounds a sweep from above.
        spent_s = took[1] - took[0] if took[1] > 2 * took[0] else took[1]
        sweep_s = max(spent_s, 1e-6) / _PROBE_SWEEPS
        return max(1, min(self.sweeps, _MOST_SWEEPS, int((allowance.left_s - took[0]) / sweep_s)))


@dataclass(frozen=True)
class DwaveTabu:
    """dwave-samplers' TabuSampler (Palubeckis 2004, multistart tabu); meant for dense problems of a few thousand variables."""

    name = "dwave-tabu"
    title = "D-Wave tabu search"
    reads: int = 0
    moves: int = 500_000
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`. With `reads`, each makes `moves` moves."""
        sampler, model = _sampler("TabuSampler"), _model(problem, "BINARY")
        allowance = Allowance(budget.seconds, report, stop, self.now)
        fixed = {"timeout": None, "num_restarts": 0, "coefficient_z_first": 1, "lower_bound_z": self.moves}

        def read(reads: int, number: int) -> Any:
            if self.reads:
                return sampler.sample(model, num_reads=reads, seed=number, **fixed)
            part_ms = max(1, round(1000 * min(_CHUNK_S, allowance.left_s)))
            return sampler.sample(model, num_reads=1, seed=number, timeout=part_ms)

        return _collect(problem, read, allowance, seed, reads=self.reads, info={"moves": self.moves} if self.reads else {})


@dataclass(frozen=True)
class DwaveDescent:
    """dwave-samplers' SteepestDescentSolver from random starts."""

    name = "dwave-descent"
    title = "D-Wave steepest descent"
    reads: int = 0
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        sampler, model = _sampler("SteepestDescentSolver"), _model(problem, "SPIN")
        allowance = Allowance(budget.seconds, report, stop, self.now)

        def read(reads: int, number: int) -> Any:
            return sampler.sample(model, num_reads=reads, seed=number, large_sparse_opt=problem.density_ratio < 0.1)

        return _collect(problem, read, allowance, seed, reads=self.reads, info={})


def load() -> None:
    """Load the package ahead of a solver's time."""
    _sampler("SteepestDescentSolver")


def _sampler(name: str) -> Any:
    """Return a sampler of the package, which types its own classes in part only."""
    from dwave import samplers

    return getattr(samplers, name)()


def _model(problem: Qubo, vartype: str) -> Any:
    """Return `problem` as dimod's binary quadratic model with variables 0 to n - 1, in spins or in bits."""
    import dimod

    pairs = (problem.rows, problem.cols, problem.weights)
    make: Any = dimod.BinaryQuadraticModel.from_numpy_vectors
    return make(problem.linear, pairs, problem.offset, "BINARY").change_vartype(vartype)


def _collect(problem: Qubo, read: _Read, allowance: Allowance, seed: int, *, reads: int, info: dict[str, Any]) -> SolverResult:
    """Read in chunks until `reads` are made (0: until the time is up), and return what was found; at least one read is made."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    found, made, chunk = Found(problem.n), 0, 1
    while not made or (made < reads if reads else not allowance.over()):
        began = allowance.now()
        answer = read(min(_CHUNK_READS, reads - made) if reads else chunk, int(rng.integers(_SEEDS)))
        took = allowance.now() - began
        samples = _bits(answer, problem.n)
        found.add(samples, problem.energies(samples), answer.record.num_occurrences.astype(np.int64))
        made += int(answer.record.num_occurrences.sum())
        allowance.tell(found.best, made if reads else None, reads or None, "reads" if reads else "s")
        if allowance.stopped():
            break
        fitting = min(_CHUNK_S, allowance.left_s) / (took / chunk) if took > 0 else 2 * chunk
        chunk = max(1, min(2 * chunk, int(fitting)))
    samples, energies, counts = found.table()
    return SolverResult(samples[0], float(energies[0]), samples, energies, {"counts": counts, "reads": made, **info})


def _bits(answer: Any, n: int) -> NDArray[np.int8]:
    """Return a sample set's samples (k, n) as 0 and 1 in the order of the variables."""
    order = np.argsort(np.asarray(list(answer.variables), np.int64))
    samples: NDArray[np.int8] = (np.asarray(answer.record.sample)[:, order] > 0).astype(np.int8).reshape(-1, n)
    return samples
