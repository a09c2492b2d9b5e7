"""Quadratic assignment: facilities to places so that flow times distance is least (Koopmans, Beckmann 1957; QAPLIB)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Table, headings, holds_words, is_numbers, numbers, shape
from app.engine.qubo.problems.terms import Terms


@dataclass(frozen=True, eq=False)
class Qap(Problem):
    """Matrices `first` and `second` (n, n), the cost being sum first[i, j] second[p(i), p(j)]; an answer is p, from 0."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    name: str = ""
    kind = "qap"

    def formulate(self) -> Formulation:
        """Return the cost, every facility one place, every place one facility."""
        a, b, n = self.first, self.second, len(self.first)
        terms = Terms(n * n)
        x = np.arange(n * n).reshape(n, n)
        terms.add(x, x, a.diagonal()[:, None] * b.diagonal()[None, :])
        for i in range(n):
            for j in range(i + 1, n):
                cost = a[i, j] * b + a[j, i] * b.T
                np.fill_diagonal(cost, 0.0)
                terms.add(x[i][:, None], x[j][None, :], cost)
        weight = self._weight()
        for k in range(n):
            terms.one_of(x[k], weight)
            terms.one_of(x[:, k], weight)
        why = tr("what placing one facility can add at most, plus 1: it mends two penalties")
        names = (tr("one place a facility"), tr("one facility a place"))
        return Formulation(terms.build(name=self.name), tuple(Penalty(name, weight, why) for name in names))

    def _weight(self) -> float:
        """Return the largest cost that one assignment can bring in: its flows, sorted, on the distances, sorted."""
        flows = -np.sort(-np.abs(self.first + self.first.T), axis=1)
        far = -np.sort(-np.abs(np.maximum(self.second, self.second.T)), axis=1)
        return float((flows @ far.T).max()) + 1.0

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Assign."""
        n = len(self.first)
        for i, p in enumerate(answer):
            if p >= 0:
                sample[i * n + p] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the place of each facility, -1 for none or several."""
        n = len(self.first)
        return [int(row.argmax()) if row.sum() == 1 else -1 for row in sample[: n * n].reshape(n, n)]

    def check(self, answer: Any) -> list[str]:
        """Return facilities without a place and places taken twice."""
        taken = list(answer)
        again = sorted({p for p in taken if p >= 0 and taken.count(p) > 1})
        return [tr("facility {number} has no single place", number=i + 1) for i, p in enumerate(taken) if p < 0] + [
            tr("place {number} has more than one facility", number=p + 1) for p in again
        ]

    def objective(self, answer: Any) -> float:
        """Return flow times distance."""
        p = np.asarray(answer)
        return float((self.first * self.second[np.ix_(p, p)]).sum())

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the places on a ring with their facilities, flows as lines, wide for much."""
        n = len(self.first)
        at = {int(p): i for i, p in enumerate(answer)} if answer is not None else {}
        names = [f"{p + 1}: {at[p] + 1}" if p in at else str(p + 1) for p in range(n)]
        flow = (self.first + self.first.T) / 2
        most = float(flow.max(initial=0.0)) or 1.0
        lines = [
            pictures.line([answer[i], answer[j]], 0, width_ratio=flow[i, j] / most)
            for i in range(n) for j in range(i + 1, n)
            if flow[i, j] > 0 and answer is not None and min(answer[i], answer[j]) >= 0
        ]  # fmt: skip
        return pictures.routes(pictures.ring_points(names), lines)

    def facts(self) -> list[tuple[str, str]]:
        """Return the size."""
        return [(tr("facilities"), str(len(self.first))), (tr("largest flow"), number_text(self.first.max(), "g")),
                (tr("largest distance"), number_text(self.second.max(), "g"))]  # fmt: skip


def read(text: str, file: str) -> Qap:
    """Return the problem in `text`."""
    if not is_numbers(text):
        return _table(text, file)
    values, at = numbers(text, file)
    n = int(values[0])
    if len(values) != 1 + 2 * n * n:
        raise BadInput("{file}, line {line}: two matrices of {n} by {n} are promised, {count} numbers, the file has {found}",
                       field="file", file=file, line=at[-1], n=n, count=2 * n * n, found=len(values) - 1)  # fmt: skip
    body = np.array(values[1:]).reshape(2, n, n)
    return _checked(Qap(body[0], body[1], file))


def _table(text: str, file: str) -> Qap:
    table = Table(text, file)
    table.need("a", "b", "flow", "distance")
    table.close()
    number: dict[str, int] = {}
    rows: list[tuple[int, int, float, float]] = []
    far: dict[tuple[int, int], float] = {}
    for row in table:
        i, j = (number.setdefault(row.text(end), len(number)) for end in ("a", "b"))
        if i == j or any((i, j) == other[:2] for other in rows):
            raise table.bad(row.line, "a pair joins two different names, and stands once in each direction")
        rows.append((i, j, row.real("flow", 0.0), row.real("distance", 0.0)))
        if far.setdefault((min(i, j), max(i, j)), rows[-1][3]) != rows[-1][3]:
            raise table.bad(row.line, "the distance from {a} to {b} is not the one from {b} to {a}", a=row.text("a"),
                            b=row.text("b"))  # fmt: skip
    flow, distance = np.zeros((len(number), len(number))), np.zeros((len(number), len(number)))
    for i, j, f, d in rows:
        flow[i, j] = f
        distance[i, j] = distance[j, i] = d
    return Qap(flow, distance, file)


def _checked(problem: Qap) -> Qap:
    if min(problem.first.min(), problem.second.min()) < 0:
        raise BadInput("{file}, line {line}: flows and distances are 0 or more", field="file", file=problem.name, line=2)
    return problem


def recognise(text: str) -> bool:
    """Tell whether `text` has the two matrices of QAPLIB, or a table of flows and distances."""
    rows = shape(text, 1)
    if rows and len(rows[0]) == 1 and rows[0][0] is not None:
        return holds_words(text, 1 + 2 * rows[0][0] ** 2)
    return {"a", "b", "flow", "distance"} <= headings(text)


KIND = Kind(
    "qap", "Quadratic assignment", "Gives facilities places so that flow times distance is least.",
    "QAPLIB", read, recognise, "a, b, flow, distance (flow from a to b, distance between the places numbered so)",
    ("tabu search over swaps, then branch and bound",),
)  # fmt: skip
