"""Chains: the regular layout that embeds any graph, the check of a layout, and how strongly a chain must hold.

A minor embedding gives each variable a connected set of qubits, so that coupled variables have a coupler between their sets
(Choi 2008, "Minor-embedding in adiabatic quantum computation: I. The parameter setting problem").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.embedding.fabric import Fabric
from app.engine.qubo.ising import spin_form
from app.engine.qubo.problem import Qubo

Chains = list[list[int]]
Ints = NDArray[np.int64]
_SHIFT = 6  # lanes by which the layout may lie beside the middle, where its chains are shorter


def lanes(fabric: Fabric) -> Ints:
    """Return (track, lane) of the lanes that run both down and across, from left to right."""
    both = [np.unique(np.column_stack([fabric.track[side], fabric.lane[side]]), axis=0) for side in (fabric.down, ~fabric.down)]
    every, counts = np.unique(np.concatenate(both), axis=0, return_counts=True)
    return np.asarray(every[counts == 2], np.int64)


def regular(fabric: Fabric, n: int) -> Chains | None:
    """Return chains for the complete graph of `n` variables, or None when so many do not fit.

    A variable takes a column upwards to the corner where it meets the row of the same number, and that row from there on, so
    that every two variables cross once (the triangle of Choi 2011, "Minor-embedding in adiabatic quantum computation: II").
    """
    every = lanes(fabric)
    middle, last = (len(every) - n) // 2, len(every) - n
    tried = (_triangle(fabric, every[at : at + n]) for at in range(max(0, middle - _SHIFT), min(last, middle + _SHIFT) + 1))
    return min((chains for chains in tried if chains), key=lambda chains: sum(map(len, chains)), default=None)


def _triangle(fabric: Fabric, chosen: Ints) -> Chains | None:
    """Return the chains on the lanes (track, lane) of `chosen`, None when one does not reach far enough."""
    begin, end = int(chosen[0, 0]), int(chosen[-1, 0])
    chains: Chains = []
    for track, lane in chosen.tolist():
        mine = (fabric.track == track) & (fabric.lane == lane)
        column = _reach(fabric, mine & fabric.down, begin, track)
        row = _reach(fabric, mine & ~fabric.down, track, end)
        if column is None or row is None:
            return None
        chains.append([*column, *row])
    return chains


def _reach(fabric: Fabric, mine: NDArray[np.bool_], begin: int, end: int) -> list[int] | None:
    """Return the qubits of a lane that cover `begin` to `end`, None when they do not reach so far."""
    at = np.flatnonzero(mine & (fabric.high >= begin) & (fabric.low <= end))
    reaches = len(at) and fabric.low[at].min() <= begin and fabric.high[at].max() >= end
    return [int(k) for k in at] if reaches else None


def faults(fabric: Fabric, chains: Sequence[Sequence[int]], pairs: Ints) -> list[str]:
    """Return what is wrong with `chains` as an embedding of the graph with `pairs` (m, 2); empty when nothing is."""
    owner = np.full(fabric.qubits, -1)
    out = []
    for variable, chain in enumerate(chains):
        if not chain:
            out.append(f"variable {variable} has no qubit")
            continue
        if (owner[list(chain)] >= 0).any():
            out.append(f"variable {variable} shares a qubit")
        owner[list(chain)] = variable
    ends = owner[fabric.edges]
    inside = fabric.edges[(ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)]
    out += [f"the chain of variable {variable} is broken" for variable in _broken(owner, inside, chains)]
    there = set(map(tuple, np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1).tolist()))
    missing = [pair for pair in np.sort(pairs, axis=1).tolist() if tuple(pair) not in there]
    return out + [f"variables {i} and {j} have no coupler" for i, j in missing]


def _broken(owner: Ints, inside: Ints, chains: Sequence[Sequence[int]]) -> list[int]:
    """Return the variables whose qubits do not hang together."""
    part = np.arange(len(owner))
    while True:
        joined = part.copy()
        for one, other in ((0, 1), (1, 0)):
            np.minimum.at(joined, inside[:, one], part[inside[:, other]])
        if (joined == part).all():
            break
        part = joined
    return [variable for variable, chain in enumerate(chains) if chain and len(set(part[list(chain)].tolist())) > 1]


def strength(problem: Qubo, chains: Sequence[Sequence[int]]) -> float:
    """Return the chain coupling, in spins, from which on a broken chain never pays.

    Spins of a chain that differ can be made equal by turning the one part or the other; the cheaper of both costs at most the
    sum of the variable's couplings and field, and gives back twice the coupling of at least one link.
    """
    spins = spin_form(problem)
    total = np.concatenate([[0.0], np.cumsum(np.abs(spins.strength))])
    pull = spins.unit * (np.abs(spins.h) + total[spins.start[1:]] - total[spins.start[:-1]])
    long = np.array([len(chain) > 1 for chain in chains], bool)
    return float(pull[long].max() / 2) if long.any() else 0.0
