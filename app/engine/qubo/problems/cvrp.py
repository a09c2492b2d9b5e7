"""Capacitated vehicle routing: the shortest tours from a depot that bring every customer its demand.

x[k, p, c] tells that vehicle k serves customer c at its step p; a step may be empty, which means by way of the depot. The
length is then the sum of all single tours less the savings s(c, d) = d(c, 0) + d(0, d) - d(c, d) of neighbours (Clarke,
Wright 1964), so that a step needs no variable for the depot.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import headings
from app.engine.qubo.problems.terms import Terms
from app.engine.qubo.problems.tsp import plane
from app.engine.qubo.problems.tsplib import Places, is_tsplib, read_places, read_tsplib


@dataclass(frozen=True, eq=False)
class Cvrp(Problem):
    """Places, the depot first; an answer is a list of tours, each the numbers of its customers in order."""

    places: Places
    name: str = ""
    kind = "cvrp"
    terms_of_any = True

    @property
    def vehicles(self) -> int:
        """Return how many vehicles there are: what the file says, else one more than the demands need."""
        need = -(-int(self.places.demands.sum()) // max(1, self.places.capacity))
        return self.places.vehicles or min(need + 1, max(1, self.places.n - 1))

    @property
    def steps(self) -> int:
        """Return how many customers one vehicle can serve at most: the smallest demands filling it."""
        load = np.cumsum(np.sort(self.places.demands[1:]))
        return max(1, int(np.searchsorted(load, self.places.capacity, "right")))

    @property
    def is_complete(self) -> bool:
        """Tell whether the number of vehicles is given; see `Problem.is_complete`."""
        return bool(self.places.vehicles)

    def formulate(self) -> Formulation:
        """Return the length, each customer once, one customer a step, and the capacity of each vehicle."""
        d, n = self.places.distances, self.places.n - 1
        x = np.arange(self.vehicles * self.steps * n).reshape(self.vehicles, self.steps, n)
        terms = Terms(x.size)
        terms.expect(x.size * (x.size // self.vehicles + n) // 2)
        there, back = d[0, 1:], d[1:, 0]
        terms.add(x, x, np.broadcast_to(there + back, x.shape))
        saving = back[:, None] + there[None, :] - d[1:, 1:]
        np.fill_diagonal(saving, 0.0)
        for p in range(self.steps - 1):
            terms.add(x[:, p, :, None], x[:, p + 1, None, :], np.broadcast_to(-saving, (self.vehicles, n, n)))
        weight = float((there + back).max(initial=0.0)) + 1.0
        load = max(1.0, weight / max(1, self._least_demand()))
        for c in range(n):
            terms.one_of(x[:, :, c].ravel(), weight)
        low, high = np.triu_indices(n, 1)
        terms.add(x[:, :, low], x[:, :, high], weight)
        for k in range(self.vehicles):
            demands = np.tile(self.places.demands[1:], self.steps)
            terms.inequality(x[k].ravel(), demands, self.places.capacity, load, name=tr("vehicle {number}", number=k + 1))
        penalties = (
            Penalty(
                tr("each customer once"),
                weight,
                tr("the longest tour to a single customer, plus 1: it mends a missing customer"),
            ),
            Penalty(tr("one customer a step"), weight, tr("the same: a customer too many can have a tour of its own")),
            Penalty(
                tr("capacity, per unit squared"),
                load,
                tr("the same, over the smallest demand, which is the least excess that moves"),
            ),
        )
        return Formulation(terms.build(name=self.name), penalties, tuple(terms.capacities))

    def _least_demand(self) -> int:
        demands = self.places.demands[1:]
        return int(demands[demands > 0].min(initial=1)) if len(demands) and (demands > 0).any() else 1

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Give each tour a vehicle, its customers from the first step on."""
        n = self.places.n - 1
        grid = sample[: self.vehicles * self.steps * n].reshape(self.vehicles, self.steps, n)
        for k, tour in enumerate(answer[: self.vehicles]):
            for p, customer in enumerate(tour[: self.steps]):
                grid[k, p, customer - 1] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[list[int]]:
        """Return the tours; an empty step ends one, a step with several customers serves them in order."""
        n = self.places.n - 1
        grid = sample[: self.vehicles * self.steps * n].reshape(self.vehicles, self.steps, n)
        tours: list[list[int]] = []
        for vehicle in grid:
            tour: list[int] = []
            for step in vehicle:
                served = [int(c) + 1 for c in np.flatnonzero(step)]
                tour.extend(served)
                if not served and tour:
                    tours.append(tour)
                    tour = []
            tours.extend([tour] if tour else [])
        return tours

    def check(self, answer: Any) -> list[str]:
        """Return customers missing or repeated and vehicles overloaded; empty steps may split a vehicle's trip in two."""
        names, seen = self.places.names, [c for tour in answer for c in tour]
        missing = sorted(set(range(1, self.places.n)) - set(seen))
        again = sorted({c for c in seen if seen.count(c) > 1})
        loads = [int(self.places.demands[tour].sum()) for tour in answer]
        fleet = self.places.vehicles
        many = bool(fleet) and len(answer) > fleet and not _fits(loads, fleet, self.places.capacity)
        heavy = [(k + 1, load) for k, load in enumerate(loads) if load > self.places.capacity]
        return [
            *(tr("customer {name} is not served", name=names[c]) for c in missing),
            *(tr("customer {name} is served more than once", name=names[c]) for c in again),
            *(
                tr("tour {number} carries {load}, more than {capacity}", number=k, load=load, capacity=self.places.capacity)
                for k, load in heavy
            ),
            *([tr("{tours} tours, and vehicles for {vehicles}", tours=len(answer), vehicles=fleet)] if many else []),
        ]

    def conflicts(self) -> list[str]:
        """Return customers that no vehicle can carry, and a fleet too small for all."""
        demands, capacity = self.places.demands, self.places.capacity
        out = [
            tr(
                "customer {name} needs {demand}, a vehicle carries {capacity}",
                name=self.places.names[c],
                demand=demands[c],
                capacity=capacity,
            )
            for c in range(self.places.n)
            if demands[c] > capacity
        ]
        if demands.sum() > capacity * self.vehicles:
            out.append(
                tr(
                    "all demands are {need}, and the fleet carries {room}",
                    need=demands.sum(),
                    room=capacity * self.vehicles,
                )
            )
        elif (least := _least_vehicles(demands, capacity)) > self.vehicles and not out:
            out.append(
                tr("however they are packed, the demands need {least} vehicles, and the fleet has {vehicles}", least=least,
                   vehicles=self.vehicles)
            )  # fmt: skip
        return out

    def objective(self, answer: Any) -> float:
        """Return the length of all tours."""
        d = self.places.distances
        return float(sum(d[[0, *tour], [*tour, 0]].sum() for tour in answer))

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        lengths = [float(self.places.distances[[0, *tour], [*tour, 0]].sum()) for tour in answer]
        return {tr("vehicles"): float(len(answer)), tr("longest tour"): max(lengths, default=0.0)}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the places and the tours."""
        tours = [tour for tour in answer or () if tour]
        lines = [pictures.line([0, *tour, 0], k % 8, label=tr("tour {number}", number=k + 1)) for k, tour in enumerate(tours)]
        return pictures.routes(plane(self.places, depot=True), lines, earth=self.places.earth is not None)

    def facts(self) -> list[tuple[str, str]]:
        """Return customers, capacity, vehicles."""
        return [
            (tr("customers"), str(self.places.n - 1)), (tr("capacity"), str(self.places.capacity)),
            (tr("vehicles"), f"{self.vehicles}" + ("" if self.places.vehicles else " " + tr("(assumed)"))),
            (tr("demand in all"), str(int(self.places.demands.sum()))),
        ]  # fmt: skip


def _fits(loads: list[int], fleet: int, capacity: int) -> bool:
    """Tell whether tours of `loads` can be shared among `fleet` vehicles, none carrying more than `capacity` in all."""
    room = [capacity] * fleet
    for load in sorted(loads, reverse=True):
        at = next((k for k, left in enumerate(room) if left >= load), None)
        if at is None:
            return False
        room[at] -= load
    return True


def _least_vehicles(demands: NDArray[np.int64], capacity: int) -> int:
    """Return how many vehicles the demands need at least (the bound L2 of Martello, Toth 1990, "Knapsack problems", 8.3)."""
    sizes, best = demands[demands > 0], 0
    for small in {0, *sizes[2 * sizes <= capacity].tolist()}:
        alone = int((sizes > capacity - small).sum())
        middle = sizes[(2 * sizes > capacity) & (sizes <= capacity - small)]
        rest = int(sizes[(2 * sizes <= capacity) & (sizes >= small)].sum())
        more = max(0, -(-(rest - (len(middle) * capacity - int(middle.sum()))) // max(1, capacity)))
        best = max(best, alone + len(middle) + more)
    return best


def read(text: str, file: str) -> Cvrp:
    """Return the problem in `text`."""
    return Cvrp((read_tsplib if is_tsplib(text, r"\w+") else read_places)(text, file, loads=True), file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a CVRPLIB file or a table of places with demands."""
    found = headings(text)
    table = {"name", "demand"} <= found and ({"x", "y"} <= found or {"lat", "lon"} <= found)
    return is_tsplib(text, "CVRP") or table


KIND = Kind(
    "cvrp", "Vehicle routing", "Plans tours from a depot that bring every customer its demand.",
    "CVRPLIB", read, recognise, "name, x, y, demand (capacity = …, vehicles = …), the depot first",
    ("savings, then ruin and recreate",),
)  # fmt: skip
