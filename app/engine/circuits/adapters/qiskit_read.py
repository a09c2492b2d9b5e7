"""OpenQASM 2 and 3 to Qiskit's circuit and from there to plain data; the one seam for parser errors."""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeAlias

from qiskit import qasm2
from qiskit.circuit import ControlledGate, Delay
from qiskit.circuit.controlflow import ForLoopOp, IfElseOp, SwitchCaseOp, WhileLoopOp
from qiskit.circuit.library import IGate
from qiskit.exceptions import QiskitError

from app.engine.base.errors import BadInput, OutpostError
from app.engine.circuits import guard
from app.engine.circuits.adapters import expanded
from app.engine.circuits.adapters.conditions import condition_text, negated_text
from app.engine.circuits.records import Circuit, Op

Numbers: TypeAlias = tuple[int, ...]

MOST_DEPTH_OF_BLOCKS = 50
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}
# A wait of some gates is the one gate that does nothing: Qiskit's own opens into as many of them as the text says.
_CUSTOM = tuple(
    qasm2.CustomInstruction("u0", 1, 1, lambda _count: IGate(), builtin=True) if one.name == "u0" else one
    for one in qasm2.LEGACY_CUSTOM_INSTRUCTIONS
)
# Bare errors of the importers, whose own words speak of their insides.
_PLAIN = {
    IndexError: "index out of range", ZeroDivisionError: "division by zero",
    AttributeError: "what stands here is of a kind that cannot be used here",
}  # fmt: skip
_PLACE_V2 = re.compile(r"^(?:[^:\n]*:)?(\d+),(\d+):\s*(.*)$", re.DOTALL)
_UNDEFINED = re.compile(r"cannot use non-builtin custom instruction ('\w+') before definition")
_PLACE_V3 = re.compile(r"^L(\d+):C(\d+):\s*(.*)$", re.DOTALL)


def read(text: str, name: str) -> Any:
    """Return Qiskit's circuit for OpenQASM `text`; raise `BadInput` naming file, line and reason."""
    version = guard.check(text, name)
    with contextlib.redirect_stderr(io.StringIO()):  # ANTLR prints what it also raises
        try:
            circuit = _read_v2(text) if version == 2 else _read_v3(text, name)
            expanded.check(circuit, name)
        except (OutpostError, KeyboardInterrupt, SystemExit):
            raise
        except RecursionError:
            raise BadInput("{file}: nested too deeply to be read", file=name) from None
        except BaseException as error:  # noqa: BLE001 - parsers raise a dozen kinds, panics and bare built-ins among them
            line, column, reason = _place_and_reason(error)
            raise BadInput(
                "{file}, line {line}, column {column}: {reason}", file=name, line=line, column=column, reason=reason
            ) from None
    if circuit.num_qubits == 0:
        raise BadInput("{file}: the circuit has no qubits", file=name)
    if circuit.num_qubits > guard.MOST_QUBITS:
        raise BadInput("{file}: {count} qubits are more than the {most} allowed",
                       file=name, count=circuit.num_qubits, most=guard.MOST_QUBITS)  # fmt: skip
    circuit.name = name
    return circuit


def _read_v2(text: str) -> Any:
    return qasm2.loads(text, include_path=(), custom_instructions=_CUSTOM)


def _read_v3(text: str, name: str) -> Any:
    import qiskit_qasm3_import

    from app.engine.circuits.adapters import qasm3_quick
    from app.engine.circuits.adapters.qasm3_fold import Folder

    program, plain = qasm3_quick.parse(text, name)
    return qiskit_qasm3_import.convert(Folder(name, plain).program(program))


def _place_and_reason(error: BaseException) -> tuple[int, int, str]:
    message = str(error).strip("\"'") if isinstance(error, QiskitError) else str(error)
    for pattern in (_PLACE_V2, _PLACE_V3):
        found = pattern.match(message)
        if found:
            told = _UNDEFINED.sub(r"gate \1 is not defined (is an include missing?)", _one_line(found.group(3)))
            return int(found.group(1)), int(found.group(2)) + 1, told
    token = _offending_token(error)
    if token is not None:
        text = "end of the file" if token.text == "<EOF>" else repr(token.text)
        return int(token.line), int(token.column) + 1, f"unexpected {text}"
    reason = message or type(error).__name__
    for kind, plain in _PLAIN.items():
        if isinstance(error, kind):
            reason = plain
    return *_place_in(error.__traceback__), _one_line(reason)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _offending_token(error: BaseException | None) -> Any:
    """Return the token ANTLR stopped at, from the chain of causes, or None."""
    for _ in range(8):
        if error is None:
            return None
        token = getattr(error, "offendingToken", None)
        if token is not None:
            return token
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = error.__cause__ or inner or error.__context__
    return None


def _place_in(trace: TracebackType | None) -> tuple[int, int]:
    """Return line and column of the innermost tree node a converter was at; 1, 1 when none says."""
    line = column = 1
    while trace is not None:
        node = trace.tb_frame.f_locals.get("node")
        span: Any = getattr(node, "span", None)
        if span is not None and span.start_line:
            line, column = span.start_line, span.start_column + 1
        trace = trace.tb_next
    return line, column


def describe(circuit: Any) -> Circuit:
    """Return a Qiskit circuit as plain data; blocks of conditions are flattened, loops are boxes that say how often."""
    qubits, clbits = range(len(circuit.qubits)), range(len(circuit.clbits))
    ops = tuple(_walk(circuit, tuple(qubits), tuple(clbits), ""))
    return Circuit(circuit.name, _labels(circuit.qubits, circuit), _labels(circuit.clbits, circuit), ops)


def _labels(bits: Any, circuit: Any) -> tuple[str, ...]:
    labels = []
    for bit in bits:
        where = circuit.find_bit(bit).registers
        labels.append(f"{where[0][0].name}[{where[0][1]}]" if where else str(circuit.find_bit(bit).index))
    return tuple(labels)


def _walk(block: Any, qubits: Numbers, clbits: Numbers, condition: str, depth: int = 0) -> Iterator[Op]:
    """Yield the operations of `block`, whose own bits are numbered `qubits` and `clbits` in the whole circuit."""
    if depth > MOST_DEPTH_OF_BLOCKS:
        raise BadInput("{file}: nested too deeply to be read", file=block.name)
    qubit_of = dict(zip(block.qubits, qubits, strict=True))
    clbit_of = dict(zip(block.clbits, clbits, strict=True))
    known: dict[str, tuple[int, str]] = {}  # gates of Qiskit's own, each looked at once
    for item in block.data:
        at = tuple(qubit_of[bit] for bit in item.qubits)
        bits = tuple(clbit_of[bit] for bit in item.clbits)
        if item.is_standard_gate():
            kind = known.get(item.name) or known.setdefault(item.name, _controls(item.operation))
            yield Op(item.name, at, tuple(map(_param, item.params)), bits, condition, kind[0], (), kind[1])
        elif isinstance(item.operation, IfElseOp):
            for body, holds in _arms(item.operation, condition):
                for op in _walk(body, at, bits, holds, depth + 1):
                    yield replace(op, clbits=tuple(dict.fromkeys((*op.clbits, *bits))))
        else:
            yield _op(item.operation, at, bits, condition)


def _arms(operation: Any, condition: str) -> list[tuple[Any, str]]:
    """Return the blocks of an if with what must hold for each."""
    arms = [(operation.blocks[0], condition_text(operation.condition))]
    if len(operation.blocks) > 1:
        arms.append((operation.blocks[1], negated_text(operation.condition)))
    return [(body, f"{condition} ∧ {holds}" if condition else holds) for body, holds in arms]


def _op(operation: Any, at: tuple[int, ...], bits: tuple[int, ...], condition: str) -> Op:
    if isinstance(operation, (ForLoopOp, WhileLoopOp, SwitchCaseOp)):
        return Op(operation.name, at, (), bits, condition, label=_loop_label(operation))
    controls, label = _controls(operation)
    open_controls = tuple(at[i] for i in range(controls) if not operation.ctrl_state >> i & 1)
    params = tuple(_param(value) for value in operation.params)
    wait_s = _wait_s(operation) if isinstance(operation, Delay) else 0.0
    return Op(_plain_name(operation), at, params, bits, condition, controls, open_controls, label, wait_s)


def _wait_s(delay: Any) -> float | None:
    """Return how long a delay is, None when it is told in cycles of a device or by an expression."""
    size = _SECONDS.get(delay.unit)
    return None if size is None or isinstance(_param(delay.duration), str) else float(delay.duration) * size


def _controls(operation: Any) -> tuple[int, str]:
    """Return how many controls a gate has, and what stands on its target when it has any."""
    controls = operation.num_ctrl_qubits if isinstance(operation, ControlledGate) else 0
    if not controls:
        return 0, ""
    base = operation.base_gate.name
    return controls, "×" if base == "swap" else base.upper() if len(base) == 1 else base.capitalize()


def _plain_name(operation: Any) -> str:
    return str(re.sub(r"_o\d+$", "", operation.name))


def _loop_label(operation: Any) -> str:
    inside = ", ".join(list(operation.blocks[0].count_ops())[:3])
    if isinstance(operation, ForLoopOp):
        return f"{len(operation.params[0])}× ({inside})"
    if isinstance(operation, WhileLoopOp):
        return f"while {condition_text(operation.condition)} ({inside})"
    return f"switch ({inside})"


def _param(value: Any) -> float | str:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)[:40]
