"""Dynamics: an Ising chain by Suzuki and Trotter's product formulas, and one open qubit by Lindblad's equation.

Trotter (1959), Suzuki (1976): exp(-i(A+B)t) is the limit of alternating steps; the second order errs as dt^2. Lindblad (1976):
decay and dephasing of a driven qubit. Beside them stand exact diagonalisation, and the exponential of the Liouvillian.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.circuits import channels, states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks.base import NO, Finding, Param, Task

_X = np.array([[0, 1], [1, 0]], np.complex128)
_Z = np.diag([1.0, -1.0]).astype(np.complex128)
_ONE = np.eye(2, dtype=np.complex128)


def ising(sites: int, field: float) -> NDArray[np.float64]:
    """Return H = -sum Z_k Z_k+1 - field sum X_k of an open chain as a matrix (2^n, 2^n)."""
    size = 1 << sites
    numbers = np.arange(size)
    spin = 1 - 2 * (numbers[:, None] >> np.arange(sites) & 1)
    matrix = np.diag(-(spin[:, :-1] * spin[:, 1:]).sum(axis=1).astype(float))
    for site in range(sites):
        matrix[numbers, numbers ^ 1 << site] -= field
    return matrix


def trotter(sites: int, field: float, dt: float, order: int) -> list[Op]:
    """Return the gates of one step of length `dt`."""
    share = dt / 2 if order == 2 else dt
    turn = [Op("rx", (site,), (-2 * field * share,)) for site in range(sites)]
    bonds = [Op("rzz", (site, site + 1), (-2 * dt,)) for site in (*range(0, sites - 1, 2), *range(1, sites - 1, 2))]
    return [*turn, *bonds, *turn] if order == 2 else [*turn, *bonds]


def magnetisation(state: NDArray[Any], sites: int) -> float:
    """Return the mean of Z over the sites."""
    spin = 1 - 2 * (np.arange(1 << sites)[:, None] >> np.arange(sites) & 1)
    return float((states.probabilities(state) * spin.mean(axis=1)).sum())


def work_ising(values: dict[str, Any], _rng: np.random.Generator, report: Report, stop: Stop) -> Finding:
    """Follow the chain from all spins up."""
    sites, steps = values["sites"], values["steps"]
    dt = values["time"] / steps
    step = Circuit("step", tuple(f"s[{at}]" for at in range(sites)), (),
                   tuple(trotter(sites, values["field"], dt, values["order"])))  # fmt: skip
    levels, vectors = np.linalg.eigh(ising(sites, values["field"]))
    start = vectors[0].conj()
    state = states.zero(sites)
    curve, exact, fidelity = [1.0], [1.0], 1.0
    for number in range(1, steps + 1):
        state, _ = states.evolve(step, stop=stop, state=state)
        true = vectors @ (np.exp(-1j * levels * dt * number) * start)
        curve.append(magnetisation(state, sites))
        exact.append(magnetisation(true, sites))
        fidelity = float(abs(np.vdot(true, state)) ** 2)
        report(number, steps, "steps", {"magnetisation": curve[-1]})
    worst = float(np.abs(np.array(curve) - np.array(exact)).max())
    return Finding(
        {"magnetisation": curve[-1], "fidelity": fidelity, "largest_difference": worst, "steps": steps},
        {"method": "exact diagonalisation", "magnetisation": exact[-1], "dimension": 1 << sites},
        NO, "a chain of this length is diagonalised exactly in less time", worst, fidelity,
        Circuit("ising", step.qubits, (), step.ops * min(steps, 4)),
        series={"time": [dt * at for at in range(steps + 1)], "trotter": curve, "exact": exact},
    )  # fmt: skip


def liouvillian(drive: float, t1: float, t2: float) -> NDArray[np.complex128]:
    """Return the generator of a driven qubit's density matrix, row by row as a vector of 4; t2 is at most twice t1."""
    hamiltonian = drive / 2 * _X
    lower = np.array([[0, 1], [0, 0]], np.complex128) / math.sqrt(t1)
    dephase = math.sqrt(max(0.0, (1 / t2 - 1 / (2 * t1)) / 2)) * _Z
    made = -1j * (np.kron(hamiltonian, _ONE) - np.kron(_ONE, hamiltonian.T))
    for jump in (lower, dephase):
        square = jump.conj().T @ jump
        made += np.kron(jump, jump.conj()) - 0.5 * (np.kron(square, _ONE) + np.kron(_ONE, square.T))
    return np.asarray(made)


def work_lindblad(values: dict[str, Any], _rng: np.random.Generator, report: Report, _stop: Stop) -> Finding:
    """Follow a driven qubit that decays and dephases: short turns and short waits in turn."""
    t1, t2 = values["t1"], min(values["t2"], 2 * values["t1"])
    steps, dt = values["steps"], values["time"] / values["steps"]
    rho = np.diag([1.0, 0.0]).astype(np.complex128)
    half = _turned(values["drive"] * dt / 2)
    turn = np.kron(half, half.conj())
    step = turn @ sum(np.kron(one, one.conj()) for one in channels.waiting(dt, t1, t2)) @ turn
    levels, vectors = np.linalg.eig(liouvillian(values["drive"], t1, t2))
    weights = np.linalg.solve(vectors, rho.reshape(-1))
    curve, exact, distance = [0.0], [0.0], 0.0
    for number in range(1, steps + 1):
        rho = (step @ rho.reshape(-1)).reshape(2, 2)
        true = (vectors @ (np.exp(levels * dt * number) * weights)).reshape(2, 2)
        curve.append(float(rho[1, 1].real))
        exact.append(float(true[1, 1].real))
        distance = max(distance, float(0.5 * np.abs(np.linalg.eigvalsh(rho - true)).sum()))
    report(1.0, 1.0)
    return Finding(
        {"excited": curve[-1], "largest_trace_distance": distance, "steps": steps},
        {"method": "exponential of the Liouvillian", "excited": exact[-1]},
        NO, "four numbers are followed exactly in less time", distance, 1 - distance,
        series={"time": [dt * at for at in range(steps + 1)], "trotter": curve, "exact": exact}, provider="simulated",
    )  # fmt: skip


def _turned(angle: float) -> NDArray[np.complex128]:
    return np.asarray(math.cos(angle / 2) * _ONE - 1j * math.sin(angle / 2) * _X)


ISING = Task(
    "ising", "Ising chain in time",
    "Follows a chain of spins in a field across it, by small steps of gates.",
    (
        "The energy has two parts that do not commute: bonds, and the field.",
        "A step turns by one part and then by the other; short steps make the difference small.",
        "Second order puts half of the field before and half behind: the error falls with the square of the step.",
        "The exact solution stands beside it at every step.",
    ),
    (
        Param("sites", "Spins in the chain.", 6, 2, 10),
        Param("field", "Strength of the field, in units of the bond.", 1.0, 0.0, 10.0),
        Param("time", "Time to follow.", 3.0, 0.01, 100.0),
        Param("steps", "Steps.", 60, 1, 2000),
        Param("order", "Order of the formula, 1 or 2.", 2, 1, 2),
    ),
    work_ising,
    "Largest difference of the magnetisation from the exact one over the time.",
    "Fidelity of the last state with the exact one.",
)  # fmt: skip

LINDBLAD = Task(
    "lindblad", "Open qubit (Lindblad)",
    "Follows a driven qubit that loses energy and phase to its surroundings.",
    (
        "A drive turns the qubit; T1 lets it fall to 0, T2 blurs its phase.",
        "Half a turn, a wait as Kraus operators, half a turn: one step.",
        "The exponential of the whole generator stands beside it.",
    ),
    (
        Param("drive", "Turns of the drive, in radians per unit of time.", 2.0, 0.0, 100.0),
        Param("t1", "Time of relaxation.", 5.0, 0.01, 1000.0),
        Param("t2", "Time of dephasing, at most twice t1.", 4.0, 0.01, 2000.0),
        Param("time", "Time to follow.", 10.0, 0.01, 1000.0),
        Param("steps", "Steps.", 400, 1, 20_000),
    ),
    work_lindblad,
    "Largest trace distance from the exact state over the time.",
    "1 less that distance.",
)  # fmt: skip
