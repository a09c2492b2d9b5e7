"""A circuit that is being edited: pure operations, each of which returns a new `Circuit`, and its OpenQASM 3 text.

An edit never changes what it was given, so undoing is to go back to the circuit before. Operations keep to the left, as in
`picture.schedule`: an operation put at a column stands there or as far left as its wires are free.
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.angles import fraction_of_pi
from app.engine.circuits.gates import GATES
from app.engine.circuits.picture import schedule
from app.engine.circuits.records import Circuit, Op

MOST_QUBITS: Final = 1000
MOST_OPS: Final = 20_000
_LABEL: Final = re.compile(r"^([A-Za-z_]\w*)\[(\d+)\]$")
_SIGNS: Final = (("≠", "!="), ("≤", "<="), ("≥", ">="), ("∧", "&&"), ("∨", "||"))
_OTHERS: Final = frozenset({"measure", "reset", "barrier"})


def blank(qubits: int, clbits: int = 0, name: str = "circuit") -> Circuit:
    """Return a circuit without operations; registers q and c."""
    return Circuit(name, _labels("q", qubits), _labels("c", clbits), ())


def _labels(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}[{at}]" for at in range(count))


def from_json(document: Mapping[str, Any]) -> Circuit:
    """Return the circuit of a document that `to_json` made."""
    ops = tuple(
        Op(
            str(op["name"]), tuple(op["qubits"]), tuple(op["params"]), tuple(op["clbits"]), str(op["condition"]),
            int(op["controls"]), tuple(op["open_controls"]), str(op["label"]),
        )
        for op in document["ops"]
    )  # fmt: skip
    return Circuit(str(document["name"]), tuple(document["qubits"]), tuple(document["clbits"]), ops)


def to_json(circuit: Circuit) -> dict[str, Any]:
    """Return the circuit as plain JSON."""
    return asdict(circuit)


def why_not(circuit: Circuit) -> str:
    """Return the name of the first operation the editor does not know; empty when it can edit the circuit."""
    for op in circuit.ops:
        gate = GATES.get(op.name)
        if (gate is None and op.name not in _OTHERS) or (gate is not None and gate.controls != op.controls):
            return op.label or op.name
    return ""


def made(name: str, qubits: Sequence[int], params: Sequence[float | str] = (), clbits: Sequence[int] = ()) -> Op:
    """Return an operation of the catalogue; raises `BadInput` when qubits or angles do not suit it."""
    if len(set(qubits)) != len(qubits):
        raise BadInput("A gate needs qubits that differ")
    if name in _OTHERS:
        return Op(name, tuple(qubits), (), tuple(clbits))
    gate = GATES.get(name)
    if gate is None:
        raise BadInput("The gate {name} is not in the catalogue", name=name)
    if len(qubits) != gate.qubits or len(params) != len(gate.params):
        raise BadInput("The gate {name} takes {qubits} qubits and {angles} angles", name=name, qubits=gate.qubits,
                       angles=len(gate.params))  # fmt: skip
    return Op(name, tuple(qubits), tuple(params), (), "", gate.controls)


def insert(circuit: Circuit, op: Op, column: int | None = None) -> Circuit:
    """Return `circuit` with `op` before the operations that stand at `column` or further right; None: at the end."""
    _fits(circuit, op)
    if len(circuit.ops) >= MOST_OPS:
        raise Limit("A circuit holds at most {most} operations here", most=MOST_OPS)
    at = len(circuit.ops)
    if column is not None:
        wires = {*op.qubits, *(len(circuit.qubits) + bit for bit in op.clbits)}
        places = schedule(circuit)
        right = (
            number for number, place in enumerate(places)
            if place >= column and wires & {*circuit.ops[number].qubits, *_wires(circuit, circuit.ops[number])}
        )  # fmt: skip
        at = next(right, at)
    return replace(circuit, ops=(*circuit.ops[:at], op, *circuit.ops[at:]))


def _wires(circuit: Circuit, op: Op) -> set[int]:
    return {len(circuit.qubits) + bit for bit in op.clbits}


def _fits(circuit: Circuit, op: Op) -> None:
    if any(not 0 <= qubit < len(circuit.qubits) for qubit in op.qubits) or not op.qubits:
        raise BadInput("The circuit has no such qubit")
    if any(not 0 <= bit < len(circuit.clbits) for bit in op.clbits):
        raise BadInput("The circuit has no such bit")


def remove(circuit: Circuit, numbers: Iterable[int]) -> Circuit:
    """Return `circuit` without the operations of these numbers."""
    gone = set(numbers)
    return replace(circuit, ops=tuple(op for at, op in enumerate(circuit.ops) if at not in gone))


def change(circuit: Circuit, number: int, op: Op) -> Circuit:
    """Return `circuit` with operation `number` replaced."""
    _fits(circuit, op)
    return replace(circuit, ops=(*circuit.ops[:number], op, *circuit.ops[number + 1 :]))


def shifted(ops: Sequence[Op], by: int, qubits: int) -> tuple[Op, ...]:
    """Return `ops` on wires `by` further down; raises `BadInput` when one would leave the `qubits` there are."""
    if any(not 0 <= qubit + by < qubits for op in ops for qubit in op.qubits):
        raise BadInput("There is no room for these gates on the wires below")
    return tuple(
        replace(op, qubits=tuple(q + by for q in op.qubits), open_controls=tuple(q + by for q in op.open_controls))
        for op in ops
    )


def move(circuit: Circuit, numbers: Sequence[int], by: int, column: int) -> Circuit:
    """Return `circuit` with operations moved `by` wires and put at `column`, their order kept."""
    chosen = shifted([circuit.ops[number] for number in sorted(numbers)], by, len(circuit.qubits))
    rest = remove(circuit, numbers)
    return paste(rest, chosen, column)


def paste(circuit: Circuit, ops: Sequence[Op], column: int | None = None) -> Circuit:
    """Return `circuit` with `ops` from `column` on, their order kept."""
    if column is None or not ops:
        for op in ops:
            circuit = insert(circuit, op)
        return circuit
    places = schedule(circuit)
    at = next((number for number, place in enumerate(places) if place >= column), len(circuit.ops))
    for op in ops:
        _fits(circuit, op)
    if len(circuit.ops) + len(ops) > MOST_OPS:
        raise Limit("A circuit holds at most {most} operations here", most=MOST_OPS)
    return replace(circuit, ops=(*circuit.ops[:at], *ops, *circuit.ops[at:]))


def add_qubit(circuit: Circuit) -> Circuit:
    """Return `circuit` with one qubit more below the others."""
    if len(circuit.qubits) >= MOST_QUBITS:
        raise Limit("A circuit has at most {most} qubits here", most=MOST_QUBITS)
    return replace(circuit, qubits=(*circuit.qubits, _next(circuit.qubits, "q")))


def add_bit(circuit: Circuit) -> Circuit:
    """Return `circuit` with one classical bit more."""
    return replace(circuit, clbits=(*circuit.clbits, _next(circuit.clbits, "c")))


def _next(labels: Sequence[str], name: str) -> str:
    found = _LABEL.match(labels[-1]) if labels else None
    return f"{found.group(1)}[{int(found.group(2)) + 1}]" if found else f"{name}[{len(labels)}]"


def remove_qubit(circuit: Circuit, qubit: int) -> Circuit:
    """Return `circuit` without a qubit and without what acts on it; the last one stays."""
    if len(circuit.qubits) < 2:
        raise BadInput("A circuit keeps one qubit at least")

    def lower(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(number - (number > qubit) for number in numbers)

    ops: list[Op] = []
    for op in circuit.ops:
        if qubit not in op.qubits:
            ops.append(replace(op, qubits=lower(op.qubits), open_controls=lower(op.open_controls)))
        elif op.name == "barrier" and len(op.qubits) > 1:
            ops.append(replace(op, qubits=lower(tuple(one for one in op.qubits if one != qubit))))
    labels = circuit.qubits[:qubit] + circuit.qubits[qubit + 1 :]
    return replace(circuit, qubits=_renumbered(labels), ops=tuple(ops))


def _renumbered(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels whose numbers run without a gap in each register, as a declaration has them."""
    made_: list[str] = []
    for key, group in itertools.groupby(labels, key=lambda label: label.rpartition("[")[0] or "q"):
        made_ += _labels(key, len(list(group)))
    return tuple(made_)


def conditioned(circuit: Circuit, number: int, bit: int | None, value: int = 1) -> Circuit:
    """Return `circuit` with operation `number` done only when `bit` is `value`; always when `bit` is None."""
    op = circuit.ops[number]
    if bit is None:
        return change(circuit, number, replace(op, condition="", clbits=op.clbits if op.name == "measure" else ()))
    if op.name in ("measure", "barrier"):
        raise BadInput("Only gates and resets can depend on a bit here")
    held = f"{'' if value else '!'}{circuit.clbits[bit]}" if 0 <= bit < len(circuit.clbits) else ""
    return change(circuit, number, replace(op, condition=held, clbits=(bit,)))


def free(circuit: Circuit) -> tuple[str, ...]:
    """Return the names of the free angles, in the order they are met."""
    return tuple(dict.fromkeys(value for op in circuit.ops for value in op.params if isinstance(value, str)))


def bound(circuit: Circuit, values: Mapping[str, float]) -> Circuit:
    """Return `circuit` with the free angles that `values` names given their values."""
    return replace(circuit, ops=tuple(
        replace(op, params=tuple(values.get(value, value) if isinstance(value, str) else value for value in op.params))
        if any(isinstance(value, str) for value in op.params) else op
        for op in circuit.ops
    ))  # fmt: skip


def qasm(circuit: Circuit) -> str:
    """Return the circuit as OpenQASM 3; raises `BadInput` when it holds what the editor does not know."""
    unknown = why_not(circuit)
    if unknown:
        raise BadInput("The operation {name} cannot be written as text here", name=unknown)
    qubits, clbits = _named(circuit.qubits, "q"), _named(circuit.clbits, "c")
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    used = {op.name for op in circuit.ops}
    lines += [f"input float {name};" for name in free(circuit)]
    lines += [gate.definition for name, gate in GATES.items() if name in used and gate.definition]
    lines += [f"qubit[{count}] {name};" for name, count in _registers(qubits)]
    lines += [f"bit[{count}] {name};" for name, count in _registers(clbits)]
    return "\n".join([*lines, *(_statement(op, qubits, clbits) for op in circuit.ops)]) + "\n"


def _named(labels: Sequence[str], name: str) -> tuple[str, ...]:
    """Return `labels` when they are whole registers in order, else labels of one register called `name`."""
    wanted = tuple(f"{key}[{at}]" for key, count in _registers(labels) for at in range(count))
    names = [key for key, _ in _registers(labels)]
    good = wanted == tuple(labels) and len(set(names)) == len(names) and all(_LABEL.match(label) for label in labels)
    return tuple(labels) if good else _labels(name, len(labels))


def _registers(labels: Sequence[str]) -> list[tuple[str, int]]:
    keys = itertools.groupby(label.rpartition("[")[0] for label in labels)
    return [(key, len(list(group))) for key, group in keys]


def _statement(op: Op, qubits: Sequence[str], clbits: Sequence[str]) -> str:
    at = ", ".join(qubits[qubit] for qubit in op.qubits)
    if op.name == "measure":
        said = f"{clbits[op.clbits[0]]} = measure {at};"
    elif op.name in _OTHERS:
        said = f"{op.name} {at};"
    else:
        said = f"{_modified(op)} {at};"
    return f"if ({_condition(op.condition)}) {{ {said} }}" if op.condition else said


def _modified(op: Op) -> str:
    angles = f"({', '.join(angle(value) for value in op.params)})" if op.params else ""
    if not op.open_controls:
        return ("U" if op.name == "u" else op.name) + angles
    base = {"cx": "x", "cy": "y", "cz": "z", "ch": "h", "cp": "p", "crx": "rx", "cry": "ry", "crz": "rz", "ccx": "x",
            "ccz": "z", "cswap": "swap"}[op.name]  # fmt: skip
    modes = ["negctrl @" if qubit in op.open_controls else "ctrl @" for qubit in op.qubits[: op.controls]]
    return f"{' '.join(modes)} {base}{angles}"


def angle(value: float | str) -> str:
    """Return an angle as OpenQASM writes it: multiples of pi as such, others with all their digits."""
    if isinstance(value, str):
        return value
    fraction = fraction_of_pi(value) if math.isfinite(value) and abs(value) > 1e-9 else None
    if fraction is None or fraction.numerator * math.pi / fraction.denominator != value:
        return repr(float(value))
    top = {1: "pi", -1: "-pi"}.get(fraction.numerator, f"{fraction.numerator}*pi")
    return top if fraction.denominator == 1 else f"{top}/{fraction.denominator}"


def _condition(text: str) -> str:
    said = re.sub(r"(?<![≠<>!=])=(?!=)", "==", text)
    for sign, ascii_sign in _SIGNS:
        said = said.replace(sign, ascii_sign)
    return said
