"""Facility location: which sites to open and who is served from where (Balinski 1965); capacities if the file has them.

Files: OR-Library's cap: `sites customers`, then `capacity opening cost` per site, then per customer its demand and the cost of
serving all of it from each site. Each customer is served from one site.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Table, headings, holds_words, is_numbers, numbers, shape
from app.engine.qubo.problems.terms import Terms


@dataclass(frozen=True, eq=False)
class Facility(Problem):
    """Opening costs (m,), serving costs (n, m), demands (n,), capacities (m,) (0: none); an answer is a site per customer."""

    sites: tuple[str, ...]
    customers: tuple[str, ...]
    opening: NDArray[np.float64]
    serving: NDArray[np.float64]
    demands: NDArray[np.int64]
    capacities: NDArray[np.int64]
    name: str = ""
    kind = "facility"

    @property
    def _bound(self) -> NDArray[np.bool_]:
        """Tell which sites can be too small."""
        return np.asarray((self.capacities > 0) & (self.capacities < self.demands.sum()), np.bool_)

    def formulate(self) -> Formulation:
        """Return opening and serving, each customer one site, only open sites serve, capacities."""
        n, m = self.serving.shape
        terms = Terms(n * m + m)
        x, y = np.arange(n * m).reshape(n, m), n * m + np.arange(m)
        terms.add(y, y, self.opening)
        terms.add(x, x, self.serving)
        tight = bool(self._bound.any())
        spread = float(self.opening.sum() + (self.serving.max(1) - self.serving.min(1)).sum()) + 1.0
        own = (self.opening + self.serving).min(1) + 1.0 if not tight else np.full(n, spread) + self.serving.max(1)
        link = self.opening + 1.0 if not tight else np.full(m, spread)
        for c in range(n):
            terms.one_of(x[c], float(own[c]))
        terms.add(x, x, np.broadcast_to(link, x.shape))
        terms.add(x, y[None, :], -np.broadcast_to(link, x.shape))
        for f in np.flatnonzero(self._bound):
            terms.inequality(x[:, f], self.demands, int(self.capacities[f]), spread, name=self.sites[f])
        one = (
            tr("opening a site and serving from it, at the least, plus 1")
            if not tight
            else tr("the spread of all costs, plus 1")
        )
        open_ = tr("the cost of opening the site, plus 1") if not tight else tr("the spread of all costs, plus 1")
        penalties = [
            Penalty(tr("one site a customer"), float(own.max()), one),
            Penalty(tr("only open sites"), float(link.max()), open_),
        ]
        penalties += [Penalty(tr("capacity"), spread, tr("the spread of all costs, plus 1"))] if tight else []
        return Formulation(terms.build(name=self.name), tuple(penalties), tuple(terms.capacities))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Assign the customers and open their sites."""
        n, m = self.serving.shape
        for c, f in enumerate(answer):
            if f >= 0:
                sample[c * m + f] = sample[n * m + f] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the site of each customer, -1 for none or several."""
        n, m = self.serving.shape
        return [int(row.argmax()) if row.sum() == 1 else -1 for row in sample[: n * m].reshape(n, m)]

    def check(self, answer: Any) -> list[str]:
        """Return customers not served and sites overloaded."""
        out = [tr("customer {customer} has no single site", customer=self.customers[c]) for c, f in enumerate(answer) if f < 0]
        load = self._load(answer)
        return out + [
            tr("site {site} serves {load}, more than {capacity}", site=self.sites[f], load=load[f], capacity=self.capacities[f])
            for f in np.flatnonzero((load > self.capacities) & (self.capacities > 0))
        ]

    def _load(self, answer: Any) -> NDArray[np.int64]:
        load = np.zeros(len(self.sites), np.int64)
        for c, f in enumerate(answer):
            if f >= 0:
                load[f] += self.demands[c]
        return load

    def conflicts(self) -> list[str]:
        """Return customers too large for any site, and too little capacity in all."""
        if (self.capacities == 0).any():
            return []
        most, total = int(self.capacities.max()), int(self.capacities.sum())
        out = [
            tr("customer {customer} needs {need}, the largest site has {most}", customer=self.customers[c], need=d, most=most)
            for c, d in enumerate(self.demands)
            if d > most
        ]
        if self.demands.sum() > total:
            out.append(tr("all customers need {need}, all sites have {total}", need=self.demands.sum(), total=total))
        return out

    def objective(self, answer: Any) -> float:
        """Return opening plus serving."""
        chosen = np.asarray(answer)
        return float(self.opening[np.unique(chosen)].sum() + self.serving[np.arange(len(chosen)), chosen].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        costs = float(self.opening[sorted(set(answer))].sum())
        return {tr("open sites"): float(len(set(answer))), tr("cost of opening"): costs,
                tr("cost of serving"): self.objective(answer) - costs}  # fmt: skip

    def draw(self, answer: Any) -> pictures.Picture:
        """Return sites on an inner ring, customers on an outer one, a line for each service."""
        n, m = self.serving.shape
        points = pictures.ring_points(self.customers, "stop")
        inner = pictures.ring_points(self.sites, "node")
        opened = set(answer or ())
        for f, point in enumerate(inner):
            point.update(x=0.45 * point["x"], y=0.45 * point["y"], role="depot" if f in opened else "node")
        lines = [pictures.line([c, n + f], int(f) % 8) for c, f in enumerate(answer or ()) if 0 <= f < m]
        return pictures.routes(points + inner, lines)

    def facts(self) -> list[tuple[str, str]]:
        """Return sites, customers, and whether capacities matter."""
        return [(tr("sites"), str(len(self.sites))), (tr("customers"), str(len(self.customers))),
                (tr("demand in all"), str(int(self.demands.sum()))),
                (tr("sites that can be too small"), str(int(self._bound.sum())))]  # fmt: skip


def read(text: str, file: str) -> Facility:
    """Return the problem in `text`."""
    if not is_numbers(text):
        return _table(text, file)
    values, at = numbers(text, file)
    m, n = (int(v) for v in values[:2])
    if len(values) != 2 + 2 * m + n * (1 + m):
        raise BadInput("{file}, line {line}: {m} sites and {n} customers need {count} numbers, the file has {found}",
                       field="file", file=file, line=at[-1], m=m, n=n, count=2 + 2 * m + n * (1 + m),
                       found=len(values))  # fmt: skip
    sites = np.array(values[2 : 2 + 2 * m]).reshape(m, 2)
    body = np.array(values[2 + 2 * m :]).reshape(n, 1 + m)
    if np.any(sites[:, 0] != np.rint(sites[:, 0])) or np.any(body[:, 0] != np.rint(body[:, 0])) or min(map(min, body)) < 0:
        raise BadInput(
            "{file}, line {line}: capacities and demands are whole numbers, costs 0 or more", field="file", file=file, line=1
        )
    names = (
        tuple(tr("site {number}", number=k + 1) for k in range(m)),
        tuple(tr("customer {number}", number=k + 1) for k in range(n)),
    )
    return Facility(*names, sites[:, 1], body[:, 1:], body[:, 0].astype(np.int64), sites[:, 0].astype(np.int64), file)


def _table(text: str, file: str) -> Facility:
    table = Table(text, file)
    table.need("site", "opening")
    table.close()
    customers = [name for name in table.columns if name not in ("site", "opening", "capacity")]
    if not customers:
        raise table.bad(1, "a column per customer is missing")
    table.names("site")
    demand = [row for row in table if row.text("site") == "demand"]
    sites = [row for row in table if row.text("site") != "demand"]
    if not sites:
        raise table.bad(1, "the table has no site")
    capacities = np.array([row.whole("capacity") if table.has("capacity") else 0 for row in sites], np.int64)
    demands = np.array([demand[0].whole(name) if demand else 1 for name in customers], np.int64)
    serving = np.array([[row.real(name, 0.0) for row in sites] for name in customers])
    return Facility(tuple(row.text("site") for row in sites), tuple(customers),
                    np.array([row.real("opening", 0.0) for row in sites]), serving, demands, capacities, file)  # fmt: skip


def recognise(text: str) -> bool:
    """Tell whether `text` has the shape of OR-Library's cap, or is a table of sites."""
    if not is_numbers(text):
        return {"site", "opening"} <= headings(text)
    rows = shape(text, 3)
    if len(rows) < 3 or len(rows[0]) != 2 or None in rows[0] or len(rows[1]) != 2 or len(rows[2]) != 2:
        return False
    m, n = int(rows[0][0] or 0), int(rows[0][1] or 0)
    return holds_words(text, 2 + 2 * m + n * (1 + m)) and len(shape(text, m + 2)) > m + 1


KIND = Kind(
    "facility", "Facility location", "Opens sites and assigns customers at the least cost.",
    "OR-Library cap", read, recognise,
    "site, opening, capacity, then a cost column per customer; a row named demand says how much each needs",
    ("HiGHS branch and cut",),
)  # fmt: skip
