"""VQE: the least energy of a molecule, by turns that excite electrons and angles that are searched; exact beside it.

Peruzzo and others (2014); the ansatz is unitary coupled cluster with single and double excitations in one step (Romero and
others, 2018), which starts from the lowest orbitals. The mean energy is followed exactly, in the molecule's own electrons; the
gates that stand for it are run once at the end and must give the same energy, and are measured if shots are asked for.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import Cancelled
from app.engine.circuits import lightcone, states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks import fermions, molecules
from app.engine.circuits.tasks.base import NO, Finding, Param, Task
from app.engine.circuits.tasks.fermions import Energy, Letters

Real: TypeAlias = NDArray[np.float64]
CHEMICAL: Final = 1.6e-3  # hartree: a kilocalorie per mole
_MOST_ROUNDS: Final = 200
_CLOSE: Final = 1e-7


class Ansatz:
    """The energy of a molecule as a function of the angles of its excitations."""

    def __init__(self, energy: Energy) -> None:
        self.energy = energy
        self.states = fermions.sector(energy)
        self.matrix = fermions.matrix(energy, self.states)
        self.excitations = fermions.excitations(energy)
        self._pairs = [fermions.pairs(one, self.states) for one in self.excitations]
        self.evaluations = 0

    @property
    def angles(self) -> int:
        """Return how many angles there are."""
        return len(self.excitations)

    def start(self) -> Real:
        """Return the state of the lowest orbitals."""
        state = np.zeros(len(self.states))
        state[0] = 1.0
        return state

    def mean(self, angles: Real) -> float:
        """Return the mean energy."""
        self.evaluations += 1
        state = self.start()
        for one, angle in zip(self._pairs, angles, strict=True):
            state = fermions.turned(state, one, float(angle))
        return float(state @ self.matrix @ state)

    def slope(self, angles: Real) -> Real:
        """Return the derivative by each angle, by going back through the turns."""
        self.evaluations += 1
        state = self.start()
        for one, angle in zip(self._pairs, angles, strict=True):
            state = fermions.turned(state, one, float(angle))
        pull, made = 2 * (self.matrix @ state), np.zeros(self.angles)
        for number in reversed(range(self.angles)):
            start, end, sign = self._pairs[number]
            made[number] = float((sign * (pull[end] * state[start] - pull[start] * state[end])).sum())
            state = fermions.turned(state, self._pairs[number], -float(angles[number]))
            pull = fermions.turned(pull, self._pairs[number], -float(angles[number]))
        return made

    def circuit(self, angles: Real) -> Circuit:
        """Return the gates: the lowest orbitals filled, then each excitation."""
        m = self.energy.orbitals
        ops = [Op("x", (at + spin,)) for spin in (0, m) for at in range(self.energy.electrons)]
        for one, angle in zip(self.excitations, angles, strict=True):
            ops += fermions.gates(one, float(angle)) if abs(angle) > 1e-12 else []
        labels = [f"{side}[{at}]" for side in ("up", "down") for at in range(m)]
        return Circuit("vqe", tuple(labels), (), tuple(ops))


def searched(ansatz: Ansatz, report: Report, stop: Stop) -> tuple[Real, list[float]]:
    """Return the best angles and the energy after each round (Broyden, Fletcher, Goldfarb and Shanno, 1970)."""
    n = ansatz.angles
    here, course = np.zeros(n), [ansatz.mean(np.zeros(n))]
    slope, inverse = ansatz.slope(here), np.eye(n)
    for _ in range(_MOST_ROUNDS):
        if stop():
            raise Cancelled("Cancelled")
        if float(np.abs(slope).max(initial=0.0)) < _CLOSE:
            break
        way = -inverse @ slope
        size = 1.0
        while (value := ansatz.mean(here + size * way)) > course[-1] + 1e-4 * size * float(way @ slope) and size > 1e-8:
            size /= 2
        there = here + size * way
        fresh = ansatz.slope(there)
        inverse = _updated(inverse, there - here, fresh - slope)
        here, slope = there, fresh
        course.append(value)
        report(float(len(course)), float(_MOST_ROUNDS), "rounds", {"energy": value})
    return here, course


def _updated(inverse: Real, step: Real, change: Real) -> Real:
    along = float(step @ change)
    if along < 1e-14:
        return np.eye(len(step))
    left = np.eye(len(step)) - np.outer(step, change) / along
    return np.asarray(left @ inverse @ left.T + np.outer(step, step) / along)


def measured(state: states.State, terms: Mapping[Letters, float], shots: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return (energy, standard error) from `shots` runs for each group of strings that are measured together."""
    count = state.size.bit_length() - 1
    value, variance = terms.get((), 0.0), 0.0
    for group in grouped(terms):
        turned = state.copy()
        for qubit, letter in group[0].items():
            gate = {"X": "h", "Y": "sdg", "Z": ""}[letter]
            for name in (gate, "h") if gate == "sdg" else (gate,) if gate else ():
                lightcone_step = lightcone.step_of(Op(name, (qubit,)))
                states.apply(turned, lightcone_step.matrix, [qubit])
        bits = states.sample(turned, shots, rng)[:, None] >> np.arange(count) & 1
        total = np.zeros(shots)
        for letters in group[1]:
            total += terms[letters] * (1 - 2 * (bits[:, [qubit for qubit, _ in letters]].sum(axis=1) % 2))
        value += float(total.mean())
        variance += float(total.var(ddof=1)) / shots if shots > 1 else 0.0
    return value, variance**0.5


def grouped(terms: Mapping[Letters, float]) -> list[tuple[dict[int, str], list[Letters]]]:
    """Return strings that agree on every qubit they share together, with the letter each group measures by qubit."""
    found: list[tuple[dict[int, str], list[Letters]]] = []
    for letters in sorted((key for key in terms if key), key=lambda key: -abs(terms[key])):
        for basis, members in found:
            if all(basis.get(qubit, letter) == letter for qubit, letter in letters):
                basis.update(letters)
                members.append(letters)
                break
        else:
            found.append((dict(letters), [letters]))
    return found


def work(values: dict[str, Any], rng: np.random.Generator, report: Report, stop: Stop) -> Finding:
    """Search one molecule at one distance."""
    molecule = molecules.read(values["molecule"])
    distance, energy = molecule.at(values["distance"])
    ansatz = Ansatz(energy)
    angles, course = searched(ansatz, report, stop)
    exact = float(np.linalg.eigvalsh(ansatz.matrix)[0])
    circuit = ansatz.circuit(angles)
    state, _ = states.evolve(circuit, stop=stop)
    terms = fermions.paulis(energy)
    by_gates = sum(
        factor * lightcone.mean(state, range(2 * energy.orbitals), dict(letters)) for letters, factor in terms.items()
    )
    error = course[-1] - exact
    solution: dict[str, Any] = {
        "energy_hartree": course[-1], "energy_of_gates_hartree": float(by_gates), "distance_angstrom": distance,
        "angles": angles.tolist(), "rounds": len(course) - 1, "evaluations": ansatz.evaluations, "terms": len(terms),
    }  # fmt: skip
    if values["shots"]:
        solution["measured_hartree"], solution["standard_error_hartree"] = measured(state, terms, values["shots"], rng)
        solution["groups_measured"] = len(grouped(terms))
    return Finding(
        solution,
        {"method": "exact diagonalisation", "energy_hartree": exact, "lowest_orbitals_hartree": course[0],
         "dimension": len(ansatz.states), "integrals": f"{molecule.basis}, {molecule.source}"},
        NO, "a molecule of this size is diagonalised exactly in less time", abs(error),
        1.0 if abs(error) < CHEMICAL else CHEMICAL / abs(error), circuit, values["shots"] * len(grouped(terms)),
        series={"vqe": course, "exact": [exact] * len(course)},
    )  # fmt: skip


TASK = Task(
    "vqe", "Energy of a molecule (VQE)",
    "Finds the least energy of a hydrogen or lithium hydride molecule by turns that excite its electrons.",
    (
        "Each orbital and spin is a qubit; the electrons begin in the lowest orbitals.",
        "Every single and double excitation is a turn of its own angle, built from gates.",
        "The angles are searched so that the mean energy falls.",
        "The gates are run once more and must give the same energy; with shots they are measured.",
        "Exact diagonalisation of the same integrals stands beside it.",
    ),
    (
        Param("molecule", "Which molecule.", "h2", choices=molecules.NAMES),
        Param("distance", "Distance of the atoms in ångström, one of the table's; 0 for that of least energy.", 0.0, 0.0, 10.0),
        Param("shots", "How often each group of terms is measured at the end; 0 for none.", 1000, 0, 100_000),
    ),
    work,
    "How far the energy is from the exact one, in hartree.",
    "1 within chemical accuracy (1.6 millihartree), beyond it that accuracy divided by the error.",
)  # fmt: skip
