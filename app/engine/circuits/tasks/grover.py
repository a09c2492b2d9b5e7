"""Grover's search with a real oracle: a formula in conjunctive normal form becomes gates, clause by clause.

Grover (1996); Boyer, Brassard, Hoyer and Tapp (1998) for a number of solutions that is not known: the number of rounds is drawn
from a range that grows by 6/5. Each clause is written into a qubit of its own (NOT with open controls where the literal is
positive), one phase flip marks where all hold, and the clauses are unwritten.
DIMACS files name variables 1, 2, …; 0 ends a clause.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput, Cancelled, Limit, Missing
from app.engine.circuits import states
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.tasks.base import NO, Finding, Param, Task

Clause: TypeAlias = tuple[int, ...]
MOST_WIRES: Final = 20
_MOST_BYTES: Final = 100_000
_GROWTH: Final = 1.2


def read_cnf(text: str, name: str) -> tuple[int, list[Clause]]:
    """Return (variables, clauses) of a DIMACS text; raises `BadInput` that names file, line and reason."""
    variables = declared = at = 0
    clauses: list[Clause] = []
    clause: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and words[0].startswith("%"):  # ends the formula in some collections
            break
        if not words or words[0].startswith("c"):
            continue
        if words[0] == "p":
            (variables, declared), at = _declared(words, name, number), number
            continue
        for word in words:
            clause.append(_literal(word, variables, name, number))
            if not clause[-1]:
                clauses.append(_closed(clause[:-1], name, number))
                clause = []
    clauses += [_closed(clause, name, 0)] if clause else []
    if not variables or not clauses:
        raise BadInput("{file}: holds no formula", file=name)
    if len(clauses) != declared:
        raise BadInput("{file}, line {line}: {declared} clauses are declared, but {count} are there", file=name, line=at,
                       declared=declared, count=len(clauses))  # fmt: skip
    return variables, clauses


def _closed(literals: list[int], name: str, number: int) -> Clause:
    if not literals:
        raise BadInput("{file}, line {line}: a clause without literals can never hold", file=name, line=number)
    return tuple(dict.fromkeys(literals))


def _declared(words: list[str], name: str, number: int) -> tuple[int, int]:
    if len(words) != 4 or words[1] != "cnf" or not all(word.isdecimal() and len(word) < 7 for word in words[2:]):
        raise BadInput('{file}, line {line}: expected "p cnf VARIABLES CLAUSES"', file=name, line=number)
    return int(words[2]), int(words[3])


def _literal(word: str, variables: int, name: str, number: int) -> int:
    digits = word.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 6 or int(digits) > variables:
        raise BadInput("{file}, line {line}: {word} is no literal of {count} variables", file=name, line=number,
                       word=repr(word[:20]), count=variables)  # fmt: skip
    return int(word)


def truth(variables: int, clauses: list[Clause]) -> NDArray[np.bool_]:
    """Return for each of the 2^variables assignments whether all clauses hold; bit k is variable k + 1."""
    numbers = np.arange(1 << variables)
    good = np.ones(1 << variables, bool)
    for clause in clauses:
        good &= np.any([(numbers >> (abs(one) - 1) & 1) == (one > 0) for one in clause], axis=0)
    return good


def random_formula(variables: int, clauses: int, rng: np.random.Generator) -> list[Clause]:
    """Return clauses of two or three literals, at most one of each variable, that one drawn assignment fulfils."""
    planted = rng.integers(0, 2, variables)
    made: list[Clause] = []
    while len(made) < clauses:
        width = min(variables, int(rng.integers(2, 4)))
        chosen = rng.choice(variables, width, replace=False)
        signs = rng.integers(0, 2, width)
        if (signs == planted[chosen]).any():
            made.append(tuple(int((one + 1) * (1 if sign else -1)) for one, sign in zip(chosen, signs, strict=True)))
    return made


@dataclass(frozen=True)
class Oracle:
    """Gates that turn the sign of what is sought: `good` of the 2^variables numbers; `labels` are of the wires beyond."""

    variables: int
    labels: tuple[str, ...]
    ops: tuple[Op, ...]
    good: NDArray[np.bool_]


def of_clauses(variables: int, clauses: list[Clause]) -> Oracle:
    """Return the oracle of a formula."""
    labels = tuple(f"k[{at}]" for at in range(len(clauses)))
    return Oracle(variables, labels, tuple(oracle(variables, clauses)), truth(variables, clauses))


def oracle(variables: int, clauses: list[Clause]) -> list[Op]:
    """Return the gates that turn the sign of every assignment that fulfils all clauses; a wire more for each clause."""
    write: list[Op] = []
    for at, clause in enumerate(clauses):
        wire, wires = variables + at, tuple(abs(one) - 1 for one in clause)
        if any(-one in clause for one in clause):  # always true
            write.append(Op("x", (wire,)))
            continue
        opened = tuple(abs(one) - 1 for one in clause if one > 0)
        write += [Op("x", (wire,)), Op("mcx", (*wires, wire), (), (), "", len(wires), opened, "X")]
    last = tuple(range(variables, variables + len(clauses)))
    mark = Op("mcz", last, (), (), "", len(last) - 1, (), "Z") if len(last) > 1 else Op("z", last)
    return [*write, mark, *reversed(write)]


def diffusion(variables: int) -> list[Op]:
    """Return the reflection about the even superposition, up to a sign."""
    wires = tuple(range(variables))
    turn = [Op("h", (wire,)) for wire in wires]
    zero = Op("mcz", wires, (), (), "", variables - 1, wires[:-1], "Z") if variables > 1 else Op("z", wires)
    flip = [Op("x", (wires[-1],))]
    return [*turn, *flip, zero, *flip, *turn]


def search(asked: Oracle, rng: np.random.Generator, stop: Stop) -> tuple[int | None, int, list[float], Circuit]:
    """Return (a number or None, oracle calls, probability of a solution after each round, the last circuit)."""
    variables = asked.variables
    labels = (*(f"x[{at}]" for at in range(variables)), *asked.labels)
    start = [Op("h", (wire,)) for wire in range(variables)]
    step = Circuit("round", labels, (), (*asked.ops, *diffusion(variables)))
    good = asked.good  # only to check what was measured, and to show the curve
    outcomes = _Outcomes(Circuit("start", labels, (), tuple(start)), step, variables, stop)
    bound, calls, found, rounds = 1.0, 0, None, 0
    limit = math.sqrt(1 << variables)
    while found is None and calls <= 9 * limit:
        rounds = int(rng.integers(0, math.ceil(bound)))
        calls += rounds + 1  # the check of what was measured asks once more
        measured = int(rng.choice(1 << variables, p=outcomes.after(rounds)))
        found = measured if good[measured] else None
        bound = min(_GROWTH * bound, limit)
    if good.any():  # the curve goes on to its first peak, however soon something was found
        outcomes.after(math.floor(math.pi / 4 / math.asin(math.sqrt(good.sum() / good.size))))
    drawn = Circuit("grover", labels, (), (*start, *step.ops * min(max(rounds, 1), 3)))
    return found, calls, [float(one[good].sum()) for one in outcomes.known], drawn


class _Outcomes:
    """The probabilities of all numbers after each round, evolved as far as they are asked for."""

    def __init__(self, start: Circuit, step: Circuit, variables: int, stop: Stop) -> None:
        self._step, self._size, self._stop = step, 1 << variables, stop
        self._state, _ = states.evolve(start, stop=stop)
        self.known = [self._now()]

    def after(self, rounds: int) -> NDArray[np.float64]:
        """Return the probabilities after so many rounds."""
        while len(self.known) <= rounds:
            if self._stop():
                raise Cancelled("Cancelled")
            self._state, _ = states.evolve(self._step, stop=self._stop, state=self._state)
            self.known.append(self._now())
        return self.known[rounds]

    def _now(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = states.probabilities(self._state).reshape(-1, self._size).sum(axis=0)
        return found


def _given(values: dict[str, Any], rng: np.random.Generator) -> tuple[int, list[Clause]]:
    if not values["file"]:
        return values["variables"], random_formula(values["variables"], values["clauses"], rng)
    path = Path(values["file"])
    if not path.is_file():
        raise Missing("There is no file {file}", file=path)
    if path.stat().st_size > _MOST_BYTES:
        raise Limit("{file}: {size} bytes are more than the {most} read here", file=path, size=path.stat().st_size,
                    most=_MOST_BYTES)  # fmt: skip
    return read_cnf(path.read_text("utf-8", "replace"), path.name)


def work(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Search one formula."""
    variables, clauses = _given(values, rng)
    if variables + len(clauses) > MOST_WIRES:
        raise Limit("{variables} variables and {clauses} clauses need more than the {most} qubits simulated here",
                    variables=variables, clauses=len(clauses), most=MOST_WIRES)  # fmt: skip
    asked = of_clauses(variables, clauses)
    good = asked.good
    found, calls, curve, circuit = search(asked, rng, stop)
    count = int(good.sum())
    expected = ((1 << variables) + 1) / (count + 1) if count else float(1 << variables)
    text = "" if found is None else f"{found:0{variables}b}"
    correct = (found is not None and bool(good[found])) or (found is None and count == 0)
    return Finding(
        {"assignment": text, "found": found is not None, "verified": correct, "oracle_calls": calls,
         "variables": variables, "clauses": [list(clause) for clause in clauses]},
        {"method": "exhaustive search", "solutions": count, "expected_calls": expected, "worst_calls": 1 << variables},
        NO, "fewer calls of the oracle, but every call is simulated here at the cost of all assignments at once",
        0.0 if correct else 1.0, max(curve) if count else 1.0, circuit, shots=1, series={"success_ratio": curve},
    )  # fmt: skip


TASK = Task(
    "grover", "Search (Grover)",
    "Finds an assignment that fulfils a logical formula, with about the square root of the tries.",
    (
        "All assignments start with the same amplitude.",
        "The oracle writes each clause into a qubit and turns the sign where all hold.",
        "The diffusion reflects about the mean: amplitudes of solutions grow.",
        "What is measured is checked; if it fails, the search goes on with a longer range of rounds.",
        "Exhaustive search stands beside it.",
    ),
    (
        Param("file", "DIMACS file with a formula; without it one is drawn.", ""),
        Param("variables", "Variables of the drawn formula.", 8, 2, 12),
        Param("clauses", "Clauses of the drawn formula.", 10, 1, 16),
    ),
    work,
    "0 where a classical check confirms the answer, 1 where it does not.",
    "Best chance over the rounds that one measurement is a solution; 1 where there is none to find.",
)  # fmt: skip
