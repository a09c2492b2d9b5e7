"""QAOA on a heavy-hex map: gates of two qubits after Outpost's router, beside ten seeds of Qiskit's level 3.

One layer over a random 3-regular graph of 100 nodes, on the 127 places of IBM Brisbane; `--graphs` repeats it over others.
Prints JSON lines {figure, value, unit, peer, settings}: the share of gates saved against the median of the seeds, the worst
graph, and the CPU seconds of our route, its finish by Qiskit included. Every result is checked against its circuit.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import networkx as nx
from qiskit import QuantumCircuit

from app.engine.circuits import devices
from app.engine.circuits.adapters import compiler, equality


def qaoa(nodes: int, seed: int) -> Any:
    """Return a layer of phases over a 3-regular graph and a turn of every qubit."""
    circuit = QuantumCircuit(nodes, nodes)
    circuit.h(range(nodes))
    for a, b in nx.random_regular_graph(3, nodes, seed=seed).edges:
        circuit.rzz(0.4, a, b)
    circuit.rx(0.7, range(nodes))
    circuit.measure(range(nodes), range(nodes))
    return circuit


def main() -> None:
    """Route each graph and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--graphs", type=int, default=3)
    parser.add_argument("--device", default="ibm_brisbane")
    given = parser.parse_args()
    device = devices.read(devices.known()[given.device])
    compiler.compiled(qaoa(8, 0), "warm", device, level=3, router="commuting", seed=0)
    saved, took, rows = [], [], []
    for graph in range(given.graphs):
        circuit = qaoa(given.nodes, graph)
        begin_s, begin_wall_s = time.process_time(), time.perf_counter()
        ours = compiler.compiled(circuit, "qaoa", device, level=3, router="commuting", seed=0)
        took.append(time.process_time() - begin_s)
        wall_s = time.perf_counter() - begin_wall_s
        verdict = equality.compare(circuit, ours, 0)["verdict"]
        if verdict not in ("equal", "close"):
            raise SystemExit(f"graph {graph}: the routed circuit is {verdict}")
        theirs = [
            compiler.pairs_in(compiler.compiled(circuit, "qaoa", device, level=3, router="qiskit", seed=seed).circuit)
            for seed in range(given.seeds)
        ]
        gates = compiler.pairs_in(ours.circuit)
        saved.append(1 - gates / statistics.median(theirs))
        rows.append({"ours": gates, "median": statistics.median(theirs), "least": min(theirs), "checked": verdict,
                     "cpu_s": round(took[-1], 2), "wall_s": round(wall_s, 2)})  # fmt: skip
        print(json.dumps({"graph": graph, **rows[-1]}), file=sys.stderr, flush=True)
    settings = {"nodes": given.nodes, "device": given.device, "seeds": given.seeds, "graphs": rows}
    peer = f"Qiskit level 3, median of {given.seeds} seeds"
    for figure, value, unit in (
        ("routing.saved_ratio", round(min(saved), 3), "ratio"), ("routing.cpu_s", round(max(took), 2), "s"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": settings}))


if __name__ == "__main__":
    main()
