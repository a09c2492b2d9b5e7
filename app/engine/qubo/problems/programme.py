"""Binary and integer programmes: a linear or quadratic objective under linear constraints with whole coefficients.

Files: the LP format (see `lp`); dimod's CQM files arrive as such. Integers are written in bits over their bounds.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo.problem import Sense
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.lp import Programme, is_lp, read_lp
from app.engine.qubo.problems.terms import Terms, slack_bits, slack_weights

_MOST_RANGE = 2**20
_MOST_SCALE = 10**6
_MOST_WHOLE = 10**15


@dataclass(frozen=True)
class Constraint:
    """Whole coefficients by variable number, a relation (<=, >=, =) and a whole limit."""

    name: str
    terms: tuple[tuple[int, int], ...]
    relation: str
    limit: int

    def value(self, answer: Any) -> int:
        """Return the left side."""
        return int(sum(c * answer[k] for k, c in self.terms))

    def holds(self, value: int) -> bool:
        """Tell whether a left side of `value` keeps the constraint."""
        return {"<=": value <= self.limit, ">=": value >= self.limit, "=": value == self.limit}[self.relation]


@dataclass(frozen=True, eq=False)
class Integer(Problem):
    """Variables with `low` and `high`, an objective and constraints; an answer is a whole number per variable."""

    variables: tuple[str, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    linear: tuple[tuple[int, float], ...]
    quadratic: tuple[tuple[int, int, float], ...]
    constant: float
    constraints: tuple[Constraint, ...]
    sense: Sense = "min"
    name: str = ""
    kind = "programme"

    def _bits(self) -> list[tuple[int, list[int]]]:
        out, at = [], 0
        for low, high in zip(self.low, self.high, strict=True):
            weights = slack_weights(high - low)
            out.append((at, weights))
            at += len(weights)
        return out

    def formulate(self) -> Formulation:
        """Return the objective, a square per constraint."""
        bits = self._bits()
        terms = Terms(max(1, bits[-1][0] + len(bits[-1][1])))
        sign = -1.0 if self.sense == "max" else 1.0
        terms.constant(sign * self.constant)
        for k, c in self.linear:
            self._product(terms, bits, sign * c, k, None)
        for i, j, c in self.quadratic:
            self._product(terms, bits, sign * c, i, j)
        reach = np.maximum(np.abs(self.low), np.abs(self.high))
        span = sum(abs(c) * (self.high[k] - self.low[k]) for k, c in self.linear)
        span += sum(2 * abs(c) * int(reach[i]) * int(reach[j]) for i, j, c in self.quadratic)
        weight = float(span) + 1.0
        for row in self.constraints:
            self._constrain(terms, bits, row, weight)
        why = tr("the objective's spread over all values, plus 1: breaking a constraint by one unit can never pay")
        return Formulation(
            terms.build(sense=self.sense, name=self.name), (Penalty(tr("constraints"), weight, why),), tuple(terms.capacities)
        )

    def _product(self, terms: Terms, bits: list[tuple[int, list[int]]], c: float, i: int, j: int | None) -> None:
        """Add c * v_i * v_j (or c * v_i), each v = low + its bits."""
        (a, wa), la = bits[i], self.low[i]
        ia = a + np.arange(len(wa))
        if j is None:
            terms.constant(c * la)
            terms.add(ia, ia, c * np.array(wa, np.float64))
            return
        (b, wb), lb = bits[j], self.low[j]
        ib = b + np.arange(len(wb))
        terms.constant(c * la * lb)
        terms.add(ia, ia, c * lb * np.array(wa, np.float64))
        terms.add(ib, ib, c * la * np.array(wb, np.float64))
        terms.add(ia[:, None], ib[None, :], c * np.outer(wa, wb))

    def _constrain(self, terms: Terms, bits: list[tuple[int, list[int]]], row: Constraint, weight: float) -> None:
        limit = row.limit - sum(c * self.low[k] for k, c in row.terms)
        at = np.concatenate([bits[k][0] + np.arange(len(bits[k][1])) for k, _ in row.terms] or [np.empty(0, np.int64)])
        c = np.concatenate([c * np.array(bits[k][1], np.int64) for k, c in row.terms] or [np.empty(0, np.int64)])
        if row.relation == "=":
            terms.square(at, c, limit, weight)
        else:
            terms.inequality(at, c, limit, weight, name=row.name, sign=1 if row.relation == "<=" else -1)

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Write the values in bits."""
        for value, low, (at, weights) in zip(answer, self.low, self._bits(), strict=True):
            sample[at : at + len(weights)] = slack_bits(int(value) - low, weights)

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the values."""
        return [
            low + int(np.array(weights, np.int64) @ sample[at : at + len(weights)]) if weights else low
            for low, (at, weights) in zip(self.low, self._bits(), strict=True)
        ]

    def check(self, answer: Any) -> list[str]:
        """Return the constraints broken, with both sides."""
        told = [(row, row.value(answer)) for row in self.constraints]
        return [
            tr(
                "{name}: {value} {relation} {limit} does not hold",
                name=row.name,
                value=value,
                relation=row.relation,
                limit=row.limit,
            )
            for row, value in told
            if not row.holds(value)
        ]

    def conflicts(self) -> list[str]:
        """Return constraints that no values within the bounds can keep, alone or two over the same sum."""
        out, ranges = [], dict[tuple[tuple[int, int], ...], tuple[float, float, str]]()
        for row in self.constraints:
            least = sum(c * (self.low[k] if c > 0 else self.high[k]) for k, c in row.terms)
            most = sum(c * (self.high[k] if c > 0 else self.low[k]) for k, c in row.terms)
            if (row.relation in ("<=", "=") and least > row.limit) or (row.relation in (">=", "=") and most < row.limit):
                out.append(
                    tr(
                        "{name}: the left side is {least} to {most}, it should be {relation} {limit}",
                        name=row.name,
                        least=least,
                        most=most,
                        relation=row.relation,
                        limit=row.limit,
                    )
                )
            low = row.limit if row.relation in (">=", "=") else -np.inf
            high = row.limit if row.relation in ("<=", "=") else np.inf
            before = ranges.get(row.terms, (-np.inf, np.inf, row.name))
            if max(low, before[0]) > min(high, before[1]):
                out.append(tr("{before} and {name} ask for different values of the same sum", before=before[2], name=row.name))
            ranges[row.terms] = (max(low, before[0]), min(high, before[1]), row.name)
        return out

    def objective(self, answer: Any) -> float:
        """Return the objective in the file's own sense."""
        out = self.constant + sum(c * answer[k] for k, c in self.linear)
        return float(out + sum(c * answer[i] * answer[j] for i, j, c in self.quadratic))

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        return {tr("constraints at their limit"): float(sum(row.value(answer) == row.limit for row in self.constraints))}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return a row per constraint: its left side as a bar, its limit as a mark."""
        rows = self.constraints[:60]
        bars = [pictures.bar(k, 0, row.value(answer), f"{row.relation} {row.limit}", 0 if row.holds(row.value(answer)) else 1)
                for k, row in enumerate(rows)] if answer is not None else []  # fmt: skip
        return pictures.gantt([row.name for row in rows], bars, limits=[row.limit for row in rows])

    def facts(self) -> list[tuple[str, str]]:
        """Return variables, constraints, sense."""
        return [(tr("variables"), str(len(self.variables))), (tr("constraints"), str(len(self.constraints))),
                (tr("quadratic terms"), str(len(self.quadratic))),
                (tr("sense"), tr("maximise") if self.sense == "max" else tr("minimise"))]  # fmt: skip


def read(text: str, file: str) -> Integer:
    """Return the programme in `text`."""
    told = read_lp(text, file)
    names = list(dict.fromkeys([
        *told.linear, *(name for pair in told.quadratic for name in pair), *(name for row in told.rows for name in row[1]),
        *told.binary, *told.general,
    ]))  # fmt: skip
    if not names:
        raise BadInput("{file}, line {line}: the programme has no variable", field="file", file=file, line=1)
    number = {name: k for k, name in enumerate(names)}
    bounds = [_range(told, name, file) for name in names]
    linear = tuple((number[name], c) for name, c in told.linear.items() if c)
    quadratic = tuple((number[a], number[b], c) for (a, b), c in told.quadratic.items() if c)
    constraints = tuple(_whole(row, number, file) for row in told.rows)
    return Integer(tuple(names), tuple(b[0] for b in bounds), tuple(b[1] for b in bounds), linear, quadratic, told.constant,
                   constraints, "max" if told.sense == "max" else "min", file)  # fmt: skip


def _range(told: Programme, name: str, file: str) -> tuple[int, int]:
    line = told.binary.get(name) or told.general.get(name) or next((row[4] for row in told.rows if name in row[1]), 1)
    if name in told.binary:
        return 0, 1
    low, high = told.bounds.get(name, (0.0, float("inf")))
    if name not in told.general:
        raise _bad(file, line, tr("{name} is continuous; list it under Binaries or Generals", name=name))
    finite = abs(low) < float("inf") and abs(high) < float("inf")
    if not finite or high - low > _MOST_RANGE or low != int(low) or high != int(high) or high < low:
        raise _bad(file, line, tr("{name} needs whole bounds, low <= high, at most {most} apart", name=name, most=_MOST_RANGE))
    return int(low), int(high)


def _whole(row: tuple[str, dict[str, float], str, float, int], number: dict[str, int], file: str) -> Constraint:
    """Return a constraint scaled to whole numbers."""
    name, linear, relation, limit, line = row
    parts = [Fraction(str(value)) for value in (*linear.values(), limit)]
    scale = int(np.lcm.reduce([part.denominator for part in parts if part.denominator <= _MOST_SCALE] or [1]))
    whole = all((part * scale).denominator == 1 and abs(part * scale) <= _MOST_WHOLE for part in parts)
    if not whole or scale > _MOST_SCALE:
        raise _bad(file, line, tr("{name} cannot be scaled to whole numbers", name=name))
    terms = tuple(sorted((number[v], int(part * scale)) for v, part in zip(linear, parts, strict=False) if part))
    return Constraint(name, terms, relation, int(parts[-1] * scale))


def _bad(file: str, line: int, reason: str) -> BadInput:
    return BadInput("{file}, line {line}: {reason}", field="file", file=file, line=line, reason=reason)


def recognise(text: str) -> bool:
    """Tell whether `text` is in LP format."""
    return is_lp(text)


KIND = Kind(
    "programme", "Binary programme", "A linear or quadratic objective under linear constraints, in bits or integers.",
    "LP format, dimod CQM (.cqm)", read, recognise, "typed in LP format",
    ("HiGHS branch and cut",),
)  # fmt: skip
