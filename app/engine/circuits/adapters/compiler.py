"""Compiles a circuit for a device: by Qiskit's transpiler, or by Outpost's router where pairs commute; the smaller is taken.

Qiskit's levels are its own (Javadi-Abhari and others, 2024, "Quantum computing with Qiskit"). A routed circuit is finished by
the same transpiler at fixed places, which turns a swap and the pair it takes along into three gates of the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, IfElseOp, Measure, Parameter, Reset
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError
from qiskit.transpiler import InstructionProperties, Target

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.circuits import layers, routing
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.devices import Device
from app.engine.circuits.records import Op

ROUTERS: Final = ("auto", "qiskit", "commuting")
_FEWEST_PAIRS: Final = 4
_PLAIN: Final = (
    "h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id", "rx", "ry", "rz", "p", "r", "u",
    "cx", "cz", "cp", "crz", "rzz", "measure", "reset",
)  # fmt: skip


@dataclass(frozen=True)
class Compiled:
    """A circuit on the places of a device, where each of its qubits starts and ends, and how it was made."""

    circuit: Any
    start: tuple[int, ...]
    end: tuple[int, ...]
    router: str
    why: str


def target_of(device: Device) -> Any:
    """Return Qiskit's description of a device, with errors and times; pairs that are out of order are left out."""
    target = Target(num_qubits=device.qubits)
    known = get_standard_gate_name_mapping()
    for name in (*device.basis, device.pair_gate):
        gate = known[name]
        rows: dict[tuple[int, ...], Any]
        if name == device.pair_gate:
            rows = {
                (pair.first, pair.second): InstructionProperties(duration=device.pair_s or None, error=pair.error)
                for pair in device.working
            }
        else:
            free = name in ("rz", "p")
            rows = {
                (at,): InstructionProperties(
                    duration=0.0 if free else device.gate_s or None, error=0.0 if free else place.error
                )
                for at, place in enumerate(device.places)
            }
        if rows:
            target.add_instruction(gate, rows)
    reads = {
        (at,): InstructionProperties(duration=device.read_s or None, error=(place.read_0_as_1 + place.read_1_as_0) / 2)
        for at, place in enumerate(device.places)
    }
    target.add_instruction(Measure(), reads)
    target.add_instruction(Reset(), {(at,): None for at in range(device.qubits)})
    target.add_instruction(Delay(Parameter("t")), {(at,): None for at in range(device.qubits)})
    target.add_instruction(IfElseOp, name="if_else")
    return target


def compiled(
    circuit: Any, name: str, device: Device, *, level: int, router: str, seed: int, report: Report = silent, stop: Stop = never,
) -> Compiled:  # fmt: skip
    """Return `circuit` for `device`; raises `BadInput` when it does not fit or cannot be put into the device's gates."""
    if circuit.num_qubits > device.qubits:
        raise BadInput("{file}: {qubits} qubits do not fit on {device}, which has {room}", file=name,
                       qubits=circuit.num_qubits, device=device.name, room=device.qubits, field="device")  # fmt: skip
    if circuit.parameters:
        names = ", ".join(sorted(parameter.name for parameter in circuit.parameters)[:5])
        raise BadInput("{file}: the free parameters {names} have no value", file=name, names=names)
    target = target_of(device)
    try:
        found = None if router == "qiskit" else _layered(circuit)
        if router == "commuting" and found is None:
            raise BadInput("{file}: is not made of gates of one qubit and commuting pairs alone", file=name,
                           field="router", hint="Use the router auto or qiskit.")  # fmt: skip
        plain = None if router == "commuting" else _by_qiskit(circuit, target, level, seed)
        if found is None or not _worth(found, router):
            if plain is None:
                plain = _by_qiskit(circuit, target, level, seed)
            return plain
        ours = _by_routes(circuit, found, target, device, level, seed, report, stop)
    except QiskitError as error:
        reason = " ".join(str(error.message if hasattr(error, "message") else error).split())[:300]
        raise BadInput("{file}: cannot be compiled for {device}: {reason}", file=name, device=device.name,
                       reason=reason) from None  # fmt: skip
    return ours if plain is None else _smaller(ours, plain)


def _smaller(ours: Compiled, plain: Compiled) -> Compiled:
    few, many = pairs_in(ours.circuit), pairs_in(plain.circuit)
    if few < many:
        why = tr("pairs commute: {few} gates of two qubits instead of {many}", few=few, many=many)
        return Compiled(ours.circuit, ours.start, ours.end, ours.router, why)
    why = tr("the router of commuting pairs came to {many} gates of two qubits, this to {few}", few=many, many=few)
    return Compiled(plain.circuit, plain.start, plain.end, plain.router, why)


def pairs_in(circuit: Any) -> int:
    """Return how many gates of two or more qubits a circuit has."""
    return sum(len(item.qubits) > 1 for item in circuit.data if item.operation.name not in ("barrier", "if_else"))


def _worth(found: layers.Layered, router: str) -> bool:
    return router == "commuting" or sum(len(layer.pairs) for layer in found.layers) >= _FEWEST_PAIRS


def _layered(circuit: Any) -> layers.Layered | None:
    plain = transpile(circuit, basis_gates=list(_PLAIN), optimization_level=0)
    return layers.layered(layers.folded(describe(plain)))


def _by_qiskit(circuit: Any, target: Any, level: int, seed: int) -> Compiled:
    made = transpile(circuit, target=target, optimization_level=level, seed_transpiler=seed % (1 << 31))
    if made.layout is None:
        same = tuple(range(circuit.num_qubits))
        return Compiled(made, same, same, "qiskit", tr("Qiskit's level {level}", level=level))
    start = tuple(made.layout.initial_index_layout(filter_ancillas=True))
    end = tuple(made.layout.final_index_layout(filter_ancillas=True))
    return Compiled(made, start, end, "qiskit", tr("Qiskit's level {level}", level=level))


def _by_routes(  # noqa: PLR0917 - called once
    circuit: Any, found: layers.Layered, target: Any, device: Device, level: int, seed: int, report: Report, stop: Stop,
) -> Compiled:  # fmt: skip
    way = routing.routed(found, circuit.num_qubits, device, seed, report=report, stop=stop)
    bare = built(way.ops, device.qubits, circuit)
    made = transpile(
        bare, target=target, optimization_level=max(2, level), initial_layout=list(range(device.qubits)),
        routing_method="none", seed_transpiler=seed % (1 << 31),
    )  # fmt: skip
    return Compiled(made, way.start, way.end, "commuting", tr("asked for by name"))


def built(ops: Sequence[Op], qubits: int, like: Any = None) -> Any:
    """Return Qiskit's circuit of plain operations on `qubits` qubits, with the classical bits of `like`."""
    made = QuantumCircuit(qubits)
    if like is not None:
        made.add_bits([bit for bit in like.clbits if bit not in made.clbits])
        made.add_register(*like.cregs)
    for op in ops:
        if op.name == "measure":
            made.measure(op.qubits[0], op.clbits[0])
        elif op.name != "id":
            getattr(made, op.name)(*op.params, *op.qubits)
    return made
