"""The classical samplers of D-Wave (dwave-samplers, Apache-2.0) behind our contract: annealing, tabu, descent, tree.

Reads are made in chunks, so that a budget and a stop are kept. With `reads` given a solver makes exactly that many, whatever
the time, and equal seeds give equal results; without, it reads until the budget is spent. The read that found the best is
made again with the options in `info["replay"]`: so many `reads` in one `chunk`, after `skip` chunks; by the tabu search, whose
parts end by the clock, with the energies that its parts came to.
"""

import importlib
import math
import time
from collections.abc import Callable, Sequence
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
# A part of the tabu search lasts this share of what was spent before, so that what it found is told at most so much late;
# no less than so many times what its call costs besides (dense models take long to hand over), no more than so much or so
# many times that, as a stop is seen between parts.
_PART_SHARE, _LEAST_PART_S, _LEAST_PART_FACTOR = 0.25, 0.001, 2
_MOST_PART_S, _MOST_PART_FACTOR = 0.5, 10
_RESTARTS = 1_000_000
# A part that is made again ends by the energy it came to.
_PATIENCE_MS = 600_000
_ROUNDING = 1e-12
_PATIENCE_S = 10.0
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
    """dwave-samplers' tabu search (Palubeckis 2004, multistart tabu); meant for dense problems of a few thousand variables.

    `tenure` is for how many moves a variable stays as it was turned; with 0 it is the sampler's own, 20 at most. Without
    `reads` it searches in parts, each from the best before. With a `goal` (an energy) the first part goes on until it comes
    to it, as the sampler itself does with a threshold: what is asked for is then told when it is found. `chain` makes the
    parts again that improved: (number of the part, energy it came to).
    """

    name = "dwave-tabu"
    title = "D-Wave tabu search"
    reads: int = 0
    moves: int = 500_000
    tenure: int = 0
    chunk: int = 0
    skip: int = 0
    goal: float | None = None
    chain: Sequence[Sequence[float]] = ()
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`. With `reads`, each makes `moves` moves."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        tenure = min(self.tenure, problem.n - 1) if self.tenure else None
        if not self.reads:
            return _by_parts(problem, allowance, seed, self)
        sampler, model = _sampler("TabuSampler"), _model(problem, "BINARY")
        fixed = {"timeout": None, "num_restarts": 0, "coefficient_z_first": 1, "lower_bound_z": self.moves}

        def read(reads: int, number: int) -> Any:
            return sampler.sample(model, num_reads=reads, seed=number, tenure=tenure, **fixed)

        return _collect(problem, read, allowance, seed, self, {"moves": self.moves, "tenure": self.tenure})


class _Parts:
    """The sampler's search itself, without what the sampler does around it: (state, seconds, energy to end at) -> state.

    The matrix is laid out once for a problem, as the sampler would at every call.
    """

    def __init__(self, problem: Qubo, seed: int, tenure: int) -> None:
        self._problem, self._seed, self._matrix = problem, seed, _matrix(problem)
        self._tenure = min(tenure or min(20, problem.n // 4), problem.n - 1)
        self._room = _ROUNDING * max(1.0, float(np.abs(problem.linear).sum() + np.abs(problem.weights).sum()))
        self._search = _search()

    def start(self) -> NDArray[np.int8]:
        """Return the state the first part starts from."""
        return np.random.default_rng(np.random.SeedSequence(self._seed)).integers(2, size=self._problem.n, dtype=np.int8)

    def aim(self, goal: float | None, best: float) -> float:
        """Return the energy still to come to, minus infinity where there is none."""
        return goal if goal is not None and best > goal + self._room else -math.inf

    def run(self, number: int, state: NDArray[np.int8], most_ms: int, energy: float = -math.inf) -> NDArray[np.int8]:
        """Search from `state` until `energy` is reached or the time is up; return the best state."""
        drawn = int(np.random.SeedSequence(self._seed, spawn_key=(number,)).generate_state(1)[0])
        threshold = energy - self._problem.offset + self._room
        done = self._search(self._matrix, state, self._tenure, most_ms, _RESTARTS, drawn, threshold)
        return np.array(done.bestSolution(), np.int8)


@once_per_problem
def _matrix(problem: Qubo) -> NDArray[np.float64]:
    """Return the symmetric matrix whose form is the energy without its offset."""
    matrix = np.zeros((problem.n, problem.n))
    matrix[problem.rows, problem.cols] = matrix[problem.cols, problem.rows] = problem.weights / 2
    matrix[np.diag_indices(problem.n)] = problem.linear
    return matrix


def _by_parts(problem: Qubo, allowance: Allowance, seed: int, solver: DwaveTabu) -> SolverResult:
    """Search until the time is up, or make the parts of `solver.chain` again."""
    parts, found = _Parts(problem, seed, solver.tenure), Found(problem.n)
    state, chain, made, besides_s = parts.start(), list[list[float]](), 0, 0.0

    def take(number: int, new: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return `new` where it is better than the best before, which else is found once more."""
        best = new if problem.energies(new[None])[0] < found.best else state
        found.add(best[None], energies := problem.energies(best[None]))
        if best is new:
            chain.append([number, float(energies[0])])
        allowance.tell(found.best)
        return best

    for number, energy in solver.chain:
        state, made = take(int(number), parts.run(int(number), state, _PATIENCE_MS, energy)), made + 1
    while not made or not (solver.chain or allowance.over()):
        began, goal = allowance.now(), parts.aim(solver.goal, found.best)
        part_s = allowance.left_s if math.isfinite(goal) else _part_s(allowance, besides_s)
        state = take(made, parts.run(made, state, max(1, round(1000 * part_s)), goal))
        # A part that came to its goal took less than it was given.
        besides_s = max(0.0, allowance.now() - began - part_s) if found.best > goal else besides_s
        made += 1
    samples, energies, counts = found.table()

    def recipe(row: int) -> dict[str, Any]:
        return {"solver": solver.name, "options": {"tenure": solver.tenure, "chain": chain[: len(chain) - row]}}

    told = {"counts": counts, "reads": made, "replay": recipe(0), "recipe_of": recipe}
    return SolverResult(samples[0], float(energies[0]), samples, energies, told)


def _part_s(allowance: Allowance, besides_s: float) -> float:
    """Return how long the next part may last, in seconds."""
    most_s = max(_MOST_PART_S, _MOST_PART_FACTOR * besides_s)
    share_s = min(_PART_SHARE * allowance.spent_s, most_s)
    return min(max(_LEAST_PART_S, _LEAST_PART_FACTOR * besides_s, share_s), allowance.left_s)


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


def load(problem: Qubo | None = None, name: str = "", now: Callable[[], float] = time.perf_counter) -> None:
    """Load the package ahead of a solver's time; with `problem`, also find what the solver called `name` must know of it."""
    _sampler("SteepestDescentSolver")
    if problem is not None and name == DwaveAnnealing.name:
        _spins(problem).fitting(1, Allowance(_PATIENCE_S, silent, never, now))
    if problem is not None and name == DwaveTabu.name:
        _matrix(problem)


def _sampler(name: str) -> Any:
    """Return a sampler of the package, which types its own classes in part only."""
    from dwave import samplers

    return getattr(samplers, name)()


def _search() -> Any:
    """Return the search inside the tabu sampler, of which the package tells no types."""
    tabu: Any = importlib.import_module("dwave.samplers.tabu")
    return tabu.TabuSearch


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
    places = found.places()

    def recipe(row: int) -> dict[str, Any]:
        size, before = places[row]
        return {"solver": solver.name, "options": {**info, "reads": size, "chunk": size, "skip": solver.skip + before}}

    told = {"counts": counts, "reads": made, **info, "replay": recipe(0), "recipe_of": recipe}
    return SolverResult(samples[0], float(energies[0]), samples, energies, told)


def _bits(answer: Any, n: int) -> NDArray[np.int8]:
    """Return a sample set's samples (k, n) as 0 and 1 in the order of the variables."""
    order = np.argsort(np.asarray(list(answer.variables), np.int64))
    samples: NDArray[np.int8] = (np.asarray(answer.record.sample)[:, order] > 0).astype(np.int8).reshape(-1, n)
    return samples
