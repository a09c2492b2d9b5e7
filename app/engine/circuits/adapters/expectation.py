"""Means of observables after a circuit: each from the part of the circuit it depends on, or all at once where that is less.

Terms whose light cones fit together share one state of their common cone. What is too wide for that goes to Qiskit Aer as a
whole, by the method `method.choose` names; the mean is exact either way, without sampling, but for the truncation of a matrix
product state at 1e-16.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from qiskit.quantum_info import Pauli
from qiskit_aer import AerSimulator

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.base.text import tr
from app.engine.circuits import lightcone, method, selection
from app.engine.circuits.adapters import aer
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.gates import GATES
from app.engine.circuits.lightcone import Step
from app.engine.circuits.observables import Term
from app.engine.circuits.records import Choice, Circuit

MOST_CONE: Final = 20
_STEP_S: Final = 2.5e-5  # of a gate on a small state
_AMPLITUDE_S: Final = 1.5e-8
_MOST_EXPONENT: Final = 200  # of a width in a time: no float holds more than 1,023
_BASIS: Final = tuple(name for name in aer.BASIS if name in GATES)
_PASSED: Final = frozenset({"barrier", "delay", "id"})


@dataclass
class Group:
    """Terms that share a cone: its steps by number, its qubits, and for each term how many qubits itself depends on."""

    steps: frozenset[int]
    qubits: frozenset[int]
    terms: dict[int, int] = field(default_factory=dict)

    @property
    def cost_s(self) -> float:
        """Return about how long the state of the cone takes."""
        return len(self.steps) * (_STEP_S + _AMPLITUDE_S * 2.0 ** min(len(self.qubits), _MOST_EXPONENT))


@dataclass(frozen=True)
class Means:
    """The mean of each term, how they came to be, and what it took."""

    values: tuple[float, ...]
    widths: tuple[int, ...]
    simulator: str
    why: str
    memory_bytes: int
    predicted_s: float
    wall_s: float


def plain(circuit: Any, name: str) -> Any:
    """Return the circuit before its final measurement in gates of the catalogue; raises `BadInput` when it measures before."""
    bare = circuit.remove_final_measurements(inplace=False)
    low = aer.lowered(bare, name, _BASIS)
    for op in describe(low).ops:
        if op.condition or op.name not in {*GATES, *_PASSED}:
            raise BadInput(
                "{file}: the circuit measures or resets on its way, so it has no one state to take means of", file=name
            )
    return low


def steps_of(circuit: Circuit) -> list[Step]:
    """Return the gates of a plain circuit as matrices on all their qubits."""
    return [lightcone.step_of(op) for op in circuit.ops if op.name not in _PASSED]


def groups_of(steps: Sequence[Step], terms: Sequence[Term]) -> list[Group]:
    """Return the terms in groups that share a cone where that costs less than one for each."""
    found: list[Group] = []
    for number, term in enumerate(terms):
        kept, qubits = lightcone.cone_numbers(steps, dict(term.letters))
        own = Group(frozenset(kept), frozenset(qubits), {number: len(qubits)})
        for group in found:
            both = Group(group.steps | own.steps, group.qubits | own.qubits)
            if len(both.qubits) <= MOST_CONE and both.cost_s < group.cost_s + own.cost_s:
                group.steps, group.qubits = both.steps, both.qubits
                group.terms |= own.terms
                break
        else:
            found.append(own)
    return found


def means(low: Any, terms: Sequence[Term], name: str, free: int, *, report: Report = silent, stop: Stop = never) -> Means:
    """Return the mean of every term; raises `Limit` with numbers when nothing fits into `free` bytes."""
    start = time.perf_counter()
    steps = steps_of(describe(low))
    groups = groups_of(steps, terms)
    widths = [0] * len(terms)
    for group in groups:
        for number, width in group.terms.items():
            widths[number] = width
    cones_s = sum(group.cost_s for group in groups)
    widest = max(widths)
    if widest > MOST_CONE:
        values, choice = _whole(low, terms, name, free)
        why = tr("{why}; a term depends on {widest} qubits", why=choice.why, widest=widest)
        predicted_s = _whole_s(describe(low), choice, free)
        took_s = time.perf_counter() - start
        return Means(values, tuple(widths), f"aer {choice.method}", why, choice.memory_bytes, predicted_s, took_s)
    found = [0.0] * len(terms)
    for done, group in enumerate(groups):
        if stop():
            raise Cancelled("Cancelled")
        _by_cone(steps, group, terms, found)
        report(float(done + 1), float(len(groups)), "cones")
    why = tr("each term depends on {widest} of {qubits} qubits at most", widest=widest, qubits=low.num_qubits)
    memory = 2 * method.BYTES_PER_AMPLITUDE << max(len(group.qubits) for group in groups)
    return Means(tuple(found), tuple(widths), "light cones", why, memory, cones_s, time.perf_counter() - start)


def _by_cone(steps: Sequence[Step], group: Group, terms: Sequence[Term], found: list[float]) -> None:
    state = lightcone.state_of([steps[number] for number in sorted(group.steps)], sorted(group.qubits))
    for number in group.terms:
        found[number] = lightcone.mean(state, sorted(group.qubits), dict(terms[number].letters))


def _whole_s(circuit: Circuit, choice: Choice, free: int) -> float:
    """Return about how long the chosen method takes for one run of the whole circuit."""
    made = selection.offers(circuit, free, selection.Ask(1, pace=aer.pace(), threads=aer.threads()))
    return next(one.wall_s for one in made if one.simulator == choice.method)


def _whole(low: Any, terms: Sequence[Term], name: str, free: int) -> tuple[tuple[float, ...], Choice]:
    choice = method.choose(describe(low), free)
    asked = low.copy()
    for number, term in enumerate(terms):
        if term.letters:
            letters = "".join(letter for _, letter in reversed(term.letters))
            asked.save_expectation_value(Pauli(letters), [qubit for qubit, _ in term.letters], label=str(number))
    # Aer's own truncation mixes up the qubits of these means (qiskit-aer 0.18, issue 2442).
    done = AerSimulator(method=choice.method, enable_truncation=False).run(asked, shots=1).result()
    if not done.success:
        reason = " ".join(str(done.results[0].status if done.results else done.status).split())[:300]
        raise BadInput("{file}: the simulator refused it: {reason}", file=name, reason=reason)
    data = done.data(0)
    values = tuple(float(np.real(data[str(number)])) if term.letters else 1.0 for number, term in enumerate(terms))
    return values, choice
