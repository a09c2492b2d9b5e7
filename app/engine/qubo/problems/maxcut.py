"""Max-Cut: split the nodes in two so that the edges between the parts weigh the most (Barahona, Juenger, Reinelt 1989)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.problem import max_cut
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Problem
from app.engine.qubo.problems.graphs import Graph, is_edge_table, read_graph
from app.engine.qubo.problems.tables import declared_kind, is_numbers, settings_in, shape


@dataclass(frozen=True, eq=False)
class MaxCut(Problem):
    """A graph; an answer is a side, 0 or 1, per node."""

    graph: Graph
    name: str = ""
    kind = "maxcut"
    sense = "max"

    def formulate(self) -> Formulation:
        """Return the QUBO whose energy is minus the cut; there is nothing to keep, so there are no penalties."""
        return Formulation(max_cut(self.graph.n, self.graph.edges, self.name))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Put every node on its side."""
        sample[:] = answer

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the side of every node."""
        out: list[int] = sample.tolist()
        return out

    def check(self, answer: Any) -> list[str]:
        """Every split is feasible."""
        return [] if len(answer) == self.graph.n else ["every node needs a side"]

    def objective(self, answer: Any) -> float:
        """Return the weight between the sides."""
        side = np.asarray(answer)
        return float(self.graph.weights[side[self.graph.i] != side[self.graph.j]].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        side = np.asarray(answer)
        ones = int(side.sum())
        return {tr("edges cut"): float((side[self.graph.i] != side[self.graph.j]).sum()),
                tr("smaller side"): float(min(ones, len(side) - ones))}  # fmt: skip

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the graph, the cut marked."""
        if answer is None:
            return pictures.graph(self.graph.names, self.graph.edges, None)
        side = np.asarray(answer)
        return pictures.graph(self.graph.names, self.graph.edges, answer, side[self.graph.i] != side[self.graph.j])

    def facts(self) -> list[tuple[str, str]]:
        """Return the size of the graph."""
        total = float(self.graph.weights.sum())
        return [
            (tr("nodes"), str(self.graph.n)),
            (tr("edges"), str(len(self.graph.i))),
            (tr("weight of all edges"), number_text(total, "g")),
        ]


def read(text: str, file: str) -> MaxCut:
    """Return the graph in `text`."""
    return MaxCut(read_graph(text, file), file)


def recognise(text: str) -> bool:
    """Tell whether `text` is in G-set format or a table of edges."""
    rows = shape(text, 2)
    gset = len(rows) > 0 and len(rows[0]) == 2 and is_numbers(text) and (len(rows) == 1 or len(rows[1]) == 3)
    table = is_edge_table(text) and declared_kind(text) in ("", "maxcut") and "colors" not in settings_in(text)
    return gset or table


KIND = Kind(
    "maxcut", "Max-Cut", "Splits a graph in two so that what lies between weighs the most.",
    "G-set (nodes edges, then i j weight)", read, recognise, "from, to, weight",
)  # fmt: skip
