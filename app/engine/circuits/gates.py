"""The catalogue of gates: what each is called, takes and does; editor, writer and state simulation read the same rows.

Matrices as in the OpenQASM 3 standard library (Cross and others, 2022, section "Standard library") and Qiskit's own additions;
qubit 0 of a gate is the least significant bit of its matrix.
"""

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.circuits.records import Op

Matrix: TypeAlias = NDArray[np.complex128]
_HALF: Final = math.sqrt(0.5)


@dataclass(frozen=True)
class Gate:
    """A gate: `controls` qubits before `targets` others, names of its angles, and the matrix on its targets.

    `group` orders the catalogue; `definition` is its OpenQASM 3 definition when the standard library lacks it.
    """

    name: str
    targets: int
    controls: int
    params: tuple[str, ...]
    group: str
    about: str
    matrix: Callable[..., Matrix]
    definition: str = ""

    @property
    def qubits(self) -> int:
        """Return how many qubits it acts on."""
        return self.controls + self.targets


def _fixed(*rows: Sequence[complex]) -> Callable[..., Matrix]:
    made = np.array(rows, np.complex128)
    return lambda: made


def _rx(theta: float) -> Matrix:
    c, s = math.cos(theta / 2), -1j * math.sin(theta / 2)
    return np.array([[c, s], [s, c]])


def _ry(theta: float) -> Matrix:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -s], [s, c]], np.complex128)


def _rz(phi: float) -> Matrix:
    return np.diag([cmath.exp(-0.5j * phi), cmath.exp(0.5j * phi)])


def _p(phi: float) -> Matrix:
    return np.diag([1, cmath.exp(1j * phi)])


def _u(theta: float, phi: float, lam: float) -> Matrix:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -cmath.exp(1j * lam) * s], [cmath.exp(1j * phi) * s, cmath.exp(1j * (phi + lam)) * c]])


def _about(theta: float, one: Matrix, other: Matrix) -> Matrix:
    """Return exp(-i theta/2 A x B); `one` acts on the first qubit, which is the lower bit."""
    return math.cos(theta / 2) * np.eye(4) - 1j * math.sin(theta / 2) * np.kron(other, one)


_X, _Y, _Z = _fixed([0, 1], [1, 0]), _fixed([0, -1j], [1j, 0]), _fixed([1, 0], [0, -1])
_SX = _fixed([0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j])
_SXDG = _fixed([0.5 - 0.5j, 0.5 + 0.5j], [0.5 + 0.5j, 0.5 - 0.5j])
_SWAP = _fixed([1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1])
_ISWAP = _fixed([1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1])
_ECR = _fixed([0, _HALF, 0, 1j * _HALF], [_HALF, 0, -1j * _HALF, 0], [0, 1j * _HALF, 0, _HALF], [-1j * _HALF, 0, _HALF, 0])
_H = _fixed([_HALF, _HALF], [_HALF, -_HALF])
_S, _SDG = _fixed([1, 0], [0, 1j]), _fixed([1, 0], [0, -1j])
_T, _TDG = _fixed([1, 0], [0, _HALF + 1j * _HALF]), _fixed([1, 0], [0, _HALF - 1j * _HALF])


def _rxx(theta: float) -> Matrix:
    return _about(theta, _X(), _X())


def _ryy(theta: float) -> Matrix:
    return _about(theta, _Y(), _Y())


def _rzz(theta: float) -> Matrix:
    return _about(theta, _Z(), _Z())


def _rzx(theta: float) -> Matrix:
    return _about(theta, _Z(), _X())


_BASIC, _PHASE, _TURN, _PAIR, _CONTROL = "basic", "phase", "rotation", "pair", "controlled"
_RZZ_BODY = "cx a, b; rz(t) b; cx a, b;"
GATES: Final[Mapping[str, Gate]] = {
    gate.name: gate
    for gate in (
        Gate("h", 1, 0, (), _BASIC, "Hadamard: makes equal superpositions", _H),
        Gate("x", 1, 0, (), _BASIC, "NOT: turns 0 into 1", _X),
        Gate("y", 1, 0, (), _BASIC, "Half a turn about y", _Y),
        Gate("z", 1, 0, (), _BASIC, "Half a turn about z: turns the sign of 1", _Z),
        Gate("sx", 1, 0, (), _BASIC, "Half a NOT", _SX),
        Gate("sxdg", 1, 0, (), _BASIC, "Half a NOT, backwards", _SXDG, "gate sxdg a { inv @ sx a; }"),
        Gate("s", 1, 0, (), _PHASE, "A quarter turn about z", _S),
        Gate("sdg", 1, 0, (), _PHASE, "A quarter turn about z, backwards", _SDG),
        Gate("t", 1, 0, (), _PHASE, "An eighth turn about z", _T),
        Gate("tdg", 1, 0, (), _PHASE, "An eighth turn about z, backwards", _TDG),
        Gate("p", 1, 0, ("λ",), _PHASE, "Turns the phase of 1", _p),
        Gate("rx", 1, 0, ("θ",), _TURN, "A turn about x", _rx),
        Gate("ry", 1, 0, ("θ",), _TURN, "A turn about y", _ry),
        Gate("rz", 1, 0, ("φ",), _TURN, "A turn about z", _rz),
        Gate("u", 1, 0, ("θ", "φ", "λ"), _TURN, "Any gate of one qubit", _u),
        Gate("swap", 2, 0, (), _PAIR, "Swaps two qubits", _SWAP),
        Gate("iswap", 2, 0, (), _PAIR, "Swaps two qubits and turns what was swapped", _ISWAP,
             "gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; }"),
        Gate("ecr", 2, 0, (), _PAIR, "Echoed cross resonance", _ECR,
             "gate ecr a, b { h b; cx a, b; rz(pi/4) b; cx a, b; h b; x a; h b; cx a, b; rz(-pi/4) b; cx a, b; h b; }"),
        Gate("rxx", 2, 0, ("θ",), _PAIR, "A turn about XX", _rxx,
             f"gate rxx(t) a, b {{ h a; h b; {_RZZ_BODY} h a; h b; }}"),
        Gate("ryy", 2, 0, ("θ",), _PAIR, "A turn about YY", _ryy,
             f"gate ryy(t) a, b {{ sx a; sx b; {_RZZ_BODY} inv @ sx a; inv @ sx b; }}"),
        Gate("rzz", 2, 0, ("θ",), _PAIR, "A turn about ZZ", _rzz, f"gate rzz(t) a, b {{ {_RZZ_BODY} }}"),
        Gate("rzx", 2, 0, ("θ",), _PAIR, "A turn about ZX", _rzx, f"gate rzx(t) a, b {{ h b; {_RZZ_BODY} h b; }}"),
        Gate("cx", 1, 1, (), _CONTROL, "NOT of the second where the first is 1", _X),
        Gate("cy", 1, 1, (), _CONTROL, "Y of the second where the first is 1", _Y),
        Gate("cz", 1, 1, (), _CONTROL, "Turns the sign where both are 1", _Z),
        Gate("ch", 1, 1, (), _CONTROL, "Hadamard of the second where the first is 1", _H),
        Gate("cp", 1, 1, ("λ",), _CONTROL, "Turns the phase where both are 1", _p),
        Gate("crx", 1, 1, ("θ",), _CONTROL, "A turn of the second about x where the first is 1", _rx),
        Gate("cry", 1, 1, ("θ",), _CONTROL, "A turn of the second about y where the first is 1", _ry),
        Gate("crz", 1, 1, ("φ",), _CONTROL, "A turn of the second about z where the first is 1", _rz),
        Gate("ccx", 1, 2, (), _CONTROL, "NOT of the third where the first two are 1", _X),
        Gate("ccz", 1, 2, (), _CONTROL, "Turns the sign where all three are 1", _Z,
             "gate ccz a, b, c { h c; ccx a, b, c; h c; }"),
        Gate("cswap", 2, 1, (), _CONTROL, "Swaps the second and third where the first is 1", _SWAP),
    )
}  # fmt: skip

# Gates with as many controls as the operation tells; for algorithms, the catalogue has those of a fixed size.
MANY: Final[Mapping[str, Callable[..., Matrix]]] = {"mcx": _X, "mcz": _Z}
# Older names, and what else files hold beside the catalogue: matrix and controls.
OTHERS: Final[Mapping[str, tuple[Callable[..., Matrix], int]]] = {
    "id": (_fixed([1, 0], [0, 1]), 0), "u1": (_p, 0), "u2": (lambda phi, lam: _u(math.pi / 2, phi, lam), 0), "u3": (_u, 0),
    "csx": (_SX, 1),
}  # fmt: skip


def matrix_of(op: Op) -> tuple[Matrix, int]:
    """Return the matrix of an operation on its targets and how many controls come before them; raises `BadInput`."""
    if op.name in MANY:
        return MANY[op.name](), op.controls
    if op.name in OTHERS and not any(isinstance(value, str) for value in op.params):
        made, controls = OTHERS[op.name]
        return made(*op.params), controls
    gate = GATES.get(op.name)
    if gate is None:
        raise BadInput("The gate {name} is not in the catalogue", name=op.name)
    if len(op.params) != len(gate.params) or any(isinstance(value, str) for value in op.params):
        raise BadInput("The gate {name} needs {count} angles with values", name=op.name, count=len(gate.params))
    return gate.matrix(*op.params), gate.controls
