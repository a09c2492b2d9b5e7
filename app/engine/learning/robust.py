"""Aggregators that bear hostile clients, each refused outside its breakdown point. Every client counts alike.

Coordinate-wise median and trimmed mean: Yin et al., 2018. Krum and multi-Krum: Blanchard et al., 2017. Bulyan: El Mhamdi et
al., 2018. Geometric median by smoothed Weiszfeld steps: Pillutla et al., 2022. Norm clipping at the median norm after Sun et
al., "Can you really backdoor federated learning?", 2019. Nearest-neighbour mixing in front of them: Allouah et al., 2023.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Aggregator
from app.engine.base.errors import BadInput
from app.engine.learning.aggregate import WeightedMean

Rows = NDArray[np.float32]
Doubles = NDArray[np.float64]
_WEISZFELD_STEPS = 32
_SMOOTH = 1e-6


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
    return np.asarray(rows[_by_krum(distances(rows), hostile)[: len(rows) - hostile]].mean(axis=0, dtype=np.float64))


def _krum(rows: Rows, hostile: int) -> Doubles:
    return np.asarray(rows[_by_krum(distances(rows), hostile)[0]].astype(np.float64))


def _by_krum(apart: Doubles, hostile: int) -> NDArray[np.int64]:
    """Return clients from the best to the worst sum of distances to their n - f - 2 nearest."""
    near = np.sort(apart, axis=1)[:, 1 : max(len(apart) - hostile - 1, 2)]
    return np.argsort(near.sum(axis=1), kind="stable")


def _bulyan(rows: Rows, hostile: int) -> Doubles:
    """Pick n - 2 f rows one by one as Krum would, then average per coordinate the n - 4 f values nearest their median."""
    apart, left, picked = distances(rows), np.arange(len(rows)), []
    for _ in range(len(rows) - 2 * hostile):
        best = int(_by_krum(apart[np.ix_(left, left)], hostile)[0]) if len(left) > 1 else 0
        picked.append(int(left[best]))
        left = np.delete(left, best)
    chosen = rows[np.sort(picked)].astype(np.float64)
    away = np.abs(chosen - np.median(chosen, axis=0))
    near = np.argsort(away, axis=0, kind="stable")[: len(chosen) - 2 * hostile]
    return np.asarray(np.take_along_axis(chosen, near, axis=0).mean(axis=0))


def _geometric_median(rows: Rows, hostile: int) -> Doubles:  # noqa: ARG001
    """Return the point with the least sum of distances to all rows, starting from their coordinate-wise median."""
    wide = rows.astype(np.float64)
    point = np.median(wide, axis=0)
    for _ in range(_WEISZFELD_STEPS):
        pull = 1 / np.maximum(np.linalg.norm(wide - point, axis=1), _SMOOTH)
        moved = pull @ wide / pull.sum()
        near = float(np.linalg.norm(moved - point)) <= _SMOOTH * (float(np.linalg.norm(point)) + _SMOOTH)
        point = moved
        if near:
            break
    return np.asarray(point)


def _clipped(rows: Rows, hostile: int) -> Doubles:  # noqa: ARG001
    """Return the mean after every row longer than the median of the norms is cut to that length."""
    wide = rows.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    share = np.minimum(1, np.median(norms) / np.maximum(norms, np.finfo(np.float64).tiny))
    return np.asarray((wide * share[:, None]).mean(axis=0))


# A rule, and how many clients it needs as a multiple of the hostile ones and on top of that.
_RULES: dict[str, tuple[Callable[[Rows, int], Doubles], int, int]] = {
    "median": (_median, 2, 1),
    "trimmed": (_trimmed, 2, 1),
    "krum": (_krum, 2, 3),
    "multi-krum": (_multi_krum, 2, 3),
    "bulyan": (_bulyan, 4, 3),
    "geometric-median": (_geometric_median, 2, 1),
    "norm-clip": (_clipped, 2, 1),
}
MOST = 4000
NAMES = ("mean", *_RULES, *(f"mixed-{name}" for name in _RULES))


@dataclass
class Robust:
    """The rule `name` of `NAMES` that bears `hostile` clients among enough others; `least` says among how many."""

    name: str
    hostile: int
    weighs: ClassVar[bool] = False

    @property
    def least(self) -> int:
        """Return the fewest clients among which the rule bears its hostile ones."""
        _, times, more = _RULES[self.name.removeprefix("mixed-")]
        return times * self.hostile + more

    def combine(self, updates: Rows, weights: Doubles) -> Doubles:
        """Return one row, float64 (params,), of the clients with weight; raise `BadInput` beyond the breakdown point."""
        rows = updates[weights > 0]
        if len(rows) > MOST:
            raise BadInput(
                "{rule} takes at most {most} clients in a round; {clients} took part",
                rule=self.name,
                most=MOST,
                clients=len(rows),
            )
        if len(rows) < self.least:
            raise BadInput(
                "{rule} bears {hostile} hostile clients only among {least} or more; {clients} took part",
                rule=self.name, hostile=self.hostile, least=self.least, clients=len(rows),
            )  # fmt: skip
        rule = _RULES[self.name.removeprefix("mixed-")][0]
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
