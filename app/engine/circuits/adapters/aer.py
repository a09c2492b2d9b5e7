"""Runs a Qiskit circuit on Qiskit Aer: decomposed as needed, by the method chosen beforehand, with a seed."""

import time
from typing import Any

import numpy as np
import psutil
from qiskit import QuantumCircuit, transpile
from qiskit.exceptions import QiskitError
from qiskit_aer import AerSimulator

from app.engine.base.errors import BadInput
from app.engine.circuits import clifford, selection
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.method import choose
from app.engine.circuits.records import Choice, Outcome
from app.engine.circuits.selection import Offer

MOST_KEY_BYTES = 3_000_000
# What the matrix product state method knows, the narrowest general one of the three.
BASIS = (
    "h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id", "rx", "ry", "rz", "p", "r", "u", "u1", "u2", "u3",
    "cx", "cy", "cz", "cp", "csx", "swap", "ecr", "rxx", "ryy", "rzz", "rzx", "ccx", "cswap", "measure", "reset", "delay",
)  # fmt: skip


def free_bytes() -> int:
    """Return the memory that can be had without swapping."""
    return int(psutil.virtual_memory().available)


def measured(circuit: Any) -> tuple[Any, str]:
    """Return the circuit with a measurement, and a note when one had to be added for every qubit."""
    if _measures(circuit):
        return circuit, ""
    full = circuit.copy() if any(item.clbits for item in circuit.data) else _without_bits(circuit)
    full.measure_all(add_bits=True)
    return full, "The file measures nothing, so every qubit is measured at the end."


def _without_bits(circuit: Any) -> Any:
    """Return `circuit` without its unused classical bits, which would only add zeros to every outcome."""
    bare = QuantumCircuit(circuit.qubits, *circuit.qregs, name=circuit.name)
    for item in circuit.data:
        bare.append(item)
    return bare


def _measures(circuit: Any) -> bool:
    return any(
        item.operation.name == "measure" or any(_measures(block) for block in getattr(item.operation, "blocks", ()))
        for item in circuit.data
    )


def lowered(circuit: Any, name: str) -> Any:
    """Return `circuit` in gates every method of Aer knows or can be asked about; definitions are opened."""
    if circuit.parameters:
        names = ", ".join(sorted(parameter.name for parameter in circuit.parameters)[:5])
        raise BadInput("{file}: the free parameters {names} have no value", file=name, names=names)
    try:
        # Basis gates only: a target made from a method refuses circuits of more than 63 qubits.
        return transpile(circuit, basis_gates=list(BASIS), optimization_level=0)
    except QiskitError as error:
        reason = " ".join(str(error.message if hasattr(error, "message") else error).split())[:300]
        raise BadInput("{file}: cannot be simulated: {reason}", file=name, reason=reason) from None


def plan(circuit: Any, name: str, free: int) -> tuple[Any, Choice]:
    """Return the lowered circuit and the choice of method; raise `Limit` when it does not fit into `free` bytes."""
    low = lowered(circuit, name)
    return low, choose(describe(low), free)


def select(circuit: Any, name: str, free: int, shots: int, simulator: str) -> tuple[Any, Choice, Offer, list[Offer]]:
    """Return the lowered circuit, the choice for `shots` runs, its prediction and the other offers; raises as `selection`."""
    low = lowered(circuit, name)
    return low, *selection.select(describe(low), free, shots, simulator)


def run_clifford(low: Any, choice: Choice, *, shots: int, seed: int) -> Outcome:
    """Return the outcome of `shots` draws from the stabilizer group of a lowered circuit."""
    start = time.perf_counter()
    bits = clifford.sample(describe(low), shots, np.random.default_rng(np.random.SeedSequence(seed)))
    counts, other = trimmed(clifford.keys(bits, [register.size for register in low.cregs]))
    return Outcome(counts, "clifford", choice.why, time.perf_counter() - start, choice.memory_bytes, other)


def run(low: Any, choice: Choice, *, shots: int, seed: int, name: str) -> Outcome:
    """Return the outcome of `shots` runs of a lowered circuit; equal seeds give equal counts on any number of threads."""
    simulator = AerSimulator(method=choice.method, max_parallel_shots=1, max_parallel_experiments=1)
    word = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) >> 1
    start = time.perf_counter()
    done = simulator.run(low, shots=shots, seed_simulator=word).result()
    wall_s = time.perf_counter() - start
    if not done.success:
        reason = " ".join(str(done.results[0].status if done.results else done.status).split())[:300]
        raise BadInput("{file}: the simulator refused it: {reason}", file=name, reason=reason)
    counts, other = trimmed(done.get_counts())
    return Outcome(counts, f"aer {choice.method}", choice.why, wall_s, choice.memory_bytes, other)


def trimmed(counts: dict[str, int], most_bytes: int = MOST_KEY_BYTES) -> tuple[dict[str, int], int]:
    """Return the most frequent outcomes whose keys fit into `most_bytes`, and the shots of those left out."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        return {}, 0
    most = max(1, most_bytes // (len(ordered[0][0]) + 16))
    return dict(ordered[:most]), sum(shots for _, shots in ordered[most:])
