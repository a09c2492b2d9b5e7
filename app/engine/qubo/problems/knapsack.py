"""Knapsack with one or several capacities: take the most valuable items that fit (Lucas 2014, section 5.2, with bit slacks).

Files: `items capacity` then `value weight` per item (Pisinger's form), or OR-Library's mknap: `items constraints optimum`,
the values, a row of weights per constraint, the capacities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Table, headings, is_numbers, numbers, shape
from app.engine.qubo.problems.terms import Terms


@dataclass(frozen=True, eq=False)
class Knapsack(Problem):
    """Items with `values` (n,) and whole `weights` (m, n) under `capacities` (m,); an answer is the items taken, rising."""

    items: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.int64]
    capacities: NDArray[np.int64]
    name: str = ""
    optimum: float | None = None
    kind = "knapsack"
    terms_of_any = True
    sense = "max"

    def formulate(self) -> Formulation:
        """Return minus the value, and a square per capacity."""
        terms = Terms(len(self.items))
        every = np.arange(terms.n)
        terms.add(every, every, -self.values)
        # Leaving out one item of weight 1 or more mends one unit of excess and loses its value at most.
        weight = float(np.maximum(self.values, 0).max()) + 1.0
        for row, capacity in zip(self.weights, self.capacities, strict=True):
            terms.inequality(every, row, int(capacity), weight, name="capacity")
        penalty = Penalty(
            tr("capacity"), weight, tr("the value of the best item, plus 1: leaving out an item mends the excess")
        )
        return Formulation(terms.build(sense="max", name=self.name), (penalty,), tuple(terms.capacities))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Take the items."""
        sample[list(answer)] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the items taken."""
        return [int(k) for k in np.flatnonzero(sample[: len(self.items)])]

    def check(self, answer: Any) -> list[str]:
        """Return the capacities exceeded."""
        used = self.weights[:, list(answer)].sum(1)
        return [
            tr("capacity {number}: {used} of {capacity} used", number=k + 1, used=used[k], capacity=self.capacities[k])
            for k in np.flatnonzero(used > self.capacities)
        ]

    def objective(self, answer: Any) -> float:
        """Return the value taken."""
        return float(self.values[list(answer)].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        rows = self.weights[:, list(answer)].sum(axis=1)
        full = max((w / c for w, c in zip(rows.tolist(), self.capacities.tolist(), strict=True) if c), default=0.0)
        return {tr("items"): float(len(answer)), tr("fullness, %"): 100.0 * full}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return a row per capacity, the items laid end to end."""
        bars = []
        for row, weights in enumerate(self.weights):
            at = 0
            for item in answer or ():
                bars.append(pictures.bar(row, at, at + int(weights[item]), self.items[item], item % 8))
                at += int(weights[item])
        rows = [
            tr("capacity {number}", number=k + 1) if len(self.capacities) > 1 else tr("capacity")
            for k in range(len(self.capacities))
        ]
        return pictures.gantt(rows, bars, limits=[float(c) for c in self.capacities])

    def facts(self) -> list[tuple[str, str]]:
        """Return items and capacities."""
        shown = ", ".join(str(c) for c in self.capacities[:6])
        return [
            (tr("items"), str(len(self.items))),
            (tr("capacities"), shown),
            (tr("value of all"), number_text(self.values.sum(), "g")),
        ]


def read(text: str, file: str) -> Knapsack:
    """Return the problem in `text`."""
    if not is_numbers(text):
        return _table(text, file)
    values, at = numbers(text, file)
    if len(shape(text, 1)[0]) == 2:
        n = int(values[0])
        _promise(2 + 2 * n, values, at, file)
        body = np.array(values[2:]).reshape(n, 2)
        return _made(file, body[:, 0], body[:, 1].reshape(1, -1), np.array(values[1:2]), None)
    n, m = int(values[0]), int(values[1])
    _promise(3 + n + n * m + m, values, at, file)
    body = np.array(values[3:])
    optimum = values[2] if values[2] > 0 else None
    return _made(file, body[:n], body[n : n + n * m].reshape(m, n), body[n + n * m :], optimum)


def _promise(count: int, values: list[float], at: list[int], file: str) -> None:
    if len(values) != count:
        raise BadInput("{file}, line {line}: the first line promises {count} numbers in all, the file has {found}",
                       field="file", file=file, line=at[0] if len(values) < count else at[count], count=count,
                       found=len(values))  # fmt: skip


def _made(  # noqa: PLR0917 - one caller a format
    file: str, values: NDArray[np.float64], weights: NDArray[np.float64], capacities: NDArray[np.float64],
    optimum: float | None,
    items: tuple[str, ...] = (),
) -> Knapsack:  # fmt: skip
    whole = np.concatenate([weights.ravel(), capacities])
    if np.any(whole < 0) or np.any(whole != np.rint(whole)):
        raise BadInput(
            "{file}, line {line}: weights and capacities are whole numbers, 0 or more", field="file", file=file, line=1
        )
    names = items or tuple(str(k + 1) for k in range(len(values)))
    return Knapsack(names, values, weights.astype(np.int64), capacities.astype(np.int64), file, optimum)


def _table(text: str, file: str) -> Knapsack:
    table = Table(text, file)
    table.need("item", "value", "weight")
    columns = [name for name in table.columns if name.startswith("weight")]
    limit = table.setting("capacity")
    table.close()
    words = limit.text.replace(",", " ").split()
    if len(words) != len(columns):
        raise table.bad(limit.line, "expected a capacity for each of {count} weights, found {found}",
                        count=len(columns), found=len(words))  # fmt: skip
    capacities = [table.whole(type(limit)(word, limit.line)) for word in words]
    weights = [[row.whole(name) for row in table] for name in columns]
    values = np.array([row.real("value") for row in table])
    items = table.names("item")
    return _made(file, values, np.array(weights, np.float64), np.array(capacities, np.float64), None, items)


def recognise(text: str) -> bool:
    """Tell whether `text` has a table of items, or the shape of one of the two file formats."""
    rows = shape(text)
    if not rows or None in rows[0]:
        return {"item", "value", "weight"} <= headings(text)
    n = rows[0][0] or 0
    simple = len(rows[0]) == 2 and len(rows) == n + 1 and all(len(row) == 2 for row in rows)
    count = sum(len(row) for row in rows)
    return simple or (len(rows[0]) == 3 and count == 3 + n + n * (rows[0][1] or 0) + (rows[0][1] or 0))


KIND = Kind(
    "knapsack", "Knapsack", "Takes the most valuable items that fit one or several capacities.",
    "items capacity, then value weight; OR-Library mknap", read, recognise,
    "item, value, weight (capacity = …); weight_2, … for more capacities", ("dynamic programming",),
)  # fmt: skip
