"""Supply-chain flow: what goes over which way, in whole units, from those who have to those who need, at the least cost.

Files: DIMACS minimum-cost flow (`p min nodes arcs`, `n node amount`, `a from to least most cost`; the format of the First
DIMACS Implementation Challenge, 1991), or a table of ways with lines `supply = place amount` and `demand = place amount`. What
supplies have beyond all demands stays where it is.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.programme import Constraint, Integer
from app.engine.qubo.problems.tables import Cell, Table, head_lines, headings, sets
from app.engine.qubo.readers.lines import Lines

_MOST_UNITS = 10**9
Way = tuple[int, int, int, int, float]  # from, to, least, most, cost of a unit


@dataclass(frozen=True, eq=False)
class Supply(Problem):
    """Places with what each gives (above 0) or needs (below), and ways; an answer is a flow per way, then what stays."""

    places: tuple[str, ...]
    amounts: tuple[int, ...]
    ways: tuple[Way, ...]
    name: str = ""
    kind = "supply"

    @property
    def surplus(self) -> int:
        """Return how much more there is than is needed; below 0 when it cannot be enough."""
        return sum(self.amounts)

    @cached_property
    def programme(self) -> Integer:
        """The same as a programme: a variable per way, one per supply for what stays there, and a balance per place."""
        givers = [k for k, amount in enumerate(self.amounts) if amount > 0 and self.surplus > 0]
        names = [f"{self.places[i]} - {self.places[j]}" for i, j, _, _, _ in self.ways] + [self.places[k] for k in givers]
        terms: list[list[tuple[int, int]]] = [[] for _ in self.places]
        for way, (i, j, _, _, _) in enumerate(self.ways):
            terms[i].append((way, 1))
            terms[j].append((way, -1))
        for at, k in enumerate(givers):
            terms[k].append((len(self.ways) + at, 1))
        rows = [
            Constraint(place, tuple(mine), "=", amount)
            for place, mine, amount in zip(self.places, terms, self.amounts, strict=True)
        ]
        if givers:
            rows.append(
                Constraint(tr("what stays"), tuple((len(self.ways) + at, 1) for at in range(len(givers))), "=", self.surplus)
            )
        most = [way[3] for way in self.ways] + [min(self.amounts[k], self.surplus) for k in givers]
        linear = tuple((way, row[4]) for way, row in enumerate(self.ways) if row[4])
        low = tuple([way[2] for way in self.ways] + [0] * len(givers))
        return Integer(tuple(names), low, tuple(most), linear, (), 0.0, tuple(rows), "min", self.name)

    def formulate(self) -> Formulation:
        """Return the cost, and a square per place for its balance."""
        made = self.programme.formulation
        why = tr("the spread of all costs, plus 1: one unit too many or too few can never pay")
        return Formulation(made.qubo, (Penalty(tr("balance of each place"), made.penalties[0].weight, why),), made.capacities)

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Set the flows."""
        self.programme.place(sample, answer)

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the flows."""
        return self.programme.decode(sample)

    def check(self, answer: Any) -> list[str]:
        """Return places whose balance is off."""
        told = ((row, row.value(answer)) for row in self.programme.constraints)
        return [
            tr("{place}: {given} goes out more than comes in, it should be {wanted}", place=row.name, given=value,
               wanted=row.limit)
            for row, value in told if not row.holds(value)
        ]  # fmt: skip

    def conflicts(self) -> list[str]:
        """Return that there is too little in all, and places whose ways are too narrow."""
        out = []
        if self.surplus < 0:
            need = -sum(amount for amount in self.amounts if amount < 0)
            out.append(tr("all demands need {need}, all supplies have {have}", need=need, have=need + self.surplus))
        for k, amount in enumerate(self.amounts):
            room = sum(way[3] for way in self.ways if way[1] == k)
            if amount < 0 and room < -amount:
                out.append(
                    tr("{place} needs {need}, the ways to it carry {room}", place=self.places[k], need=-amount, room=room)
                )
        return out

    def objective(self, answer: Any) -> float:
        """Return the cost of all flows."""
        return self.programme.objective(answer)

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        used = [(flow, way) for flow, way in zip(answer, self.ways, strict=False) if flow]
        return {
            tr("ways in use"): float(len(used)),
            tr("ways at their limit"): float(sum(flow == way[3] for flow, way in used)),
        }

    def draw(self, answer: Any) -> pictures.Picture:
        """Return places and ways, each as wide as it is full; supplies are marked as depots."""
        ends = np.array([way[:2] for way in self.ways], np.int64).reshape(-1, 2)
        at = pictures.layout(len(self.places), (ends[:, 0], ends[:, 1]))
        points = [
            pictures.point(name, x, y, "depot" if amount > 0 else "stop" if amount < 0 else "node")
            for name, amount, (x, y) in zip(self.places, self.amounts, at, strict=True)
        ]
        flows = answer if answer is not None else [0] * len(self.ways)
        lines = [
            pictures.line([i, j], 0 if flow else -1, label=tr("{flow} of {most}", flow=flow, most=most),
                          width_ratio=min(1.0, flow / max(1, most)))
            for flow, (i, j, _, most, _) in zip(flows, self.ways, strict=False)
        ]  # fmt: skip
        return pictures.routes(points, lines)

    def facts(self) -> list[tuple[str, str]]:
        """Return places, ways, supply and demand."""
        have = sum(amount for amount in self.amounts if amount > 0)
        return [(tr("places"), str(len(self.places))), (tr("ways"), str(len(self.ways))), (tr("supply"), str(have)),
                (tr("demand"), str(have - self.surplus))]  # fmt: skip


def read(text: str, file: str) -> Supply:
    """Return the problem in `text`; raises `BadInput` naming file, line and reason."""
    return _dimacs(text, file) if _is_dimacs(text) else _table(text, file)


def _is_dimacs(text: str) -> bool:
    return any(line.split()[:2] == ["p", "min"] for line in head_lines(text, 2000))


def _dimacs(text: str, file: str) -> Supply:
    lines, counts = Lines(text, file, ("c",)), [0, 0]
    amounts: list[int] = []
    ways: list[Way] = []
    for words in lines:
        if words[:2] == ["p", "min"] and len(words) == 4 and not amounts:
            counts = [lines.whole(words[2], 1, 10**5), lines.whole(words[3], 1, 10**6)]
            amounts = [0] * counts[0]
        elif not amounts:
            raise lines.bad("expected p min nodes arcs first")
        elif words[0] == "n" and len(words) == 3:
            amounts[lines.whole(words[1], 1, counts[0]) - 1] = _amount(lines, words[2])
        elif words[0] == "a" and len(words) == 6:
            i, j = (lines.whole(word, 1, counts[0]) - 1 for word in words[1:3])
            least = lines.whole(words[3], 0, _MOST_UNITS)
            ways.append((i, j, least, lines.whole(words[4], least, _MOST_UNITS), lines.real(words[5])))
        else:
            raise lines.bad("expected n node amount, or a from to least most cost")
    if len(ways) != counts[1]:
        raise lines.bad("the first line promises {n} arcs, the file has {found}", n=counts[1], found=len(ways))
    return Supply(tuple(str(k + 1) for k in range(counts[0])), tuple(amounts), tuple(ways), file)


def _amount(lines: Lines, word: str) -> int:
    size = lines.whole(word.removeprefix("-"), 0, _MOST_UNITS)
    return -size if word.startswith("-") else size


def _table(text: str, file: str) -> Supply:
    table = Table(text, file)
    table.need("from", "to", "cost", "capacity")
    number: dict[str, int] = {}
    ways: list[Way] = []
    seen: set[tuple[int, int]] = set()
    for row in table:
        i, j = (number.setdefault(row.text(end), len(number)) for end in ("from", "to"))
        if i == j or (i, j) in seen:
            raise table.bad(row.line, "a way joins two places, and each pair stands once in each direction")
        seen.add((i, j))
        ways.append((i, j, 0, row.whole("capacity", 0, _MOST_UNITS), row.real("cost")))
    amounts = [0] * len(number)
    for word, sign in (("supply", 1), ("demand", -1)):
        before: dict[str, int] = {}
        for cell in table.each(word):
            words = cell.text.replace(",", " ").split()
            if len(words) != 2 or words[0] not in number:
                raise table.bad(cell.line, "expected {word} = place amount, with a place of the table", word=word)
            if before.setdefault(words[0], cell.line) != cell.line:
                raise table.bad(cell.line, "{name} stands already on line {before}", name=f"{word} = {words[0]}",
                                before=before[words[0]])  # fmt: skip
            amounts[number[words[0]]] += sign * table.whole(Cell(words[1], cell.line), 1, _MOST_UNITS)
    table.close()
    if not any(amount < 0 for amount in amounts):
        raise table.bad(1, "a line demand = place amount is missing")
    return Supply(tuple(number), tuple(amounts), tuple(ways), file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a minimum-cost flow, in DIMACS format or as a table with supplies."""
    return _is_dimacs(text) or ({"from", "to", "cost", "capacity"} <= headings(text) and sets(text, "supply"))


KIND = Kind(
    "supply", "Supply-chain flow", "Sends whole units from those who have to those who need, within the limits of the ways.",
    "DIMACS minimum-cost flow (.min)", read, recognise,
    "from, to, cost, capacity, and lines supply = place amount, demand = place amount",
    ("HiGHS branch and cut",),
)  # fmt: skip
