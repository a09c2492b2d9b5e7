"""Aggregators that bear hostile clients, each refused outside its breakdown point. Every client counts alike.

Coordinate-wise median and trimmed mean: Yin et al., 2018. Krum and multi-Krum: Blanchard et al., 2017.
Nearest-neighbour mixing in front of them: Allouah et al., 2023.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Aggregator
from app.engine.base.errors import BadInput
from app.engine.learning.aggregate import WeightedMean

Rows = NDArray[np.float32]
Doubles = NDArray[np.float64]


def distances(rows: Rows) -> Doubles:
    """Return squared distances (n, n) between rows, by their products in float64."""
    wide = rows.astype(np.float64)
    products = wide @ wide.T
    norms = np.diag(products)
    return np.asarray(np.maximum(norms[:, None] + norms[None, :] - 2 * products, 0))


def _trimmed(rows: Rows, hostile: int) -> Doubles:
    ordered = np.sort(rows, axis=0)[hostile : len(rows) - hostile]
    return np.asarray(ordered.mean(axis=0, dtype=np.float64))


def _median(rows: Rows, hostile: int) -> Doubles:  # noqa: ARG001
    return np.asarray(np.median(rows.astype(np.float64), axis=0))


def _multi_krum(rows: Rows, hostile: int) -> Doubles:
    return np.asarray(rows[_by_krum(rows, hostile)[: len(rows) - hostile]].mean(axis=0, dtype=np.float64))


def _krum(rows: Rows, hostile: int) -> Doubles:
    return np.asarray(rows[_by_krum(rows, hostile)[0]].astype(np.float64))


def _by_krum(rows: Rows, hostile: int) -> NDArray[np.int64]:
    """Return clients from the best to the worst sum of distances to their n - f - 2 nearest."""
    near = np.sort(distances(rows), axis=1)[:, 1 : len(rows) - hostile - 1]
    return np.argsort(near.sum(axis=1), kind="stable")


_RULES: dict[str, tuple[Callable[[Rows, int], Doubles], int]] = {
    "median": (_median, 1),
    "trimmed": (_trimmed, 1),
    "krum": (_krum, 3),
    "multi-krum": (_multi_krum, 3),
}
MOST = 4000
NAMES = ("mean", *_RULES, *(f"mixed-{name}" for name in _RULES))


@dataclass
class Robust:
    """The rule `name` of `NAMES` that bears `hostile` clients: more than 2 f of them, for Krum more than 2 f + 2."""

    name: str
    hostile: int

    def combine(self, updates: Rows, weights: Doubles) -> Doubles:
        """Return one row, float64 (params,), of the clients with weight; raise `BadInput` beyond the breakdown point."""
        rule, more = _RULES[self.name.removeprefix("mixed-")]
        rows = updates[weights > 0]
        if len(rows) > MOST:
            raise BadInput(
                "{rule} takes at most {most} clients in a round; {clients} took part",
                rule=self.name,
                most=MOST,
                clients=len(rows),
            )
        least = 2 * self.hostile + more
        if len(rows) < least:
            raise BadInput(
                "{rule} bears {hostile} hostile clients only among {least} or more; {clients} took part",
                rule=self.name, hostile=self.hostile, least=least, clients=len(rows),
            )  # fmt: skip
        return rule(mixed(rows, self.hostile) if self.name.startswith("mixed-") else rows, self.hostile)


def mixed(rows: Rows, hostile: int) -> Rows:
    """Return each row as the mean of its n - f nearest rows, itself among them."""
    nearest = np.argsort(distances(rows), axis=1, kind="stable")[:, : len(rows) - hostile]
    share = np.zeros((len(rows), len(rows)))
    np.put_along_axis(share, nearest, 1 / nearest.shape[1], axis=1)
    return np.asarray(share @ rows.astype(np.float64), np.float32)


def aggregator(name: str, hostile: int) -> Aggregator:
    """Return the aggregator called `name`; raise `BadInput` when there is none."""
    if name not in NAMES:
        raise BadInput("There is no aggregator {name}", name=name)
    return WeightedMean() if name == "mean" else Robust(name, hostile)
