"""Measures of quantum states, by their textbook definitions; logarithms are to base 2, so entropies are in bits.

Nielsen and Chuang, "Quantum Computation and Quantum Information", chapters 2, 9 and 11: partial trace, Schmidt decomposition,
trace distance, fidelity, von Neumann entropy. Wootters (1998): concurrence. Vidal and Werner (2002): negativity. A state is
a vector (2^n,) or a density matrix (2^n, 2^n); qubit 0 is the least significant bit of an index, as in Qiskit.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Array: TypeAlias = NDArray[np.complex128]
_TINY = 1e-15


def qubits_of(state: NDArray[Any]) -> int:
    """Return how many qubits a vector or matrix describes; raises `BadInput` when its size is no power of two."""
    size = state.shape[0]
    if size < 2 or size & (size - 1) or state.ndim not in (1, 2) or (state.ndim == 2 and state.shape[1] != size):
        raise BadInput("A state has 2^n amplitudes or 2^n by 2^n entries, not {shape}", shape="×".join(map(str, state.shape)))
    return int(size).bit_length() - 1


def density(state: NDArray[Any]) -> Array:
    """Return the density matrix of a vector; a matrix stays as it is."""
    qubits_of(state)
    given = np.asarray(state, np.complex128)
    return np.outer(given, given.conj()) if given.ndim == 1 else given


def reduced(state: NDArray[Any], keep: Sequence[int]) -> Array:
    """Return the density matrix of the qubits `keep`; the first of them becomes qubit 0."""
    count = qubits_of(state)
    if len(set(keep)) != len(keep) or not keep or not all(0 <= qubit < count for qubit in keep):
        raise BadInput("Qubits {keep} are not different ones of {count}", keep=list(keep), count=count)
    given = np.asarray(state, np.complex128)
    axes = [count - 1 - qubit for qubit in reversed(keep)]
    rest = [axis for axis in range(count) if axis not in axes]
    size = 1 << len(keep)
    if given.ndim == 1:
        matrix = given.reshape((2,) * count).transpose(axes + rest).reshape(size, -1)
        return np.asarray(matrix @ matrix.conj().T)
    order = axes + rest + [count + axis for axis in axes] + [count + axis for axis in rest]
    tensor = given.reshape((2,) * (2 * count)).transpose(order).reshape(size, 1 << len(rest), size, 1 << len(rest))
    return np.asarray(np.trace(tensor, axis1=1, axis2=3))


def purity(state: NDArray[Any]) -> float:
    """Return tr rho^2, from 2^-n (fully mixed) to 1 (pure)."""
    rho = density(state)
    return float(np.vdot(rho.conj().T, rho).real)


def _levels(matrix: NDArray[Any]) -> NDArray[np.float64]:
    return np.clip(np.linalg.eigvalsh(matrix), 0.0, None)


def _bits(levels: NDArray[np.float64]) -> float:
    kept = levels[levels > _TINY]
    return float(max(0.0, -(kept * np.log2(kept)).sum()))


def entropy(state: NDArray[Any]) -> float:
    """Return the von Neumann entropy -tr rho log2 rho in bits, from 0 to n."""
    return 0.0 if state.ndim == 1 else _bits(_levels(density(state)))


def fidelity(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return (tr sqrt(sqrt(a) b sqrt(a)))^2, from 0 to 1; |<a|b>|^2 for two vectors."""
    if qubits_of(one) != qubits_of(other):
        raise BadInput("Both states must have the same number of qubits")
    if one.ndim == 1 or other.ndim == 1:
        vector, rest = (one, other) if one.ndim == 1 else (other, one)
        value = abs(np.vdot(vector, rest)) ** 2 if rest.ndim == 1 else np.vdot(vector, rest @ vector).real
        return float(min(1.0, max(0.0, value)))
    # sqrt(a) b sqrt(a) = (sqrt(b) sqrt(a))^dagger (sqrt(b) sqrt(a)): the root of its trace is a nuclear norm, free of
    # the loss of half the digits that roots of tiny eigenvalues bring.
    singular = np.linalg.svd(_root(other) @ _root(one), compute_uv=False)
    return float(min(1.0, singular.sum() ** 2))


def _root(matrix: NDArray[Any]) -> Array:
    levels, vectors = np.linalg.eigh(density(matrix))
    return np.asarray((vectors * np.sqrt(np.clip(levels, 0.0, None))) @ vectors.conj().T)


def trace_distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return half the trace norm of the difference, from 0 to 1."""
    if qubits_of(one) != qubits_of(other):
        raise BadInput("Both states must have the same number of qubits")
    return float(0.5 * np.abs(np.linalg.eigvalsh(density(one) - density(other))).sum())


def concurrence(state: NDArray[Any]) -> float:
    """Return Wootters's concurrence of two qubits, from 0 (separable) to 1 (a Bell state)."""
    if qubits_of(state) != 2:
        raise BadInput("Concurrence is a measure of two qubits, not {count}", count=qubits_of(state))
    flip = np.array([[0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0]], np.complex128)  # sigma_y x sigma_y
    if state.ndim == 1:
        return float(abs(np.dot(state, flip @ state)))
    # The roots of the eigenvalues of rho (flip rho* flip) are the singular values of sqrt(rho)^T flip sqrt(rho).
    root = _root(state)
    levels = np.linalg.svd(root.T @ flip @ root, compute_uv=False)
    return float(max(0.0, levels[0] - levels[1:].sum()))


def negativity(state: NDArray[Any], part: Sequence[int]) -> float:
    """Return the sum of the negative eigenvalues' sizes after transposing the qubits `part`; 1/2 for a Bell state."""
    count, rho = qubits_of(state), density(state)
    tensor = rho.reshape((2,) * (2 * count))
    for qubit in part:
        tensor = tensor.swapaxes(count - 1 - qubit, 2 * count - 1 - qubit)
    levels = np.linalg.eigvalsh(tensor.reshape(rho.shape))
    return float(-levels[levels < 0].sum())


def mutual_information(state: NDArray[Any], one: Sequence[int], other: Sequence[int]) -> float:
    """Return S(A) + S(B) - S(AB) in bits, from 0 to twice the size of the smaller part."""
    parts = [entropy(reduced(state, part)) for part in (one, other, [*one, *other])]
    return max(0.0, parts[0] + parts[1] - parts[2])


def information_map(state: NDArray[Any]) -> list[list[float]]:
    """Return the mutual information of every two qubits (n by n, in bits); the diagonal holds each one's entropy."""
    count = qubits_of(state)
    single = [entropy(reduced(state, [qubit])) for qubit in range(count)]
    table = [[single[row] if row == column else 0.0 for column in range(count)] for row in range(count)]
    for row in range(count):
        for column in range(row):
            shared = single[row] + single[column] - entropy(reduced(state, [column, row]))
            table[row][column] = table[column][row] = max(0.0, shared)
    return table


def schmidt(vector: NDArray[Any], part: Sequence[int]) -> NDArray[np.float64]:
    """Return the Schmidt coefficients of a pure state cut between `part` and the rest, the largest first."""
    count = qubits_of(vector)
    if vector.ndim != 1:
        raise BadInput("A Schmidt spectrum needs a pure state")
    axes = [count - 1 - qubit for qubit in part]
    rest = [axis for axis in range(count) if axis not in axes]
    matrix = np.asarray(vector).reshape((2,) * count).transpose(axes + rest).reshape(1 << len(part), -1)
    return np.asarray(np.linalg.svd(matrix, compute_uv=False), np.float64)


def bloch(state: NDArray[Any], qubit: int) -> tuple[float, float, float]:
    """Return <X>, <Y> and <Z> of one qubit."""
    rho = reduced(state, [qubit])
    return 2 * float(rho[0, 1].real), -2 * float(rho[0, 1].imag), float((rho[0, 0] - rho[1, 1]).real)


def binary_entropy(share: float) -> float:
    """Return h(p) = -p log2 p - (1-p) log2 (1-p) in bits."""
    return sum(-one * math.log2(one) for one in (share, 1 - share) if one > 0)
