"""Which gates may entangle: qubits are followed one by one for as long as each has a state of its own.

A gate of two qubits leaves them apart when its output is a product: for two known states when the 2 x 2 matrix of amplitudes
has rank 1, for one known state when the gate, read as a map from the known qubit's output to all else, has. So a Fourier
transform of a number, or gates controlled by a bit that is certain, entangle nothing, and bounds of bonds need not count them.
"""

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits.gates import GATES, OTHERS
from app.engine.circuits.lightcone import step_of
from app.engine.circuits.records import Circuit, Op

Vector: TypeAlias = NDArray[np.complex128]
_PASSED: Final = frozenset({"barrier", "id", "delay"})
_RANK_ONE: Final = 1e-12  # of a Gram matrix's determinant


def ops(circuit: Circuit) -> list[Op]:
    """Return the operations on several qubits that may entangle, or whose effect is not known here."""
    own: dict[int, Vector] = {qubit: np.array([1, 0], np.complex128) for qubit in range(len(circuit.qubits))}
    found = []
    matrices: dict[tuple[Any, ...], Vector] = {}
    for op in circuit.ops:
        if op.name in _PASSED:
            continue
        if op.name == "reset" and not op.condition:
            own[op.qubits[0]] = np.array([1, 0], np.complex128)
        elif own.keys().isdisjoint(op.qubits) or not _known(op):
            _forget(own, op)
            if len(op.qubits) > 1:
                found.append(op)
        elif len(op.qubits) == 1:
            own[op.qubits[0]] = _matrix(op, matrices) @ own[op.qubits[0]]
        elif not _apart(own, op, _matrix(op, matrices)):
            _forget(own, op)
            found.append(op)
    return found


def _known(op: Op) -> bool:
    return not op.condition and len(op.qubits) <= 2 and (op.name in GATES or op.name in OTHERS) and not any(
        isinstance(value, str) for value in op.params
    )  # fmt: skip


def _forget(own: dict[int, Vector], op: Op) -> None:
    for qubit in op.qubits:
        own.pop(qubit, None)


def _matrix(op: Op, known: dict[tuple[Any, ...], Vector]) -> Vector:
    """Return the matrix of a gate, made once for all gates of its kind."""
    opened = tuple(qubit in op.open_controls for qubit in op.qubits)
    key = (op.name, op.params, opened)
    if key not in known:
        known[key] = step_of(op).matrix
    return known[key]


def _apart(own: dict[int, Vector], op: Op, matrix: Vector) -> bool:
    """Follow a gate of two qubits, at least one with a state of its own; False when they may be entangled after it."""
    low, high = op.qubits
    if low in own and high in own:
        rows = (matrix @ np.outer(own[high], own[low]).ravel()).reshape(2, 2)
        if abs(rows[0, 0] * rows[1, 1] - rows[0, 1] * rows[1, 0]) > _RANK_ONE**0.5:
            return False
        own[high], own[low] = _main(rows), _main(rows.T)
        return True
    known, tensor = low if low in own else high, matrix.reshape(2, 2, 2, 2)  # high out, low out, high in, low in
    met = (tensor @ own[low]).transpose(1, 0, 2) if known == low else tensor.transpose(0, 1, 3, 2) @ own[high]
    rows = met.reshape(2, 4)
    if np.vdot(rows[0], rows[0]).real * np.vdot(rows[1], rows[1]).real - abs(np.vdot(rows[0], rows[1])) ** 2 > _RANK_ONE:
        return False
    own[known] = _main(rows)
    return True


def _main(rows: Vector) -> Vector:
    """Return the direction of the columns of a matrix of rank 1."""
    column = rows[:, int(np.abs(rows).argmax()) % rows.shape[1]]
    return np.asarray(column / math.sqrt(np.vdot(column, column).real), np.complex128)
