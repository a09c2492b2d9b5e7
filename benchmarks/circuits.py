"""Clifford circuits: Outpost's sampler beside Qiskit Aer `automatic`, CPU seconds on one thread, sampling included.

Prints JSON lines {figure, value, unit, peer, settings}. `--qubits` sets the width of the brickwork of random Clifford gates.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from app.engine.circuits import selection
from app.engine.circuits.adapters import aer
from app.engine.circuits.adapters.qiskit_read import describe


def brickwork(qubits: int, layers: int, seed: int) -> Any:
    random = np.random.default_rng(np.random.SeedSequence(seed))
    circuit = QuantumCircuit(qubits, qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            getattr(circuit, str(random.choice(["h", "s", "sx"])))(qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=500)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--shots", type=int, default=1000)
    given = parser.parse_args()
    circuit = brickwork(given.qubits, given.layers, 0)
    aer.lowered(brickwork(3, 1, 0), "warm")
    begin_s = time.process_time()
    low = aer.lowered(circuit, "brickwork")
    choice, _predicted, _others = selection.select(describe(low), aer.free_bytes(), given.shots)
    aer.run_clifford(low, choice, shots=given.shots, seed=1)
    ours_s = time.process_time() - begin_s
    peer = AerSimulator(method="automatic", max_parallel_threads=1)
    begin_s = time.process_time()
    done = peer.run(circuit, shots=given.shots, seed_simulator=1).result()
    theirs_s = time.process_time() - begin_s
    if not done.success:
        raise SystemExit(f"the peer failed: {done.status}")
    done.get_counts()
    settings = {"qubits": given.qubits, "layers": given.layers, "shots": given.shots, "ours_s": round(ours_s, 3)}
    line = {"figure": "clifford.speedup", "value": round(theirs_s / ours_s, 1), "unit": "times",
            "peer": f"Aer automatic {theirs_s:.2f} s", "settings": settings}  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
