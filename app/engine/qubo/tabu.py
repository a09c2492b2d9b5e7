"""Our tabu search for dense problems: one-flip tabu from an elite of solutions that are joined by path relinking.

After Glover, Lu, Hao 2010, "Diversification-driven tabu search for unconstrained binary quadratic problems", and Wang, Lu,
Glover, Hao 2012, "Path relinking for unconstrained binary quadratic programming". Coefficients that are not whole are
rounded to 29 bits of the widest field for the search; what is returned is summed from the coefficients themselves. Threads
share nothing; a run depends on its seed and the number of its searches alone.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.ising import spin_form
from app.engine.qubo.problem import Qubo, build

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DENSE = 20_000
_ELITE = 8
_STALE = 60
_WIDEST = 2.0**29
_MOVES_TIMES_N = 200_000_000


@dataclass(frozen=True)
class TabuSearch:
    """Searches until the budget is spent, or, with `searches`, that many; `thread` names one thread of a run made before."""

    name = "tabu"
    title = "Tabu search with path relinking"
    searches: int = 0
    thread: int = -1
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        form = _Form(problem)
        threads = [self.thread] if self.thread >= 0 else list(range(1 if self.searches else max(1, budget.threads)))
        islands = [_Island(form, np.random.SeedSequence(seed, spawn_key=(k,)), allowance, self.searches) for k in threads]
        if len(islands) == 1:
            islands[0].run()
        else:
            with ThreadPoolExecutor(len(islands)) as pool:
                list(pool.map(_Island.run, islands))
        found = Found(problem.n)
        for island in islands:
            found.merge(island.found)
        samples, energies, counts = found.table()
        places = found.places()

        def recipe(row: int) -> dict[str, Any]:
            return {"solver": self.name, "options": dict(zip(("thread", "searches"), places[row], strict=True))}

        info = {
            "counts": counts, "moves": sum(island.moves for island in islands), "rounded": form.rounded,
            "searches": sum(island.searches for island in islands),
            "replay": recipe(0), "recipe_of": recipe,
        }  # fmt: skip
        return SolverResult(samples[0], float(energies[0]), samples, energies, info)


def warm_up(problem: Qubo | None = None) -> None:
    """Compile (or load from the cache on disk) what `problem` needs; both widths of matrix when none is given."""
    for weights in ([1.0, -2.0, 1.0], [100_000.0, -3.0, 1.0]):
        tiny = build([1.0, -1.0, 1.0], ([0, 1, 0], [1, 2, 2], weights))
        if problem is None or _Form(tiny).matrix.dtype == _number_type(_numbers(problem)[1]):
            TabuSearch(searches=_ELITE + 1).solve(tiny, Budget(0.0), 0)


def _numbers(problem: Qubo) -> tuple[Any, float, float]:
    """Return the spin form, its largest coupling as it will stand in the matrix, and the factor that makes numbers whole."""
    ising = spin_form(problem)
    whole = bool(np.all(ising.h == np.rint(ising.h)) and np.all(ising.strength == np.rint(ising.strength)))
    factor = 1.0 if whole and ising.widest <= _WIDEST else _WIDEST / max(ising.widest, 1e-300)
    return ising, float(np.abs(ising.strength).max(initial=0.0)) * factor, factor


def _number_type(largest: float) -> Any:
    return np.dtype(np.int16 if largest <= 32_767 else np.int32)


class _Form:
    """A problem as a dense symmetric matrix of whole numbers; read by all threads."""

    def __init__(self, problem: Qubo) -> None:
        ising, largest, factor = _numbers(problem)
        n = problem.n
        self.problem, self.rounded = problem, factor != 1.0
        self.matrix = np.zeros((n, n), _number_type(largest))
        rows = np.repeat(np.arange(n), np.diff(ising.start))
        self.matrix[rows, ising.others] = np.rint(ising.strength * factor)
        self.h = np.rint(ising.h * factor).astype(np.int32)


class _Island:
    """One thread's elite and searches."""

    def __init__(self, form: _Form, seeds: np.random.SeedSequence, allowance: Allowance, searches: int) -> None:
        from app.engine.qubo import tabu_kernel

        self._kernel: Any = tabu_kernel
        self._form, self._allowance, self._most = form, allowance, searches
        self._rng, self._thread = np.random.default_rng(seeds), seeds.spawn_key[-1]
        n = form.problem.n
        self._state = (np.ones(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int64))
        self._best = np.empty(n, np.int32)
        self._elite: list[tuple[float, NDArray[np.int32]]] = []
        self._stale = 0
        most = max(1000, min(500_000, _MOVES_TIMES_N // n))
        self._limits = (min(max(5 * n, 1000), most), most, max(n // 100, min(10, n // 4)))
        self.found, self.searches, self.moves = Found(n), 0, 0

    def run(self) -> None:
        """Search until the searches are made or the allowance is spent; at least once."""
        while not self.searches or not self._ends():
            if len(self._elite) < _ELITE:
                self._start_afresh()
            else:
                self._start_between()
            self._search()

    def _ends(self) -> bool:
        if self._most:
            return self.searches >= self._most or self._allowance.stopped()
        return self._allowance.over()

    def _start_afresh(self) -> None:
        n = len(self._best)
        self._state[0][:] = self._rng.integers(0, 2, n, np.int8) * 2 - 1

    def _start_between(self) -> None:
        """Stand between two of the elite."""
        first, second = self._rng.permutation(_ELITE)[:2]
        self._state[0][:] = self._elite[first][1]
        energy = self._kernel.set_fields(self._form.h, self._form.matrix, self._state)
        lowest, _ = self._kernel.relink(self._form.matrix, self._state, self._elite[second][1], energy, self._best)
        if np.isfinite(lowest):
            self._state[0][:] = self._best
        else:
            self._start_afresh()

    def _search(self) -> None:
        key = np.uint32(self._rng.integers(2**32, dtype=np.uint64))
        energy = self._kernel.set_fields(self._form.h, self._form.matrix, self._state)
        _, lowest, moves, _ = self._kernel.search(self._form.matrix, self._state, self._best, energy, self._limits, key)
        self.searches += 1
        self.moves += moves
        self._remember(lowest)
        sample = (self._best > 0).astype(np.int8)[None]
        self.found.add(sample, self._form.problem.energies(sample), at=(self._thread, self.searches))
        if self._most:
            self._allowance.tell(self.found.best, self.searches, self._most, "searches")
        else:
            self._allowance.tell(self.found.best)

    def _remember(self, energy: float) -> None:
        """Keep the best of the elite; when it has not changed for long, keep its best only and begin anew."""
        known = any(energy == other and np.array_equal(self._best, spins) for other, spins in self._elite)
        self._stale += 1
        if not known and (len(self._elite) < _ELITE or energy < self._elite[-1][0]):
            self._elite.append((energy, self._best.copy()))
            self._elite.sort(key=lambda one: one[0])
            del self._elite[_ELITE:]
            self._stale = 0
        if known and len(self._elite) < _ELITE:
            self._elite.append((energy, self._best.copy()))
        if self._stale > _STALE:
            del self._elite[1:]
            self._stale = 0
