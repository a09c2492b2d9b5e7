"""Qiskit's circuits written out: OpenQASM 2 and 3, QPY, a drawing; and as the document that the editor takes."""

from typing import Any, Final

from qiskit import qasm2, qasm3, transpile
from qiskit.exceptions import QiskitError

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import document
from app.engine.circuits.adapters import expanded, qiskit_read, qpy_file
from app.engine.circuits.gates import GATES
from app.engine.circuits.picture import picture_of
from app.engine.circuits.svg import svg_of

FORMATS: Final = ("qasm3", "qasm2", "qpy", "svg")
MOST_EDITED: Final = document.MOST_OPS
_KEPT: Final = (*GATES, "measure", "reset")


def written(circuit: Any, form: str, name: str) -> bytes:
    """Return the circuit in one of `FORMATS`; raises `BadInput` when that format cannot hold it."""
    try:
        if form == "qpy":
            return qpy_file.dump(circuit)
        if form == "svg":
            return svg_of(picture_of(qiskit_read.describe(circuit))).encode()
        text = qasm2.dumps(circuit) if form == "qasm2" else qasm3.dumps(circuit)
    except (QiskitError, ValueError, TypeError) as error:
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        raise BadInput("{file}: cannot be written as {form}: {reason}", file=name, form=form, reason=reason) from None
    return f"{text.rstrip()}\n".encode()


def kept(circuit: Any, name: str) -> bytes:
    """Return the circuit as OpenQASM 3, or as 2 where what is written would be refused when it is read; as `written` raises."""
    data = written(circuit, "qasm3", name)
    try:
        qiskit_read.read(data.decode(), name)
    except Limit:
        return written(circuit, "qasm2", name)
    return data


def text_of(circuit: Any, spec: dict[str, Any]) -> str:
    """Return the text of a file as it is, or a QPY file's circuit as OpenQASM 3."""
    from pathlib import Path

    data = Path(spec["file"]).read_bytes()
    if data.startswith(qpy_file.MAGIC):
        return written(circuit, "qasm3", circuit.name).decode()
    return data.decode("utf-8-sig")


def editable(circuit: Any) -> tuple[dict[str, Any] | None, str]:
    """Return the document of a circuit in the editor's gates, or None and why it cannot be edited."""
    if circuit.num_qubits > document.MOST_QUBITS or expanded.size_of(circuit) > MOST_EDITED:
        return None, "It is larger than what can be edited."
    plain = qiskit_read.describe(circuit)
    if document.why_not(plain):
        try:
            plain = qiskit_read.describe(transpile(circuit, basis_gates=list(_KEPT), optimization_level=0))
        except QiskitError:
            return None, "It holds operations that cannot be broken down into gates of the catalogue."
    unknown = document.why_not(plain)
    if unknown:
        return None, f"It holds {unknown}, which the editor does not know."
    if any(not name.isidentifier() for name in document.free(plain)):
        return None, "It computes with free parameters."
    return document.to_json(plain), ""
