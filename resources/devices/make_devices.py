"""Reduces calibration snapshots to the device files of this folder: python make_devices.py FOLDER.

FOLDER holds conf_NAME.json and props_NAME.json as the package qiskit-ibm-runtime 0.51.0 (Apache-2.0) carries them under
fake_provider/backends/NAME/. Only facts are kept: which qubits are coupled, how long gates last and how often they fail.
"""

import json
import statistics
import sys
from pathlib import Path

SOURCE = "qiskit-ibm-runtime 0.51.0, fake_provider, snapshot {name} (Apache-2.0)"
WANTED = {
    "manila": ("ibm_manila", "IBM Manila", "Falcon r5.11"),
    "guadalupe": ("ibm_guadalupe", "IBM Guadalupe", "Falcon r4"),
    "kolkata": ("ibm_kolkata", "IBM Kolkata", "Falcon r5.11"),
    "brisbane": ("ibm_brisbane", "IBM Brisbane", "Eagle r3"),
    "sherbrooke": ("ibm_sherbrooke", "IBM Sherbrooke", "Eagle r3"),
    "torino": ("ibm_torino", "IBM Torino", "Heron r1"),
    "boston": ("ibm_boston", "IBM Boston", "Heron r3"),
    "miami": ("ibm_miami", "IBM Miami", "Nighthawk r1"),
}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "": 1.0}
PAIRS = ("cx", "ecr", "cz")


def short(value: float | None) -> float | None:
    """Return a figure with four digits."""
    return None if value is None else float(f"{value:.4g}")


def parameter(rows: list[dict], name: str) -> float | None:
    """Return a figure in seconds or as it is, None when it is not there."""
    for row in rows:
        if row["name"] == name:
            return row["value"] * SECONDS[row.get("unit") or ""]
    return None


def reduced(folder: Path, name: str) -> dict:
    """Return the facts of one snapshot."""
    conf = json.loads((folder / name / f"conf_{name}.json").read_text())
    props = json.loads((folder / name / f"props_{name}.json").read_text())
    ident, title, processor = WANTED[name]
    basis = [gate for gate in conf["basis_gates"] if gate in ("id", "rz", "sx", "x", *PAIRS)]
    pair = next(gate for gate in PAIRS if gate in basis)
    qubits = []
    for at, rows in enumerate(props["qubits"]):
        ones = [gate for gate in props["gates"] if gate["gate"] in ("sx", "x") and gate["qubits"] == [at]]
        qubits.append({
            "t1_s": short(parameter(rows, "T1")), "t2_s": short(parameter(rows, "T2")),
            "read_1_as_0": short(parameter(rows, "prob_meas0_prep1")),
            "read_0_as_1": short(parameter(rows, "prob_meas1_prep0")),
            "error": short(next((parameter(one["parameters"], "gate_error") for one in ones), None)),
        })  # fmt: skip
    seen, pairs, spans = {}, [], []
    for gate in props["gates"]:
        if gate["gate"] == pair:
            seen[tuple(gate["qubits"])] = parameter(gate["parameters"], "gate_error")
            spans.append(parameter(gate["parameters"], "gate_length"))
    done = set()
    for a, b in sorted(tuple(edge) for edge in conf["coupling_map"]):
        if (b, a) not in done and ((a, b) in seen or (b, a) in seen):
            done.add((a, b))
            first = (a, b) if (a, b) in seen else (b, a)
            pairs.append([*first, short(seen[first])])
    singles = [parameter(g["parameters"], "gate_length") for g in props["gates"] if g["gate"] == "sx"]
    reads = [parameter(rows, "readout_length") for rows in props["qubits"]]
    return {
        "schema": 1, "name": ident, "title": title, "processor": processor, "taken": props["last_update_date"],
        "source": SOURCE.format(name=name), "basis": sorted(set(basis) - {pair}), "pair_gate": pair,
        "gate_s": short(statistics.median(singles)), "pair_s": short(statistics.median(spans)),
        "read_s": short(statistics.median(read for read in reads if read is not None)),
        "qubits": qubits, "pairs": pairs,
    }  # fmt: skip


def text(device: dict) -> str:
    """Return a device file, a line for each qubit and pair."""
    rows = {key: value for key, value in device.items() if key not in ("qubits", "pairs")}
    head = ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in rows.items())
    qubits = ",\n".join(f"    {json.dumps(row)}" for row in device["qubits"])
    pairs = ",\n".join(f"    {json.dumps(row)}" for row in device["pairs"])
    return f'{{\n{head},\n  "qubits": [\n{qubits}\n  ],\n  "pairs": [\n{pairs}\n  ]\n}}\n'


def main() -> None:
    """Write all device files beside this one."""
    for name in WANTED:
        device = reduced(Path(sys.argv[1]), name)
        (Path(__file__).parent / f"{device['name']}.json").write_text(text(device))


if __name__ == "__main__":
    main()
