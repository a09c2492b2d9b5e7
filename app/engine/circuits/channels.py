"""Decoherence of single qubits as Kraus operators, and their effect on a density matrix.

Nielsen and Chuang, "Quantum Computation and Quantum Information", section 8.3. A wait of t under T1 and T2 <= 2 T1 leaves
the excited population at exp(-t/T1) of its value and the coherence at exp(-t/T2).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.circuits.measures import Array, density, qubits_of

_X = np.array([[0, 1], [1, 0]], np.complex128)
_Y = np.array([[0, -1j], [1j, 0]], np.complex128)
_Z = np.array([[1, 0], [0, -1]], np.complex128)
_ONE = np.eye(2, dtype=np.complex128)


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise BadInput("{name} must be between 0 and 1, not {value}", name=name, value=value, field=name)
    return value


def depolarising(chance: float) -> list[Array]:
    """Return the operators that replace the qubit by the fully mixed state with probability `chance`."""
    share = _share("depolarising", chance) / 4
    return [math.sqrt(1 - 3 * share) * _ONE, *(math.sqrt(share) * pauli for pauli in (_X, _Y, _Z))]


def amplitude_damping(loss: float) -> list[Array]:
    """Return the operators of a decay from 1 to 0 with probability `loss`."""
    _share("loss", loss)
    stay = np.array([[1, 0], [0, math.sqrt(1 - loss)]], np.complex128)
    fall = np.array([[0, math.sqrt(loss)], [0, 0]], np.complex128)
    return [stay, fall]


def phase_flip(chance: float) -> list[Array]:
    """Return the operators that apply Z with probability `chance`."""
    _share("chance", chance)
    return [math.sqrt(1 - chance) * _ONE, math.sqrt(chance) * _Z]


def waiting(t_us: float, t1_us: float, t2_us: float) -> list[Array]:
    """Return the operators of a wait of `t_us` under relaxation `t1_us` and dephasing `t2_us` (at most twice t1)."""
    if t_us < 0 or t1_us <= 0 or t2_us <= 0 or t2_us > 2 * t1_us * (1 + 1e-12):
        raise BadInput("T1 and T2 are above 0, T2 is at most twice T1, and a wait is not negative")
    loss = 1 - math.exp(-t_us / t1_us)
    left = math.exp(-t_us / t2_us + t_us / (2 * t1_us))  # what dephasing alone leaves of the coherence
    return [flip @ decay for flip in phase_flip((1 - min(1.0, left)) / 2) for decay in amplitude_damping(loss)]


def apply(state: NDArray[Any], operators: Sequence[Array], qubit: int) -> Array:
    """Return the density matrix after a channel on one qubit."""
    count, rho = qubits_of(state), density(state)
    high, low = 1 << (count - 1 - qubit), 1 << qubit
    tensor = rho.reshape(high, 2, low, high, 2, low)
    made = sum(np.einsum("ab,xbyzcw,dc->xayzdw", one, tensor, one.conj(), optimize=True) for one in operators)
    return np.asarray(made).reshape(rho.shape)


def decohered(state: NDArray[Any], *, t_us: float, t1_us: float, t2_us: float, depolarised: float) -> Array:
    """Return the density matrix after every qubit waited `t_us` and was depolarised with probability `depolarised`."""
    rho = density(state)
    count, turn = qubits_of(rho), np.eye(4)
    for operators in (waiting(t_us, t1_us, t2_us), depolarising(depolarised)):
        turn = np.asarray(sum(np.kron(one, one.conj()) for one in operators)) @ turn
    table = turn.reshape(2, 2, 2, 2)  # row and column after, row and column before
    for qubit in range(count):
        high, low = 1 << (count - 1 - qubit), 1 << qubit
        tensor = rho.reshape(high, 2, low, high, 2, low)
        rho = np.asarray(np.einsum("adbc,xbyzcw->xayzdw", table, tensor)).reshape(rho.shape)
    return rho
