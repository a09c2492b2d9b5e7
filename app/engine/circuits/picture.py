"""A circuit as columns: where each operation stands when wires run left to right.

Every operation goes into the leftmost column in which its whole span (from its first to its last wire, bits below the
qubits) is free and nothing it depends on stands further right: as-soon-as-possible scheduling.
"""

from collections import Counter
from typing import Any

from app.engine.circuits.angles import angle_text
from app.engine.circuits.records import Circuit, Op

MOST_OPS = 20_000
_LABELS = {
    "measure": "M", "reset": "|0⟩", "barrier": "", "id": "I", "sdg": "S†", "tdg": "T†", "sx": "√X", "sxdg": "√X†",
    "swap": "×", "cx": "X", "cy": "Y", "cz": "Z", "ccx": "X", "cswap": "×", "delay": "Delay", "global_phase": "Phase",
}  # fmt: skip
_SILENT = frozenset({"barrier"})


def span_of(op: Op, qubits: int) -> tuple[int, int]:
    """Return the first and the last wire `op` covers; bit b is wire `qubits` + b."""
    wires = [*op.qubits, *(qubits + bit for bit in op.clbits)]
    return (min(wires), max(wires)) if wires else (0, 0)


def label_of(op: Op) -> str:
    """Return what is written on the box of `op`."""
    if op.label:
        return op.label
    known = _LABELS.get(op.name)
    if known is not None:
        return known
    return op.name.upper() if len(op.name) == 1 else op.name[0].upper() + op.name[1:]


def schedule(circuit: Circuit) -> list[int]:
    """Return the column of every operation, in the circuit's order."""
    count = len(circuit.qubits)
    frontier = [0] * max(1, count + len(circuit.clbits))
    columns: list[int] = []
    for op in circuit.ops:
        first, last = span_of(op, count)
        column = max(frontier[first : last + 1])
        frontier[first : last + 1] = [column + 1] * (last - first + 1)
        columns.append(column)
    return columns


def depth_of(circuit: Circuit) -> int:
    """Return the longest chain of operations that share a qubit or bit, barriers not counted."""
    count = len(circuit.qubits)
    frontier = [0] * (count + len(circuit.clbits))
    for op in circuit.ops:
        wires = [*op.qubits, *(count + bit for bit in op.clbits)]
        level = max((frontier[wire] for wire in wires), default=0) + (op.name not in _SILENT)
        for wire in wires:
            frontier[wire] = level
    return max(frontier, default=0)


def counts_of(circuit: Circuit) -> dict[str, int]:
    """Return how often each operation occurs, the most frequent first."""
    return dict(sorted(Counter(op.name for op in circuit.ops).items(), key=lambda item: (-item[1], item[0])))


def cell_of(op: Op) -> dict[str, Any]:
    """Return what is drawn of one operation."""
    return {
        "name": op.name,
        "label": label_of(op),
        "qubits": list(op.qubits),
        "controls": list(op.qubits[: op.controls]),
        "open_controls": list(op.open_controls),
        "targets": list(op.qubits[op.controls :]),
        "params": [angle_text(value) for value in op.params],
        "clbits": list(op.clbits),
        "condition": op.condition or None,
    }


def picture_of(circuit: Circuit, most_ops: int = MOST_OPS) -> dict[str, Any]:
    """Return the layout document of `circuit`: labels, columns of cells, depth, width (qubits), size and counts.

    Past `most_ops` operations the columns end and `left_out` tells how many are not drawn.
    """
    drawn = Circuit(circuit.name, circuit.qubits, circuit.clbits, circuit.ops[:most_ops])
    places = schedule(drawn)
    columns: list[list[dict[str, Any]]] = [[] for _ in range(max(places, default=-1) + 1)]
    for op, place in zip(drawn.ops, places, strict=True):
        columns[place].append(cell_of(op))
    return {
        "schema": 1,
        "name": circuit.name,
        "qubits": list(circuit.qubits),
        "clbits": list(circuit.clbits),
        "columns": columns,
        "depth": depth_of(circuit),
        "width": len(circuit.qubits),
        "size": len(circuit.ops),
        "counts": counts_of(circuit),
        "left_out": len(circuit.ops) - len(drawn.ops),
    }
