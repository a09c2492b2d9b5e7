"""Clifford circuits and means by light cones, beside Qiskit Aer `automatic`: CPU seconds on one thread.

Prints JSON lines {figure, value, unit, peer, settings}. `--qubits` sets the width of the brickwork of random Clifford gates,
whose sampling is included; of both sides the best of as many rounds counts. The
mean is of ZZ in the middle of `--wide` qubits under four layers of random gates. Aer's
truncation is off, as its means are wrong with it (qiskit-aer 0.18, issue 2442): what it gives with it stands in the settings.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator

from app.engine.circuits import observables
from app.engine.circuits.adapters import aer, expectation, simulation


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


def shallow(qubits: int, layers: int, seed: int) -> Any:
    """Return layers of random gates and CX between neighbours."""
    random, circuit = np.random.default_rng(np.random.SeedSequence(seed)), QuantumCircuit(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            circuit.u(*random.uniform(0, 6, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return circuit


def aer_mean(circuit: Any, ends: list[int], *, truncates: bool) -> tuple[float, float]:
    """Return (CPU seconds, mean) of ZZ by Aer automatic."""
    begin_s = time.process_time()
    low = aer.lowered(circuit, "shallow")
    low.save_expectation_value(Pauli("ZZ"), ends, label="mean")
    peer = AerSimulator(method="automatic", max_parallel_threads=1, enable_truncation=truncates)
    done = peer.run(low, shots=1).result()
    if not done.success:
        raise SystemExit(f"the peer failed: {done.status}")
    return time.process_time() - begin_s, float(np.real(done.data(0)["mean"]))


def light_cone(wide: int) -> None:
    """Print how much faster a mean is by its light cone."""
    circuit, ends = shallow(wide, 4, 0), [wide // 2, wide // 2 + 1]
    terms = observables.read(f"Z{ends[0]} Z{ends[1]}", wide)
    begin_s = time.process_time()
    found = expectation.means(expectation.plain(circuit, "shallow"), terms, "shallow", aer.free_bytes())
    ours_s = time.process_time() - begin_s
    theirs_s, mean = aer_mean(circuit, ends, truncates=False)
    if abs(mean - found.values[0]) > 1e-6:
        raise SystemExit(f"the means differ: {found.values[0]} and {mean}")
    quick_s, wrong = aer_mean(circuit, ends, truncates=True)
    settings = {"qubits": wide, "layers": 4, "depends_on": found.widths[0], "ours_s": round(ours_s, 4),
                "with_truncation": {"cpu_s": round(quick_s, 4), "off_by": round(abs(wrong - mean), 4)}}  # fmt: skip
    line = {"figure": "lightcone.speedup", "value": round(theirs_s / ours_s, 1), "unit": "times",
            "peer": f"Aer automatic {theirs_s:.2f} s", "settings": settings}  # fmt: skip
    print(json.dumps(line))


def ours_s(circuit: Any, name: str, shots: int, rounds: int) -> tuple[float, str]:
    """Return (CPU seconds from reading the circuit to counts, the simulator), the best of `rounds`."""
    best, told = math.inf, ""
    for _ in range(rounds):
        begin_s = time.process_time()
        ready = simulation.prepared(circuit, "brickwork", {"shots": shots}, 1)
        plan = simulation.planned(ready, aer.free_bytes(), name)
        told = simulation.done(ready, plan, seed=1, name="brickwork").simulator
        best = min(best, time.process_time() - begin_s)
    return best, told


def aer_s(circuit: Any, shots: int, rounds: int) -> float:
    """Return CPU seconds of Aer automatic until counts, the best of `rounds`."""
    best = math.inf
    for _ in range(rounds):
        peer = AerSimulator(method="automatic", max_parallel_threads=1)
        begin_s = time.process_time()
        done = peer.run(circuit, shots=shots, seed_simulator=1).result()
        if not done.success:
            raise SystemExit(f"the peer failed: {done.status}")
        done.get_counts()
        best = min(best, time.process_time() - begin_s)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=500)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--wide", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3, help="of each side, the best of which counts")
    given = parser.parse_args()
    circuit = brickwork(given.qubits, given.layers, 0)
    ours = {name: ours_s(circuit, name, given.shots, given.rounds) for name in ("auto", "clifford")}
    theirs_s = aer_s(circuit, given.shots, given.rounds)
    settings = {"qubits": given.qubits, "layers": given.layers, "shots": given.shots, "rounds": given.rounds,
                "aer_s": round(theirs_s, 2)}  # fmt: skip
    for figure, name in (("clifford.speedup", "auto"), ("clifford.speedup_without_extras", "clifford")):
        spent_s, simulator = ours[name]
        line = {"figure": figure, "value": round(theirs_s / spent_s, 1), "unit": "times", "peer": "Aer automatic",
                "settings": {**settings, "simulator": simulator, "ours_s": round(spent_s, 3)}}  # fmt: skip
        print(json.dumps(line))
    light_cone(given.wide)


if __name__ == "__main__":
    main()
