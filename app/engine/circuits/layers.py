"""Finds layers of commuting two-qubit gates: gates diagonal in the Z basis may be done in any order.

So are the cost layers of QAOA (Farhi, Goldstone and Gutmann, 2014), Ising Trotter steps and graph states. A circuit is read as
a sequence of layers: gates of one qubit, then diagonal gates of two qubits that commute, and so on; measurements end it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.engine.circuits.records import Circuit, Op

DIAGONAL_PAIRS: Final = frozenset({"rzz", "cz", "cp", "cu1", "crz"})
DIAGONAL_TURNS: Final = frozenset({"z", "s", "sdg", "t", "tdg", "rz", "p", "u1", "id"})
_PASSED: Final = frozenset({"barrier", "id", "delay"})


@dataclass
class Layer:
    """Gates of one qubit in their order, then gates of two qubits by pair: the sum of their ZZ angles in radians."""

    turns: list[Op] = field(default_factory=list)
    pairs: dict[tuple[int, int], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layered:
    """Layers, and the measurements that follow the last one."""

    layers: Sequence[Layer]
    measures: Sequence[Op]


def layered(circuit: Circuit) -> Layered | None:
    """Return `circuit` as layers, or None when it is not made of gates of one qubit and diagonal pairs alone."""
    builder = _Builder(len(circuit.qubits))
    for op in circuit.ops:
        if op.name not in _PASSED and not builder.take(op):
            return None
    return Layered(builder.layers, builder.measures) if any(layer.pairs for layer in builder.layers) else None


class _Builder:
    """Puts every gate into the earliest layer it can stand in."""

    def __init__(self, qubits: int) -> None:
        self.layers: list[Layer] = [Layer()]
        self.measures: list[Op] = []
        self._at = [0] * qubits  # the layer a qubit has come to
        self._tied = [False] * qubits  # whether a pair of that layer holds the qubit
        self._closed = [False] * qubits

    def take(self, op: Op) -> bool:
        """Place `op`; tell whether that was possible."""
        if op.condition or any(self._closed[qubit] for qubit in op.qubits):
            return False
        if op.name == "measure":
            self._closed[op.qubits[0]] = True
            self.measures.append(op)
            return True
        if any(isinstance(value, str) for value in op.params) or op.name == "reset":
            return False
        if len(op.qubits) == 1:
            self._turn(op)
            return True
        return op.name in DIAGONAL_PAIRS and self._pair(op)

    def _turn(self, op: Op) -> None:
        qubit = op.qubits[0]
        if self._tied[qubit] and op.name not in DIAGONAL_TURNS:
            self._at[qubit] += 1
            self._tied[qubit] = False
            if self._at[qubit] == len(self.layers):
                self.layers.append(Layer())
        # A diagonal turn commutes with the pairs of its layer and may stand before them.
        self.layers[self._at[qubit]].turns.append(op)

    def _pair(self, op: Op) -> bool:
        a, b = op.qubits
        level = max(self._at[a], self._at[b])
        for qubit in (a, b):
            self._at[qubit], self._tied[qubit] = level, True
        angle, turns = _as_zz(op)
        for qubit, turn in turns:
            self.layers[level].turns.append(Op("rz", (qubit,), (turn,)))
        key = (min(a, b), max(a, b))
        pairs = self.layers[level].pairs
        pairs[key] = pairs.get(key, 0.0) + angle
        return True


def _as_zz(op: Op) -> tuple[float, list[tuple[int, float]]]:
    """Return the angle of exp(-i angle/2 ZZ) in a diagonal gate and the turns about z beside it; global phases are left."""
    a, b = op.qubits
    if op.name == "rzz":
        return float(op.params[0]), []
    if op.name == "crz":
        half = float(op.params[0]) / 2
        return -half, [(b, half)]
    half = math.pi / 2 if op.name == "cz" else float(op.params[0]) / 2
    return -half, [(a, half), (b, half)]


def folded(circuit: Circuit) -> Circuit:
    """Return `circuit` with every CX, turn about z of its target, CX written as the one rzz gate they make."""
    folder = _Folder()
    for op in circuit.ops:
        folder.take(op)
    return replace(circuit, ops=tuple(op for op in folder.ops if op is not None))


class _Folder:
    """Remembers for each target the CX that may still be closed: control, where it stands, the angle since."""

    def __init__(self) -> None:
        self.ops: list[Op | None] = []
        self._open: dict[int, tuple[int, int, list[int]]] = {}

    def take(self, op: Op) -> None:
        """Add `op`, or close the CX it belongs to."""
        if op.name == "cx" and not op.condition and not op.open_controls:
            control, target = op.qubits
            held = self._open.get(target)
            if held is not None and held[0] == control and held[2]:
                self._close(control, target, held)
                return
            self._forget(op.qubits)
            self._open[target] = (control, len(self.ops), [])
        elif len(op.qubits) == 1 and op.name in DIAGONAL_TURNS and not op.condition and _is_number(op):
            if op.qubits[0] in self._open:
                self._open[op.qubits[0]][2].append(len(self.ops))
        else:
            self._forget(op.qubits)
        self.ops.append(op)

    def _close(self, control: int, target: int, held: tuple[int, int, list[int]]) -> None:
        angle = 0.0
        for at in held[2]:
            op = self.ops[at]
            angle += 0.0 if op is None else angle_of(op)
            self.ops[at] = None
        self.ops[held[1]] = None
        del self._open[target]
        self.ops.append(Op("rzz", (control, target), (angle,)))

    def _forget(self, qubits: Sequence[int]) -> None:
        touched = set(qubits)
        self._open = {to: held for to, held in self._open.items() if to not in touched and held[0] not in touched}


def _is_number(op: Op) -> bool:
    return not any(isinstance(value, str) for value in op.params)


def angle_of(op: Op) -> float:
    """Return the angle of a turn about z, global phases left out."""
    if op.params:
        return float(op.params[0])
    quarter = math.pi / 2
    return {"z": 2 * quarter, "s": quarter, "sdg": -quarter, "t": quarter / 2, "tdg": -quarter / 2}.get(op.name, 0.0)
