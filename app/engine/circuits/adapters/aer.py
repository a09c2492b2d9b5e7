"""Runs a Qiskit circuit on Qiskit Aer: decomposed as needed, by the method chosen beforehand, with a seed."""

import math
import os
import re
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import psutil
from qiskit import QuantumCircuit, transpile
from qiskit.exceptions import QiskitError
from qiskit_aer import AerSimulator

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.circuits import states
from app.engine.circuits.adapters import expanded
from app.engine.circuits.adapters.noisy import with_errors
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.method import choose
from app.engine.circuits.records import Bonds, Choice, Outcome
from app.engine.circuits.selection import Ask

MOST_KEY_BYTES = 3_000_000
# What the matrix product state method knows, the narrowest general one of the three.
BASIS = (
    "h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id", "rx", "ry", "rz", "p", "r", "u", "u1", "u2", "u3",
    "cx", "cy", "cz", "cp", "csx", "swap", "ecr", "rxx", "ryy", "rzz", "rzx", "ccx", "cswap", "measure", "reset", "delay",
)  # fmt: skip


_REFERENCE_S = 1.8e-3  # seconds of the same on the machine the constants in `selection` are from
_HADAMARD = np.array([[1, 1], [1, -1]], np.complex128) * math.sqrt(0.5)
_MPS = "matrix_product_state"
_BONDS = re.compile(r"BD=\[([^\]]*)\]")
_CUT = re.compile(r"discarded_value=([0-9.eE+-]+)")


class _Log:
    """Aer's log of matrix product states, which only grows while its process lives: each run's own part of it."""

    def __init__(self) -> None:
        self._seen = 1  # its opening brace

    def fresh(self, log: str) -> str:
        """Return what was added since the last call."""
        if len(log) < self._seen:
            return ""
        new, self._seen = log[self._seen :], len(log) - 1
        return new


_LOG = _Log()


def free_bytes() -> int:
    """Return the memory that can be had without swapping."""
    return int(psutil.virtual_memory().available)


@cache
def pace() -> float:
    """Return how much slower this machine works on amplitudes than the one the predictions' constants are from."""
    # Time of this thread, where its clock is fine enough, does not count what other programs take.
    now = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-5 else time.perf_counter
    state = np.full(1 << 16, 1 / 256, np.complex128)
    best = math.inf
    for _ in range(12):
        start = now()
        states.apply(state, _HADAMARD, [8])
        best = min(best, now() - start)
    return min(10.0, max(0.1, best / _REFERENCE_S))


def threads() -> int:
    """Return how many threads Aer shares the amplitudes among."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else os.cpu_count() or 1


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


def lowered(circuit: Any, name: str, basis: Sequence[str] = BASIS) -> Any:
    """Return `circuit` in gates every method of Aer knows or can be asked about; definitions are opened."""
    if circuit.parameters:
        names = ", ".join(sorted(parameter.name for parameter in circuit.parameters)[:5])
        raise BadInput("{file}: the free parameters {names} have no value", file=name, names=names)
    expanded.check(circuit, name, loops=True)  # Aer unrolls loops
    try:
        # Basis gates only: a target made from a method refuses circuits of more than 63 qubits.
        return transpile(circuit, basis_gates=list(basis), optimization_level=0)
    except QiskitError as error:
        reason = " ".join(str(error.message if hasattr(error, "message") else error).split())[:300]
        raise BadInput("{file}: cannot be simulated: {reason}", file=name, reason=reason) from None


def plan(circuit: Any, name: str, free: int) -> tuple[Any, Choice]:
    """Return the lowered circuit and the choice of method; raise `Limit` when it does not fit into `free` bytes."""
    low = lowered(circuit, name)
    return low, choose(describe(low), free)


def run(low: Any, choice: Choice, ask: Ask, *, seed: int, name: str) -> Outcome:
    """Return the outcome of the runs of a lowered circuit; equal seeds give equal counts on any number of threads."""
    options: dict[str, Any] = {"method": "statevector" if choice.method == "trajectories" else choice.method}
    if choice.single:
        options["precision"] = "single"
    if choice.method == _MPS:
        options |= {"mps_log_data": True, **({"matrix_product_state_max_bond_dimension": ask.bond} if ask.bond else {})}
    if ask.noise is not None:
        low, options["noise_model"] = with_errors(low, ask.noise)
    simulator = AerSimulator(max_parallel_shots=1, max_parallel_experiments=1, **options)
    word = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) >> 1
    start = time.perf_counter()
    done = simulator.run(low, shots=ask.shots, seed_simulator=word).result()
    wall_s = time.perf_counter() - start
    if not done.success:
        reason = " ".join(str(done.results[0].status if done.results else done.status).split())[:300]
        raise BadInput("{file}: the simulator refused it: {reason}", file=name, reason=reason)
    counts, other = trimmed(done.get_counts())
    log = _LOG.fresh(str(done.results[0].metadata.get("MPS_log_data", "")))
    bonds = bonds_of(log) if choice.method == _MPS else None
    return Outcome(counts, choice.method, _why(choice), wall_s, choice.memory_bytes, other, bonds)


def _why(choice: Choice) -> str:
    if choice.method == "trajectories":
        return tr("{why}; on Qiskit Aer, a state vector for each shot", why=choice.why)
    return tr("{why}; on Qiskit Aer", why=choice.why)


def bonds_of(log: str) -> Bonds:
    """Return the largest bond in Aer's log of a matrix product state, and the share of the state its truncations cut off."""
    largest = max((int(number) for row in _BONDS.findall(log) for number in row.split()), default=1)
    kept = math.prod(1 - min(1.0, float(value)) for value in _CUT.findall(log))
    return Bonds(largest, 1 - kept)


def trimmed(counts: dict[str, int], most_bytes: int = MOST_KEY_BYTES) -> tuple[dict[str, int], int]:
    """Return the most frequent outcomes whose keys fit into `most_bytes`, and the shots of those left out."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        return {}, 0
    most = max(1, most_bytes // (len(ordered[0][0]) + 16))
    return dict(ordered[:most]), sum(shots for _, shots in ordered[most:])
