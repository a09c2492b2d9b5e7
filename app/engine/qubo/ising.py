"""The spin form of a QUBO, E = sum h_i s_i + sum J_ij s_i s_j + constant with s = 2x - 1, in small integers if it can be.

x = (1 + s) / 2 gives J_ij = Q_ij / 4 and h_i = l_i / 2 + sum_j Q_ij / 4 (Lucas 2014,
"Ising formulations of many NP problems", section 1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.problem import Qubo, once_per_problem

# Largest local field held in int16; the difference of a flip is compared as it is, so this leaves room for a threshold.
_INT16_FIELD = 16_000
# Integers up to this size are exact in float32.
_FLOAT32_EXACT = 2**24


@dataclass(frozen=True, eq=False)
class Ising:
    """Fields `h` (n,) and symmetric couplings in CSR (`start` (n+1,), `others`, `strength`), all times 1/`unit`.

    `widest` is the largest local field there can be; `integral` tells that all numbers are whole and all fields fit int16.
    """

    h: NDArray[np.float64]
    start: NDArray[np.int64]
    others: NDArray[np.int32]
    strength: NDArray[np.float64]
    unit: float
    widest: float
    integral: bool

    @property
    def n(self) -> int:
        """Return the number of spins."""
        return len(self.h)


# Each member of a portfolio asks for the form of the same problem.
@once_per_problem
def spin_form(problem: Qubo) -> Ising:
    """Return the spin form of `problem`, made once as long as the problem lives; `unit` is the energy of one scaled step."""
    n, quarter = problem.n, problem.weights / 4
    h = problem.linear / 2 + np.bincount(problem.rows, quarter, n) + np.bincount(problem.cols, quarter, n)
    unit = _common_unit(h, quarter)
    scaled_h, scaled_j = h / unit, quarter / unit
    start, others, strength = _both_ways(problem, scaled_j)
    whole = bool(np.all(scaled_h == np.rint(scaled_h)) and np.all(scaled_j == np.rint(scaled_j)))
    widest = _widest_field(scaled_h, start, strength)
    return Ising(scaled_h, start, others, strength, unit, widest, whole and widest <= _INT16_FIELD)


def _both_ways(
    problem: Qubo, strength: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return couplings given once (row < column, sorted by row) as symmetric CSR, neighbours in order.

    A spin's neighbours below it come from the column, those above from the row, so that one stable sort by column is all.
    """
    n, m = problem.n, problem.couplings
    below, above = (np.zeros(n + 1, np.int64) for _ in range(2))
    np.cumsum(np.bincount(problem.cols, minlength=n), out=below[1:])
    np.cumsum(np.bincount(problem.rows, minlength=n), out=above[1:])
    by_column = np.argsort(problem.cols, kind="stable")
    others, both = np.empty(2 * m, np.int32), np.empty(2 * m)
    from_column = np.arange(m) + above[problem.cols[by_column]]
    from_row = np.arange(m) + below[problem.rows.astype(np.int64) + 1]
    others[from_column], both[from_column] = problem.rows[by_column], strength[by_column]
    others[from_row], both[from_row] = problem.cols, strength
    return below + above, others, both


def _common_unit(h: NDArray[np.float64], couplings: NDArray[np.float64]) -> float:
    """Return the greatest number that divides all coefficients when they are multiples of 1/4, else their largest size."""
    numbers = np.abs(np.concatenate([h, couplings])) * 4
    largest = float(numbers.max(initial=0.0))
    if largest == 0:
        return 1.0
    if largest <= _FLOAT32_EXACT and np.all(numbers == np.rint(numbers)):
        return float(np.gcd.reduce(numbers.astype(np.int64))) / 4
    return largest / 4


def _widest_field(h: NDArray[np.float64], start: NDArray[np.int64], strength: NDArray[np.float64]) -> float:
    total = np.concatenate([[0.0], np.cumsum(np.abs(strength))])
    return float((np.abs(h) + total[start[1:]] - total[start[:-1]]).max())
