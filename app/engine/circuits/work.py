"""What the circuits wing does in a worker: describe a file, run a file. Plain JSON in and out."""

from dataclasses import asdict
from typing import Any

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.base.units import span_text
from app.engine.circuits.picture import picture_of
from app.engine.circuits.records import Outcome
from app.engine.circuits.textual import bonds_text, histogram_text, summary_text, text_of

MOST_SHOTS = 1_000_000


def describe(spec: dict[str, Any], _seed: int = 0, report: Report = silent, _stop: Stop = never) -> dict[str, Any]:
    """Return {picture, text, qubits, depth, size, counts, format} of the circuit in `spec`, drawn `width` columns wide."""
    from app.engine.circuits.adapters import qasm_out, qiskit_read, qpy_file

    found, _name = qpy_file.opened(spec)
    picture = picture_of(qiskit_read.describe(found))
    document, why_not = qasm_out.editable(found)
    report(1.0, 1.0)
    return {
        "document": document,
        "why_not": why_not,
        "picture": picture,
        "text": f"{text_of(picture, int(spec.get('width', 120)))}\n\n{summary_text(picture)}",
        "qubits": picture["width"],
        "depth": picture["depth"],
        "size": picture["size"],
        "counts": picture["counts"],
        "source": str(spec.get("text") or "") or qasm_out.text_of(found, spec),
    }


def run(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Simulate the circuit in `spec` for `shots` and return counts, how they came to be, and the picture."""
    shots = int(spec.get("shots", 1024))
    if not 1 <= shots <= MOST_SHOTS:
        raise BadInput(
            "shots must be between {low} and {high}, not {value}", field="shots", low=1, high=MOST_SHOTS, value=shots
        )
    report(0.0, 3.0, "steps", {"stage": "reading", "shots": shots})
    from app.engine.circuits.adapters import aer, qiskit_read, qpy_file, simulation

    source, name = qpy_file.opened(spec)
    picture = picture_of(qiskit_read.describe(source))
    _unless_stopped(stop)
    report(1.0, 3.0, "steps", {"stage": "compiling"})
    circuit, note = aer.measured(source)
    ready = simulation.prepared(circuit, name, spec, seed)
    plan = simulation.planned(ready, aer.free_bytes(), str(spec.get("simulator") or "auto"))
    _unless_stopped(stop)
    report(2.0, 3.0, "steps", {"stage": "running", "simulator": plan.choice.method})
    outcome = simulation.done(ready, plan, seed=seed, name=name)
    plan = simulation.followed(ready, plan, outcome)
    report(3.0, 3.0, "steps", {"stage": "done"})
    return {
        "counts": dict(outcome.counts),
        "other_shots": outcome.other_shots,
        "simulator": outcome.simulator,
        "why": outcome.why,
        "predicted": {"memory_bytes": plan.predicted.memory_bytes, "wall_s": plan.predicted.wall_s},
        "alternatives": [other.told() for other in plan.others],
        "memory_bytes": outcome.memory_bytes,
        "wall_s": outcome.wall_s,
        "noise": ready.noise,
        "bonds": None if outcome.bonds is None else asdict(outcome.bonds),
        "shots": shots,
        "seed": seed,
        "qubits": picture["width"],
        "depth": picture["depth"],
        "picture": picture,
        "note": note,
        "text": _told(outcome, note),
    }


def expect(spec: dict[str, Any], _seed: int = 0, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Return the mean of `observable` after the circuit in `spec`, each of its terms, and how it was done."""
    from app.engine.circuits import observables
    from app.engine.circuits.adapters import aer, expectation, qpy_file

    source, name = qpy_file.opened(spec)
    terms = observables.read(str(spec.get("observable") or ""), source.num_qubits)
    low = expectation.plain(source, name)
    _unless_stopped(stop)
    found = expectation.means(low, terms, name, aer.free_bytes(), report=report, stop=stop)
    value = sum(term.factor * mean for term, mean in zip(terms, found.values, strict=True))
    report(1.0, 1.0)
    rows = [
        {"term": term.text, "factor": term.factor, "mean": mean, "qubits": width}
        for term, mean, width in zip(terms, found.values, found.widths, strict=True)
    ]
    lines = [f"{value:.9g}", f"{found.simulator}: {found.why}; {span_text(found.wall_s)}"]
    return {
        "value": value, "terms": rows, "simulator": found.simulator, "why": found.why,
        "predicted": {"memory_bytes": found.memory_bytes, "wall_s": found.predicted_s}, "memory_bytes": found.memory_bytes,
        "wall_s": found.wall_s, "qubits": source.num_qubits, "observable": str(spec["observable"]), "text": "\n".join(lines),
    }  # fmt: skip


def state(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Return {qubits: labels, vectors: [x, y, z] of each, simulator, why, exact} just before the final measurement."""
    from app.engine.circuits.adapters import bloch, qiskit_read, qpy_file

    circuit, name = qpy_file.opened(spec)
    labels = qiskit_read.describe(circuit).qubits
    _unless_stopped(stop)
    found = bloch.vectors(circuit, name, seed)
    report(1.0, 1.0)
    return {"qubits": list(labels), **found}


def look(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Return the pictures' document of the circuit in `spec` (see `look.look`), which may be one of `document` alone."""
    from app.engine.circuits import document, look

    if spec.get("document"):
        circuit = document.from_json(spec["document"])
    else:
        from app.engine.circuits.adapters import qasm_out, qpy_file

        found, name = qpy_file.opened(spec)
        made, why_not = qasm_out.editable(found)
        if made is None:
            raise BadInput("{file}: its states cannot be followed gate by gate. {reason}", file=name, reason=why_not)
        circuit = document.from_json(made)
    told = look.look(circuit, upto=spec.get("upto"), seed=seed, noise=spec.get("noise"), keep=spec.get("keep") or (), stop=stop)
    report(1.0, 1.0)
    return told


def convert(spec: dict[str, Any], _seed: int = 0, report: Report = silent, _stop: Stop = never) -> dict[str, Any]:
    """Return {data: base64, size_bytes, qubits, operations} of the circuit in `spec`, written in its `format`.

    The format `kept` is OpenQASM 3, or 2 where a text of 3 would be too large to be read again.
    """
    import base64

    from app.engine.circuits.adapters import qasm_out, qpy_file

    found, name = qpy_file.opened(spec)
    form = str(spec["format"])
    data = qasm_out.kept(found, name) if form == "kept" else qasm_out.written(found, form, name)
    report(1.0, 1.0)
    size = {"size_bytes": len(data), "qubits": found.num_qubits, "operations": len(found.data)}
    return {"data": base64.b64encode(data).decode(), **size}


def _told(outcome: Outcome, note: str) -> str:
    lines = [histogram_text(outcome.counts), f"{outcome.simulator}: {outcome.why}; {span_text(outcome.wall_s)}"]
    if outcome.bonds is not None:
        lines.append(bonds_text(outcome.bonds.largest, outcome.bonds.cut))
    return "\n".join([*lines, *([note] if note else [])])


def _unless_stopped(stop: Stop) -> None:
    if stop():
        raise Cancelled("Cancelled")
