"""`--simulator auto` beside every single method over forty circuits; and its predictions from 22 qubits on.

CPU seconds on one thread, reading into gates and sampling 1,000 shots included, and for auto choosing; a single method is told
to run and plans nothing. Auto and the single methods take turns for `--budget` seconds a circuit, and the least of
each counts. A method that is predicted to take ten times the best one,
and over a second, is left out, as is Aer `automatic` beyond 20 qubits, where it takes what its state vector takes; a matrix
product state, whose prediction is an upper bound, runs all the same for as long as auto took (Linux). What is left out by our
own predictions is named in the settings. Of the times predicted, runs whose simulator a trial changed are left out, as the
prediction was of another one; the settings count them. Memory is the peak of a
process of its own above the same process before the run (Linux); `--memory` measures that alone. Prints JSON lines
{figure, value, unit, peer, settings}; a line per circuit goes to standard error. `--only NAME` runs the circuits whose name
holds NAME.
"""

import argparse
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import networkx as nx
import numpy as np
from qiskit import QuantumCircuit

from app.engine.circuits import selection
from app.engine.circuits.adapters import aer, qpy_file, simulation
from app.engine.circuits.records import Choice

REPO = Path(__file__).resolve().parents[1]
DATA = REPO.parent / "shared" / "data" / "qasm"
SAMPLES = REPO / "resources" / "samples"
FROM_QUBITS = 22
MOST_AUTOMATIC = 20
MOST_TURNS = 25
MALFORMED = {"vqe_uccsd_n4"}  # uses a register it does not declare


def brick(qubits: int, layers: int, seed: int = 0) -> Any:
    """Return layers of random gates on every qubit and CX between neighbours."""
    rng, circuit = np.random.default_rng(seed), QuantumCircuit(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return circuit


def fourier(qubits: int, number: int = 0) -> Any:
    """Return the Fourier transform of a number."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        if number >> qubit & 1:
            circuit.x(qubit)
    for high in reversed(range(qubits)):
        circuit.h(high)
        for low in range(high):
            circuit.cp(math.pi / 2 ** (high - low), low, high)
    return circuit


def chain(qubits: int) -> Any:
    """Return a chain of CX behind one turn that is no Clifford gate."""
    circuit = QuantumCircuit(qubits)
    circuit.ry(0.7, 0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def ising(qubits: int, steps: int) -> Any:
    """Return steps of an Ising chain in a field."""
    circuit = QuantumCircuit(qubits)
    for _ in range(steps):
        circuit.rx(0.3, range(qubits))
        for qubit in range(qubits - 1):
            circuit.rzz(0.2, qubit, qubit + 1)
    return circuit


def qaoa(qubits: int, layers: int) -> Any:
    """Return QAOA on a random 3-regular graph."""
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for _ in range(layers):
        for a, b in nx.random_regular_graph(3, qubits, seed=1).edges:
            circuit.rzz(0.4, a, b)
        circuit.rx(0.7, range(qubits))
    return circuit


def clifford(qubits: int, layers: int) -> Any:
    """Return a brickwork of random Clifford gates."""
    rng, circuit = np.random.default_rng(0), QuantumCircuit(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            getattr(circuit, str(rng.choice(["h", "s", "sx"])))(qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return circuit


def grid(side: int, layers: int) -> Any:
    """Return random gates on a square lattice."""
    rng, circuit = np.random.default_rng(0), QuantumCircuit(side * side)
    edges = list(nx.grid_2d_graph(side, side).edges)
    for _ in range(layers):
        for qubit in range(side * side):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        for (a, b), (c, d) in edges:
            circuit.rzz(0.3, a * side + b, c * side + d)
    return circuit


def scrambled(qubits: int, layers: int) -> Any:
    """Return layers of random gates and CX between random pairs."""
    rng, circuit = np.random.default_rng(2), QuantumCircuit(qubits)
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        order = rng.permutation(qubits).tolist()
        for a, b in zip(order[::2], order[1::2], strict=False):
            circuit.cx(a, b)
    return circuit


MADE: dict[str, Callable[[], Any]] = {
    "fourier-12": lambda: fourier(12, 5), "fourier-16": lambda: fourier(16, 9),
    "fourier-20": lambda: fourier(20, 699050), "fourier-22": lambda: fourier(22),
    "fourier-40": lambda: fourier(40, 99), "chain-20": lambda: chain(20), "chain-24": lambda: chain(24),
    "chain-60": lambda: chain(60), "brick-12": lambda: brick(12, 10), "brick-16": lambda: brick(16, 10),
    "brick-20": lambda: brick(20, 8), "brick-22": lambda: brick(22, 14), "brick-40": lambda: brick(40, 4),
    "ising-14": lambda: ising(14, 6), "ising-22": lambda: ising(22, 4), "ising-60": lambda: ising(60, 2),
    "qaoa-14": lambda: qaoa(14, 2), "qaoa-20": lambda: qaoa(20, 1), "qaoa-22": lambda: qaoa(22, 2),
    "clifford-30": lambda: clifford(30, 20), "clifford-200": lambda: clifford(200, 20), "grid-9": lambda: grid(3, 4),
    "grid-16": lambda: grid(4, 3), "scrambled-18": lambda: scrambled(18, 8), "scrambled-22": lambda: scrambled(22, 6),
}  # fmt: skip


def circuits() -> dict[str, Callable[[], Any]]:
    """Return the published circuits where the data is, else the bundled ones, and those made here."""
    files = [path for path in sorted((DATA if DATA.is_dir() else SAMPLES).glob("*.qasm")) if path.stem not in MALFORMED]
    return {path.stem: (lambda path=path: qpy_file.opened({"file": str(path)})[0]) for path in files} | MADE


def once(circuit: Any, simulator: str, shots: int) -> tuple[float, Any, Any, float]:
    """Return (CPU seconds in all, plan, outcome, CPU seconds of the run itself)."""
    begin = time.process_time()
    ready = simulation.prepared(aer.measured(circuit)[0], "c", {"shots": shots}, 1)
    plan = simulation.planned(ready, aer.free_bytes(), simulator) if simulator == "auto" else named(ready, simulator)
    ran = time.process_time()
    outcome = simulation.done(ready, plan, seed=1, name="c")
    end = time.process_time()
    return end - begin, plan, outcome, end - ran


def named(ready: Any, simulator: str) -> Any:
    """Return the plan of a method that is simply run, at no cost."""
    single = simulator in simulation.ALL_AMPLITUDES and selection.single(ready.plain, ready.ask.shots)
    return simulation.Plan(Choice(simulator, 0, "", single=single), selection.Offer(simulator, 0, 0.0), ())


def rivals(circuit: Any, plan: Any) -> list[str]:
    """Return the methods that may be the best one: predicted at most ten times the least, or under a second."""
    fitting = [one for one in (plan.predicted, *plan.others) if not one.reason]
    most_s = max(1.0, 10 * min(one.wall_s for one in fitting))
    names = [one.simulator for one in fitting if one.wall_s < most_s]
    return [*names, *(["automatic"] if circuit.num_qubits <= MOST_AUTOMATIC else [])]


def bounded(name: str, most_s: float, shots: int) -> float:
    """Return CPU seconds of a matrix product state in a process of its own that ends after `most_s`; infinity when it did."""
    line = [sys.executable, __file__, "--bounded", name, "--most", str(most_s), "--shots", str(shots)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(REPO)})
    return float(done.stdout) if done.returncode == 0 else math.inf


def tell_bounded(name: str, most_s: float, shots: int) -> None:
    """Print CPU seconds of a matrix product state; the system ends this process when it takes longer or 8 GiB."""
    circuit = circuits()[name]()
    once(brick(3, 1), "matrix_product_state", 10)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    spent_s = math.ceil(time.process_time() + most_s)
    resource.setrlimit(resource.RLIMIT_CPU, (spent_s, spent_s))
    print(once(circuit, "matrix_product_state", shots)[0])


def compared(name: str, circuit: Any, shots: int, budget_s: float) -> dict[str, Any]:
    """Return auto's seconds beside the best single method's, and the prediction beside what it took.

    All take turns, so that a load of other programs falls on all alike; the least of each counts. One that takes five times
    the best of the first round does not run again.
    """
    first = {"auto": once(circuit, "auto", shots)}
    names = rivals(circuit, first["auto"][1])
    first |= {one: once(circuit, one, shots) for one in names}
    least = {one: found[0] for one, found in first.items()}
    near = [one for one in first if least[one] < 5 * min(least.values())]
    auto, end_s = first["auto"], time.process_time() + budget_s
    for turn in range(MOST_TURNS):
        if turn > 1 and time.process_time() > end_s:
            break
        for one in near if turn % 2 else near[::-1]:
            found = once(circuit, one, shots)
            auto = found if one == "auto" and found[0] < auto[0] else auto
            least[one] = min(least[one], found[0])
    auto_s, plan, outcome, ran_s = auto
    if "matrix_product_state" not in names:
        least["matrix_product_state"] = bounded(name, auto_s, shots)
    singles = {one: value for one, value in least.items() if one != "auto" and value < math.inf}
    best = min(singles, key=lambda one: singles[one]) if singles else ""
    return {
        "circuit": name, "qubits": circuit.num_qubits, "auto_s": round(auto_s, 4), "simulator": outcome.simulator, "best": best,
        "best_s": round(singles[best], 4) if best else None, "ratio": round(auto_s / singles[best], 3) if best else 1.0,
        "predicted_s": round(plan.predicted.wall_s, 4), "ran_s": round(ran_s, 4),
        "as_predicted": not plan.trial or outcome.simulator.endswith(plan.predicted.simulator),
        "left_out": sorted({one.simulator for one in plan.others if not one.reason} - singles.keys()),
        "all_s": {one: round(value, 4) for one, value in singles.items()},
    }  # fmt: skip


def memory_now(field: str) -> int:
    """Return a size the system tells of this process, in bytes: VmRSS now, VmHWM at its peak (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def peak(name: str, simulator: str) -> None:
    """Print predicted and measured bytes of one state vector; run in a process of its own."""
    circuit = circuits()[name]()
    once(brick(4, 2), simulator, 100)
    ready = simulation.prepared(aer.measured(circuit)[0], "c", {"shots": 1000}, 1)
    plan = simulation.planned(ready, aer.free_bytes(), simulator)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    base = memory_now("VmRSS")
    simulation.done(ready, plan, seed=1, name="c")
    used = memory_now("VmHWM") - base
    told = {"predicted_bytes": plan.predicted.memory_bytes, "used_bytes": used}
    print(json.dumps({"circuit": name, "simulator": simulator, **told}))


def spent(names: list[str]) -> list[dict[str, Any]]:
    """Return predicted and measured memory of state vectors, each in a process of its own."""
    rows = []
    for name, simulator in itertools.product(names, ("statevector", *({"qsim"} & simulation.extras()))):
        line = [sys.executable, __file__, "--peak", name, "--simulator", simulator]
        done = subprocess.run(line, capture_output=True, text=True, check=True,
                              env={**os.environ, "PYTHONPATH": str(REPO)})  # fmt: skip
        rows.append(json.loads(done.stdout))
        print(done.stdout, end="", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Run the set and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--peak", default="")
    parser.add_argument("--simulator", default="statevector")
    parser.add_argument("--bounded", default="")
    parser.add_argument("--most", type=float, default=1.0)
    parser.add_argument("--memory", action="store_true", help="only the memory of state vectors")
    given = parser.parse_args()
    if given.peak:
        peak(given.peak, given.simulator)
        return
    if given.bounded:
        tell_bounded(given.bounded, given.most, given.shots)
        return
    if given.memory:
        tell_memory([name for name, make in circuits().items() if FROM_QUBITS <= make().num_qubits <= FROM_QUBITS + 2])
        return
    for simulator in ("auto", "matrix_product_state", "statevector", "automatic", *sorted(simulation.extras() - {"stim"})):
        once(brick(3, 1), simulator, 10)
    rows = []
    for name, make in circuits().items():
        if given.only in name:
            rows.append(compared(name, make(), given.shots, given.budget))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    all_wide = [row for row in rows if row["qubits"] >= FROM_QUBITS]
    wide = [row for row in all_wide if row["as_predicted"]]
    near = [0.5 <= row["ran_s"] / row["predicted_s"] <= 2 for row in wide]
    settings = {"circuits": len(rows), "shots": given.shots}
    peer = "the best single method"
    for figure, value, unit, more in (
        ("auto.worst_ratio", max(row["ratio"] for row in rows), "times",
         {"above": [[row["circuit"], row["ratio"], row["simulator"], row["best"]] for row in rows if row["ratio"] > 1.2],
          "left_out_by_prediction": {row["circuit"]: row["left_out"] for row in rows if row["left_out"]}}),
        ("auto.time_within_2_ratio", round(sum(near) / len(near), 3) if near else None, "ratio",
         {"runs": len(near), "changed_by_a_trial": len(all_wide) - len(wide)}),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": {**settings, **more}}))
    tell_memory([row["circuit"] for row in rows if FROM_QUBITS <= row["qubits"] <= FROM_QUBITS + 2])


def tell_memory(names: list[str]) -> None:
    """Measure the memory of state vectors and print the largest miss of its prediction."""
    off = [abs(row["used_bytes"] / row["predicted_bytes"] - 1) for row in spent(names)]
    if off:
        line = {"figure": "auto.memory_off_ratio", "value": round(max(off), 3), "unit": "ratio", "settings": {"runs": len(off)}}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
