"""What a compiled circuit takes on a device, and how likely it ends without an error: an estimate from the snapshot's figures.

Gates start as soon as their qubits are free. The chance that nothing goes wrong is the product over gates and readouts of one
minus their error, times for each qubit the entanglement fidelity of its waits and delays under T1 and T2, (1 + exp(-t/T1) +
2 exp(-t/T2)) / 4 (Nielsen and Chuang, chapters 8 and 9). Errors that cancel and errors between neighbours are not in it.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

from app.engine.circuits.devices import Device
from app.engine.circuits.noise import FREE, waited_s
from app.engine.circuits.records import Circuit, Op

_WAITS: Final = FREE | {"delay"}
_NO_GATE: Final = _WAITS | {"reset"}


@dataclass(frozen=True)
class Success:
    """Chances from 0 to 1: of all gates, of all readouts, of all waits, and of everything; and the circuit's time."""

    gates: float
    readout: float
    waits: float
    duration_s: float

    @property
    def all(self) -> float:
        """Return the chance that nothing goes wrong."""
        return self.gates * self.readout * self.waits

    def told(self) -> dict[str, Any]:
        """Return the estimate as a document."""
        return {
            "success": self.all, "gates": self.gates, "readout": self.readout, "waits": self.waits,
            "duration_s": self.duration_s, "kind": "estimated",
        }  # fmt: skip


def success(circuit: Circuit, device: Device) -> Success:
    """Return the estimate for a circuit whose qubits are the places of `device`."""
    errors = {frozenset((pair.first, pair.second)): pair.error for pair in device.pairs}
    free_at, idle = [0.0] * device.qubits, [0.0] * device.qubits
    used = [False] * device.qubits
    gates = readout = 0.0
    for op in circuit.ops:
        start = max((free_at[qubit] for qubit in op.qubits), default=0.0)
        span = _span(op, device)
        for qubit in op.qubits:
            idle[qubit] += start + (span if op.name == "delay" else 0.0) - free_at[qubit] if used[qubit] else 0.0
            free_at[qubit] = start + span
            used[qubit] = used[qubit] or op.name not in _WAITS
        if op.name == "measure":
            place = device.places[op.qubits[0]]
            readout += _log(1 - (place.read_0_as_1 + place.read_1_as_0) / 2)
        elif len(op.qubits) == 2 and op.name != "barrier":
            gates += _log(1 - errors.get(frozenset(op.qubits), 1.0))
        elif len(op.qubits) == 1 and op.name not in _NO_GATE:
            gates += _log(1 - device.places[op.qubits[0]].error)
    waits = sum(_log(_kept(idle[at], device, at)) for at in range(device.qubits))
    return Success(math.exp(gates), math.exp(readout), math.exp(waits), max(free_at, default=0.0))


def _span(op: Op, device: Device) -> float:
    if op.name in FREE:
        return 0.0
    if op.name == "delay":
        return waited_s(op)
    if op.name in ("measure", "reset"):
        return device.read_s
    return device.pair_s if len(op.qubits) > 1 else device.gate_s


def _kept(idle_s: float, device: Device, at: int) -> float:
    place = device.places[at]
    return (1 + math.exp(-idle_s / place.t1_s) + 2 * math.exp(-idle_s / place.t2_s)) / 4


def _log(chance: float) -> float:
    return math.log(chance) if chance > 0 else -math.inf


def pair_depth(circuit: Circuit) -> int:
    """Return the longest chain of gates of two or more qubits."""
    depth = [0] * len(circuit.qubits)
    for op in circuit.ops:
        if len(op.qubits) > 1 and op.name != "barrier":
            level = 1 + max(depth[qubit] for qubit in op.qubits)
            for qubit in op.qubits:
                depth[qubit] = level
    return max(depth, default=0)
