"""The quantum Fourier transform, and phase estimation with it, as circuits of elementary gates.

Nielsen and Chuang, "Quantum Computation and Quantum Information", sections 5.1 and 5.2. Beside them stand numpy's fast Fourier
transform, and the phase that was put in.
"""

import math
from typing import Any

import numpy as np

from app.engine.base.contracts import Report, Stop
from app.engine.circuits import states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks.base import NO, Finding, Param, Task


def transform(wires: int, *, inverse: bool = False, first: int = 0) -> list[Op]:
    """Return the gates of the transform on `wires` qubits from `first` on; amplitude k goes to exp(2 pi i j k / 2^n)."""
    ops: list[Op] = []
    for at in reversed(range(wires)):
        ops.append(Op("h", (first + at,)))
        ops += [Op("cp", (first + low, first + at), (math.pi / (1 << (at - low)),), (), "", 1) for low in reversed(range(at))]
    ops += [Op("swap", (first + at, first + wires - 1 - at)) for at in range(wires // 2)]
    if not inverse:
        return ops
    return [Op(op.name, op.qubits, tuple(-float(one) for one in op.params), (), "", op.controls) for op in reversed(ops)]


def work_transform(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Transform a drawn state."""
    wires = values["qubits"]
    vector = rng.normal(size=1 << wires) + 1j * rng.normal(size=1 << wires)
    vector /= np.linalg.norm(vector)
    circuit = Circuit("qft", tuple(f"q[{at}]" for at in range(wires)), (), tuple(transform(wires)))
    state, _ = states.evolve(circuit, stop=stop, state=vector.astype(np.complex128))
    reference = np.fft.ifft(vector) * math.sqrt(1 << wires)
    error = float(np.abs(state - reference).max())
    classical = wires * (1 << wires)
    return Finding(
        {"gates": len(circuit.ops), "largest_difference": error, "agrees": error < 1e-9},
        {"method": "fast Fourier transform", "multiplications": classical},
        NO, "few gates, but all amplitudes can neither be put in nor read out at that price", error,
        1.0 if error < 1e-9 else 0.0, circuit,
    )  # fmt: skip


def work_phase(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Estimate a phase."""
    wires, phase, shots = values["qubits"], values["phase"], values["shots"]
    ops = [*(Op("h", (at,)) for at in range(wires)), Op("x", (wires,))]
    ops += [Op("cp", (at, wires), (math.tau * phase * (1 << at) % math.tau,), (), "", 1) for at in range(wires)]
    labels = (*(f"t[{at}]" for at in range(wires)), "u[0]")
    circuit = Circuit("phase", labels, (), (*ops, *transform(wires, inverse=True)))
    state, _ = states.evolve(circuit, stop=stop)
    drawn = states.sample(state, shots, rng) & ((1 << wires) - 1)
    found = np.bincount(drawn, minlength=1 << wires)
    best = int(found.argmax())
    share = float(found[best] / shots)
    off = abs((best / (1 << wires) - phase + 0.5) % 1 - 0.5)
    return Finding(
        {"phase": best / (1 << wires), "difference": off, "resolution": 2.0**-wires, "within_resolution": off <= 2.0**-wires,
         "share_of_best": share},
        {"method": "the phase that was put in", "phase": phase, "least_share_of_best": 4 / math.pi**2},
        NO, "the phase of this small operation is known beforehand", off, share, circuit, shots,
        {"counts": {f"{at:0{wires}b}": int(found[at]) for at in np.flatnonzero(found)[:64]}},
    )  # fmt: skip


FOURIER = Task(
    "fourier", "Quantum Fourier transform",
    "Turns amplitudes into those of their frequencies, with n (n + 1) / 2 gates and swaps.",
    (
        "A Hadamard on each qubit, then turns controlled by those below it.",
        "Swaps put the qubits into the other order.",
        "The fast Fourier transform of the same numbers stands beside it.",
    ),
    (Param("qubits", "Qubits.", 8, 1, 14),),
    work_transform,
    "Largest difference of an amplitude from that of the fast Fourier transform.",
    "1 where all amplitudes agree to 1e-9, otherwise 0.",
)  # fmt: skip

PHASE = Task(
    "phase", "Phase estimation",
    "Reads the phase that an operation gives one of its states, bit by bit.",
    (
        "Counting qubits in superposition control powers of the operation.",
        "Each power writes one bit of the phase into the turn of a qubit.",
        "The inverse Fourier transform makes the turns readable.",
    ),
    (
        Param("qubits", "Counting qubits: bits of the phase.", 8, 1, 14),
        Param("phase", "The phase to be found, in turns.", 0.3, 0.0, 1.0),
        Param("shots", "How often it is measured.", 1000, 1, 1_000_000),
    ),
    work_phase,
    "How far the phase found is from the one that was put in, in turns.",
    "Share of the shots that gave the phase found.",
)  # fmt: skip
