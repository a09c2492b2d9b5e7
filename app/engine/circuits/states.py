"""The state a circuit leads to, gate by gate: all amplitudes in one array, for pictures and for the guided tasks.

Amplitudes are numbered in Qiskit's order (qubit 0 is the lowest bit). A measurement or reset on the way draws its outcome from
`rng`, so the state is then that of one run; measurements after which nothing happens to their qubit are left to `sample`.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.base.errors import BadInput, Cancelled, Limit
from app.engine.circuits.gates import Matrix, matrix_of
from app.engine.circuits.records import Circuit, Op

State: TypeAlias = NDArray[np.complexfloating[Any, Any]]
MOST_QUBITS: Final = 22
SINGLE_FROM: Final = 18  # from here on amplitudes are held in single precision
PASSED: Final = frozenset({"barrier", "id", "delay"})
_BIT: Final = re.compile(r"^(!?)([^=≠]+?)(?:(=|≠)(\d+))?$")


def zero(qubits: int) -> State:
    """Return the state |0...0>; raises `Limit` beyond `MOST_QUBITS`."""
    if not 0 < qubits <= MOST_QUBITS:
        raise Limit("States are computed for 1 to {most} qubits, not {count}", most=MOST_QUBITS, count=qubits)
    state: State = np.zeros(1 << qubits, np.complex64 if qubits >= SINGLE_FROM else np.complex128)
    state[0] = 1
    return state


def apply(
    state: State, matrix: Matrix, targets: Sequence[int], controls: Sequence[int] = (), opened: Sequence[int] = ()
) -> None:
    """Apply `matrix` to `targets` in place (the first is its lowest bit) where controls are 1, those in `opened` 0."""
    count = state.size.bit_length() - 1
    cube = state.reshape((2,) * count)
    at: list[Any] = [slice(None)] * count
    for control in controls:
        at[count - 1 - control] = 0 if control in opened else 1
    views = []
    for number in range(1 << len(targets)):
        for bit, target in enumerate(targets):
            at[count - 1 - target] = number >> bit & 1
        views.append(cube[tuple(at)])
    old = [view.copy() if view.ndim else np.asarray(view) for view in views]
    for row in range(len(views)):
        made = sum(
            (matrix[row, column].astype(state.dtype) * old[column] for column in range(len(old)) if matrix[row, column] != 0),
            start=np.zeros_like(old[row]),
        )
        _put(cube, at, targets, row, made)


def _put(cube: State, at: list[Any], targets: Sequence[int], row: int, made: State) -> None:
    place = list(at)
    for bit, target in enumerate(targets):
        place[cube.ndim - 1 - target] = row >> bit & 1
    cube[tuple(place)] = made


def evolve(
    circuit: Circuit, *, upto: int | None = None, seed: int = 0, stop: Stop = never, state: State | None = None
) -> tuple[State, bool]:
    """Return the state after the first `upto` operations (None: all), and whether it is exact.

    It is not exact when a measurement or reset on the way had to draw an outcome.
    """
    state = zero(len(circuit.qubits)) if state is None else state
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    bits = np.zeros(max(1, len(circuit.clbits)), np.int64)
    drawn, ops = False, circuit.ops if upto is None else circuit.ops[:upto]
    last = _last_uses(circuit)
    for at, op in enumerate(ops):
        if stop():
            raise Cancelled("Cancelled")
        if op.name in PASSED or (op.condition and not holds(op.condition, circuit.clbits, bits)):
            continue
        if op.name in ("measure", "reset"):
            if op.name == "measure" and not op.condition and last[op.qubits[0]] == at and op.clbits[0] not in _read(circuit):
                continue
            outcome = collapse(state, op.qubits[0], rng)
            drawn = True
            _note(op, outcome, bits, state)
            continue
        matrix, controls = matrix_of(op)
        apply(state, matrix, op.qubits[controls:], op.qubits[:controls], op.open_controls)
    return state, not drawn


def _note(op: Op, outcome: int, bits: NDArray[np.int64], state: State) -> None:
    if op.name == "measure":
        bits[op.clbits[0]] = outcome
    elif outcome:
        apply(state, np.array([[0, 1], [1, 0]], np.complex128), op.qubits)


def _last_uses(circuit: Circuit) -> dict[int, int]:
    return {qubit: at for at, op in enumerate(circuit.ops) if op.name not in PASSED for qubit in op.qubits}


def _read(circuit: Circuit) -> set[int]:
    return {bit for op in circuit.ops if op.condition for bit in op.clbits}


def collapse(state: State, qubit: int, rng: np.random.Generator) -> int:
    """Measure one qubit in place and return 0 or 1."""
    halves = state.reshape(-1, 2, 1 << qubit)
    one = float((np.abs(halves[:, 1, :]) ** 2).sum())
    outcome = int(rng.random() < one)
    halves[:, 1 - outcome, :] = 0
    halves /= np.sqrt(one if outcome else 1 - one)
    return outcome


def holds(condition: str, labels: Sequence[str], bits: NDArray[np.int64]) -> bool:
    """Tell whether a condition such as c[0], !c[0] or c=2 holds for bits called `labels`; `∧` joins several."""
    for part in condition.split("∧"):
        found = _BIT.match(part.strip())
        if found is None:
            raise BadInput("The condition {text} cannot be followed here", text=condition)
        negated, name, sign, value = found.groups()
        chosen = [at for at, label in enumerate(labels) if label == name or label.rpartition("[")[0] == name]
        if not chosen:
            raise BadInput("The condition {text} cannot be followed here", text=condition)
        number = sum(int(bits[bit]) << place for place, bit in enumerate(chosen))
        true = number == int(value) if sign else bool(number)
        if true == (bool(negated) or sign == "≠"):
            return False
    return True


def probabilities(state: State) -> NDArray[np.float64]:
    """Return the probability of each outcome; they sum to 1."""
    found = np.abs(state).astype(np.float64) ** 2
    return np.asarray(found / found.sum())


def sample(state: State, shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `shots` outcomes of measuring all qubits."""
    edges = np.cumsum(probabilities(state))
    return np.asarray(np.searchsorted(edges, rng.random(shots) * edges[-1], side="right"))
