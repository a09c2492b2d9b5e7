"""What chains do when a problem laid onto a device's graph is sampled: how many break, and what is left after mending them.

The physical problem has the fields of a variable spread over its qubits, its couplings over all couplers between two chains,
and a coupling that holds each chain together (Choi 2008, section 3). A broken chain is mended by majority, or variable by
variable by what costs less. The sampler is a classical one in the device's stead: the figures are simulated.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Stop, silent
from app.engine.qubo.adapters.dwave import DwaveAnnealing
from app.engine.qubo.embedding.fabric import Fabric
from app.engine.qubo.problem import Qubo, build

RATIOS: Final = (1.0, 0.5, 0.25)
SWEEPS: Final = 200
MOST_QUBITS: Final = 4000
Samples = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Physical:
    """The qubits in use: `owner` (q,) is the variable of each, `problem` is over them, in the order of the chains."""

    problem: Qubo
    owner: NDArray[np.int64]
    begin: NDArray[np.int64]


def physical(problem: Qubo, chains: Sequence[Sequence[int]], ground: Fabric, strength: float) -> Physical:
    """Return `problem` on the qubits of `chains`, each chain held by couplings of `strength` in spins.

    Where no chain is broken its energy is that of the problem.
    """
    lengths = np.array([len(chain) for chain in chains])
    qubits = np.concatenate([np.asarray(chain, np.int64) for chain in chains])
    owner = np.repeat(np.arange(len(chains)), lengths)
    place = np.full(ground.qubits, -1)
    place[qubits] = np.arange(len(qubits))
    ends = place[ground.edges]
    ends = ends[(ends >= 0).all(axis=1)]
    pairs = np.sort(owner[ends], axis=1)
    inside = pairs[:, 0] == pairs[:, 1]
    wanted = problem.rows.astype(np.int64) * problem.n + problem.cols
    at = np.searchsorted(wanted, pairs @ [problem.n, 1])
    joined = ~inside & (at < len(wanted))
    joined[joined] = wanted[at[joined]] == pairs[joined] @ [problem.n, 1]
    shared = np.bincount(at[joined], minlength=len(wanted))
    # A product spread over k couplers is k-th parts of it, in bits as in spins; a chain's is strength * (1 - s s') >= 0.
    linear = problem.linear[owner] / lengths[owner]
    rows, cols = ends[joined].T
    weights = problem.weights[at[joined]] / shared[at[joined]]
    linear = linear + _moved(problem, owner, lengths, (rows, cols, weights))
    a, b = ends[inside].T
    held = np.full(len(a), 4.0 * strength)
    linear += 2.0 * strength * (np.bincount(a, minlength=len(owner)) + np.bincount(b, minlength=len(owner)))
    parts = [np.concatenate(both) for both in ((rows, a), (cols, b), (weights, -held))]
    made = build(linear, (parts[0], parts[1], parts[2]), offset=problem.offset)
    return Physical(made, owner, np.concatenate([[0], np.cumsum(lengths)[:-1]]))


def _moved(problem: Qubo, owner: NDArray[np.int64], lengths: NDArray[np.int64], shared: Any) -> NDArray[np.float64]:
    """Return what spreads fields in spins evenly: in bits the couplers would pull at the qubits that have them alone."""
    rows, cols, weights = shared
    size = len(owner)
    pulls = np.bincount(rows, weights, size) / 2 + np.bincount(cols, weights, size) / 2
    even = (np.bincount(problem.rows, problem.weights, problem.n) + np.bincount(problem.cols, problem.weights, problem.n)) / 2
    return np.asarray((even / lengths)[owner] - pulls, np.float64)


def broken(there: Physical, samples: Samples) -> NDArray[np.bool_]:
    """Return (samples, variables): whether the qubits of a chain differ."""
    ups = np.add.reduceat(samples.astype(np.int64), there.begin, axis=1)
    lengths = np.diff(np.append(there.begin, len(there.owner)))
    return np.asarray((ups > 0) & (ups < lengths), np.bool_)


def by_majority(there: Physical, samples: Samples) -> Samples:
    """Return the values (samples, variables) that most qubits of a chain have; even ones are 1."""
    ups = np.add.reduceat(samples.astype(np.int64), there.begin, axis=1)
    lengths = np.diff(np.append(there.begin, len(there.owner)))
    return np.asarray(2 * ups >= lengths, np.int8)


def by_energy(problem: Qubo, values: Samples, torn: NDArray[np.bool_]) -> Samples:
    """Return `values` with those of torn chains set, one after the other, to what costs less beside all others."""
    out = values.copy()
    neighbours = _neighbours(problem)
    for sample, mask in zip(out, torn, strict=True):
        for variable in np.flatnonzero(mask):
            others, weights = neighbours[variable]
            sample[variable] = problem.linear[variable] + float(weights @ sample[others]) < 0
    return out


def _neighbours(problem: Qubo) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    ends = np.concatenate([problem.rows, problem.cols]).astype(np.int64)
    others = np.concatenate([problem.cols, problem.rows]).astype(np.int64)
    order = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[order], np.arange(problem.n + 1))
    weights = np.concatenate([problem.weights, problem.weights])[order]
    return [(others[order][a:b], weights[a:b]) for a, b in itertools.pairwise(start)]


def sample(  # noqa: PLR0917 - a layout is its problem, chains, ground and strength
    problem: Qubo, chains: Sequence[Sequence[int]], ground: Fabric, strength: float, reads: int, seed: int, stop: Stop
) -> list[dict[str, Any]]:
    """Return a row for each share of `strength`: {ratio, strength, broken, torn_reads, majority, energy}.

    `broken` is the share of chains that broke over all reads, `torn_reads` that of reads with a broken one; the others are the
    best objectives after mending by majority and by energy.
    """
    rows = []
    for k, ratio in enumerate(RATIOS if strength > 0 else RATIOS[:1]):
        there = physical(problem, chains, ground, ratio * strength)
        found = DwaveAnnealing(sweeps=SWEEPS, reads=reads).solve(there.problem, Budget(86_400.0), seed + k, silent, stop)
        counts = np.asarray(found.info["counts"], np.float64)
        torn = broken(there, found.samples)
        major = by_majority(there, found.samples)
        mended = by_energy(problem, major, torn)
        best = [problem.objective_of(float(problem.energies(one).min())) for one in (major, mended)]
        rows.append({
            "ratio": ratio, "strength": ratio * strength, "broken": float(np.average(torn.mean(axis=1), weights=counts)),
            "torn_reads": float(np.average(torn.any(axis=1), weights=counts)), "majority": best[0], "energy": best[1],
        })  # fmt: skip
        if stop():
            break
    return rows
