"""The job that lays a problem onto a device's graph: chains, their lengths and strength, and what a picture of both needs.

spec: "file" (and "kind"), "topology", "size" (0: as on the devices), "seconds", "reads" (0: chains are not sampled).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import Bug, Limit
from app.engine.base.text import tr
from app.engine.qubo.adapters import minor
from app.engine.qubo.embedding import sampling
from app.engine.qubo.embedding.chains import Chains, faults, regular, strength
from app.engine.qubo.embedding.fabric import Fabric, fabric
from app.engine.qubo.picture import MOST_NODES, graph_of
from app.engine.qubo.problem import Qubo
from app.engine.qubo.problems.load import load

_MARGIN_CELLS = 6
_MOST_LINKS = 12_000


def embed(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return {topology, size, qubits, n, chains, used, longest, mean, method, why, strength, sampling, logical, physical}."""
    problem = load(spec).problem.formulation.qubo
    ground = fabric(str(spec.get("topology", "pegasus")), int(spec.get("size", 0)))
    report(1.0, 3.0, "steps")
    if problem.n > ground.qubits:
        raise _too_large(problem, ground, tr("it has {qubits} qubits", qubits=ground.qubits))
    pairs = np.column_stack([problem.rows, problem.cols]).astype(np.int64)
    chains, method, why = _laid(ground, problem, pairs, float(spec.get("seconds", 10.0)), seed)
    wrong = faults(ground, chains, pairs)
    if wrong:
        raise Bug("An embedding is wrong: {first}", first=wrong[0])
    report(2.0, 3.0, "steps")
    lengths = [len(chain) for chain in chains]
    logical = None if stop() or problem.n > MOST_NODES else graph_of(problem, seed)
    return {
        "topology": ground.name, "size": ground.size, "qubits": ground.qubits, "n": problem.n, "couplings": problem.couplings,
        "chains": chains, "used": sum(lengths), "longest": max(lengths), "mean": sum(lengths) / problem.n,
        "method": method, "why": why, "strength": strength(problem, chains), "logical": logical,
        "physical": drawn(ground, chains, pairs),
        "sampling": _sampled(problem, chains, ground, int(spec.get("reads", 0)), seed, stop=stop),
    }  # fmt: skip


def _sampled(problem: Qubo, chains: Chains, ground: Fabric, reads: int, seed: int, *, stop: Stop) -> dict[str, Any] | None:
    """Return how often chains broke at full strength and below, or why that was not tried; None when not asked for."""
    if reads <= 0:
        return None
    told: dict[str, Any] = {"stand_in": "dwave-sa", "kind": "simulated", "reads": reads, "sweeps": sampling.SWEEPS}
    if sum(map(len, chains)) > sampling.MOST_QUBITS:
        return told | {"rows": [], "why_not": tr("more than {most} qubits are not sampled", most=sampling.MOST_QUBITS)}
    return told | {
        "rows": sampling.sample(problem, chains, ground, strength(problem, chains), reads, seed, stop),
        "why_not": "",
    }


def _laid(ground: Fabric, problem: Qubo, pairs: NDArray[np.int64], seconds: float, seed: int) -> tuple[Chains, str, str]:
    """Return chains, what laid them and why it was that: the shorter of both ways where there are two."""
    plain = regular(ground, problem.n)
    if not minor.available():
        if plain is None:
            missing = tr("minorminer, which looks for shorter chains, is not installed (extra embed)")
            raise _too_large(problem, ground, missing)
        return plain, "regular", tr("minorminer is not installed (extra embed): the layout that fits any graph")
    found = minor.embed(ground, problem.n, pairs, seconds, seed)
    if found is None and plain is None:
        raise _too_large(problem, ground, tr("minorminer found no embedding in the time given"))
    if found is None or (plain is not None and _size(plain) < _size(found)):
        assert plain is not None
        return plain, "regular", tr("the layout that fits any graph needs fewer qubits here than minorminer found")
    return found, "minorminer", tr("minorminer found shorter chains than the layout that fits any graph has")


def _size(chains: Chains) -> int:
    return sum(len(chain) for chain in chains)


def _too_large(problem: Qubo, ground: Fabric, why: str) -> Limit:
    return Limit(
        "{n} variables with {m} couplings do not fit onto {name} {size}: {why}", field="topology", n=problem.n,
        m=problem.couplings, name=ground.name, size=ground.size, why=why, hint="Try a larger size, or another topology.",
    )  # fmt: skip


def drawn(ground: Fabric, chains: Chains, pairs: NDArray[np.int64]) -> dict[str, Any]:
    """Return the part of the device in use: lines [down, track, low, high, variable (-1: free)], joints and links.

    A joint [x, y, variable] is a coupler within a chain where two lines cross; a link [x, y, i, j] the first coupler
    between two variables. Places are cells of the grid; lines that run side by side in one track differ by their lane.
    """
    owner = np.full(ground.qubits, -1)
    for variable, chain in enumerate(chains):
        owner[chain] = variable
    ends = owner[ground.edges]
    one, other = ground.edges[:, 0], ground.edges[:, 1]
    crossing = ground.down[one] != ground.down[other]
    column = np.where(ground.down[one], one, other)
    row = np.where(ground.down[one], other, one)
    x, y = _place(ground, column), _place(ground, row)
    inside = crossing & (ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)
    wanted = set(map(tuple, pairs.tolist()))
    links: dict[tuple[int, int], list[float]] = {}
    between = np.flatnonzero((ends[:, 0] != ends[:, 1]) & (ends >= 0).all(axis=1))
    for k in between.tolist():
        pair = (int(ends[k].min()), int(ends[k].max()))
        if pair in wanted and pair not in links and len(links) < _MOST_LINKS:
            links[pair] = [*_meeting(ground, int(one[k]), int(other[k])), *pair]
    used = owner >= 0
    near = _near(ground, used)
    place = _place(ground, np.arange(ground.qubits))
    lines = [
        [int(ground.down[q]), float(place[q]), int(ground.low[q]), int(ground.high[q]), int(owner[q])]
        for q in np.flatnonzero(near)
    ]
    joints = [[float(x[k]), float(y[k]), int(ends[k, 0])] for k in np.flatnonzero(inside)]
    return {"lines": lines, "joints": joints, "links": list(links.values())}


def _place(ground: Fabric, qubits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return where qubits lie across their own direction; the second lane of a track lies a little beside the first."""
    return np.asarray(ground.track[qubits] + 0.4 * ground.lane[qubits], np.float64)


def _meeting(ground: Fabric, one: int, other: int) -> tuple[float, float]:
    """Return where two coupled qubits meet: the crossing, or for lines side by side the middle of what they share."""
    if ground.down[one] != ground.down[other]:
        column, row = (one, other) if ground.down[one] else (other, one)
        return float(_place(ground, np.array([column]))[0]), float(_place(ground, np.array([row]))[0])
    across = float(_place(ground, np.array([one, other])).mean())
    along = (max(ground.low[one], ground.low[other]) + min(ground.high[one], ground.high[other])) / 2
    return (across, float(along)) if ground.down[one] else (float(along), across)


def _near(ground: Fabric, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the qubits in the rectangle around those in use, with some room."""
    x0, x1 = (np.where(ground.down, ground.track, end) for end in (ground.low, ground.high))
    y0, y1 = (np.where(ground.down, end, ground.track) for end in (ground.low, ground.high))
    left, right = x0[used].min() - _MARGIN_CELLS, x1[used].max() + _MARGIN_CELLS
    top, bottom = y0[used].min() - _MARGIN_CELLS, y1[used].max() + _MARGIN_CELLS
    return np.asarray((x1 >= left) & (x0 <= right) & (y1 >= top) & (y0 <= bottom), np.bool_)
