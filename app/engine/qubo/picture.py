"""A problem as pictures: its matrix in blocks of the strongest entry, and its graph with places for the nodes.

The places are by the forces of Fruchterman and Reingold 1991, "Graph drawing by force-directed placement", section 2: couplings
pull as d squared over k, nodes push as k squared over d, each step at most the temperature, which falls evenly.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput
from app.engine.qubo.problem import Qubo
from app.engine.qubo.problems.load import load

SIDE = 200
MOST_NODES = 1200
MOST_EDGES = 12_000
_STEPS = 60
Floats = NDArray[np.float64]


def picture(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return {n, couplings, blocks: (k, k), graph: {at, edges, left_out} or None} of the problem in `spec`; see `load`."""
    if not spec.get("file"):
        raise BadInput("Give a problem file", field="file")
    problem = load(spec).problem.formulation.qubo
    matrix = blocks(problem, int(spec.get("side", SIDE)))
    report(1.0, 2.0, "steps")
    graph = None if stop() or problem.n > MOST_NODES else graph_of(problem, seed)
    return {"n": problem.n, "couplings": problem.couplings, "blocks": matrix.round(9).tolist(), "graph": graph}


def blocks(problem: Qubo, side: int) -> Floats:
    """Return the matrix in `side` by `side` blocks (fewer when it is smaller), each the entry of the greatest size.

    The upper triangle is mirrored, so that a row shows all couplings of its variable; the diagonal holds the linear terms.
    """
    n, k = problem.n, min(side, problem.n)
    high, low = np.zeros(k * k), np.zeros(k * k)
    own = np.flatnonzero(problem.linear)
    rows, cols = problem.rows.astype(np.int64), problem.cols.astype(np.int64)
    for first, second, weights in (
        (rows, cols, problem.weights),
        (cols, rows, problem.weights),
        (own, own, problem.linear[own]),
    ):
        cell = (first * k // n) * k + second * k // n
        np.maximum.at(high, cell, weights)
        np.minimum.at(low, cell, weights)
    return np.where(high >= -low, high, low).reshape(k, k)


def graph_of(problem: Qubo, seed: int) -> dict[str, Any]:
    """Return places in the unit square and the strongest couplings, twelve thousand at most."""
    order = np.argsort(-np.abs(problem.weights), kind="stable")[:MOST_EDGES]
    edges = [
        [int(problem.rows[at]), int(problem.cols[at]), float(problem.weights[at])] for at in np.sort(order)
    ]  # fmt: skip
    at = places(problem.n, problem.rows[order], problem.cols[order], seed)
    return {"at": at.round(4).tolist(), "edges": edges, "left_out": problem.couplings - len(edges)}


def places(n: int, rows: NDArray[np.int32], cols: NDArray[np.int32], seed: int) -> Floats:
    """Return places (n, 2) in the unit square, the same for the same seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    at = rng.uniform(0, 1, (n, 2))
    k = (1 / max(n, 1)) ** 0.5
    for step in range(_STEPS):
        away = at[:, None, :] - at[None, :, :]
        square = np.maximum((away**2).sum(axis=2), 1e-9)
        move = (away * (k * k / square)[:, :, None]).sum(axis=1)
        pull = at[rows] - at[cols]
        pull *= (np.sqrt((pull**2).sum(axis=1)) / k)[:, None]
        np.add.at(move, cols, pull)
        np.add.at(move, rows, -pull)
        move -= (at - 0.5) * 0.5  # parts without a coupling stay in sight
        length = np.maximum(np.sqrt((move**2).sum(axis=1)), 1e-12)
        at = at + move / length[:, None] * np.minimum(length, 0.1 * (1 - step / _STEPS))[:, None]
    at = at - at.min(axis=0)
    spread: Floats = at / np.maximum(at.max(axis=0), 1e-12)
    return spread
