"""Samples Clifford circuits on stim where it is installed (Gidney, 2021, "Stim: a fast stabilizer circuit simulator").

It measures and resets anywhere, and takes random Pauli errors. Readouts err after the fact, each bit by the figures of its
place: nothing here depends on a bit that was read. Equal seeds give equal counts on machines with equal vector instructions.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from app.engine.circuits import clifford
from app.engine.circuits.clifford import Bits
from app.engine.circuits.noise import Follower, Hit, Noise
from app.engine.circuits.records import Circuit

CHUNK: Final = 1 << 14  # shots drawn at a time
_NAMES: Final = {
    "h": "H", "x": "X", "y": "Y", "z": "Z", "s": "S", "sdg": "S_DAG", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG", "cx": "CX",
    "cy": "CY", "cz": "CZ", "swap": "SWAP", "measure": "M", "reset": "R",
}  # fmt: skip
# The echo is no gate of stim's: Rzx(π/4) X Rzx(-π/4) as the steps that `clifford` follows.
_ECHO: Final = "S {0}\nSQRT_X {1}\nCX {0} {1}\nX {0}"


def available() -> bool:
    """Tell whether stim is installed, without loading it."""
    return importlib.util.find_spec("stim") is not None


def sample(circuit: Circuit, shots: int, seed: int, noise: Noise | None = None) -> Bits:
    """Return outcomes (shots, bits) of a circuit that `clifford.follows`; bits nobody writes stay 0."""
    package: Any = importlib.import_module("stim")
    lines, written, count = [], dict[int, tuple[int, int]](), 0
    follower = Follower(noise) if noise is not None else None
    for op in circuit.ops:
        before, after = follower.around(op) if follower is not None else ((), ())
        lines += [_error(hit) for hit in before]
        for step in clifford.quartered(op):
            lines += _lines(step.name, step.qubits)
        lines += [_error(hit) for hit in after]
        if op.name == "measure":
            written[op.clbits[0]] = (count, op.qubits[0])
            count += 1
    if circuit.qubits:
        lines.append(f"I {len(circuit.qubits) - 1}")
    sampler = package.Circuit("\n".join(lines)).compile_sampler(seed=seed % 2**63)
    bits = np.zeros((shots, len(circuit.clbits)), np.uint8)
    into, of = list(written), [at for at, _ in written.values()]
    for start in range(0, shots, CHUNK):
        size = min(CHUNK, shots - start)
        bits[start : start + size, into] = sampler.sample(size)[:, of]
    if noise is not None:
        _misread(bits, written, noise, np.random.default_rng(np.random.SeedSequence([seed, 1])))
    return bits


def _lines(name: str, qubits: tuple[int, ...]) -> Iterator[str]:
    if name == "ecr":
        yield _ECHO.format(*qubits)
    elif name in _NAMES:
        yield f"{_NAMES[name]} {' '.join(map(str, qubits))}"


def _error(hit: Hit) -> str:
    # Replaced by noise at random is one of all 4^n Pauli gates, the identity among them; stim counts the others.
    others = hit.depolarised * (1 - 0.25 ** len(hit.qubits))
    return f"DEPOLARIZE{len(hit.qubits)}({others}) {' '.join(map(str, hit.qubits))}"


def _misread(bits: Bits, written: dict[int, tuple[int, int]], noise: Noise, rng: np.random.Generator) -> None:
    for bit, (_, qubit) in written.items():
        place = noise.places[qubit]
        if place.read_0_as_1 or place.read_1_as_0:
            wrong = np.where(bits[:, bit] == 1, place.read_1_as_0, place.read_0_as_1)
            bits[:, bit] ^= (rng.random(len(bits)) < wrong).astype(np.uint8)
