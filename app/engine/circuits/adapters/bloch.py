"""Bloch vectors of a circuit's qubits before its final measurement: <X>, <Y> and <Z> of each, saved by Qiskit Aer.

Nielsen and Chuang, "Quantum Computation and Quantum Information", section 2.4: rho = (1 + xX + yY + zZ) / 2; the length of the
vector is below 1 where the qubit is entangled with another. A circuit that measures or resets on its way is averaged over runs.
"""

from typing import Any

import numpy as np
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.adapters import aer

MOST_QUBITS = 64
RUNS = 512
_ON_THE_WAY = frozenset({"measure", "reset", "if_else", "while_loop", "for_loop", "switch_case"})


def vectors(circuit: Any, name: str, seed: int) -> dict[str, Any]:
    """Return {vectors: n of [x, y, z], simulator, why, exact}; the first is qubit 0."""
    if circuit.num_qubits > MOST_QUBITS:
        raise Limit(
            "{file}: Bloch vectors are drawn for {most} qubits at most, not {qubits}",
            file=name, most=MOST_QUBITS, qubits=circuit.num_qubits,
        )  # fmt: skip
    bare = circuit.remove_final_measurements(inplace=False)
    low, choice = aer.plan(bare, name, aer.free_bytes())
    exact = not any(item.operation.name in _ON_THE_WAY for item in low.data)
    for qubit in range(bare.num_qubits):
        for axis in "XYZ":
            low.save_expectation_value(Pauli(axis), [qubit], label=f"{axis}{qubit}")
    word = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) >> 1
    done = (
        AerSimulator(method=choice.method, enable_truncation=False)
        .run(low, shots=1 if exact else RUNS, seed_simulator=word)
        .result()
    )
    if not done.success:
        reason = " ".join(str(done.results[0].status if done.results else done.status).split())[:300]
        raise BadInput("{file}: the simulator refused it: {reason}", file=name, reason=reason)
    data = done.data(0)
    rows = [[round(float(np.real(data[f"{axis}{qubit}"])), 9) for axis in "XYZ"] for qubit in range(bare.num_qubits)]
    return {"vectors": rows, "simulator": f"aer {choice.method}", "why": choice.why, "exact": exact}
