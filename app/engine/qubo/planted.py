"""Problems whose optimum is known by construction, for tests, benchmarks and comparisons.

`torus`: ±1 spin glasses on a two-dimensional torus by tile planting (Hamze, Jacob, Ochoa, Perera, Wang, Katzgraber 2018,
"From near to eternity: spin-glass planting, tiling puzzles, and constraint-satisfaction problems"): every second plaquette
of a checkerboard carries one frustrated loop of four edges whose ground states include "all equal"; the plaquettes share no
edge, so "all equal" is a ground state of the sum, and a random gauge hides it. `palubeckis`: the dense problems of
Palubeckis 2004 from his generator; their values are best known, not proved.
"""

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
