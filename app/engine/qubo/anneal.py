"""Our annealer: long anneals of one state per thread, each as cheap as its flips, joined with the best found before.

Simulated annealing after Kirkpatrick, Gelatt, Vecchi 1983, in the block form of `scan_kernel`. Every anneal is longer than
the one before, so that short budgets get an answer and long ones a slow cooling. What an anneal ends with is taken down to
where no single flip helps and recombined with the elite: clusters in which two good answers differ are judged one by one.
Once anneals are long, replica exchange (`exchange`) works in turns with them on the same elite.
Threads share nothing, so a run is replayed from its seed and the lengths of its anneals (`info["replay"]`).
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.exchange import SWEEPS_PER_LOOK, Ladder
from app.engine.qubo.found import Found
from app.engine.qubo.ising import spin_form
from app.engine.qubo.lengths import Length, looks_due, next_length
from app.engine.qubo.problem import Qubo, build, once_per_problem
from app.engine.qubo.schedule import Heat

_CHUNK_S = 0.05
_ELITE = 6
# Gains below this share of the widest field may be rounding in float32.
_FLOAT_NOISE = 1e-6
_SHUFFLE = 20_260_704
_BLOCK = 32


@dataclass(frozen=True)
class Annealing:
    """Fills the budget with anneals, and later exchange (unless it is off); with `sweeps`, `anneals` of that length.

    With `plan` and `thread`, a run made before.
    """

    name = "anneal"
    title = "Annealing"
    sweeps: int = 0
    anneals: int = 1
    thread: int = -1
    exchange: bool = True
    plan: tuple[Length, ...] = ()
    now: Callable[[], float] = time.perf_counter

    def solve(self, problem: Qubo, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; see `contracts.Solver`."""
        allowance = Allowance(budget.seconds, report, stop, self.now)
        form = form_of(problem)
        plan = tuple(Length(*one) for one in self.plan) or (Length(self.sweeps, self.sweeps),) * (
            self.anneals if self.sweeps else 0
        )
        threads = [self.thread] if self.thread >= 0 else list(range(1 if plan else max(1, budget.threads)))
        walks = [Walk(form, np.random.SeedSequence(seed, spawn_key=(k,)), allowance, exchange=self.exchange) for k in threads]
        if len(walks) == 1:
            walks[0].run(plan)
        else:
            with ThreadPoolExecutor(len(walks)) as pool:
                list(pool.map(Walk.run, walks))
        found = Found(problem.n)
        for walk in walks:
            found.merge(walk.found)
        samples, energies, counts = found.table()
        places = found.places()

        def recipe(row: int) -> dict[str, Any]:
            thread, course = places[row]
            return {"solver": self.name, "options": {"thread": thread, "plan": [list(one) for one in course]}}

        info = {
            "counts": counts, "sweeps": sum(walk.sweeps for walk in walks), "anneals": sum(walk.anneals for walk in walks),
            "looks": sum(walk.looks for walk in walks), "numbers": "int16" if form.ising.integral else "float32",
            "replay": recipe(0), "recipe_of": recipe,
        }  # fmt: skip
        return SolverResult(samples[0], float(energies[0]), samples, energies, info)


def warm_up(problem: Qubo | None = None) -> None:
    """Compile (or load from the cache on disk) what `problem` needs; both number types when none is given."""
    for sample in (problem,) if problem is not None else (_tiny(1.0), _tiny(0.3)):
        kind = spin_form(sample).integral
        Annealing(sweeps=2, anneals=2).solve(_tiny(1.0 if kind else 0.3), Budget(0.0), 0)


def _tiny(weight: float) -> Qubo:
    return build([weight, -1.0, 0.7 if weight < 1 else 1.0], ([0, 1], [1, 2], [weight, weight]))


class _Form:
    """A problem in the numbers and the order the kernel wants; read by all threads.

    Spins stand in a random order that depends on n alone, so that a block holds few neighbours.
    """

    def __init__(self, problem: Qubo) -> None:
        ising = spin_form(problem)
        self.problem, self.ising, n = problem, ising, problem.n
        self.type: Any = np.int16 if ising.integral else np.float32
        self.order = np.random.default_rng(_SHUFFLE).permutation(n)
        place = np.empty(n, np.uint32)
        place[self.order] = np.arange(n, dtype=np.uint32)
        # The entries of a row stay together: `turn` tells from where each comes.
        sizes = np.diff(ising.start)[self.order]
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        turn = np.arange(start[-1]) + np.repeat(ising.start[:-1][self.order] - start[:-1], sizes)
        others = place[ising.others[turn]]
        self.h = ising.h[self.order].astype(self.type)
        self.graph = (start, others, ising.strength[turn].astype(self.type))
        self.constant = problem.offset + problem.linear.sum() / 2 + problem.weights.sum() / 4
        self.size = -(-n // _BLOCK) * _BLOCK
        self.logs = _logs()
        self.even = not ising.h.any()

    def sample(self, spins: NDArray[Any]) -> NDArray[np.int8]:
        """Return the state as a sample in the order of the problem."""
        out = np.empty(self.problem.n, np.int8)
        out[self.order] = spins[: self.problem.n] > 0
        return out


@once_per_problem
def form_of(problem: Qubo) -> _Form:
    """Return `problem` as the kernel wants it, worked out once."""
    return _Form(problem)


@lru_cache(maxsize=1)
def _logs() -> NDArray[np.float32]:
    """Return ln u for TABLE evenly spaced u in a random order, the first POOL of them again at the end."""
    from app.engine.qubo.scan_kernel import POOL, TABLE

    uniform = (np.random.default_rng(_SHUFFLE).permutation(TABLE) + 0.5) / TABLE
    logs: NDArray[np.float32] = np.log(np.concatenate([uniform, uniform[:POOL]])).astype(np.float32)
    return logs


class Walk:
    """One thread's anneals, one after the other, and what they found."""

    def __init__(self, form: _Form, seeds: np.random.SeedSequence, allowance: Allowance, *, exchange: bool = True) -> None:
        from app.engine.qubo import scan_kernel

        self._kernel: Any = scan_kernel
        self._form, self._allowance = form, allowance
        self._rng, self._seeds = np.random.default_rng(seeds), seeds
        self._ladder: Ladder | None = None
        self._shares = exchange
        self._state = (np.ones(form.size, form.type), np.empty(form.size, form.type))
        self._elite: list[tuple[float, NDArray[Any]]] = []
        self._heat = Heat(form.ising)
        self._sweep_s, self._fixed = 0.0, False
        self.found, self.sweeps, self.anneals, self.looks = Found(form.problem.n), 0, 0, 0
        self.plan: list[Length] = []

    def run(self, plan: tuple[Length, ...] = ()) -> None:
        """Make the anneals of `plan`, less only when stopped; without one, make them until the allowance is spent."""
        self._fixed = bool(plan)
        for planned in plan:
            self._exchange(planned) if planned.traded else self._anneal(planned)
            if self._allowance.stopped():
                return
        while not plan:
            looks = looks_due(self.plan, self._sweep_s, SWEEPS_PER_LOOK) if self._shares else 0
            if looks:
                self._exchange(Length(looks, looks, traded=True))
            else:
                self._anneal(next_length(self.plan, self._sweep_s, self._allowance.left_s))
            if self._allowance.over():
                return

    def _anneal(self, length: Length) -> None:
        spins = self._state[0]
        spins[: self._form.problem.n] = self._rng.integers(0, 2, self._form.problem.n, np.int8) * 2 - 1
        place = np.uint32(self._rng.integers(2**32, dtype=np.uint64))
        half_ts = self._heat.half_temperatures(length.sweeps)
        energy = self._kernel.set_fields(self._form.h, self._state, self._form.graph)
        began = self._allowance.now()
        done, shown, looked_s = 0, False, began
        while done < length.stop and not (done and self._ends()):
            chunk = min(length.stop - done, max(1, int(_CHUNK_S / self._sweep_s)) if self._sweep_s else 8)
            change, _, place = self._kernel.anneal(
                self._state, self._form.graph, half_ts[done : done + chunk], self._form.logs, place
            )
            done, energy = done + chunk, energy + change
            now = self._allowance.now()
            self._sweep_s = (now - began) / done
            # An anneal that takes a moment only has nothing to show before its end.
            if (
                done < length.stop
                and not self._fixed
                and now - looked_s > _CHUNK_S / 2
                and self._energy(energy) < self.found.best
            ):
                self._keep_passing(length, done)
                looked_s = now
            self._tell(done, length)
            shown = True
        self.sweeps, self.anneals = self.sweeps + done, self.anneals + 1
        self.plan.append(Length(length.sweeps, done, length.joined))
        self._keep(self._state, joined=length.joined)
        if shown:
            self._tell(done, length)

    def _exchange(self, length: Length) -> None:
        """Make looks of replica exchange, `length.stop` at most; the coldest of each are joined with the elite in copies."""
        if self._ladder is None:
            self._ladder = Ladder(self._form, np.random.default_rng(self._seeds.spawn(1)[0]))
        before, done = self.plan, 0
        while done < length.stop and not (done and self._ends()):
            coldest, done = self._ladder.look(), done + 1
            self.plan = [*before, Length(length.sweeps, done, traded=True)]
            for spins, fields in coldest:
                copy = (spins.copy(), fields.copy())
                self._keep(copy, joined=True)
            self._tell(done, length)
        self.looks, self.sweeps = self.looks + done, self.sweeps + done * SWEEPS_PER_LOOK

    def _keep(self, state: tuple[NDArray[Any], NDArray[Any]], *, joined: bool) -> None:
        """Take a state down, join it with the elite, and keep it."""
        spins, _ = state
        energy = self._settle(state)
        if joined:
            for _, other in self._elite:
                energy += self._join(spins, other)
            self._remember(energy, spins)
        self._add(spins, self.plan)

    def _join(self, spins: NDArray[Any], other: NDArray[Any]) -> float:
        if self._form.even and (spins == other).mean() < 0.5:
            other = -other
        return float(self._kernel.recombine(self._form.h, spins, other, self._form.graph))

    def _remember(self, energy: float, spins: NDArray[Any]) -> None:
        if all(energy != known or not np.array_equal(spins, other) for known, other in self._elite):
            self._elite.append((energy, spins.copy()))
            self._elite.sort(key=lambda one: one[0])
            del self._elite[_ELITE:]

    def _keep_passing(self, length: Length, done: int) -> None:
        """Keep the state as it is on the way down, taken down in a copy: something to show early."""
        copy = (self._state[0].copy(), self._state[1].copy())
        self._settle(copy)
        self._add(copy[0], [*self.plan, Length(length.sweeps, done, joined=False)])

    def _settle(self, state: tuple[NDArray[Any], NDArray[Any]]) -> float:
        """Flip what still helps and return the energy; fields are summed afresh first, in float32 they have drifted by then."""
        ising = self._form.ising
        energy = self._kernel.set_fields(self._form.h, state, self._form.graph)
        least = 1 if ising.integral else _FLOAT_NOISE * ising.widest
        change: float = self._kernel.descend(state, self._form.graph, least)
        return float(energy + change)

    def _add(self, spins: NDArray[Any], plan: list[Length]) -> None:
        sample = self._form.sample(spins)[None]
        self.found.add(sample, self._form.problem.energies(sample), at=(self._seeds.spawn_key[-1], tuple(plan)))

    def _energy(self, energy: float) -> float:
        return float(energy * self._form.ising.unit + self._form.constant)

    def _tell(self, done: int, length: Length) -> None:
        if self._fixed:
            self._allowance.tell(self.found.best, done, length.stop, "sweeps")
        else:
            self._allowance.tell(self.found.best)

    def _ends(self) -> bool:
        return self._allowance.stopped() if self._fixed else self._allowance.over()
