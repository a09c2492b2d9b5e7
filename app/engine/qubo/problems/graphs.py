"""Graphs as four of the problems read them: G-set, DIMACS colouring, METIS, or a table with columns from, to and weight."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.problem import check_size
from app.engine.qubo.problems.tables import Table, head_lines, headings
from app.engine.qubo.readers.lines import Lines


@dataclass(frozen=True, eq=False)
class Graph:
    """An undirected graph: names of the nodes, edges `i` < `j` each once, and their weights."""

    names: tuple[str, ...]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    weights: NDArray[np.float64]
    settings: dict[str, str]

    @property
    def n(self) -> int:
        """Return the number of nodes."""
        return len(self.names)

    @property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (i, j, weight)."""
        return self.i, self.j, self.weights


def is_dimacs(text: str) -> bool:
    """Tell whether `text` is a graph in DIMACS format (`p edge` or `p col`)."""
    return any(line.split()[:2] in (["p", "edge"], ["p", "col"]) for line in head_lines(text, 2000))


def is_edge_table(text: str) -> bool:
    """Tell whether `text` is a table of edges and of nothing more."""
    return {"from", "to"} <= headings(text) <= {"from", "to", "weight"}


def read_graph(text: str, file: str, *, metis: bool = False, asked: tuple[str, ...] = ()) -> Graph:
    """Return the graph in `text`; raises `BadInput` naming file, line and reason. Nodes are named as the file does.

    A table may have the settings `asked` for, and no others.
    """
    if is_dimacs(text):
        return _dimacs(text, file)
    if headings(text):
        return _table(text, file, asked)
    return _metis(text, file) if metis else _gset(text, file)


def _graph(names: list[str], rows: list[tuple[int, int, float, int]], lines: Lines, settings: dict[str, str]) -> Graph:
    """Return a checked graph of rows (i, j, weight, line), an edge given twice being an error."""
    check_size(len(names), len(rows))
    pairs = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
    loops = [row for row in rows if row[0] == row[1]]
    if loops:
        raise lines.bad("an edge joins two different nodes, not {name} with itself", line=loops[0][3], name=names[loops[0][0]])
    lines.refuse_twice(pairs.min(1), pairs.max(1), np.array([row[3] for row in rows], np.int64), 1)
    weights = np.array([row[2] for row in rows], np.float64)
    return Graph(tuple(names), pairs.min(1), pairs.max(1), weights, settings)


def _gset(text: str, file: str) -> Graph:
    lines = Lines(text, file, ("#",))
    words = iter(lines)
    head = next(words, [])
    if len(head) != 2:
        raise lines.bad("expected the number of nodes and the number of edges")
    n, m = lines.count(head[0]), lines.count(head[1])
    check_size(n, m)
    rows = []
    for row in words:
        if len(row) not in (2, 3):
            raise lines.bad("expected two node numbers and a weight, found {found} words", found=len(row))
        weight = lines.real(row[2]) if len(row) == 3 else 1.0
        rows.append((lines.whole(row[0], 1, n) - 1, lines.whole(row[1], 1, n) - 1, weight, lines.number))
    if len(rows) != m:
        raise lines.bad("the first line promises {promised} edges, the file has {found}", promised=m, found=len(rows))
    return _graph([str(k + 1) for k in range(n)], rows, lines, {})


def _dimacs(text: str, file: str) -> Graph:
    lines = Lines(text, file, ("c",))
    n, rows, seen = -1, [], set()
    for row in lines:
        if row[0] == "p" and len(row) == 4:
            n = lines.count(row[2])
            check_size(n, lines.count(row[3]))
        elif row[0] == "e" and len(row) == 3 and n >= 0:
            i, j = lines.whole(row[1], 1, n) - 1, lines.whole(row[2], 1, n) - 1
            # Some of the published files list every edge in both directions.
            if (min(i, j), max(i, j)) not in seen:
                seen.add((min(i, j), max(i, j)))
                rows.append((i, j, 1.0, lines.number))
        elif row[0] not in ("n", "d", "v", "x"):
            raise lines.bad("expected p edge nodes edges, then e i j")
    return _graph([str(k + 1) for k in range(max(n, 0))], rows, lines, {})


def _metis(text: str, file: str) -> Graph:
    """Read METIS: `nodes edges [format]`, then the neighbours of each node in order; format 1 has a weight after each."""
    lines = Lines(text, file, ("%",))
    words = iter(lines)
    head = next(words, [])
    if len(head) not in (2, 3):
        raise lines.bad("expected the number of nodes, the number of edges and a format")
    n, m = lines.count(head[0]), lines.count(head[1])
    check_size(n, m)
    step = 2 if len(head) == 3 and head[2].endswith("1") else 1
    rows: list[tuple[int, int, float, int]] = []
    node = -1
    for node, row in enumerate(words):
        if node >= n:
            raise lines.bad("the first line promises {n} nodes, here is one more", n=n)
        for at in range(0, len(row), step):
            other = lines.whole(row[at], 1, n) - 1
            if node <= other:
                weight = lines.real(row[at + 1]) if step == 2 and at + 1 < len(row) else 1.0
                rows.append((node, other, weight, lines.number))
    if len(rows) != m:
        raise lines.bad("the first line promises {promised} edges, the file has {found}", promised=m, found=len(rows))
    return _graph([str(k + 1) for k in range(n)], rows, lines, {})


def _table(text: str, file: str, asked: tuple[str, ...]) -> Graph:
    table = Table(text, file)
    table.need("from", "to")
    number: dict[str, int] = {}
    rows = []
    for row in table:
        i, j = (number.setdefault(row.text(end), len(number)) for end in ("from", "to"))
        rows.append((i, j, row.real("weight") if table.has("weight") else 1.0, row.line))
    settings = {name: table.setting(name).text for name in asked if table.told(name)}
    table.close()
    return _graph(list(number), rows, Lines(text, file, ("#",)), settings)
