"""Graph colouring: as few colours as possible, no two neighbours alike (Lucas 2014, section 6.1, with a price per colour used).

x[v, c] tells that node v has colour c, y[c] that colour c is used; the energy of a colouring is the number of its colours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.graphs import Graph, is_dimacs, is_edge_table, read_graph
from app.engine.qubo.problems.tables import declared_kind, settings_in
from app.engine.qubo.problems.terms import Terms
from app.engine.qubo.readers.lines import short

_MOST_DIGITS = 9


@dataclass(frozen=True, eq=False)
class Coloring(Problem):
    """A graph and how many colours there are; an answer is a colour per node, from 0 (-1: none)."""

    graph: Graph
    colors: int
    name: str = ""
    kind = "coloring"
    unit = "colours"

    def formulate(self) -> Formulation:
        """Return the number of colours used, one colour a node, no edge of one colour, no unused colour worn."""
        n, k = self.graph.n, self.colors
        terms = Terms(n * k + k)
        weight = k + 1.0
        wears = np.arange(n * k).reshape(n, k)
        used = n * k + np.arange(k)
        terms.add(used, used, 1.0)
        for row in wears:
            terms.one_of(row, weight)
        terms.add(wears[self.graph.i], wears[self.graph.j], weight)
        terms.add(wears, wears, weight)
        terms.add(wears, used[None, :], -weight)
        why = tr("the number of colours, plus 1: breaking a rule once can never pay")
        names = (tr("one colour a node"), tr("neighbours differ"), tr("only used colours"))
        return Formulation(terms.build(name=self.name), tuple(Penalty(name, weight, why) for name in names))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Colour the nodes."""
        worn = np.asarray(answer)
        nodes = np.flatnonzero(worn >= 0)
        sample[nodes * self.colors + worn[nodes]] = 1
        sample[self.graph.n * self.colors + np.unique(worn[nodes])] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the colour of each node, -1 for none or more than one."""
        wears = sample[: self.graph.n * self.colors].reshape(self.graph.n, self.colors)
        return [int(row.argmax()) if row.sum() == 1 else -1 for row in wears]

    def check(self, answer: Any) -> list[str]:
        """Return uncoloured nodes and edges of one colour."""
        worn = np.asarray(answer)
        names = self.graph.names
        alike = np.flatnonzero((worn[self.graph.i] == worn[self.graph.j]) & (worn[self.graph.i] >= 0))
        return [tr("node {name} has no single colour", name=names[k]) for k in np.flatnonzero(worn < 0)] + [
            tr("nodes {name} and {other} have the same colour", name=names[self.graph.i[e]], other=names[self.graph.j[e]])
            for e in alike
        ]

    def conflicts(self) -> list[str]:
        """Return a clique that needs more colours than there are, found by greed."""
        clique = _clique(self.graph)
        if len(clique) <= self.colors:
            return []
        names = ", ".join(self.graph.names[k] for k in clique)
        return [
            tr(
                "nodes {names} are all joined to one another and need {count} colours, and only {colors} may be used",
                names=names,
                count=len(clique),
                colors=self.colors,
            )
        ]

    def objective(self, answer: Any) -> float:
        """Return the number of colours used."""
        return float(len({int(c) for c in answer if c >= 0}))

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        counts = np.bincount(np.asarray(answer))
        return {tr("largest class"): float(counts.max()), tr("smallest class"): float(counts[counts > 0].min())}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the graph in its colours, edges of one colour marked."""
        if answer is None:
            return pictures.graph(self.graph.names, self.graph.edges, None)
        worn = np.asarray(answer)
        return pictures.graph(self.graph.names, self.graph.edges, answer, worn[self.graph.i] == worn[self.graph.j])

    def facts(self) -> list[tuple[str, str]]:
        """Return graph and bounds."""
        return [
            (tr("nodes"), str(self.graph.n)), (tr("edges"), str(len(self.graph.i))), (tr("colours at most"), str(self.colors)),
            (tr("colours at least (a clique)"), str(len(_clique(self.graph)))),
        ]  # fmt: skip


def greedy(graph: Graph) -> list[int]:
    """Return a colouring by saturation (DSATUR, Brelaz 1979)."""
    near = _neighbours(graph)
    worn = [-1] * graph.n
    for _ in range(graph.n):
        node = max(
            (v for v in range(graph.n) if worn[v] < 0),
            key=lambda v: (len({worn[u] for u in near[v]} - {-1}), len(near[v]), -v),
        )
        taken = {worn[u] for u in near[node]}
        worn[node] = next(c for c in range(graph.n) if c not in taken)
    return worn


def _clique(graph: Graph) -> list[int]:
    """Return a clique grown from each node of high degree by greed."""
    near = _neighbours(graph)
    best: list[int] = []
    for start in sorted(range(graph.n), key=lambda v: -len(near[v]))[:50]:
        clique, left = [start], set(near[start])
        while left:
            node = max(left, key=lambda v: (len(near[v] & left), -v))
            clique.append(node)
            left &= near[node]
        best = max(best, clique, key=len)
    return sorted(best)


def _neighbours(graph: Graph) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(graph.n)]
    for i, j in zip(graph.i.tolist(), graph.j.tolist(), strict=True):
        near[i].add(j)
        near[j].add(i)
    return near


def read(text: str, file: str) -> Coloring:
    """Return the problem in `text`; without `colors = …` there are as many as a greedy colouring needs."""
    graph = read_graph(text, file, asked=("colors",))
    given = graph.settings.get("colors", "")
    if given and not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS and int(given) > 0):
        line = next((k for k, one in enumerate(text.splitlines(), 1) if one.strip().lower().startswith("colors")), 1)
        raise BadInput("{file}, line {line}: colors is a whole number from 1, not {word}", field="file", file=file, line=line,
                       word=short(given))  # fmt: skip
    return Coloring(graph, min(int(given), graph.n) if given else max(greedy(graph)) + 1, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a DIMACS graph, or a table of edges that names colours."""
    named = declared_kind(text) == "coloring" or "colors" in settings_in(text)
    return is_dimacs(text) or (is_edge_table(text) and named)


KIND = Kind(
    "coloring", "Graph colouring", "Colours a graph so that no two neighbours are alike, with few colours.",
    "DIMACS (p edge, then e i j)", read, recognise, "from, to (colors = …)",
    ("HiGHS branch and cut",),
)  # fmt: skip
