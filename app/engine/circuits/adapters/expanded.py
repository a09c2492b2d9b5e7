"""How many operations a circuit becomes once its definitions are opened, told without opening each of them.

A definition that uses another one twice doubles it at every level, so a short file can stand for more operations than there is
memory. Each definition is therefore looked at once and its size remembered. The importer of OpenQASM 3 opens definitions as it
reads, so for it the sizes are taken from the tree of the text; that of OpenQASM 2 waits until it is asked.
"""

from typing import Any, Final

from qiskit.circuit import ControlledGate
from qiskit.circuit.controlflow import ForLoopOp

from app.engine.base.errors import Limit

MOST: Final = 200_000
_WRITTEN: Final = "qiskit.qasm2.parse"  # gates of this module are those that a text of OpenQASM 2 defines


def check(circuit: Any, name: str, *, loops: bool = False) -> None:
    """Raise `Limit` when definitions make more than `MOST` operations; with `loops`, when counted loops do."""
    if size_of(circuit, loops=loops) > max(MOST, len(circuit.data)):
        raise too_many(name)


def size_of(circuit: Any, *, loops: bool = False) -> int:
    """Return how many operations a circuit becomes; with `loops`, when counted loops are unrolled as well."""
    return _Sizes(loops=loops).of(circuit)


def too_many(name: str) -> Limit:
    """Return the error of a circuit that is larger than `MOST`."""
    return Limit(
        "{file}: its definitions and loops make more than the {most} operations that are allowed", file=name, most=MOST
    )


class _Sizes:
    """Sizes of circuits; definitions there are already are known by themselves, those that are not by their name."""

    def __init__(self, *, loops: bool) -> None:
        self._loops = loops
        self._known: dict[Any, int] = {}
        self._held: list[Any] = []  # what is known by its id lives as long as this does

    def of(self, circuit: Any) -> int:
        """Return how many operations `circuit` becomes."""
        return sum(1 if item.is_standard_gate() else self._opened(item.operation) for item in circuit.data)

    def _opened(self, operation: Any) -> int:
        blocks = getattr(operation, "blocks", None)
        if blocks is not None:
            times = len(operation.params[0]) if self._loops and isinstance(operation, ForLoopOp) else 1
            return max(1, times * sum(self.of(block) for block in blocks))
        made = getattr(operation, "_definition", None)
        written = type(operation).__module__ == _WRITTEN
        if made is None and not written:
            return self._opened(operation.base_gate) if isinstance(operation, ControlledGate) else 1
        key = (operation.name, operation.num_qubits) if written else id(made)
        if key not in self._known:
            inner = operation.definition if made is None else made
            self._held.append(inner)
            self._known[key] = 1 if inner is None else max(1, self.of(inner))
        return self._known[key]
