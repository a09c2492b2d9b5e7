"""A circuit with the errors of a noise written into it, for Qiskit Aer; readouts go into Aer's noise model.

Relaxation and depolarising are Aer's own channels (its documentation, "Noise models"): a density matrix takes them whole,
trajectories draw one of their parts at random in each run.
"""

from typing import Any

from qiskit import QuantumCircuit
from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError, depolarizing_error, thermal_relaxation_error

from app.engine.base.errors import BadInput
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.noise import Follower, Hit, Noise

# What errors are told for: gates of one and two qubits. Wider ones are opened into these.
BASIS = (
    "h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id", "rx", "ry", "rz", "p", "r", "u", "u1", "u2", "u3",
    "cx", "cy", "cz", "cp", "swap", "ecr", "rxx", "ryy", "rzz", "rzx", "measure", "reset", "delay",
)  # fmt: skip


def narrowed(circuit: Any) -> tuple[Any, tuple[int, ...]]:
    """Return a compiled circuit on the places it uses alone, and those places in order.

    A place that only waits is not used, unless a barrier lets others wait for it.
    """
    used = sorted(_used(circuit))
    at = {circuit.qubits[place]: number for number, place in enumerate(used)}
    made = QuantumCircuit(len(used), name=circuit.name)
    made.add_bits([bit for bit in circuit.clbits if not circuit.find_bit(bit).registers])
    made.add_register(*circuit.cregs)
    for item in circuit.data:
        kept = [at[bit] for bit in item.qubits if bit in at]
        if item.operation.name == "barrier":
            if len(kept) > 1:
                made.barrier(kept)
        elif len(kept) == len(item.qubits):
            made.append(item.operation, kept, item.clbits)
    return made, tuple(used)


def _used(circuit: Any) -> set[int]:
    """Return the places with anything but barriers, those that only wait when a barrier holds them together with others."""
    found, waiting, held = set[int](), set[int](), set[int]()
    for item in circuit.data:
        name, places = item.operation.name, {circuit.find_bit(bit).index for bit in item.qubits}
        if name == "delay":
            waiting |= places
        elif name == "barrier":
            held |= places if len(places) > 1 else set()
        else:
            found |= places
    return found | (waiting & held)


def with_errors(low: Any, noise: Noise) -> tuple[Any, Any]:
    """Return (circuit with its errors, noise model of its readouts); raises `BadInput` for conditions and loops."""
    made, follower, known = low.copy_empty_like(), Follower(noise), dict[Hit, Any]()
    ops = describe(low).ops
    if len(ops) != len(low.data):
        raise BadInput("Noise cannot be followed through conditions and loops", field="noise")
    for item, op in zip(low.data, ops, strict=True):
        before, after = follower.around(op)
        _put(made, before, known)
        made.append(item)
        _put(made, after, known)
    model = NoiseModel()
    for number, place in enumerate(noise.places):
        wrong = (place.read_0_as_1, place.read_1_as_0)
        if any(wrong):
            table = [[1 - wrong[0], wrong[0]], [wrong[1], 1 - wrong[1]]]
            model.add_readout_error(ReadoutError(table), [number])
    return made, model


def _put(made: Any, hits: list[Hit], known: dict[Hit, Any]) -> None:
    for hit in hits:
        # One object for each kind of error, whatever qubits it stands on: Aer keeps a table of them.
        kind = Hit(tuple(range(len(hit.qubits))), hit.depolarised, hit.wait_s, hit.t1_s, hit.t2_s)
        if kind not in known:
            known[kind] = _error(kind).to_instruction()
        made.append(known[kind], list(hit.qubits))


def _error(hit: Hit) -> QuantumError:
    if hit.depolarised:
        return depolarizing_error(hit.depolarised, len(hit.qubits))
    return thermal_relaxation_error(hit.t1_s, hit.t2_s, hit.wait_s)
