"""The landscape of the best samples: how far each is from the best, and a plane in which near ones lie near.

The plane is by classical scaling (Torgerson 1952, "Multidimensional scaling: I. Theory and method") of the Hamming distances,
which between states of bits are squared Euclidean ones, so that it shows the two widest directions exactly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.ising import spin_form
from app.engine.qubo.problem import Qubo

_MOST_BITS = 50_000
_COLUMNS = 4096
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Landscape:
    """Distances (k,) in bits from the first sample, places (k, 2) within -1..1, and the share of all spread that they show.

    `mirrored` tells that a sample and its opposite are the same answer and the nearer one of both was taken.
    """

    distances: NDArray[np.int64]
    places: NDArray[np.float64]
    shown_ratio: float
    mirrored: bool

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per sample."""
        return [
            {"distance": int(bits), "at": [round(float(x), 5), round(float(y), 5)]}
            for bits, (x, y) in zip(self.distances, self.places, strict=True)
        ]


def survey(problem: Qubo, samples: NDArray[np.int8]) -> Landscape | None:
    """Return the landscape of `samples` (k, n), the best first; None for more bits than are worth the time."""
    k, n = samples.shape
    if n > _MOST_BITS or not k:
        return None
    mirrored = not spin_form(problem).h.any()
    spins = 2 * samples.astype(np.int8) - 1
    distances = (spins != spins[0]).sum(axis=1)
    if mirrored:
        spins = np.where((2 * distances > n)[:, None], -spins, spins)
        distances = np.minimum(distances, n - distances)
    inner = np.zeros((k, k))
    for begin in range(0, n, _COLUMNS):
        part = spins[:, begin : begin + _COLUMNS].astype(np.float32)
        inner += part @ part.T
    inner -= inner.mean(axis=0)
    inner -= inner.mean(axis=1)[:, None]
    values, vectors = np.linalg.eigh(inner)
    values = np.where(values > _NOTHING * values.max(initial=0.0), values, 0.0)
    widest = np.argsort(-values, kind="stable")[:2]
    places = np.zeros((k, 2))
    for axis, at in enumerate(widest):
        vector = vectors[:, at]
        turned = np.sign(vector[np.abs(vector).argmax()]) or 1.0
        places[:, axis] = turned * vector * np.sqrt(values[at])
    total = float(values.sum())
    shown = float(values[widest].sum() / total) if total > 0 else 1.0
    return Landscape(distances, places / (np.abs(places).max() or 1.0), min(1.0, shown), mirrored)
