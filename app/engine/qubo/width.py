"""How tree-like a problem is: the width of an elimination order, found by always removing the node of least degree.

An upper bound of the treewidth (Bodlaender and Koster 2010, "Treewidth computations I. Upper bounds"). A problem of width w
is solved exactly in about n 2^w steps.
"""

from app.engine.qubo.problem import Qubo

_MOST_NODES = 5000


def elimination_width(problem: Qubo, most: int) -> int | None:
    """Return the width of the least-degree elimination order, None when it is above `most` or the problem too large to ask."""
    if problem.n > _MOST_NODES or problem.couplings > problem.n * most:
        return None
    around: dict[int, set[int]] = {k: set() for k in range(problem.n)}
    for i, j in zip(problem.rows.tolist(), problem.cols.tolist(), strict=True):
        around[i].add(j)
        around[j].add(i)
    by_degree: dict[int, set[int]] = {}
    for node, others in around.items():
        by_degree.setdefault(len(others), set()).add(node)
    width = 0
    for _ in range(problem.n):
        degree = min(key for key, nodes in by_degree.items() if nodes)
        width = max(width, degree)
        if width > most:
            return None
        _remove(min(by_degree[degree]), around, by_degree)
    return width


def _remove(node: int, around: dict[int, set[int]], by_degree: dict[int, set[int]]) -> None:
    """Take `node` out and join its neighbours with each other."""
    others = around.pop(node)
    by_degree[len(others)].discard(node)
    for other in others:
        by_degree[len(around[other])].discard(other)
        around[other] |= others
        around[other] -= {other, node}
        by_degree.setdefault(len(around[other]), set()).add(other)
