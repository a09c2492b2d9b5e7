"""Problems whose optimum is known by construction, for tests, benchmarks and comparisons.

`torus`: ±1 spin glasses on a two-dimensional torus by tile planting (Hamze, Jacob, Ochoa, Perera, Wang, Katzgraber 2018,
"From near to eternity: spin-glass planting, tiling puzzles, and constraint-satisfaction problems"): every second plaquette
of a checkerboard carries one frustrated loop of four edges whose ground states include "all equal"; the plaquettes share no
edge, so "all equal" is a ground state of the sum, and a random gauge hides it. An easy class: each loop alone is easily kept.

`cubes`: the same in three dimensions, with the cube classes of that paper. Every fourth unit cube of the lattice (corners all
even, or all odd) makes a tiling that holds each edge once. A tile is named for its frustrated faces: F22 has two, opposite
each other, and two unsatisfied edges at the least (4 ground states, all spins turned not counted); F6 has six and three (8
ground states). Pure F22 orders like a magnet and is easy, pure F6 is a glass with many ground states; mixtures are hard on
both accounts (Perera, Hamze, Raymond, Weigel, Katzgraber 2020, "Computational hardness of spin-glass problems with
tile-planted solutions").

`palubeckis`: the dense problems of Palubeckis 2004 from his generator; their values are best known, not proved.
"""

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.qubo.problem import Qubo, build, max_cut

# (n, density %, seed, best known objective), a maximum.
PALUBECKIS = {
    "p3000.1": (3000, 50, 31_000, 3_931_583),
    "p3000.2": (3000, 80, 32_000, 5_193_073),
    "p5000.1": (5000, 50, 51_000, 8_559_680),
}
# The share of F22 tiles at which the annealer of dwave-samplers did worst among 0, 0.15, 0.3, 0.4, 0.6 and 1, of those shares
# at which the planted optimum was still reached by anything within seconds.
HARD_RATIO = 0.4
_MODULUS = 2**31 - 1
_FACTOR = 16_807


def torus(rows: int, cols: int, seed: int) -> tuple[Qubo, float, NDArray[np.int8]]:
    """Return Max-Cut on a `rows` x `cols` torus (both even, 4 or more), its greatest cut, and a sample (n,) that attains it."""
    if rows % 2 or cols % 2 or min(rows, cols) < 4:
        raise BadInput("Sides must be even and 4 or more, not {rows} and {cols}", rows=rows, cols=cols)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    node = np.arange(rows * cols).reshape(rows, cols)
    r, c = (part.ravel() for part in np.indices((rows, cols)))
    black = (r + c) % 2 == 0
    a, b = node[r, c][black], node[r, (c + 1) % cols][black]
    d, e = node[(r + 1) % rows, c][black], node[(r + 1) % rows, (c + 1) % cols][black]
    i, j = np.stack([a, b, e, d]), np.stack([b, e, d, a])
    # Energy sum J s s: three edges -1, one +1, at random; with all spins equal each loop has its least energy, -2.
    coupling = -np.ones(i.shape)
    coupling[rng.integers(0, 4, i.shape[1]), np.arange(i.shape[1])] = 1
    gauge = rng.integers(0, 2, rows * cols) * 2 - 1
    weights = (coupling * gauge[i] * gauge[j]).ravel()
    best_cut = (weights.sum() + 2 * i.shape[1]) / 2
    problem = max_cut(rows * cols, (i.ravel(), j.ravel(), weights), name=f"torus {rows}x{cols}, seed {seed}")
    return problem, float(best_cut), (gauge > 0).astype(np.int8)


def cubes(sides: tuple[int, int, int], seed: int, f22_ratio: float = HARD_RATIO) -> tuple[Qubo, float, NDArray[np.int8]]:
    """Return Max-Cut on a torus of `sides` (each even, 4 or more) with ±1 edges, its greatest cut, and a sample attaining it.

    Each tile is F22 with probability `f22_ratio` (0 to 1), else F6, one of its orientations at random.
    """
    if any(side % 2 or side < 4 for side in sides):
        raise BadInput("Sides must be even and 4 or more, not {sides}", sides=" x ".join(map(str, sides)))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    tiles = [np.array(tile_class(faces, edges)) for faces, edges in ((2, 2), (6, 3))]
    size, ends, strengths = np.array(sides), list[NDArray[np.int64]](), []
    for shift in (0, 1):
        corner = np.stack(np.meshgrid(*(np.arange(shift, side, 2) for side in sides), indexing="ij"), -1).reshape(-1, 3)
        many = rng.random(len(corner)) >= f22_ratio
        drawn = [kind[rng.integers(0, len(kind), len(corner))] for kind in tiles]
        strengths.append(np.where(many[:, None], drawn[1], drawn[0]))
        ends.append(np.stack([np.ravel_multi_index(tuple(((corner + at) % size).T), sides) for at in _CORNERS], 1))
    pairs = np.concatenate(ends)[:, _EDGES].reshape(-1, 2)
    coupling = np.concatenate(strengths).ravel()
    n = int(size.prod())
    gauge = rng.integers(0, 2, n) * 2 - 1
    weights = coupling * gauge[pairs[:, 0]] * gauge[pairs[:, 1]]
    name = f"torus {' x '.join(map(str, sides))}, {f22_ratio:g} F22, seed {seed}"
    problem = max_cut(n, (pairs[:, 0], pairs[:, 1], weights), name=name)
    return problem, float(weights.sum() - coupling.sum()) / 2, (gauge > 0).astype(np.int8)


_CORNERS = np.array(list(product((0, 1), repeat=3)))
_EDGES = np.array([(a, b) for a, b in combinations(range(8), 2) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1])
# The four edges of each face.
_FACES = [
    [e for e, (a, b) in enumerate(_EDGES) if _CORNERS[a][axis] == side == _CORNERS[b][axis]]
    for axis in range(3) for side in (0, 1)
]  # fmt: skip


def tile_class(frustrated_faces: int, unsatisfied_edges: int) -> list[tuple[int, ...]]:
    """Return the couplings (12 of ±1, energy sum J s s) of all cubes of a class of which "all equal" is a ground state.

    With all spins equal the unsatisfied edges are those of +1, so there are `unsatisfied_edges` of them in every tile.
    """
    states = 1 - 2 * ((np.arange(128)[:, None] >> np.arange(8)) & 1)
    across = states[:, _EDGES[:, 0]] * states[:, _EDGES[:, 1]]
    out = []
    for chosen in combinations(range(12), unsatisfied_edges):
        coupling = -np.ones(12, np.int64)
        coupling[list(chosen)] = 1
        frustrated = sum(int(coupling[face].prod()) < 0 for face in _FACES)
        if frustrated == frustrated_faces and coupling.sum() == (across @ coupling).min():
            out.append(tuple(coupling.tolist()))
    return out


def palubeckis(n: int, density_percent: int, seed: int, name: str = "") -> Qubo:
    """Return a problem of Palubeckis' generator, to be maximised: x'Qx, Q symmetric, entries whole from -100 to 100."""
    count = n * (n + 1)
    drawn = _uniforms(seed, count)
    linear, rows, cols, weights = np.zeros(n), [], [], []
    at = 0
    for i in range(n):
        linear[i] = np.floor(drawn[at] * 201 - 100)
        at += 1
        for j in range(i + 1, n):
            at += 1
            if np.float32(drawn[at - 1] * 100) <= density_percent:
                rows.append(i)
                cols.append(j)
                weights.append(np.floor(drawn[at] * 201 - 100))
                at += 1
    return build(-linear, (rows, cols, -2 * np.array(weights)), sense="max", name=name)


def _uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """Return `count` numbers of the minimal standard generator (Park and Miller 1988) after `seed`, over 2^31 as he does."""
    out = np.empty(count)
    state = seed
    for k in range(count):
        state = state * _FACTOR % _MODULUS
        out[k] = state / (_MODULUS + 1)
    return out
