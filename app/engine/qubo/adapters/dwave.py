"""The classical samplers of D-Wave (dwave-samplers, Apache-2.0) behind our contract: annealing, tabu, descent, tree.

Reads are made in chunks, so that a budget and a stop are kept. With `reads` given a solver makes exactly that many, whatever
the time, and equal seeds give equal results; without, it reads until the budget is spent. The read that found the best is
made again with the options in `info["replay"]`: so many `reads` in one `chunk`, after `skip` chunks. The tabu search looks at
its clock in between; without one it comes to the same answer and ends there when told its `energy`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.base.errors import Limit
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.problem import Qubo, once_per_problem
from app.engine.qubo.width import elimination_width

_CHUNK_S = 0.2
_CHUNK_READS = 8
_PROBE_SWEEPS = 50
# What a call costs besides its sweeps is told from them when the longer of two reads takes this many times the shorter.
_PROBE_FACTOR = 3
# Each is timed so many times while this share of the budget is not yet spent on it.
_PROBES, _PROBE_SHARE = 3, 0.1
# A call of the tabu search searches for this many times what it costs besides (dense models take long to hand over).
_PART_FACTOR = 5
_PATIENCE_S = 10.0
# So long a read that is made again may take: many times what it took with its clock.
_PATIENCE_MS = 600_000
_ROUNDING = 1e-12
_SEEDS = 2**31 - 1
MOST_WIDTH = 20

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
    chunk: int = 0
    skip: int = 0
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        sampler, spins = _sampler("SimulatedAnnealingSampler"), _spins(problem)
        sweeps = self.sweeps if self.reads else spins.fitting(self.sweeps, allowance)

        def read(reads: int, number: int) -> Any:
            return sampler.sample(
                spins.model, num_reads=reads, num_sweeps=sweeps, seed=number, beta_range=spins.betas,
                interrupt_function=allowance.stopped if self.reads else allowance.over,
            )  # fmt: skip

        return _collect(problem, read, allowance, seed, self, {"sweeps": sweeps})


class _Spins:
    """A problem as the annealer takes it: the model, its range of temperatures, and what a sweep costs.

    All three are found once for a problem, as our own solvers find its spin form once: the range alone takes as long as
    hundreds of sweeps, and the sampler would find it anew at every call.
    """

    def __init__(self, problem: Qubo) -> None:
        self.model = _model(problem, "SPIN")
        # Without any coefficient the sampler cannot tell a temperature, and warns.
        flat = not problem.couplings and not problem.linear.any()
        self.betas: tuple[float, float] = (0.1, 1.0) if flat else self._read(1, None).info["beta_range"]
        self._sweep_s = 0.0
        self._call_s = 0.0

    def _read(self, sweeps: int, betas: tuple[float, float] | None) -> Any:
        sampler = _sampler("SimulatedAnnealingSampler")
        return sampler.sample(self.model, num_reads=1, num_sweeps=sweeps, seed=0, beta_range=betas)

    def fitting(self, wanted: int, allowance: Allowance) -> int:
        """Return the sweeps a read may have so that the first one ends within the budget, `wanted` at most."""
        if not self._sweep_s:
            self._measure(allowance)
        return max(1, min(wanted, _MOST_SWEEPS, int((allowance.left_s - self._call_s) / self._sweep_s)))

    def _measure(self, allowance: Allowance) -> None:
        """Time reads of more and more sweeps until the sweeps stand out from the rest of the call."""
        most_s, began_s = _PROBE_SHARE * allowance.left_s, allowance.now()

        def took(sweeps: int) -> float:
            """Return the least of a few times: what else the machine does only ever adds to one."""
            least_s = math.inf
            for k in range(_PROBES):
                if k and allowance.now() - began_s > most_s:
                    break
                before = allowance.now()
                self._read(sweeps, self.betas)
                least_s = min(least_s, allowance.now() - before)
            return least_s

        short_s, sweeps = took(1), _PROBE_SWEEPS
        while (long_s := took(1 + sweeps)) < _PROBE_FACTOR * short_s and not allowance.over():
            sweeps *= 2
        # Where the budget ends before they stand out, the whole call bounds a sweep from above.
        spent_s = long_s - short_s if long_s >= _PROBE_FACTOR * short_s else long_s
        self._call_s, self._sweep_s = short_s, max(spent_s / sweeps, 1e-9)


@once_per_problem
def _spins(problem: Qubo) -> _Spins:
    return _Spins(problem)


@dataclass(frozen=True)
class DwaveTabu:
    """dwave-samplers' TabuSampler (Palubeckis 2004, multistart tabu); meant for dense problems of a few thousand variables.

    `tenure` is for how many moves a variable stays as it was turned; with 0 it is the sampler's own, 20 at most. With
    `energy`, a read ends at the first state that has no more, not with its moves.
    """

    name = "dwave-tabu"
    title = "D-Wave tabu search"
    reads: int = 0
    moves: int = 500_000
    tenure: int = 0
    chunk: int = 0
    skip: int = 0
    energy: float | None = None
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`. With `reads`, each makes `moves` moves."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        sampler, model = _sampler("TabuSampler"), _model(problem, "BINARY")
        fixed: dict[str, float | None] = {"timeout": None, "num_restarts": 0, "coefficient_z_first": 1}
        fixed |= {"lower_bound_z": self.moves}
        if self.energy is not None:
            room = _ROUNDING * max(1.0, float(np.abs(problem.linear).sum() + np.abs(problem.weights).sum()))
            fixed = {"timeout": _PATIENCE_MS, "energy_threshold": self.energy - problem.offset + room}
        tenure = min(self.tenure, problem.n - 1) if self.tenure else None
        besides_s = 0.0

        def read(reads: int, number: int) -> Any:
            nonlocal besides_s
            if self.reads:
                return sampler.sample(model, num_reads=reads, seed=number, tenure=tenure, **fixed)
            part_s = min(max(_CHUNK_S, _PART_FACTOR * besides_s), allowance.left_s)
            began = allowance.now()
            answer = sampler.sample(model, num_reads=1, seed=number, tenure=tenure, timeout=max(1, round(1000 * part_s)))
            besides_s = max(0.0, allowance.now() - began - part_s)
            return answer

        told = {"tenure": self.tenure} | ({"moves": self.moves} if self.reads and self.energy is None else {})
        return _collect(problem, read, allowance, seed, self, told)


@dataclass(frozen=True)
class DwaveDescent:
    """dwave-samplers' SteepestDescentSolver from random starts."""

    name = "dwave-descent"
    title = "D-Wave steepest descent"
    reads: int = 0
    chunk: int = 0
    skip: int = 0
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        sampler, model = _sampler("SteepestDescentSolver"), _model(problem, "SPIN")

        def read(reads: int, number: int) -> Any:
            return sampler.sample(model, num_reads=reads, seed=number, large_sparse_opt=problem.density_ratio < 0.1)

        return _collect(problem, read, allowance, seed, self, {})


@dataclass(frozen=True)
class DwaveTree:
    """dwave-samplers' TreeDecompositionSolver: dynamic programming along an elimination order; the answer is proved."""

    name = "dwave-tree"
    title = "D-Wave tree decomposition"
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best of all states; see `contracts.Solver`. Raises `Limit` when the problem is not tree-like enough."""
        del budget, seed, stop
        width = elimination_width(problem, MOST_WIDTH)
        if width is None:
            raise Limit("This problem is too entangled for the tree decomposition (its width is above {most})", most=MOST_WIDTH)
        answer = _sampler("TreeDecompositionSolver").sample(_model(problem, "BINARY"), num_reads=1)
        found = Found(problem.n)
        samples = _bits(answer, problem.n)
        found.add(samples, problem.energies(samples))
        table, energies, counts = found.table()
        report(1.0, 1.0, "", {"best_energy": float(energies[0])})
        replay = {"solver": self.name, "options": {}}
        info = {"counts": counts, "proved": True, "width": width, "replay": replay}
        return SolverResult(table[0], float(energies[0]), table, energies, info)


def load(problem: Qubo | None = None, now: Callable[[], float] = time.perf_counter) -> None:
    """Load the package ahead of a solver's time; with `problem`, also find what the annealer needs to know of it."""
    _sampler("SteepestDescentSolver")
    if problem is not None:
        _spins(problem).fitting(1, Allowance(_PATIENCE_S, silent, never, now))


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


def _collect(problem: Qubo, read: _Read, allowance: Allowance, seed: int, solver: Any, info: dict[str, int]) -> SolverResult:  # noqa: PLR0917
    """Read in chunks until the reads are made (0: until the time is up), and return what was found; at least one is made."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rng.integers(_SEEDS, size=solver.skip)
    reads, most = solver.reads, solver.chunk or _CHUNK_READS
    found, made, chunk, chunks = Found(problem.n), 0, 1, 0
    while not made or (made < reads if reads else not allowance.over()):
        began = allowance.now()
        size = min(most, reads - made) if reads else chunk
        answer = read(size, int(rng.integers(_SEEDS)))
        took = allowance.now() - began
        samples = _bits(answer, problem.n)
        energies = problem.energies(samples)
        found.add(samples, energies, answer.record.num_occurrences.astype(np.int64), at=(size, chunks))
        made, chunks = made + int(answer.record.num_occurrences.sum()), chunks + 1
        allowance.tell(found.best, made if reads else None, reads or None, "reads" if reads else "s")
        if allowance.stopped():
            break
        fitting = min(_CHUNK_S, allowance.left_s) / (took / chunk) if took > 0 else 2 * chunk
        chunk = max(1, min(2 * chunk, int(fitting)))
    samples, energies, counts = found.table()
    places, by_clock = found.places(), isinstance(solver, DwaveTabu) and (not reads or solver.energy is not None)

    def recipe(row: int) -> dict[str, Any]:
        size, before = places[row]
        options = {**info, "reads": size, "chunk": size, "skip": solver.skip + before}
        return {"solver": solver.name, "options": options | ({"energy": float(energies[row])} if by_clock else {})}

    told = {"counts": counts, "reads": made, **info, "replay": recipe(0), "recipe_of": recipe}
    return SolverResult(samples[0], float(energies[0]), samples, energies, told)


def _bits(answer: Any, n: int) -> NDArray[np.int8]:
    """Return a sample set's samples (k, n) as 0 and 1 in the order of the variables."""
    order = np.argsort(np.asarray(list(answer.variables), np.int64))
    samples: NDArray[np.int8] = (np.asarray(answer.record.sample)[:, order] > 0).astype(np.int8).reshape(-1, n)
    return samples
