import numpy as np

from app.engine.qubo.planted import torus
from app.engine.qubo.problem import build, max_cut
from app.engine.qubo.width import elimination_width


def edges(n, pairs):
    i, j = zip(*pairs, strict=True)
    return max_cut(n, (i, j, np.ones(len(i))))


def test_trees_rings_and_complete_graphs_have_their_known_widths() -> None:
    assert elimination_width(edges(50, [(k // 2, k) for k in range(1, 50)]), 9) == 1
    assert elimination_width(edges(50, [(k, (k + 1) % 50) for k in range(50)]), 9) == 2
    assert elimination_width(edges(7, [(i, j) for i in range(7) for j in range(i)]), 9) == 6
    assert elimination_width(build([1.0, 2.0], ([], [], [])), 9) == 0


def test_what_is_too_wide_or_too_large_has_none() -> None:
    assert elimination_width(torus(30, 30, 1)[0], 8) is None
    assert elimination_width(build(np.ones(6000), ([], [], [])), 8) is None
