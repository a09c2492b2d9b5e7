"""A bound on a QUBO of any structure: the least eigenvalue of its couplings, with corrections on the diagonal.

In spins E = s'Ms + constant, and s'Ms >= n * least eigenvalue of M, as s's = n. A diagonal u added to M adds sum u for every s,
so every u gives a bound; steps along the eigenvector's squares look for a good one (Mohar, Poljak 1990, "Eigenvalues and the
max-cut problem"; Delorme, Poljak 1993, "Laplacian eigenvalues and the maximum cut problem"). Fields are couplings to one spin
more. On the couplings of a random graph the bound is some percent away, where penalties rule it says nothing.

Eigenvalues come from Lanczos' method, which tells one too high; the one used lies below, by so much that a Cholesky factor of
what is left exists, which is the proof.
"""

import importlib
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop
from app.engine.qubo.problem import Qubo

Floats = NDArray[np.float64]
MOST: Final = 1000
_STEPS: Final = 60
_DENSE: Final = 60
_MARGINS: Final = (1e-5, 1e-4, 1e-3)
_ROUNDING: Final = 1e-10


def bound(problem: Qubo, known: float, seconds: float, stop: Stop) -> float | None:
    """Return an energy that no sample is below, given the `known` one; None above 1000 variables."""
    if problem.n > MOST:
        return None
    began = time.perf_counter()
    matrix, constant = _form(problem)
    n, diagonal = len(matrix), np.arange(len(matrix))
    shift, taken, best = np.zeros(n), np.zeros(n), -np.inf
    vector: Floats = np.ones(n)
    for step in range(_STEPS):
        matrix[diagonal, diagonal] = shift
        least, vector = _least(matrix, vector)
        value = constant - float(shift.sum()) + n * least
        if value > best:
            best, taken = value, shift
        slope = n * vector**2 - 1.0
        length = float(slope @ slope)
        spent = time.perf_counter() - began
        if best >= known or length < 1e-12 or stop() or spent + spent / (step + 1) > seconds:
            break
        shift = shift + 0.5 * (known - value) / length * slope
    matrix[diagonal, diagonal] = taken
    least = (best - constant + float(taken.sum())) / n
    below = _below(matrix, least)
    if below is None:
        return None
    best = constant - float(taken.sum()) + n * below
    whole = all((part == np.rint(part)).all() for part in (problem.linear, problem.weights, np.array([problem.offset])))
    return min(known, float(np.ceil(best - 1e-6)) if whole else best)


def _form(problem: Qubo) -> tuple[Floats, float]:
    """Return M, with a spin more where there are fields, and the constant of E = s'Ms + constant."""
    n, quarter = problem.n, problem.weights / 4
    fields = problem.linear / 2 + np.bincount(problem.rows, quarter, n) + np.bincount(problem.cols, quarter, n)
    matrix = np.zeros((n + 1, n + 1))
    matrix[problem.rows, problem.cols] = matrix[problem.cols, problem.rows] = quarter / 2
    matrix[n, :n] = matrix[:n, n] = fields / 2
    constant = problem.offset + float(problem.linear.sum()) / 2 + float(quarter.sum())
    return (matrix if fields.any() else matrix[:n, :n].copy()), constant


def _least(matrix: Floats, start: Floats) -> tuple[float, Floats]:
    """Return about the least eigenvalue, and its vector; `start` is where Lanczos' method begins."""
    if len(matrix) <= _DENSE:
        eigh: Any = importlib.import_module("scipy.linalg").eigh
        values, vectors = eigh(matrix, subset_by_index=[0, 0])
    else:
        linalg: Any = importlib.import_module("scipy.sparse.linalg")
        try:
            values, vectors = linalg.eigsh(matrix, k=1, which="SA", v0=start, tol=1e-4, maxiter=50 * len(matrix))
        except linalg.ArpackError:
            return float(np.linalg.eigvalsh(matrix)[0]), start
    return float(values[0]), np.asarray(vectors[:, 0], np.float64)


def _below(matrix: Floats, least: float) -> float | None:
    """Return a number a little below `least` that no eigenvalue is below, None when it is not found."""
    size = float(np.abs(matrix).sum(axis=1).max()) or 1.0
    for margin in _MARGINS:
        try:
            np.linalg.cholesky(matrix - (least - margin * size) * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            continue
        return least - (margin + _ROUNDING) * size
    return None
