"""Whether a compiled circuit does what the original does: exactly while it is small, by sampling when it is large.

Small: every amplitude of the map (Choi, 1975), or of the outcomes when the circuit measures. Middle: random product states as
inputs (Burgholzer, Kueng and Wille, 2021, "Random stimuli generation"). Clifford: the affine spaces of outcomes. Large: random
local observables on random product states, exact within their light cones; swaps are undone first, so that cones stay small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qiskit.synthesis import TwoQubitWeylDecomposition
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import Collect2qBlocks, ConsolidateBlocks

from app.engine.base.text import tr
from app.engine.circuits import clifford, lightcone, states
from app.engine.circuits.adapters.compiler import Compiled
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.lightcone import Step
from app.engine.circuits.records import Circuit

MOST_EXACT: Final = 16  # qubits of the device and of the inputs together
MOST_STATE: Final = 20
MOST_WORK: Final = 7e8  # gates times amplitudes, over all runs
MOST_CONE: Final = 14
MOST_CLIFFORD: Final = 600
_STIMULI, _OBSERVABLES, _TRIES = 3, 48, 400
_SAME: Final = 1e-7
_ROUNDING: Final = 1e-13
_CLOSE: Final = 1e-3  # compilers leave out turns too small to matter
_SWAP: Final = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.complex128)
_PASSED: Final = frozenset({"measure", "barrier", "delay", "id"})


@dataclass(frozen=True)
class _Side:
    """One of the two circuits: its gates, where each qubit of the original starts and ends, and by bit what is measured."""

    steps: list[Step]
    start: tuple[int, ...]
    end: tuple[int, ...]
    measured: dict[int, int]


def compare(original: Any, made: Compiled, seed: int) -> dict[str, Any]:
    """Return {verdict: equal | close | different | not checked, how, difference}; close is within a thousandth.

    `difference` is a distance of what can be told apart: total variation of outcomes, trace distance of states (of the maps'
    own states where they are compared exactly), or the largest difference of a mean.
    """
    first, second = describe(original), describe(made.circuit)
    why_not = _obstacle(first) or _obstacle(second)
    if why_not:
        return _told("not checked", why_not, None)
    same = tuple(range(original.num_qubits))
    one, other = _side(original, first, same, same), _side(made.circuit, second, made.start, made.end)
    if one.measured.keys() != other.measured.keys():
        return _told("different", tr("not the same bits are measured"), None)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    width, work = len(_active(other)), len(one.steps) + len(other.steps)
    if not one.measured and width + len(same) <= MOST_EXACT and work * 2.0 ** (width + len(same)) <= MOST_WORK:
        return _exact(one, other, len(same))
    named, named_too = clifford.named(first), clifford.named(second)
    if clifford.fits(named) and clifford.fits(named_too) and len(second.qubits) <= MOST_CLIFFORD:
        return _by_spaces(named, named_too)
    runs = min(1 + _STIMULI, int(MOST_WORK / (work * 2.0**width + 1)))
    if max(width, len(same)) <= MOST_STATE and runs:
        return _by_states(one, other, runs, rng)
    return _by_observables(_unswapped(one), _unswapped(other), rng)


def _told(verdict: str, how: str, difference: float | None) -> dict[str, Any]:
    return {"verdict": verdict, "how": how, "difference": difference}


def _judged(difference: float, how: str) -> dict[str, Any]:
    verdict = "equal" if difference < _SAME else "close" if difference < _CLOSE else "different"
    return _told(verdict, how, difference)


def _obstacle(circuit: Circuit) -> str:
    closed: set[int] = set()
    for op in circuit.ops:
        if op.name in ("barrier", "delay"):
            continue
        if op.condition or op.name in ("reset", "for_loop", "while_loop", "switch_case") or not closed.isdisjoint(op.qubits):
            return tr("the circuit measures or resets on its way")
        if op.name == "measure":
            closed.update(op.qubits)
    return ""


def _side(circuit: Any, plain: Circuit, start: tuple[int, ...], end: tuple[int, ...]) -> _Side:
    measured = {op.clbits[0]: op.qubits[0] for op in plain.ops if op.name == "measure"}
    joined = PassManager([Collect2qBlocks(), ConsolidateBlocks(force_consolidate=True)]).run(circuit)
    return _Side(_steps(joined), start, end, measured)


def _steps(circuit: Any) -> list[Step]:
    at = {bit: number for number, bit in enumerate(circuit.qubits)}
    return [
        Step(np.asarray(item.operation.to_matrix(), np.complex128), tuple(at[bit] for bit in item.qubits))
        for item in circuit.data
        if item.operation.name not in _PASSED
    ]


def _active(side: _Side) -> list[int]:
    used = {qubit for step in side.steps for qubit in step.qubits}
    return sorted(used | set(side.start) | set(side.end) | set(side.measured.values()))


def _run(side: _Side, wires: Sequence[int], state: states.State) -> states.State:
    at = {wire: number for number, wire in enumerate(wires)}
    for step in side.steps:
        states.apply(state, step.matrix, [at[qubit] for qubit in step.qubits])
    return state


def _exact(one: _Side, other: _Side, count: int) -> dict[str, Any]:
    """Compare the maps themselves: each runs on one half of `count` pairs of maximally entangled qubits."""
    results = []
    for side in (one, other):
        wires = _active(side)
        width = len(wires)
        state = np.zeros(1 << (width + count), np.complex128)
        for number in range(1 << count):
            index = sum((number >> bit & 1) << wires.index(side.start[bit]) for bit in range(count))
            state[index | number << width] = 2 ** (-count / 2)
        cube = _run(side, wires, state).reshape((2,) * (width + count))
        axes = [count + width - 1 - wires.index(side.end[bit]) for bit in range(count)]
        spare = [axis for axis in range(count, count + width) if axis not in axes]
        cube = cube.transpose([*range(count), *axes, *spare]).reshape(1 << 2 * count, -1)
        results.append(cube[:, 0])
    return _judged(_apart(*results), tr("exactly: every amplitude of both, up to a common phase"))


def _random_inputs(rng: np.random.Generator, count: int) -> list[NDArray[np.complex128]]:
    """Return a random state for each qubit, uniform on the sphere."""
    raw = rng.normal(size=(count, 2)) + 1j * rng.normal(size=(count, 2))
    return list(raw / np.linalg.norm(raw, axis=1)[:, None])


def _by_states(one: _Side, other: _Side, runs: int, rng: np.random.Generator) -> dict[str, Any]:
    worst, count = 0.0, len(one.start)
    for number in range(runs):
        inputs = _random_inputs(rng, count) if number else [np.array([1, 0], np.complex128)] * count
        worst = max(worst, _distance(*(_ended(side, inputs) for side in (one, other)), measured=bool(one.measured)))
    if one.measured:
        return _judged(worst, tr("exactly: the chances of all outcomes, and again for {count} random inputs", count=runs - 1))
    return _judged(worst, tr("by sampling: the states after {count} inputs, all but one random", count=runs))


def _ended(side: _Side, inputs: Sequence[NDArray[np.complex128]]) -> NDArray[Any]:
    """Return amplitudes by the original's qubits, or chances by measured bits, after `inputs`."""
    wires = _active(side)
    state: states.State = np.ones(1, np.complex128)
    began = dict(zip(side.start, inputs, strict=True))
    for wire in wires:
        state = np.kron(began.get(wire, np.array([1, 0], np.complex128)), state)
    cube = _run(side, wires, state).reshape((2,) * len(wires))
    out = [side.measured[bit] for bit in sorted(side.measured)] if side.measured else list(side.end)
    axes = [len(wires) - 1 - wires.index(wire) for wire in out]
    spare = [axis for axis in range(len(wires)) if axis not in axes]
    flat = cube.transpose([*axes, *spare]).reshape(1 << len(axes), -1)
    return np.asarray((np.abs(flat) ** 2).sum(1) if side.measured else flat[:, 0])


def _distance(a: NDArray[Any], b: NDArray[Any], *, measured: bool) -> float:
    return float(np.abs(a - b).sum() / 2) if measured else _apart(a, b)


def _apart(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the trace distance of two pure states, sqrt(1 - |overlap|^2), without losing its small digits.

    What a state lacks of the norm went into wires that should have come back to zero, and counts.
    """
    overlap = np.vdot(b, a)
    phase = overlap / abs(overlap) if abs(overlap) > 0 else 1.0
    lacks = sum(max(0.0, 1 - float(np.linalg.norm(one)) ** 2 - _ROUNDING) for one in (a, b))
    short = (float(np.linalg.norm(a - phase * b)) ** 2 + lacks) / 2  # 1 - |overlap|
    return math.sqrt(min(1.0, max(0.0, short * (2 - short))))


def _by_spaces(first: Circuit, second: Circuit) -> dict[str, Any]:
    """Compare the outcomes of two Clifford circuits: one possible outcome and the span of all others."""
    found = []
    for circuit in (first, second):
        origin, directions = clifford.space(circuit)
        measured = sorted((op.clbits[0], op.qubits[0]) for op in circuit.ops if op.name == "measure")
        of = [qubit for _, qubit in measured]
        found.append((origin[of], directions[:, of]))
    span = _reduced(found[0][1])
    alike = np.array_equal(span, _reduced(found[1][1]))
    between = np.vstack([span, found[0][0] ^ found[1][0]]).astype(np.uint8)
    alike = alike and len(_reduced(between)) == len(span)
    return _told(
        "equal" if alike else "different", tr("exactly: the outcomes of both span the same space"), 0.0 if alike else 1.0
    )


def _reduced(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the reduced echelon form over the field of two elements, without rows of zeros."""
    rows, top = rows.copy(), 0
    for column in range(rows.shape[1]):
        held = np.flatnonzero(rows[top:, column]) + top
        if not len(held):
            continue
        rows[[top, held[0]]] = rows[[held[0], top]]
        others = np.flatnonzero(rows[:, column])
        rows[others[others != top]] ^= rows[top]
        top += 1
    return rows[:top]


def _unswapped(side: _Side) -> _Side:
    """Return `side` with swaps followed as names instead of done."""
    who: dict[int, int] = {}
    steps = []
    for step in side.steps:
        matrix = step.matrix
        if len(step.qubits) == 2:
            a, b = step.qubits
            if _strength(_SWAP @ matrix) < _strength(matrix) - 1e-9:
                steps.append(Step(_SWAP @ matrix, (who.get(a, a), who.get(b, b))))
                who[a], who[b] = who.get(b, b), who.get(a, a)
                continue
        steps.append(Step(matrix, tuple(who.get(qubit, qubit) for qubit in step.qubits)))
    end = tuple(who.get(place, place) for place in side.end)
    return _Side(steps, side.start, end, {bit: who.get(place, place) for bit, place in side.measured.items()})


def _strength(matrix: NDArray[np.complex128]) -> float:
    """Return how entangling a gate of two qubits is: the sum of its Weyl coordinates."""
    found = TwoQubitWeylDecomposition(matrix)
    return float(found.a + found.b + abs(found.c))


def _by_observables(one: _Side, other: _Side, rng: np.random.Generator) -> dict[str, Any]:
    inputs = _random_inputs(rng, len(one.start))
    keys = sorted(one.measured) if one.measured else list(range(len(one.end)))
    worst, done, widest = 0.0, 0, 0
    for _ in range(_TRIES):
        letters = {int(key): "Z" if one.measured else str(rng.choice(list("XYZ"))) for key in _picked(one, keys, rng)}
        cones = [_placed(side, letters) for side in (one, other)]
        width = max(len(qubits) for _, _, qubits in cones)
        if width > MOST_CONE:
            continue
        values = []
        for side, (seen, steps, qubits) in zip((one, other), cones, strict=True):
            values.append(lightcone.expectation(steps, qubits, seen, dict(zip(side.start, inputs, strict=True))))
        worst, done, widest = max(worst, abs(values[0] - values[1])), done + 1, max(widest, width)
        if done == _OBSERVABLES:
            break
    if not done:
        return _told("not checked", tr("no local observable depends on fewer than {most} qubits", most=MOST_CONE + 1), None)
    how = tr("by sampling: {count} local observables on random inputs, each depending on {widest} qubits at most",
             count=done, widest=widest)  # fmt: skip
    return _judged(worst, how)


def _picked(side: _Side, keys: Sequence[int], rng: np.random.Generator) -> set[int]:
    """Return one key, or two whose qubits meet in a gate."""
    first = int(rng.choice(keys))
    if rng.random() < 0.5:
        return {first}
    place_of = side.measured or dict(enumerate(side.end))
    key_of = {place: key for key, place in place_of.items()}
    near = [key_of[qubit] for step in side.steps if place_of[first] in step.qubits for qubit in step.qubits if qubit in key_of]
    return {first, int(rng.choice(near))} if near else {first}


def _placed(side: _Side, letters: dict[int, str]) -> tuple[dict[int, str], list[Step], list[int]]:
    seen = {(side.measured[key] if side.measured else side.end[key]): letter for key, letter in letters.items()}
    steps, qubits = lightcone.cone(side.steps, seen)
    return seen, steps, qubits
