"""Graph partition: two halves of equal size with little between them (Lucas 2014, section 2.2).

With n odd one part is larger by one: (size - floor)(size - floor - 1) is then 0 for both sizes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.graphs import Graph, is_edge_table, read_graph
from app.engine.qubo.problems.tables import declared_kind, headings, shape
from app.engine.qubo.problems.terms import Terms


@dataclass(frozen=True, eq=False)
class Partition(Problem):
    """A graph with weights of 0 or more; an answer is a part, 0 or 1, per node."""

    graph: Graph
    name: str = ""
    kind = "partition"
    terms_of_any = True

    def formulate(self) -> Formulation:
        """Return the weight between the parts and a square for their sizes."""
        graph, n = self.graph, self.graph.n
        terms = Terms(n)
        i, j, w = graph.edges
        terms.add(i, i, w)
        terms.add(j, j, w)
        terms.add(i, j, -2 * w)
        weight = float((np.bincount(i, w, n) + np.bincount(j, w, n)).max(initial=0.0)) + 1.0
        every, half = np.arange(n), n // 2
        terms.square(every, 1.0, half, weight)
        if n % 2:
            terms.add(every, every, -weight)
            terms.constant(weight * half)
        why = tr("the weight at the heaviest node, plus 1: moving a node across mends the balance by one and adds no more")
        return Formulation(terms.build(name=self.name), (Penalty(tr("equal parts"), weight, why),))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Put every node into its part."""
        sample[:] = answer

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the part of every node."""
        out: list[int] = sample.tolist()
        return out

    def check(self, answer: Any) -> list[str]:
        """Return a complaint when the parts differ by more than they must."""
        size = sum(answer)
        allowed = {self.graph.n // 2, (self.graph.n + 1) // 2}
        return (
            [] if size in allowed else [tr("the parts have {number} and {size} nodes", number=self.graph.n - size, size=size)]
        )

    def objective(self, answer: Any) -> float:
        """Return the weight between the parts."""
        side = np.asarray(answer)
        return float(self.graph.weights[side[self.graph.i] != side[self.graph.j]].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        side = np.asarray(answer)
        return {tr("edges between the parts"): float((side[self.graph.i] != side[self.graph.j]).sum())}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the graph in two colours, what lies between marked."""
        if answer is None:
            return pictures.graph(self.graph.names, self.graph.edges, None)
        side = np.asarray(answer)
        return pictures.graph(self.graph.names, self.graph.edges, answer, side[self.graph.i] != side[self.graph.j])

    def facts(self) -> list[tuple[str, str]]:
        """Return the size of the graph."""
        return [(tr("nodes"), str(self.graph.n)), (tr("edges"), str(len(self.graph.i))), (tr("parts"), "2")]


def read(text: str, file: str) -> Partition:
    """Return the problem in `text`: METIS unless the lines look like G-set or a table."""
    rows = shape(text, 2)
    gset = len(rows) == 2 and len(rows[0]) == 2 and len(rows[1]) == 3 and not headings(text)
    graph = read_graph(text, file, metis=not gset)
    if np.any(graph.weights < 0):
        from app.engine.base.errors import BadInput

        raise BadInput("{file}, line {line}: a weight is 0 or more here", field="file", file=file, line=1)
    return Partition(graph, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a table of edges declared to be this problem."""
    return is_edge_table(text) and declared_kind(text) == "partition"


KIND = Kind(
    "partition", "Graph partition", "Splits a graph into two halves with little between them.",
    "METIS, G-set or DIMACS with --kind partition", read, recognise, "from, to, weight (problem = partition)",
    ("HiGHS branch and cut",),
)  # fmt: skip
