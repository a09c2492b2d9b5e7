"""A QUBO as data: minimise x'Qx + offset over x in {0, 1}^n, Q upper triangular, and the sense its source speaks in.

Max-Cut enters as E(x) = -cut(x), since cut(x) = sum w_ij (x_i + x_j - 2 x_i x_j)
(Barahona, Juenger, Reinelt 1989, "Experiments in quadratic 0-1 programming").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Literal, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.engine.base.errors import BadInput, Limit

MOST_VARIABLES = 200_000
MOST_COUPLINGS = 20_000_000

Sense = Literal["min", "max"]
Kind = Literal["maxcut", "qubo"]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Qubo:
    """An immutable problem: `linear` (n,), couplings (`rows` < `cols`, `weights`) each pair once, sorted by row.

    `sense` is that of the source: an objective in the source's words is `energy` for "min" and `-energy` for "max".
    """

    linear: NDArray[np.float64]
    rows: NDArray[np.int32]
    cols: NDArray[np.int32]
    weights: NDArray[np.float64]
    offset: float = 0.0
    sense: Sense = "min"
    kind: Kind = "qubo"
    name: str = ""

    @property
    def n(self) -> int:
        """Return the number of variables."""
        return len(self.linear)

    @property
    def couplings(self) -> int:
        """Return the number of coupled pairs."""
        return len(self.rows)

    @property
    def density_ratio(self) -> float:
        """Return the share of all pairs that are coupled, 0 to 1."""
        pairs = self.n * (self.n - 1) // 2
        return self.couplings / pairs if pairs else 0.0

    def energy(self, sample: ArrayLike) -> float:
        """Return the energy of one sample, shape (n,), in float64."""
        return float(self.energies(np.asarray(sample).reshape(1, -1))[0])

    def energies(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Return the energies (k,) of samples (k, n) of 0 and 1, each summed afresh from the coefficients."""
        x = np.asarray(samples)
        if x.ndim != 2 or x.shape[1] != self.n:
            raise BadInput("A sample has {n} values, not {given}", n=self.n, given=x.shape[-1] if x.ndim else 0)
        out = np.empty(len(x))
        for k, row in enumerate(x):
            ones = row != 0
            pair = ones[self.rows] & ones[self.cols]
            out[k] = self.linear[ones].sum() + self.weights[pair].sum() + self.offset
        return out

    def objective_of(self, energy: float) -> float:
        """Return an energy in the source's own sense."""
        return -energy + 0.0 if self.sense == "max" else energy

    def objective(self, sample: ArrayLike) -> float:
        """Return the objective of a sample in the source's own sense; a cut is summed over the edges it crosses."""
        if self.kind == "maxcut":
            x = np.asarray(sample) != 0
            return float(self.weights[x[self.rows] != x[self.cols]].sum() / 2)
        return self.objective_of(self.energy(sample))


def build(
    linear: ArrayLike,
    pairs: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    offset: float = 0.0,
    sense: Sense = "min",
    kind: Kind = "qubo",
    name: str = "",
) -> Qubo:
    """Return a `Qubo` to be minimised from linear terms (n,) and pairs (i, j, weight) in any order.

    Pairs given twice (either way round) are added, i = j adds to the linear term (x*x = x), zero sums are dropped.
    Raises `Limit` above 200,000 variables, `BadInput` for numbers that are not finite or nodes that do not exist.
    """
    line = np.array(linear, np.float64).reshape(-1)
    i, j = (np.asarray(side, np.int64).reshape(-1) for side in pairs[:2])
    w = np.asarray(pairs[2], np.float64).reshape(-1)
    n = len(line)
    check_size(n, len(w))
    if not (np.isfinite(line).all() and np.isfinite(w).all()):
        raise BadInput("Every coefficient must be a finite number")
    if len(i) and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= n):
        raise BadInput("Variables are numbered 0 to {last}", last=n - 1)
    own = i == j
    np.add.at(line, i[own], w[own])
    key = np.minimum(i, j)[~own] * n + np.maximum(i, j)[~own]
    unique, inverse = np.unique(key, return_inverse=True)
    total = np.bincount(inverse, w[~own], len(unique)) if len(unique) else np.empty(0)
    keep = total != 0
    rows, cols = np.divmod(unique[keep], max(n, 1))
    frozen = (line, rows.astype(np.int32), cols.astype(np.int32), total[keep])
    for part in frozen:
        part.flags.writeable = False
    return Qubo(*frozen, offset, sense, kind, name)


def max_cut(n: int, edges: tuple[ArrayLike, ArrayLike, ArrayLike], name: str = "") -> Qubo:
    """Return Max-Cut on `n` nodes with edges (i, j, weight), 0-based, as a `Qubo` whose energy is minus the cut."""
    check_size(n, 0)
    i, j = (np.asarray(side, np.int64) for side in edges[:2])
    w = np.asarray(edges[2], np.float64)
    linear = -(np.bincount(i, w, n) + np.bincount(j, w, n)) if len(w) else np.zeros(n)
    return build(linear, (i, j, 2 * w), sense="max", kind="maxcut", name=name)


def check_size(variables: int, couplings: int) -> None:
    """Raise `Limit` when a problem is larger than can be held, `BadInput` when it has no variable."""
    if variables < 1:
        raise BadInput("A problem needs at least one variable")
    if variables > MOST_VARIABLES:
        raise Limit("{n} variables are more than the {most} that can be held", n=variables, most=MOST_VARIABLES)
    if couplings > MOST_COUPLINGS:
        raise Limit("{m} couplings are more than the {most} that can be held", m=couplings, most=MOST_COUPLINGS)


def sample_text(sample: Sequence[int] | NDArray[np.int8]) -> str:
    """Return a sample as a string of 0 and 1 in the order of the source."""
    return (np.asarray(sample, np.uint8) + ord("0")).tobytes().decode("ascii")


def sample_of(text: str) -> NDArray[np.int8]:
    """Return the sample (n,) that `sample_text` wrote."""
    return (np.frombuffer(text.encode("ascii"), np.uint8) - ord("0")).astype(np.int8)


def once_per_problem(make: Callable[[Qubo], T]) -> Callable[[Qubo], T]:
    """Let `make` work out a form of a problem once, for as long as the problem lives (seconds for millions of couplings)."""
    made: WeakKeyDictionary[Qubo, T] = WeakKeyDictionary()

    @wraps(make)
    def kept(problem: Qubo) -> T:
        if problem not in made:
            made[problem] = make(problem)
        return made[problem]

    return kept
