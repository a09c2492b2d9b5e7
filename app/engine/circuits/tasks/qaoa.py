"""QAOA: the quantum approximate optimisation algorithm as a solver of QUBOs, and as a guided task on a cut.

Farhi, Goldstone and Gutmann (2014): p layers of a phase by the cost and a turn of every qubit; angles are found by a search
from several starts on the exact mean. On a ring of more than 2p + 1 nodes p layers reach (2p + 1) / (2p + 2) of the edges.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.base.errors import Limit
from app.engine.circuits import states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks.base import NO, UNDECIDED, Finding, Param, Task
from app.engine.qubo.exact import spectrum

Real: TypeAlias = NDArray[np.float64]
MOST_VARIABLES: Final = 18
_MOST_KEPT: Final = 64
_TOGETHER: Final = 5


def evolve(costs: Real, angles: Real) -> states.State:
    """Return the state after p layers; `angles` are p phases, then p turns."""
    qubits, layers = costs.size.bit_length() - 1, len(angles) // 2
    state = np.full(costs.size, costs.size**-0.5, np.complex128)
    for phase, turn in zip(angles[:layers], angles[layers:], strict=True):
        state *= np.exp(-1j * phase * costs)
        one = np.array([[math.cos(turn), -1j * math.sin(turn)], [-1j * math.sin(turn), math.cos(turn)]])
        left = qubits
        while left:
            # The lowest qubits are turned by one product and become the highest, until all have had their turn.
            count = min(_TOGETHER, left)
            state = np.ascontiguousarray((state.reshape(-1, 1 << count) @ reduce(np.kron, [one] * count)).T).reshape(-1)
            left -= count
    return state


def mean(costs: Real, angles: Real) -> float:
    """Return the mean cost of that state."""
    return float((np.abs(evolve(costs, angles)) ** 2 * costs).sum())


def angles_of(
    costs: Real, layers: int, rng: np.random.Generator, stop: Stop = never, *, starts: int = 6, rounds: int = 60
) -> Real:
    """Return the best angles found from several starts: steps along each angle, halved when none helps.

    The first start is a ramp, phases growing and turns shrinking as in slow annealing; the others are random.
    """
    scale = float(np.ptp(costs)) or 1.0
    sizes = np.concatenate([np.full(layers, 4 / scale), np.ones(layers)])
    ramp = (np.arange(layers) + 0.5) / layers
    best, found = math.inf, np.zeros(2 * layers)
    for number in range(starts):
        if number:
            here = np.concatenate([rng.uniform(0, 4 / scale, layers), rng.uniform(0, math.pi / 2, layers)])
        else:
            here = np.concatenate([6 / scale * ramp, -0.7 * (1 - ramp)])
        if stop():
            break
        here, value = _stepped(costs, here, sizes, rounds, stop)
        if value < best:
            best, found = value, here
    return found


def _stepped(costs: Real, here: Real, sizes: Real, rounds: int, stop: Stop) -> tuple[Real, float]:
    value, step = mean(costs, here), 0.3
    for _ in range(rounds):
        if step < 1e-6:
            break
        before = value
        for at in range(len(here)):
            for sign in (1, -1):
                if stop():
                    return here, value
                there = here.copy()
                there[at] += sign * step * sizes[at]
                tried = mean(costs, there)
                if tried < value:
                    here, value = there, tried
                    break
        step = step if value < before else step / 2
    return here, value


@dataclass
class Qaoa:
    """A QUBO solver on a simulated circuit, for up to `MOST_VARIABLES` variables; `angles` given are not searched."""

    name: ClassVar[str] = "qaoa"
    title: ClassVar[str] = "QAOA on a simulator"

    layers: int = 2
    shots: int = 1000
    starts: int = 6
    rounds: int = 60
    angles: Sequence[float] = ()

    def solve(self, problem: Any, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best of `shots` samples at the best angles found within `budget`."""
        n = int(problem.n)
        if not 0 < n <= MOST_VARIABLES:
            raise Limit("States are computed for 1 to {most} qubits, not {count}", most=MOST_VARIABLES, count=n)
        end = time.monotonic() + budget.seconds
        searching, drawing = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
        costs = spectrum(problem)
        angles = np.asarray(self.angles, float)
        if not len(angles):
            angles = angles_of(
                costs, self.layers, searching, lambda: stop() or time.monotonic() > end, starts=self.starts, rounds=self.rounds
            )
        drawn, counts = np.unique(states.sample(evolve(costs, angles), self.shots, drawing), return_counts=True)
        order = np.argsort(costs[drawn], kind="stable")[:_MOST_KEPT]
        drawn, counts = drawn[order], counts[order]
        report(1.0, 1.0, "", {"best_energy": float(costs[drawn[0]])})
        again = {"solver": self.name, "options": {"layers": self.layers, "shots": self.shots, "angles": angles.tolist()}}
        info = {"mean": mean(costs, angles), "layers": len(angles) // 2, "angles": angles.tolist(), "provider": "simulated",
                "counts": counts.tolist(), "replay": again, "proved": False}  # fmt: skip
        samples = (drawn[:, None] >> np.arange(n) & 1).astype(np.int8)
        return SolverResult(samples[0], float(costs[drawn[0]]), samples, costs[drawn], info)


def cut_costs(nodes: int, edges: list[tuple[int, int]]) -> Real:
    """Return minus the edges cut by each of the 2^nodes sides."""
    numbers = np.arange(1 << nodes)
    cut = np.sum([(numbers >> a & 1) != (numbers >> b & 1) for a, b in edges], axis=0)
    return np.asarray(-cut, np.float64)


def _circuit(nodes: int, edges: list[tuple[int, int]], angles: Real) -> Circuit:
    layers = len(angles) // 2
    ops = [Op("h", (at,)) for at in range(nodes)]
    for phase, turn in zip(angles[:layers], angles[layers:], strict=True):
        ops += [Op("rzz", edge, (float(phase),)) for edge in edges]
        ops += [Op("rx", (at,), (2 * float(turn),)) for at in range(nodes)]
    return Circuit("qaoa", tuple(f"q[{at}]" for at in range(nodes)), (), tuple(ops))


def work(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Cut a drawn graph: a ring with chords."""
    nodes, shots = values["nodes"], values["shots"]
    chords = [(a, b) for a in range(nodes) for b in range(a + 2, nodes) if (a, b) != (0, nodes - 1)]
    drawn = [edge for edge in chords if rng.random() < values["chords"]]
    edges = [(at, (at + 1) % nodes) for at in range(nodes)] + drawn
    costs = cut_costs(nodes, edges)
    angles = angles_of(costs, values["layers"], rng, stop)
    state = evolve(costs, angles)
    best = float(-costs.min())
    found = int(-costs[states.sample(state, shots, rng)].min())
    hit = float(states.probabilities(state)[costs == costs.min()].sum())
    return Finding(
        {"cut": found, "mean_ratio": -mean(costs, angles) / best, "chance_of_best": hit, "angles": angles.tolist()},
        {"method": "exhaustive search", "cut": int(best), "edges": len(edges)},
        NO if found <= best else UNDECIDED, "a graph of this size is cut exactly in less time", 1 - found / best, hit,
        _circuit(nodes, edges, angles), shots,
    )  # fmt: skip


TASK = Task(
    "qaoa", "Cutting a graph (QAOA)",
    "Splits a graph so that many edges are cut, by layers of phases and turns whose angles are searched.",
    (
        "All sides start with the same amplitude.",
        "A layer turns phases by the cost, then mixes by turning every qubit.",
        "The angles are searched so that the mean cut grows.",
        "The best of the measured sides is taken; exhaustive search stands beside it.",
    ),
    (
        Param("nodes", "Nodes of the ring.", 8, 3, 12),
        Param("chords", "Share of chords across it.", 0.2, 0.0, 1.0),
        Param("layers", "Layers.", 2, 1, 6),
        Param("shots", "How often it is measured.", 1000, 1, 1_000_000),
    ),
    work,
    "Share of the best cut that the cut found falls short by.",
    "Chance that one shot is a best cut.",
)  # fmt: skip
