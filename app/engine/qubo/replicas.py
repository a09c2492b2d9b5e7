"""Replica annealing: many simulated annealings of one problem at once, side by side in SIMD lanes, repeated until time is up.

Simulated annealing after Kirkpatrick, Gelatt, Vecchi 1983. Each thread runs groups of LANES replicas with a seed of their own;
a group's result depends on its seed and its rounds alone, which `info["replay"]` holds.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.found import Found
from app.engine.qubo.ising import Ising, spin_form
from app.engine.qubo.problem import Qubo, build
from app.engine.qubo.schedule import half_temperatures, next_sweeps

_LANES = 32
_CHUNK_S = 0.05
# Gains below this share of the widest field may be rounding in float32.
_FLOAT_NOISE = 1e-6


class Round(NamedTuple):
    """Sweeps that a cooling was made for, after how many it ended, and whether its best was taken there in passing."""

    sweeps: int
    stop: int
    passing: bool = False


@dataclass(frozen=True)
class ReplicaAnnealing:
    """Our annealer. With `sweeps` it makes that many with `replicas` lanes whatever the time, else it fills the budget.

    With `plan` and `group`, the lanes of a run made before.
    """

    name = "replicas"
    title = "Replica annealing"
    sweeps: int = 0
    replicas: int = _LANES
    group: int = 0
    plan: tuple[Round, ...] = ()
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        ising = spin_form(problem)
        plan = tuple(Round(*one) for one in self.plan) or (Round(self.sweeps, self.sweeps),) * bool(self.sweeps)
        groups = 1 if self.plan else -(-self.replicas // _LANES) if self.sweeps else max(1, budget.threads)

        def run(group: int) -> "_Group":
            one = _Group(problem, ising, np.random.SeedSequence(seed, spawn_key=(group + self.group,)), allowance)
            one.run(plan)
            return one

        done = _all(run, groups, budget.threads)
        found = Found(problem.n)
        for group in done:
            found.merge(group.found)
        samples, energies, counts = found.table()
        places = found.places()

        def recipe(row: int) -> dict[str, Any]:
            group, course = places[row]
            return {"solver": self.name, "options": {"group": group, "plan": [list(one) for one in course]}}

        info = {
            "counts": counts, "sweeps": sum(group.sweeps for group in done), "replicas": groups * _LANES,
            "rounds": sum(group.rounds for group in done), "numbers": "int16" if ising.integral else "float32",
            "replay": recipe(0), "recipe_of": recipe,
        }  # fmt: skip
        return SolverResult(samples[0], float(energies[0]), samples, energies, info)


def warm_up(problem: Qubo | None = None) -> None:
    """Compile (or load from the cache on disk) what `problem` needs; both number types when none is given."""
    for sample in (problem,) if problem is not None else (_tiny(1.0), _tiny(0.3)):
        kind = spin_form(sample).integral
        tiny = _tiny(1.0 if kind else 0.3)
        ReplicaAnnealing().solve(tiny, Budget(0.0), 0)


def _tiny(weight: float) -> Qubo:
    return build([weight, -1.0, 0.7 if weight < 1 else 1.0], ([0, 1], [1, 2], [weight, weight]))


def _all(run: Callable[[int], "_Group"], groups: int, threads: int) -> list["_Group"]:
    if groups == 1 or threads <= 1:
        return [run(group) for group in range(groups)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(groups)))


class _Group:
    """LANES replicas, their numbers in the narrowest type that is exact, and what they have found."""

    def __init__(self, problem: Qubo, ising: Ising, seed: np.random.SeedSequence, allowance: Allowance) -> None:
        from app.engine.qubo import replicas_kernel

        self._kernel: Any = replicas_kernel
        self._problem, self._ising, self._allowance = problem, ising, allowance
        self._rng = np.random.default_rng(seed)
        self._type: Any = np.int16 if ising.integral else np.float32
        self._h = ising.h.astype(self._type)
        self._graph = (ising.start, ising.others, ising.strength.astype(self._type))
        self._constant = problem.offset + problem.linear.sum() / 2 + problem.weights.sum() / 4
        self._spins = np.empty((problem.n, _LANES), self._type)
        self._state = (self._spins, np.empty_like(self._spins))
        self._sweep_s = 0.0
        self.found, self.sweeps, self.rounds = Found(problem.n), 0, 0
        self._plan: list[Round] = []
        self._number = seed.spawn_key[-1]

    def run(self, plan: tuple[Round, ...] = ()) -> None:
        """Make the rounds of `plan`, less only when stopped; without one, make them until the allowance is spent."""
        for planned in plan:
            self._round(planned, fixed=True)
        sweeps = 0 if plan else next_sweeps(0, 0.0, self._allowance.left_s) or 1
        while sweeps:
            self._round(Round(sweeps, sweeps))
            sweeps = 0 if self._allowance.over() else next_sweeps(sweeps, self._sweep_s, self._allowance.left_s)

    def _round(self, planned: Round, *, fixed: bool = False) -> None:
        sweeps = planned.sweeps
        self._spins[:] = self._rng.integers(0, 2, self._spins.shape, np.int8) * 2 - 1
        self._kernel.set_fields(self._h, self._state, self._graph)
        key = np.uint32(self._rng.integers(2**32, dtype=np.uint64))
        half_ts = half_temperatures(self._ising, sweeps)
        done, began = 0, self._allowance.now()
        while done < planned.stop and not (done and self._ends(fixed=fixed)):
            chunk = min(planned.stop - done, max(1, int(_CHUNK_S / self._sweep_s)) if self._sweep_s else 4)
            key = self._kernel.anneal(self._state, self._graph, half_ts[done : done + chunk], key)
            done += chunk
            self._sweep_s = (self._allowance.now() - began) / done
            if not fixed or (planned.passing and done == planned.stop):
                self._keep_passing(Round(sweeps, done, passing=True))
            self._tell(done, sweeps, fixed=fixed)
        self.sweeps += done
        self.rounds += 1
        if not planned.passing:
            self._plan.append(Round(sweeps, done))
            self._keep_polished()
        self._tell(done, sweeps, fixed=fixed)

    def _tell(self, done: int, sweeps: int, *, fixed: bool) -> None:
        if fixed:
            self._allowance.tell(self.found.best, done, sweeps, "sweeps")
        else:
            self._allowance.tell(self.found.best)

    def _ends(self, *, fixed: bool) -> bool:
        return self._allowance.stopped() if fixed else self._allowance.over()

    def _keep_passing(self, now: Round) -> None:
        """Keep the best replica as it is on the way down, if it is better than all before: something to show early."""
        energies = self._kernel.lane_energies(self._h, self._state)
        lane = int(energies.argmin())
        if energies[lane] * self._ising.unit + self._constant < self.found.best:
            self._add(self._spins[:, lane : lane + 1], [*self._plan, now])

    def _keep_polished(self) -> None:
        """Take all replicas down to where no single flip helps, and keep what they are.

        Fields are summed afresh first: in float32 they have drifted by then.
        """
        self._kernel.set_fields(self._h, self._state, self._graph)
        self._kernel.descend(self._state, self._graph, 1 if self._ising.integral else _FLOAT_NOISE * self._ising.widest)
        self._add(self._spins, self._plan)

    def _add(self, spins: NDArray[Any], plan: list[Round]) -> None:
        samples = np.ascontiguousarray(spins.T > 0).astype(np.int8)
        self.found.add(samples, self._problem.energies(samples), at=(self._number, tuple(plan)))
