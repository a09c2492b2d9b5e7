"""Max-Cut graphs in the G-set text format of Helmberg and Rendl (2000): `nodes edges`, then `i j weight` per edge, 1-based.

Lines that start with # are comments of ours; the benchmark files have none.
"""

import numpy as np

from app.engine.qubo.problem import Qubo, check_size, max_cut
from app.engine.qubo.readers.lines import Lines, number_text

NAME = "gset"
COMMENTS = ("#",)


def read(text: str, file: str) -> Qubo:
    """Return the Max-Cut problem in `text`; raise `BadInput` naming `file`, line and reason, `Limit` when it is too large."""
    lines = Lines(text, file, COMMENTS)
    words = iter(lines)
    head = next(words, [])
    if len(head) != 2:
        raise lines.bad("expected the number of nodes and the number of edges")
    n, m = lines.count(head[0]), lines.count(head[1])
    check_size(n, m)
    ends: list[tuple[int, int]] = []
    weights: list[float] = []
    at: list[int] = []
    for row in words:
        if len(row) != 3:
            raise lines.bad("expected two node numbers and a weight, found {found} words", found=len(row))
        i, j = lines.whole(row[0], 1, n), lines.whole(row[1], 1, n)
        if i == j:
            raise lines.bad("an edge joins two different nodes, this one is {i} {j}", i=i, j=j)
        if len(ends) == m:
            raise lines.bad("the first line promises {promised} edges, here is one more", promised=m)
        ends.append((i, j))
        weights.append(lines.real(row[2]))
        at.append(lines.number)
    if len(ends) < m:
        raise lines.bad("the first line promises {promised} edges, the file ends after {found}", promised=m, found=len(ends))
    pairs = np.array(ends, np.int64).reshape(-1, 2) - 1
    lines.refuse_twice(pairs.min(1), pairs.max(1), np.array(at, np.int64), 1)
    return max_cut(n, (pairs[:, 0], pairs[:, 1], weights), name=file)


def write(problem: Qubo, comment: str = "") -> str:
    """Return the text of a Max-Cut problem, `comment` lines first."""
    out = [f"# {line}" for line in comment.splitlines()]
    out.append(f"{problem.n} {problem.couplings}")
    edges = zip(problem.rows.tolist(), problem.cols.tolist(), problem.weights.tolist(), strict=True)
    out.extend(f"{i + 1} {j + 1} {number_text(w / 2)}" for i, j, w in edges)
    return "\n".join(out) + "\n"
