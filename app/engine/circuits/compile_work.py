"""What compiling and estimating do in a worker: plain JSON in and out, as `work.py`."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Cancelled, Limit
from app.engine.base.text import tr
from app.engine.base.units import count_text, ratio_text, span_text
from app.engine.circuits import coupling_map, devices, estimate
from app.engine.circuits.devices import Device
from app.engine.circuits.picture import depth_of, picture_of
from app.engine.circuits.records import Circuit

MOST_DRAWN: Final = 4000


def compile_for(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Compile the circuit in `spec` for the device of `device_file`; see `CircuitCompiler.compile` for what comes back."""
    begin = time.perf_counter()
    report(0.0, 3.0, "steps", {"stage": "reading"})
    from app.engine.circuits.adapters import compiler, equality, qasm_out, qiskit_read, qpy_file

    source, name = qpy_file.opened(spec)
    device = devices.read(Path(spec["device_file"]))
    before = qiskit_read.describe(source)
    _unless_stopped(stop)
    report(1.0, 3.0, "steps", {"stage": "compiling", "device": device.name})
    made = compiler.compiled(
        source, name, device, level=int(spec.get("level", 3)), router=str(spec.get("router") or "auto"), seed=seed, stop=stop
    )
    after = qiskit_read.describe(made.circuit)
    _unless_stopped(stop)
    report(2.0, 3.0, "steps", {"stage": "checking"})
    check = equality.compare(source, made, seed) if spec.get("check", True) else {"verdict": "not checked", "how": ""}
    small = shrunk(after, (*made.start, *made.end))
    result = {
        "device": device.told(),
        "coupling": coupling_map.drawn(device),
        "router": made.router,
        "why": made.why,
        "before": _sizes(before),
        "after": {**_sizes(small), **estimate.success(after, device).told()},
        "layout": [
            {"qubit": label, "start": start, "end": end}
            for label, start, end in zip(before.qubits, made.start, made.end, strict=True)
        ],
        "equality": check,
        "qasm": qasm_out.written(made.circuit, "qasm3", name).decode(),
        "picture_before": picture_of(before, MOST_DRAWN),
        "picture": picture_of(small, MOST_DRAWN),
        "wall_s": time.perf_counter() - begin,
        "seed": seed,
    }
    report(3.0, 3.0, "steps", {"stage": "done"})
    return {**result, "text": _told(result)}


def _sizes(circuit: Circuit) -> dict[str, Any]:
    real = replace(circuit, ops=tuple(op for op in circuit.ops if op.name != "barrier"))
    return {
        "qubits": len(real.qubits),
        "depth": depth_of(real),
        "size": len(real.ops),
        "two_qubit": sum(len(op.qubits) > 1 for op in real.ops),
        "two_qubit_depth": estimate.pair_depth(real),
    }


def shrunk(circuit: Circuit, keep: tuple[int, ...] = ()) -> Circuit:
    """Return `circuit` on the places it uses and those in `keep`, labelled by their numbers."""
    used = sorted({qubit for op in circuit.ops for qubit in op.qubits if op.name != "barrier"} | set(keep))
    at = {place: number for number, place in enumerate(used)}
    ops = [
        replace(op, qubits=tuple(at[qubit] for qubit in op.qubits), open_controls=tuple(at[one] for one in op.open_controls))
        for op in circuit.ops
        if op.name != "barrier"
    ]
    return Circuit(circuit.name, tuple(map(str, used)), circuit.clbits, tuple(ops))


def _told(result: Mapping[str, Any]) -> str:
    before, after, check = result["before"], result["after"], result["equality"]
    return "\n".join([
        tr("{device}, taken {taken}: {why}", device=result["device"]["title"] or result["device"]["device"],
           taken=result["device"]["taken"][:10] or "–", why=result["why"]),
        tr("gates of two qubits {before} → {after}, depth {depth_before} → {depth_after}",
           before=count_text(before["two_qubit"]), after=count_text(after["two_qubit"]),
           depth_before=count_text(before["depth"]), depth_after=count_text(after["depth"])),
        tr("ends without an error in about {share} of runs, {span} each (estimated)",
           share=ratio_text(after["success"]), span=span_text(after["duration_s"])),
        f"{_verdict(check['verdict'])}: {check['how']}" if check["how"] else _verdict(check["verdict"]),
    ])  # fmt: skip


def _verdict(verdict: str) -> str:
    return {"equal": tr("equal"), "close": tr("equal within a thousandth"), "different": tr("different")}.get(
        verdict, tr("not checked")
    )


def estimate_of(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Predict what each simulator needs for the circuit in `spec`, and what it becomes on each device of `device_files`."""
    from app.engine.circuits import selection
    from app.engine.circuits.adapters import aer, qiskit_read, qpy_file, simulation

    source, name = qpy_file.opened(spec)
    measured, note = aer.measured(source)
    shots = int(spec.get("shots", 1024))
    ready = simulation.prepared(measured, name, {"shots": shots}, seed)
    files = [Path(file) for file in spec.get("device_files", ())]
    offers = selection.offers(ready.plain, aer.free_bytes(), ready.ask)
    rows = []
    for number, file in enumerate(files):
        _unless_stopped(stop)
        report(float(number), float(len(files)), "devices")
        rows.append(_on_device(measured, name, devices.read(file), int(spec.get("level", 3)), seed))
    chosen: dict[str, Any]
    try:
        choice = simulation.planned(ready, aer.free_bytes(), selection.AUTO).choice
        chosen = {"simulator": choice.method, "why": choice.why}
    except Limit as error:
        chosen = {"simulator": "", "why": str(error)}
    report(1.0, 1.0)
    plain = _sizes(qiskit_read.describe(source))
    return {
        **plain, **chosen, "shots": shots, "simulators": [offer.told() for offer in offers], "devices": rows, "note": note,
        "text": _estimate_text(chosen, rows),
    }  # fmt: skip


def _on_device(circuit: Any, name: str, device: Device, level: int, seed: int) -> dict[str, Any]:
    from app.engine.circuits.adapters import compiler, qiskit_read

    row = {"device": device.name, "title": device.title, "taken": device.taken}
    try:
        made = compiler.compiled(circuit, name, device, level=level, router="qiskit", seed=seed)
    except BadInput as error:
        return {**row, "why_not": str(error)}
    after = qiskit_read.describe(made.circuit)
    return {**row, **_sizes(shrunk(after)), **estimate.success(after, device).told(), "why_not": ""}


def _estimate_text(chosen: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    lines = [f"{chosen['simulator'] or tr('no simulator')}: {chosen['why']}"]
    for row in rows:
        told = row["why_not"] or tr("{pairs} gates of two qubits, ends without an error in about {share} of runs",
                                    pairs=count_text(row["two_qubit"]), share=ratio_text(row["success"]))  # fmt: skip
        lines.append(f"{row['device']}: {told}")
    return "\n".join(lines)


def _unless_stopped(stop: Stop) -> None:
    if stop():
        raise Cancelled("Cancelled")
