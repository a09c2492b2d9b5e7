"""Qiskit's own file format, QPY, in and out; and one door for every circuit a job is given, as text or as a file.

Versions before 13 and the symengine encoding can run code or crash while they are read (as Qiskit's own advisories say), so
they are refused; the sizes a header tells are held against the bytes there are before anything is made. A damaged body can make
Qiskit's reader run on or fall over, so a process of its own reads the file first, with a limit of time and memory.
"""

import contextlib
import io
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from qiskit import qpy
from qiskit.circuit import ControlFlowOp

from app.engine.base.errors import BadInput, Limit, Missing, OutpostError
from app.engine.base.platform import limit_memory
from app.engine.circuits import guard
from app.engine.circuits.adapters import expanded, qiskit_read

MAGIC: Final = b"QISKIT"
OLDEST, NEWEST = 13, qpy.common.QPY_VERSION
_HEADER: Final = struct.Struct("!6sBBBBQc")
_CIRCUIT: Final = struct.Struct("!HcHIIQIQ")
MOST_INSTRUCTIONS: Final = 200_000
_MOST_NESTED: Final = 20
MOST_SECONDS: Final = 20.0
_MOST_MEMORY_BYTES: Final = 4 << 30
_ROOT: Final = Path(__file__).resolve().parents[4]


def bytes_of(path: Path, name: str) -> bytes:
    """Return the bytes of a circuit file; raises `Missing`, `Limit` or `BadInput`."""
    try:
        if path.stat().st_size > guard.MOST_BYTES:
            raise Limit("{file}: {size} bytes are more than the {most} a circuit file may have",
                        file=name, size=path.stat().st_size, most=guard.MOST_BYTES)  # fmt: skip
        return path.read_bytes()
    except FileNotFoundError:
        raise Missing("There is no file {file}", file=name) from None
    except OSError as error:
        raise BadInput("{file}: cannot be read: {reason}", file=name, reason=error.strerror or str(error)) from None


def opened(spec: dict[str, Any]) -> tuple[Any, str]:
    """Return (Qiskit's circuit, name) of a spec that gives `text`, or `file` in OpenQASM or QPY."""
    if spec.get("text"):
        name = str(spec.get("name") or "circuit")
        return qiskit_read.read(guard.decode(str(spec["text"]).encode(), name), name), name
    path = Path(spec["file"])
    name = str(spec.get("name") or path)
    data = bytes_of(path, name)
    if data.startswith(MAGIC):
        return load(data, name), name
    return qiskit_read.read(guard.decode(data, name), name), name


def load(data: bytes, name: str) -> Any:
    """Return the one circuit in QPY `data`; raises `BadInput` or `Limit` that names the file and the reason."""
    _check(data, name)
    _tried(data, name)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            circuit = qpy.load(io.BytesIO(data))[0]
            _checked(circuit, name, 0)
            expanded.check(circuit, name)
    except OutpostError:
        raise
    except MemoryError:
        raise Limit("{file}: reading it needs more memory than there is", file=name) from None
    except Exception as error:  # noqa: BLE001 - a damaged file makes the reader raise almost anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadInput("{file}: not a readable QPY file: {reason}", file=name, reason=reason) from None
    circuit.name = name
    return circuit


def _tried(data: bytes, name: str) -> None:
    """Have a process of its own read `data`; raise `BadInput` when it does not come to an end well."""
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "app.engine.circuits.adapters.qpy_file"],
            input=data, capture_output=True, timeout=MOST_SECONDS, cwd=_ROOT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BadInput("{file}: not a readable QPY file: it was not read in {seconds} s", file=name,
                       seconds=MOST_SECONDS) from None  # fmt: skip
    if ran.returncode:
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1][:200] if lines else f"the reader ended with {ran.returncode}"
        raise BadInput("{file}: not a readable QPY file: {reason}", file=name, reason=reason)


def _try() -> None:
    """Read QPY from the standard input within a limit of memory; where the system has none, only the time is limited."""
    limit_memory(_MOST_MEMORY_BYTES)
    try:
        qpy.load(io.BytesIO(sys.stdin.buffer.read()))
    except BaseException as error:  # noqa: BLE001 - panics of the reader are no ordinary exceptions
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:150]}")


def _check(data: bytes, name: str) -> None:
    if len(data) < _HEADER.size:
        raise BadInput("{file}: the QPY file ends in its header", file=name)
    _, version, *_, programs, encoding = _HEADER.unpack_from(data)
    if not OLDEST <= version <= NEWEST or encoding != b"p":
        raise BadInput("{file}: QPY version {version} is not supported ({oldest} to {newest} are)", file=name,
                       version=f"{version}{encoding.decode('latin-1')}", oldest=OLDEST, newest=NEWEST,
                       hint="Write it anew with a current Qiskit, or export OpenQASM 3.")  # fmt: skip
    if programs != 1:
        raise BadInput("{file}: holds {count} circuits, one is read", file=name, count=programs)
    start = _HEADER.size + 1
    if version >= 16:
        start = struct.unpack_from("!Q", data, start)[0] if len(data) >= start + 8 else len(data)
    if start + _CIRCUIT.size > len(data):
        raise BadInput("{file}: the QPY file ends in its header", file=name)
    *_, qubits, clbits, _meta, _registers, instructions = _CIRCUIT.unpack_from(data, start)
    for what in (qubits, clbits):
        if what > guard.MOST_QUBITS:
            raise BadInput("{file}: {count} qubits are more than the {most} allowed",
                           file=name, count=what, most=guard.MOST_QUBITS)  # fmt: skip
    if instructions > min(MOST_INSTRUCTIONS, len(data)):
        raise Limit("{file}: {count} operations are more than the {most} that are read", file=name, count=instructions,
                    most=min(MOST_INSTRUCTIONS, len(data)))  # fmt: skip


def _checked(circuit: Any, name: str, depth: int) -> None:
    if circuit.num_qubits == 0:
        raise BadInput("{file}: the circuit has no qubits", file=name)
    if depth > _MOST_NESTED:
        raise BadInput("{file}: nested too deeply to be read", file=name)
    for item in circuit.data:
        if isinstance(item.operation, ControlFlowOp):
            for block in item.operation.blocks:
                _checked(block, name, depth + 1)


def dump(circuit: Any) -> bytes:
    """Return the circuit as QPY."""
    out = io.BytesIO()
    qpy.dump(circuit, out)
    return out.getvalue()


if __name__ == "__main__":
    _try()
