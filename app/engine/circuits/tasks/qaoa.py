"""QAOA: the quantum approximate optimisation algorithm as a solver of QUBOs, and as a guided task on a cut.

Farhi, Goldstone and Gutmann (2014): p layers of a phase by the cost and a turn of every qubit; angles are found by a search
from several starts on the exact mean. On a ring of more than 2p + 1 nodes p layers reach (2p + 1) / (2p + 2) of the edges.
"""

import math
import time
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Report, SolverResult, Stop, never, silent
from app.engine.base.errors import Limit
from app.engine.circuits import states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks.base import NO, UNDECIDED, Finding, Param, Task

Real: TypeAlias = NDArray[np.float64]
MOST_VARIABLES: Final = 14
_STARTS: Final = 6
_ROUNDS: Final = 60


def evolve(costs: Real, angles: Real) -> states.State:
    """Return the state after p layers; `angles` are p phases, then p turns."""
    qubits, layers = costs.size.bit_length() - 1, len(angles) // 2
    state = np.full(costs.size, costs.size**-0.5, np.complex128)
    for phase, turn in zip(angles[:layers], angles[layers:], strict=True):
        state *= np.exp(-1j * phase * costs)
        c, s = math.cos(turn), -1j * math.sin(turn)
        for qubit in range(qubits):
            halves = state.reshape(-1, 2, 1 << qubit)
            low, high = halves[:, 0].copy(), halves[:, 1].copy()
            halves[:, 0], halves[:, 1] = c * low + s * high, s * low + c * high
    return state


def mean(costs: Real, angles: Real) -> float:
    """Return the mean cost of that state."""
    return float((np.abs(evolve(costs, angles)) ** 2 * costs).sum())


def angles_of(costs: Real, layers: int, rng: np.random.Generator, stop: Stop = never) -> Real:
    """Return the best angles found from several starts: steps along each angle, halved when none helps."""
    scale = float(np.ptp(costs)) or 1.0
    best, found = math.inf, np.zeros(2 * layers)
    for _ in range(_STARTS):
        here = np.concatenate([rng.uniform(0, 4 / scale, layers), rng.uniform(0, math.pi / 2, layers)])
        value, step = mean(costs, here), 0.3
        sizes = np.concatenate([np.full(layers, 4 / scale), np.ones(layers)])
        for _ in range(_ROUNDS):
            if stop() or step < 1e-6:
                break
            before = value
            for at in range(2 * layers):
                for sign in (1, -1):
                    there = here.copy()
                    there[at] += sign * step * sizes[at]
                    tried = mean(costs, there)
                    if tried < value:
                        here, value = there, tried
                        break
            step = step if value < before else step / 2
        if value < best:
            best, found = value, here
    return found


class Qaoa:
    """A QUBO solver on a simulated circuit, for up to `MOST_VARIABLES` variables."""

    name = "qaoa"
    title = "QAOA on a simulator"

    def __init__(self, layers: int = 2, shots: int = 1000) -> None:
        self.layers, self.shots = layers, shots

    def solve(self, problem: Any, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best of `shots` samples at the best angles found within `budget`."""
        n = int(problem.n)
        if not 0 < n <= MOST_VARIABLES:
            raise Limit("States are computed for 1 to {most} qubits, not {count}", most=MOST_VARIABLES, count=n)
        end = time.monotonic() + budget.seconds
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        every = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.int8)
        costs = np.asarray(problem.energies(every), np.float64)
        angles = angles_of(costs, self.layers, rng, lambda: stop() or time.monotonic() > end)
        drawn = np.unique(states.sample(evolve(costs, angles), self.shots, rng))
        order = drawn[np.argsort(costs[drawn], kind="stable")]
        report(1.0, 1.0)
        info = {"mean": mean(costs, angles), "layers": self.layers, "angles": angles.tolist(), "provider": "simulated"}
        return SolverResult(every[order[0]], float(costs[order[0]]), every[order[:64]], costs[order[:64]], info)


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
)  # fmt: skip
