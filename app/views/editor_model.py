"""The circuit being edited and how to undo it: every edit is a circuit before and one after, on a QUndoStack."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.engine.base.errors import OutpostError
from app.engine.base.text import tr
from app.engine.circuits import document
from app.engine.circuits.gates import GATES
from app.engine.circuits.records import Circuit, Op

Edit = Callable[[Circuit], Circuit]


class _Step(QUndoCommand):
    def __init__(self, text: str, before: Circuit, after: Circuit, show: Callable[[Circuit], None]) -> None:
        super().__init__(text)
        self._before, self._after, self._show = before, after, show

    def undo(self) -> None:
        self._show(self._before)

    def redo(self) -> None:
        self._show(self._after)


class EditorModel(QObject):
    """Holds the circuit; `changed` after every edit, undo and redo, `refused` with the reason when one is not possible."""

    changed = Signal()
    refused = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.circuit = document.blank(3, 3)
        self.stack = QUndoStack(self)
        self.clipboard: tuple[Op, ...] = ()

    def edit(self, text: str, how: Edit) -> bool:
        """Do `how` and keep it for undo under `text`; False when it is refused."""
        try:
            after = how(self.circuit)
        except OutpostError as error:
            self.refused.emit(str(error))
            return False
        if after != self.circuit:
            self.stack.push(_Step(text, self.circuit, after, self._show))
        return True

    def open(self, circuit: Circuit) -> None:
        """Go on with `circuit`; undoing it brings back the one before."""
        if circuit == self.circuit:
            self._show(circuit)
        else:
            self.stack.push(_Step(tr("Open a circuit"), self.circuit, circuit, self._show))

    def copy(self, numbers: set[int]) -> None:
        """Remember operations, to be put elsewhere."""
        self.clipboard = tuple(self.circuit.ops[number] for number in sorted(numbers))

    def pasted(self, wire: int) -> tuple[Op, ...]:
        """Return what was copied, so that its topmost wire is `wire`."""
        if not self.clipboard:
            return ()
        top = min(qubit for op in self.clipboard for qubit in op.qubits)
        return document.shifted(self.clipboard, wire - top, len(self.circuit.qubits))

    def _show(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.changed.emit()


def placed(circuit: Circuit, name: str, column: int, wire: int) -> Circuit:
    """Return `circuit` with a gate of the catalogue at a column, from `wire` downwards, or upwards where there is no room."""
    gate = GATES.get(name)
    count = gate.qubits if gate is not None else 1
    first = max(0, min(wire, len(circuit.qubits) - count))
    qubits = tuple(range(len(circuit.qubits))) if name == "barrier" else tuple(range(first, first + count))
    if name == "measure" and wire >= len(circuit.clbits):
        circuit = _with_bits(circuit, wire + 1)
    angles: tuple[Any, ...] = (1.5707963267948966,) * (len(gate.params) if gate is not None else 0)
    op = document.made(name, qubits, angles, (wire,) if name == "measure" else ())
    return document.insert(circuit, op, column)


def _with_bits(circuit: Circuit, count: int) -> Circuit:
    while len(circuit.clbits) < count:
        circuit = document.add_bit(circuit)
    return circuit
