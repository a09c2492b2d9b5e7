"""Network routing: one path for each demand within the capacities of the links, at the least cost.

x[d, p] tells that demand d takes its path p; the paths are the `paths` cheapest simple ones (Yen 1971, "Finding the K shortest
loopless paths in a network") that are wide enough. A path that uses a link takes the whole of the demand along.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Cell, Table, headings, sets
from app.engine.qubo.problems.terms import Terms

_PATHS = 6


@dataclass(frozen=True, eq=False)
class Network(Problem):
    """Links (from, to, cost, capacity), used both ways, and demands (from, to, size); an answer is a path number per demand."""

    nodes: tuple[str, ...]
    links: tuple[tuple[int, int, float, int], ...]
    demands: tuple[tuple[int, int, int], ...]
    most_paths: int = _PATHS
    name: str = ""
    kind = "network"

    @cached_property
    def paths(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Return the candidate paths of each demand, as nodes, the cheapest first."""
        return tuple(tuple(self._cheapest(a, b, size)) for a, b, size in self.demands)

    @property
    def is_complete(self) -> bool:
        """Tell whether every path there is stands among the candidates, so that what is proved of them is proved."""
        return all(len(paths) < self.most_paths for paths in self.paths)

    @cached_property
    def _link_of(self) -> dict[tuple[int, int], int]:
        return {pair: k for k, (i, j, _, _) in enumerate(self.links) for pair in ((i, j), (j, i))}

    def _cheapest(self, a: int, b: int, size: int) -> list[tuple[int, ...]]:
        """Return the cheapest simple paths over links of at least `size`, by best-first search over partial paths (Yen)."""
        near: dict[int, list[tuple[int, float]]] = {}
        for i, j, cost, capacity in self.links:
            if capacity >= size:
                near.setdefault(i, []).append((j, cost))
                near.setdefault(j, []).append((i, cost))
        to_end = _distances(near, b)
        heap: list[tuple[float, int, float, tuple[int, ...]]] = [(to_end.get(a, np.inf), 0, 0.0, (a,))]
        found: list[tuple[int, ...]] = []
        count = 0
        while heap and len(found) < self.most_paths:
            bound, _, cost, path = heapq.heappop(heap)
            if bound == np.inf:
                break
            if path[-1] == b:
                found.append(path)
                continue
            for node, step in near.get(path[-1], []):
                if node not in path and node in to_end:
                    count += 1
                    heapq.heappush(heap, (cost + step + to_end[node], count, cost + step, (*path, node)))
        return found

    def _cost(self, demand: int, path: tuple[int, ...]) -> float:
        steps = pairwise(path)
        return self.demands[demand][2] * sum(self.links[self._link_of[step]][2] for step in steps)

    @cached_property
    def _choices(self) -> list[tuple[int, int]]:
        return [(d, p) for d, paths in enumerate(self.paths) for p in range(len(paths))]

    def formulate(self) -> Formulation:
        """Return the cost, one path a demand, and the capacity of each link that can overflow."""
        terms = Terms(max(1, len(self._choices)))
        costs = [[self._cost(d, path) for path in paths] for d, paths in enumerate(self.paths)]
        spread = sum(max(row) - min(row) for row in costs if row) + 1.0
        for k, (d, p) in enumerate(self._choices):
            terms.add(k, k, costs[d][p])
        for d, row in enumerate(costs):
            mine = [k for k, (one, _) in enumerate(self._choices) if one == d]
            terms.one_of(mine, spread + max(row, default=0.0))
        for link, (i, j, _, capacity) in enumerate(self.links):
            users = [(k, self.demands[d][2]) for k, (d, p) in enumerate(self._choices) if self._uses(self.paths[d][p], link)]
            if sum(max((s for k, s in users if self._choices[k][0] == d), default=0) for d in range(len(costs))) > capacity:
                terms.inequality([k for k, _ in users], [s for _, s in users], capacity, spread,
                                 name=f"{self.nodes[i]} - {self.nodes[j]}")  # fmt: skip
        why = tr("the dearest choice of paths less the cheapest, plus 1: breaking a rule once can never pay")
        penalties = (
            Penalty(tr("one path a demand"), spread, why + tr("; what the path costs comes on top")),
            Penalty(tr("link capacity"), spread, why),
        )
        return Formulation(terms.build(name=self.name), penalties, tuple(terms.capacities))

    def choices(self) -> tuple[list[float], list[tuple[list[int], list[int]]], list[list[int]]]:
        """Return the cost of each choice of a path, who uses each link and how much, and the choices of each demand."""
        costs = [self._cost(d, self.paths[d][p]) for d, p in self._choices]
        uses = [
            [(k, self.demands[d][2]) for k, (d, p) in enumerate(self._choices) if self._uses(self.paths[d][p], link)]
            for link in range(len(self.links))
        ]
        own = [[k for k, (one, _) in enumerate(self._choices) if one == d] for d in range(len(self.demands))]
        return costs, [([k for k, _ in users], [size for _, size in users]) for users in uses], own

    def _uses(self, path: tuple[int, ...], link: int) -> bool:
        return any(self._link_of[step] == link for step in pairwise(path))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Choose the paths."""
        for k, (d, p) in enumerate(self._choices):
            if answer[d] == p:
                sample[k] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the path number of each demand, -1 for none or several."""
        out, seen = [-1] * len(self.demands), [0] * len(self.demands)
        for k, (d, p) in enumerate(self._choices):
            if sample[k]:
                out[d] = p
                seen[d] += 1
        return [p if count == 1 else -1 for p, count in zip(out, seen, strict=True)]

    def _load(self, answer: Any) -> list[int]:
        load = [0] * len(self.links)
        for d, p in enumerate(answer):
            if p >= 0:
                path = self.paths[d][p]
                for step in pairwise(path):
                    load[self._link_of[step]] += self.demands[d][2]
        return load

    def _demand_text(self, d: int) -> str:
        a, b, size = self.demands[d]
        return f"{self.nodes[a]} to {self.nodes[b]}, {size}"

    def check(self, answer: Any) -> list[str]:
        """Return demands without a path and links overloaded."""
        out = [tr("demand {demand} has no single path", demand=self._demand_text(d)) for d, p in enumerate(answer) if p < 0]
        return out + [
            tr(
                "link {node} - {other} carries {load}, more than {capacity}",
                node=self.nodes[i],
                other=self.nodes[j],
                load=load,
                capacity=capacity,
            )
            for (i, j, _, capacity), load in zip(self.links, self._load(answer), strict=True)
            if load > capacity
        ]

    def conflicts(self) -> list[str]:
        """Return demands that no path is wide enough for, and nodes whose links are too narrow for what starts or ends."""
        out = [
            tr("demand {demand} finds no path that is wide enough", demand=self._demand_text(d))
            for d, paths in enumerate(self.paths)
            if not paths
        ]
        for node, name in enumerate(self.nodes):
            need = sum(size for a, b, size in self.demands if node in (a, b))
            room = sum(capacity for i, j, _, capacity in self.links if node in (i, j))
            if need > room:
                out.append(tr("at {name} {need} starts or ends, its links carry {room}", name=name, need=need, room=room))
        return out

    def objective(self, answer: Any) -> float:
        """Return cost times size over all paths."""
        return float(sum(self._cost(d, self.paths[d][p]) for d, p in enumerate(answer)))

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        load = zip(self._load(answer), self.links, strict=True)
        full = max((used / link[3] for used, link in load if link[3]), default=0.0)
        return {tr("fullest link, %"): 100.0 * full,
                tr("longest path, links"): float(max(len(self.paths[d][p]) - 1 for d, p in enumerate(answer)))}  # fmt: skip

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the network with the load of each link as width, and the path of each demand."""
        pairs = np.array([(i, j) for i, j, _, _ in self.links], np.int64)
        at = pictures.layout(len(self.nodes), (pairs[:, 0], pairs[:, 1]))
        points = [pictures.point(name, x, y, "node") for name, (x, y) in zip(self.nodes, at, strict=True)]
        load = self._load(answer) if answer is not None else [0] * len(self.links)
        lines = [
            pictures.line([i, j], -1, label=f"{used} of {capacity}", width_ratio=min(1.0, used / max(1, capacity)))
            for (i, j, _, capacity), used in zip(self.links, load, strict=True)
        ]  # fmt: skip
        lines += [pictures.line(self.paths[d][p], d % 8, label=self._demand_text(d), width_ratio=0.3)
                  for d, p in enumerate(answer or ()) if p >= 0]  # fmt: skip
        return pictures.routes(points, lines)

    def facts(self) -> list[tuple[str, str]]:
        """Return nodes, links, demands, paths."""
        return [
            (tr("nodes"), str(len(self.nodes))),
            (tr("links"), str(len(self.links))),
            (tr("demands"), str(len(self.demands))),
            (tr("candidate paths"), str(len(self._choices))),
        ]


def _distances(near: dict[int, list[tuple[int, float]]], start: int) -> dict[int, float]:
    """Return the cost of the cheapest path from `start` to each node that can be reached (Dijkstra 1959)."""
    done: dict[int, float] = {}
    heap = [(0.0, start)]
    while heap:
        cost, node = heapq.heappop(heap)
        if node not in done:
            done[node] = cost
            for other, step in near.get(node, []):
                if other not in done:
                    heapq.heappush(heap, (cost + step, other))
    return done


def read(text: str, file: str) -> Network:
    """Return the problem in `text`: a table of links, and lines `demand = from to size`."""
    table = Table(text, file)
    table.need("from", "to", "cost", "capacity")
    number: dict[str, int] = {}
    links: dict[tuple[int, int], tuple[int, int, float, int]] = {}
    for row in table:
        i, j = (number.setdefault(row.text(end), len(number)) for end in ("from", "to"))
        key = (min(i, j), max(i, j))
        if i == j or key in links:
            raise table.bad(row.line, "a link joins two nodes, and each pair stands once")
        links[key] = (i, j, row.real("cost", 0.0), row.whole("capacity"))
    demands = []
    for cell in table.each("demand"):
        words = cell.text.replace(",", " ").split()
        if len(words) != 3 or words[0] not in number or words[1] not in number or words[0] == words[1]:
            raise table.bad(cell.line, "expected demand = from to size, with two nodes of the table")
        demands.append((number[words[0]], number[words[1]], table.whole(Cell(words[2], cell.line), 1)))
    if not demands:
        raise table.bad(1, "a line demand = from to size is missing")
    paths = table.whole(table.setting("paths", str(_PATHS)), 1, 100)
    table.close()
    return Network(tuple(number), tuple(links.values()), tuple(demands), paths, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a table of links with cost and capacity; with supplies it is a flow, see `supply`."""
    return {"from", "to", "cost", "capacity"} <= headings(text) and not sets(text, "supply")


KIND = Kind(
    "network", "Network routing", "Gives every demand one path within the capacities of the links.",
    "a table", read, recognise, "from, to, cost, capacity, and lines demand = from to size (paths = …)",
    ("HiGHS branch and cut",),
)  # fmt: skip
