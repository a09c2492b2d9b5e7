"""Set cover: the cheapest sets that together hold every element (Lucas 2014, section 5.1; weights after Balas, Ho 1980).

Files: OR-Library's scp: `elements sets`, the cost of each set, then per element how many sets hold it and which.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import number_text, typed_text
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Table, headings, is_numbers, numbers, shape
from app.engine.qubo.problems.terms import Terms
from app.engine.qubo.readers.lines import Lines

_MOST = 10**6


@dataclass(frozen=True, eq=False)
class Cover(Problem):
    """Sets with costs and, per element, the sets that hold it; an answer is the sets chosen, rising."""

    sets: tuple[str, ...]
    elements: tuple[str, ...]
    costs: NDArray[np.float64]
    holders: tuple[NDArray[np.int64], ...]
    name: str = ""
    kind = "cover"

    def formulate(self) -> Formulation:
        """Return the cost, and a square per element."""
        terms = Terms(len(self.sets))
        every = np.arange(terms.n)
        terms.add(every, every, self.costs)
        most = 0.0
        for element, holders in zip(self.elements, self.holders, strict=True):
            if len(holders):
                weight = float(self.costs[holders].min()) + 1.0
                most = max(most, weight)
                terms.inequality(holders, np.ones(len(holders), np.int64), 1, weight, name=element, sign=-1)
        why = tr("the cheapest set that holds the element, plus 1: choosing it mends the gap (the largest is shown)")
        return Formulation(terms.build(name=self.name), (Penalty(tr("cover"), most, why),), tuple(terms.capacities))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Choose the sets."""
        sample[list(answer)] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the sets chosen."""
        return [int(k) for k in np.flatnonzero(sample[: len(self.sets)])]

    def check(self, answer: Any) -> list[str]:
        """Return the elements left out."""
        chosen = set(answer)
        return [
            tr("element {name} is in no chosen set", name=name)
            for name, holders in zip(self.elements, self.holders, strict=True) if chosen.isdisjoint(holders.tolist())
        ]  # fmt: skip

    def conflicts(self) -> list[str]:
        """Return the elements that no set holds."""
        return [
            tr("no set holds element {name}", name=name)
            for name, who in zip(self.elements, self.holders, strict=True)
            if not len(who)
        ]

    def objective(self, answer: Any) -> float:
        """Return the cost of the sets."""
        return float(self.costs[list(answer)].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        chosen = set(answer)
        more = sum(len(chosen.intersection(holders.tolist())) - 1 for holders in self.holders)
        return {tr("sets"): float(len(chosen)), tr("elements held again"): float(more)}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return a row per set (the chosen ones first), a mark per element it holds."""
        chosen = dict.fromkeys(answer or ())
        order = [*chosen, *(k for k in range(len(self.sets)) if k not in chosen)][:40]
        row_of = {k: row for row, k in enumerate(order)}
        bars = [
            pictures.bar(row_of[k], at, at + 0.9, name, row_of[k] % 8 if k in chosen else -1)
            for at, (name, holders) in enumerate(zip(self.elements[:400], self.holders, strict=False))
            for k in holders.tolist() if k in row_of
        ]  # fmt: skip
        return pictures.gantt([self.sets[k] for k in order], bars, unit="element")

    def facts(self) -> list[tuple[str, str]]:
        """Return the size of the problem."""
        return [
            (tr("sets"), str(len(self.sets))),
            (tr("elements"), str(len(self.elements))),
            (tr("cost of all"), number_text(self.costs.sum(), "g")),
        ]


def read(text: str, file: str) -> Cover:
    """Return the problem in `text`."""
    if not is_numbers(text):
        return _table(text, file)
    values, at = numbers(text, file)
    lines = Lines("", file, ())

    def count_at(k: int, low: int) -> int:
        """Return the number at `k`, 1 or more where the file ends before it, as that is told below."""
        if k < len(values) and not (low <= values[k] <= _MOST and values[k] == int(values[k])):
            raise lines.bad("expected a whole number from {low} to {high}, found {word}", line=at[k], low=low, high=_MOST,
                            word=typed_text(values[k]))  # fmt: skip
        return int(values[k]) if k < len(values) else 1

    m, n = count_at(0, 1), count_at(1, 1)
    costs, holders, place = values[2 : 2 + n], [], 2 + n
    for element in range(m):
        count = count_at(place, 0)
        members = values[place + 1 : place + 1 + count]
        if len(members) < count or len(costs) < n:
            raise BadInput("{file}, line {line}: the file ends within element {element} of {count}",
                           field="file", file=file, line=at[-1], element=element + 1, count=m)  # fmt: skip
        wrong = [k for k, one in enumerate(members) if not (1 <= one <= n and one == int(one))]
        if wrong:
            raise BadInput("{file}, line {line}: expected the number of a set from 1 to {n}, found {word}", field="file",
                           file=file, line=at[place + 1 + wrong[0]], n=n, word=typed_text(members[wrong[0]]))  # fmt: skip
        holders.append(np.unique(np.array(members, np.int64) - 1))
        place += 1 + count
    if place < len(values):
        raise lines.bad("the first line promises {count} elements, here is more", line=at[place], count=m)
    names = tuple(str(k + 1) for k in range(n)), tuple(str(k + 1) for k in range(m))
    return _checked(Cover(*names, np.array(costs), tuple(holders), file))


def _table(text: str, file: str) -> Cover:
    table = Table(text, file)
    table.need("set", "cost", "elements")
    number: dict[str, int] = {}
    held: dict[int, set[int]] = {}
    for at, row in enumerate(table):
        for word in row.text("elements").split():
            held.setdefault(number.setdefault(word, len(number)), set()).add(at)
    for word in table.setting("elements", "").text.split():
        number.setdefault(word, len(number))
    table.close()
    holders = [np.array(sorted(held.get(element, ())), np.int64) for element in range(len(number))]
    costs = np.array([row.real("cost", 0.0) for row in table])
    return Cover(table.names("set"), tuple(number), costs, tuple(holders), file)


def _checked(problem: Cover) -> Cover:
    if np.any(problem.costs < 0):
        raise BadInput("{file}, line {line}: a cost is 0 or more", field="file", file=problem.name, line=2)
    return problem


def recognise(text: str) -> bool:
    """Tell whether `text` has a table of sets, or reads through as OR-Library's scp."""
    if not is_numbers(text):
        return {"set", "cost", "elements"} <= headings(text)
    rows = shape(text)
    if len(rows) > 3 and all(len(row) == 3 for row in rows[1:]):
        return False
    if len(rows[0]) != 2 or any(None in row for row in rows):
        return False
    flat = [word for row in shape(text, 10**6) for word in row]
    if None in flat:
        return False
    m, n = int(flat[0] or 0), int(flat[1] or 0)
    place = 2 + n
    for _ in range(m):
        place += 1 + int(flat[place] or 0) if place < len(flat) else 1
    return m > 0 and place == len(flat)


KIND = Kind(
    "cover", "Set cover", "Chooses the cheapest sets that together hold every element.",
    "OR-Library scp", read, recognise, "set, cost, elements (blanks between; use commas between columns)",
    ("HiGHS branch and cut",),
)  # fmt: skip
