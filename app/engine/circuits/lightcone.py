"""Light cones: the part of a circuit a local observable depends on, and its exact expectation from that part alone.

Gates outside the backward cone cancel with their inverses (Lieb and Robinson, 1972, for circuits). A gate that is diagonal does
not move an observable made of Z alone, so it is left out too while nothing else stands between; where it does move one, it adds
nothing but Z on the qubits that had nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits import states
from app.engine.circuits.gates import Matrix, matrix_of
from app.engine.circuits.records import Op

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

    @cached_property
    def diagonal(self) -> bool:
        """Tell whether the gate is diagonal in the Z basis."""
        return bool(np.count_nonzero(self.matrix - np.diag(np.diagonal(self.matrix))) == 0)


def step_of(op: Op) -> Step:
    """Return an operation of the catalogue as one matrix on all its qubits, controls included; raises `BadInput`."""
    matrix, controls = matrix_of(op)
    if not controls:
        return Step(np.asarray(matrix, np.complex128), op.qubits)
    size = 1 << len(op.qubits)
    wanted = sum(1 << at for at in range(controls) if op.qubits[at] not in op.open_controls)
    rows = [number for number in range(size) if number & ((1 << controls) - 1) == wanted]
    whole = np.eye(size, dtype=np.complex128)
    whole[np.ix_(rows, rows)] = matrix
    return Step(whole, op.qubits)


def cone_numbers(steps: Sequence[Step], observable: Observable) -> tuple[list[int], list[int]]:
    """Return the numbers of the steps that `observable` after `steps` depends on, and the qubits they and it act on."""
    live = set(observable)
    only_z = {qubit for qubit, letter in observable.items() if letter == "Z"}
    kept: list[int] = []
    for number in reversed(range(len(steps))):
        step = steps[number]
        touched = live.intersection(step.qubits)
        if not touched or (touched <= only_z and step.diagonal):
            continue
        kept.append(number)
        if step.diagonal:
            only_z.update(set(step.qubits) - live)  # a diagonal gate brings nothing but Z to qubits that were free of it
        else:
            only_z.difference_update(step.qubits)
        live.update(step.qubits)
    return kept[::-1], sorted(live)


def cone(steps: Sequence[Step], observable: Observable) -> tuple[list[Step], list[int]]:
    """Return the steps that `observable` after `steps` depends on, in order, and the qubits they and it act on."""
    kept, qubits = cone_numbers(steps, observable)
    return [steps[number] for number in kept], qubits


def state_of(
    steps: Sequence[Step], qubits: Sequence[int], inputs: Mapping[int, NDArray[np.complex128]] | None = None
) -> states.State:
    """Return the state of `qubits` after steps on them alone; each starts in its one of `inputs`, or in 0."""
    at = {qubit: number for number, qubit in enumerate(qubits)}
    state: states.State = np.ones(1, np.complex128)
    zero = np.array([1, 0], np.complex128)
    for qubit in qubits:  # later qubits are higher bits
        state = np.kron((inputs or {}).get(qubit, zero), state)
    for step in steps:
        states.apply(state, step.matrix, [at[qubit] for qubit in step.qubits])
    return state


def mean(state: states.State, qubits: Sequence[int], observable: Observable) -> float:
    """Return the mean of `observable` in a state of `qubits`."""
    turned = state.copy()
    for qubit, letter in observable.items():
        states.apply(turned, PAULIS[letter], [list(qubits).index(qubit)])
    return float(np.vdot(state, turned).real)


def expectation(
    steps: Sequence[Step],
    qubits: Sequence[int],
    observable: Observable,
    inputs: Mapping[int, NDArray[np.complex128]] | None = None,
) -> float:
    """Return the expectation of `observable` after the steps of its `cone` on `qubits`, which start in `inputs` or in 0."""
    return mean(state_of(steps, qubits, inputs), qubits, observable)
