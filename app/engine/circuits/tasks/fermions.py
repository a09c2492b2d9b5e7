"""Electrons on qubits: Jordan and Wigner's mapping (1928), the energy of a molecule, and turns that excite electrons.

Spin orbital k is qubit k: those with spin up first, then those with spin down; 1 is occupied. Removing an electron from k takes
the sign of the number of electrons below k, which the mapping writes as Z on every qubit below. Integrals are in the chemists'
notation (pq|rs), energies in hartree (Helgaker, Jorgensen and Olsen, "Molecular electronic-structure theory", chapters 1, 2).
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits.records import Op

Real: TypeAlias = NDArray[np.float64]
Letters: TypeAlias = tuple[tuple[int, str], ...]  # (qubit, X, Y or Z), by qubit; empty for the identity
Sum: TypeAlias = dict[Letters, complex]
_TIMES: Final[Mapping[str, tuple[complex, str]]] = {
    "XY": (1j, "Z"), "YZ": (1j, "X"), "ZX": (1j, "Y"), "YX": (-1j, "Z"), "ZY": (-1j, "X"), "XZ": (-1j, "Y"),
}  # fmt: skip
_SMALL: Final = 1e-12


@dataclass(frozen=True)
class Energy:
    """A molecule's energy: a constant, integrals of one electron (m, m) and of two (m, m, m, m), and electrons of each spin."""

    constant: float
    one: Real
    two: Real
    electrons: int

    @property
    def orbitals(self) -> int:
        """Return the number of spatial orbitals; there are twice as many qubits."""
        return len(self.one)


def product(a: Sum, b: Sum) -> Sum:
    """Return the product of two sums of Pauli strings."""
    made: Sum = {}
    for (left, x), (right, y) in itertools.product(a.items(), b.items()):
        letters, factor = dict(left), x * y
        for qubit, letter in right:
            before = letters.pop(qubit, "")
            if not before:
                letters[qubit] = letter
            elif before != letter:
                turn, letters[qubit] = _TIMES[before + letter]
                factor *= turn
        key = tuple(sorted(letters.items()))
        made[key] = made.get(key, 0) + factor
    return {key: value for key, value in made.items() if abs(value) > _SMALL}


def removes(orbital: int, *, adds: bool = False) -> Sum:
    """Return what removes an electron from a spin orbital (or adds one) as a sum of Pauli strings."""
    below = tuple((qubit, "Z") for qubit in range(orbital))
    return {(*below, (orbital, "X")): 0.5, (*below, (orbital, "Y")): -0.5j if adds else 0.5j}


def paulis(energy: Energy) -> dict[Letters, float]:
    """Return the energy as a sum of Pauli strings; the factors are real."""
    made: Sum = {(): energy.constant}
    for value, ops in _operators(energy):
        term: Sum = {(): value}
        for orbital, adds in ops:
            term = product(term, removes(orbital, adds=adds))
        for key, factor in term.items():
            made[key] = made.get(key, 0) + factor
    return {key: float(value.real) for key, value in made.items() if abs(value) > 1e-10}


def _operators(energy: Energy) -> Iterator[tuple[float, tuple[tuple[int, bool], ...]]]:
    """Yield (factor, (spin orbital, whether an electron is added), from left to right)."""
    m = energy.orbitals
    for p, q in itertools.product(range(m), repeat=2):
        for spin in (0, m):
            if abs(energy.one[p, q]) > _SMALL:
                yield float(energy.one[p, q]), ((p + spin, True), (q + spin, False))
    for p, q, r, s in itertools.product(range(m), repeat=4):
        value = float(energy.two[p, q, r, s]) / 2
        for one, other in itertools.product((0, m), repeat=2) if abs(value) > _SMALL else ():
            if one != other or (p != r and q != s):
                yield value, ((p + one, True), (r + other, True), (s + other, False), (q + one, False))


def moved(state: int, ops: tuple[tuple[int, bool], ...]) -> tuple[int, int]:
    """Return (occupation, sign) after operators that act from right to left on an occupation; sign 0 when nothing is left."""
    sign = 1
    for orbital, adds in reversed(ops):
        if bool(state >> orbital & 1) == adds:
            return 0, 0
        if (state & ((1 << orbital) - 1)).bit_count() % 2:
            sign = -sign
        state ^= 1 << orbital
    return state, sign


def sector(energy: Energy) -> list[int]:
    """Return the occupations with the molecule's electrons, half of each spin; the first is that of lowest orbitals."""
    m = energy.orbitals
    halves = [sum(1 << at for at in chosen) for chosen in itertools.combinations(range(m), energy.electrons)]
    return [up | down << m for up in halves for down in halves]


def matrix(energy: Energy, states: list[int]) -> Real:
    """Return the energy as a matrix between occupations."""
    at = {state: number for number, state in enumerate(states)}
    made = np.eye(len(states)) * energy.constant
    for value, ops in _operators(energy):
        for column, state in enumerate(states):
            there, sign = moved(state, ops)
            if sign and there in at:
                made[at[there], column] += sign * value
    return made


def excitations(energy: Energy) -> list[tuple[tuple[int, bool], ...]]:
    """Return the single and double excitations out of the lowest occupation, spin kept: what is removed, what is added."""
    m, occupied = energy.orbitals, energy.electrons
    single = [((a + spin, True), (i + spin, False)) for spin in (0, m) for i in range(occupied) for a in range(occupied, m)]
    double = []
    for (a, i), (b, j) in itertools.combinations([(one[0][0], one[1][0]) for one in single], 2):
        if a != b and i != j:
            double.append(((a, True), (b, True), (j, False), (i, False)))
    return [*double, *single]


def pairs(ops: tuple[tuple[int, bool], ...], states: list[int]) -> tuple[NDArray[np.intp], NDArray[np.intp], Real]:
    """Return (from, to, sign) of an excitation between occupations, by their numbers."""
    at = {state: number for number, state in enumerate(states)}
    found = [(number, at[there], sign) for number, state in enumerate(states)
             for there, sign in (moved(state, ops),) if sign and there in at]  # fmt: skip
    rows = np.array(found, np.intp).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2].astype(float)


def turned(state: Real, excitation: tuple[NDArray[np.intp], NDArray[np.intp], Real], angle: float) -> Real:
    """Return exp(angle (T - T+)) on a state: a turn between each occupation and its excited one."""
    start, end, sign = excitation
    made = state.copy()
    c, s = math.cos(angle), math.sin(angle) * sign
    made[start] = c * state[start] - s * state[end]
    made[end] = c * state[end] + s * state[start]
    return made


def gates(ops: tuple[tuple[int, bool], ...], angle: float) -> list[Op]:
    """Return the same turn as gates: its Pauli strings commute, so each is one turn between ladders of CX."""
    forward: Sum = {(): 1.0}
    for orbital, adds in ops:
        forward = product(forward, removes(orbital, adds=adds))
    # T - T+ leaves the strings whose factors are imaginary, twice.
    strings = {key: 2 * value.imag for key, value in forward.items() if abs(value.imag) > _SMALL}
    return [op for key, factor in sorted(strings.items()) for op in _string(key, -2 * angle * factor)]


def _string(letters: Letters, angle: float) -> list[Op]:
    """Return exp(-i angle/2 P) as gates."""
    into = [op for qubit, letter in letters for op in _basis(qubit, letter)]
    back = [Op("rx", op.qubits, (-math.pi / 2,)) if op.name == "rx" else op for op in reversed(into)]
    qubits = [qubit for qubit, _ in letters]
    ladder = [Op("cx", ends, (), (), "", 1) for ends in itertools.pairwise(qubits)]
    return [*into, *ladder, Op("rz", (qubits[-1],), (angle,)), *reversed(ladder), *back]


def _basis(qubit: int, letter: str) -> list[Op]:
    """Return the gate that turns a letter into Z."""
    return {"X": [Op("h", (qubit,))], "Y": [Op("rx", (qubit,), (math.pi / 2,))], "Z": []}[letter]
