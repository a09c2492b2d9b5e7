"""Travelling salesman: the shortest tour through all places (Lucas 2014, section 7.2, the first place fixed at the start).

x[p, c] tells that city c + 1 stands at step p + 1 of the tour: (n - 1)^2 variables.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import declared_kind, headings
from app.engine.qubo.problems.terms import Terms
from app.engine.qubo.problems.tsplib import Places, is_tsplib, read_places, read_tsplib


@dataclass(frozen=True, eq=False)
class Tsp(Problem):
    """Places; an answer is the order of their numbers, 0 first (gaps and repetitions show as -1 entries)."""

    places: Places
    name: str = ""
    kind = "tsp"

    def formulate(self) -> Formulation:
        """Return the length, every step one city, every city one step."""
        d, m = self.places.distances, self.places.n - 1
        if m < 1:
            return Formulation(Terms(1).build(name=self.name))
        terms = Terms(m * m)
        terms.expect(2 * m**3)
        x = np.arange(m * m).reshape(m, m)
        terms.add(x[0], x[0], d[0, 1:])
        terms.add(x[-1], x[-1], d[1:, 0])
        for p in range(m - 1):
            terms.add(x[p][:, None], x[p + 1][None, :], d[1:, 1:])
        weight = float(d.max()) + 1.0
        for k in range(m):
            terms.one_of(x[k], weight)
            terms.one_of(x[:, k], weight)
        why = tr("the longest distance, plus 1: a missing city costs two penalties, and fitting it in two distances at most")
        names = (tr("one city a step"), tr("each city once"))
        return Formulation(terms.build(name=self.name), tuple(Penalty(name, weight, why) for name in names))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Set the steps."""
        m = self.places.n - 1
        for p, city in enumerate(answer[1:]):
            if city > 0 and p < m:
                sample[p * m + city - 1] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the tour; a step with no city or with several is -1."""
        m = self.places.n - 1
        rows = sample[: m * m].reshape(m, m) if m > 0 else np.zeros((0, 0), np.int8)
        return [0, *(int(row.argmax()) + 1 if row.sum() == 1 else -1 for row in rows)]

    def check(self, answer: Any) -> list[str]:
        """Return cities missing and repeated."""
        names, seen = self.places.names, list(answer)
        missing = sorted(set(range(self.places.n)) - set(seen))
        again = sorted({city for city in seen if city >= 0 and seen.count(city) > 1})
        return [tr("{name} is not visited", name=names[c]) for c in missing] + [
            tr("{name} is visited more than once", name=names[c]) for c in again
        ]

    def objective(self, answer: Any) -> float:
        """Return the length of the closed tour."""
        tour = np.asarray(answer)
        return float(self.places.distances[tour, np.roll(tour, -1)].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        tour = np.asarray(answer)
        return {tr("longest leg"): float(self.places.distances[tour, np.roll(tour, -1)].max())}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the places and the tour."""
        points = plane(self.places, depot=False)
        tour = [city for city in answer or () if city >= 0]
        return pictures.routes(points, [pictures.line([*tour, tour[0]], 0, label="tour")] if tour else [],
                               earth=self.places.earth is not None)  # fmt: skip

    def facts(self) -> list[tuple[str, str]]:
        """Return the number of places and the longest distance."""
        return [(tr("places"), str(self.places.n)), (tr("longest distance"), number_text(self.places.distances.max(), "g"))]


def plane(places: Places, *, depot: bool) -> list[dict[str, Any]]:
    """Return the points of a picture: degrees on the earth or positions if they are known, else a ring."""
    at = places.positions if places.earth is None else places.earth
    if at is None:
        points = pictures.ring_points(places.names, "stop")
    else:
        points = [pictures.point(name, x, y) for name, (x, y) in zip(places.names, at, strict=True)]
    if depot and points:
        points[0]["role"] = "depot"
    return points


def read(text: str, file: str) -> Tsp:
    """Return the problem in `text`."""
    return Tsp(read_tsplib(text, file) if is_tsplib(text, r"\w+") else read_places(text, file), file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a TSPLIB tour or a table of places without demand."""
    found = headings(text)
    table = "name" in found and ({"x", "y"} <= found or {"lat", "lon"} <= found) and "demand" not in found
    return is_tsplib(text, "(TSP|ATSP)") or (table and declared_kind(text) in ("", "tsp"))


KIND = Kind(
    "tsp", "Travelling salesman", "Finds the shortest tour through all places.",
    "TSPLIB", read, recognise, "name, x, y or name, lat, lon", ("2-opt, moved segments and kicks",),
)  # fmt: skip
