"""Light cones: the part of a circuit a local observable depends on, and its exact expectation from that part alone.

Gates outside the backward cone cancel with their inverses (Lieb and Robinson, 1972, for circuits). A gate that is diagonal does
not move an observable made of Z alone, so it is left out too while nothing else stands between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits import states
from app.engine.circuits.gates import Matrix

Observable: TypeAlias = Mapping[int, str]  # qubit to X, Y or Z
PAULIS: Final[Mapping[str, Matrix]] = {
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], np.complex128),
    "Z": np.diag([1.0 + 0j, -1.0]),
}


@dataclass(frozen=True)
class Step:
    """A gate as a matrix on qubits; the first is its lowest bit."""

    matrix: Matrix
    qubits: tuple[int, ...]

    @property
    def diagonal(self) -> bool:
        """Tell whether the gate is diagonal in the Z basis."""
        return bool(np.count_nonzero(self.matrix - np.diag(np.diagonal(self.matrix))) == 0)


def cone(steps: Sequence[Step], observable: Observable) -> tuple[list[Step], list[int]]:
    """Return the steps that `observable` after `steps` depends on, in order, and the qubits they and it act on."""
    live = set(observable)
    only_z = {qubit for qubit, letter in observable.items() if letter == "Z"}
    kept: list[Step] = []
    for step in reversed(steps):
        touched = live.intersection(step.qubits)
        if not touched or (touched <= only_z and step.diagonal):
            continue
        kept.append(step)
        live.update(step.qubits)
        only_z.difference_update(step.qubits)
    return kept[::-1], sorted(live)


def expectation(
    steps: Sequence[Step],
    qubits: Sequence[int],
    observable: Observable,
    inputs: Mapping[int, NDArray[np.complex128]] | None = None,
) -> float:
    """Return the expectation of `observable` after the steps of its `cone` on `qubits`, which start in `inputs` or in 0."""
    at = {qubit: number for number, qubit in enumerate(qubits)}
    state: states.State = np.ones(1, np.complex128)
    zero = np.array([1, 0], np.complex128)
    for qubit in qubits:  # later qubits are higher bits
        state = np.kron((inputs or {}).get(qubit, zero), state)
    for step in steps:
        states.apply(state, step.matrix, [at[qubit] for qubit in step.qubits])
    turned = state.copy()
    for qubit, letter in observable.items():
        states.apply(turned, PAULIS[letter], [at[qubit]])
    return float(np.vdot(state, turned).real)
