"""Two runs side by side: their outcomes, how far their distributions are apart, and how far shots alone would put them.

Total variation is half the sum of the differences of shares; Hellinger's distance and the fidelity are those of classical
distributions (Nielsen and Chuang, section 9.1). Whether two runs differ at all is asked by a permutation test (Fisher, 1935):
all shots are mixed and dealt again, 999 times, or 199 where there are over a thousand outcomes; the share of deals that are at
least as far apart is the p-value.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import number_text

MOST_TOLD: Final = 256
_DEALS: Final = 999
_MANY: Final = 1000  # outcomes; beyond, fewer deals tell enough
_FEW_DEALS: Final = 199
_DIFFERENT: Final = 0.01


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return {outcomes: [[outcome, first, second]], distances, …} of two result documents with counts.

    Raises `BadInput` when their outcomes are not of the same bits. Outcomes a result has summed up stand in `left_out_ratio`,
    by which the distances may be wrong.
    """
    counts = [{str(key): int(value) for key, value in dict(one["counts"]).items()} for one in (first, second)]
    shapes = [next(iter(_shape(key) for key in one), ()) for one in counts]
    if not counts[0] or not counts[1] or shapes[0] != shapes[1]:
        raise BadInput("The runs measure different bits, so their outcomes cannot be compared", field="second")
    names = sorted(counts[0].keys() | counts[1].keys(), key=lambda key: (-counts[0].get(key, 0) - counts[1].get(key, 0), key))
    table = np.array([[one.get(name, 0) for one in counts] for name in names], np.int64)
    shots = table.sum(axis=0)
    shares = table / shots
    overlap = float(np.sqrt(shares[:, 0] * shares[:, 1]).sum())
    variation = float(np.abs(shares[:, 0] - shares[:, 1]).sum() / 2)
    chance = _p_value(table, variation)
    others = [int(one.get("other_shots", 0)) for one in (first, second)]
    return {
        "outcomes": [[name, *map(int, row)] for name, row in zip(names[:MOST_TOLD], table[:MOST_TOLD], strict=True)],
        "outcomes_count": len(names),
        "shots": [int(count) for count in shots],
        "total_variation": variation,
        "hellinger": math.sqrt(max(0.0, 1 - overlap)),
        "fidelity": min(1.0, overlap**2),
        "p_value": chance,
        "different": chance < _DIFFERENT,
        "left_out_ratio": max(other / (other + int(count)) for other, count in zip(others, shots, strict=True)),
    }


def verdict_text(told: Mapping[str, Any]) -> str:
    """Return in a sentence how far two runs are apart."""
    said = tr("the distributions differ") if told["different"] else tr("shots alone explain the difference")
    return tr(
        "{verdict} (p = {p}) · total variation {variation} · Hellinger {hellinger} · fidelity {fidelity}", verdict=said,
        p=number_text(told["p_value"], ".3f"), variation=number_text(told["total_variation"], ".4f"),
        hellinger=number_text(told["hellinger"], ".4f"), fidelity=number_text(told["fidelity"], ".4f"),
    )  # fmt: skip


def _shape(key: str) -> tuple[int, ...]:
    return tuple(map(len, key.split(" ")))


def _p_value(table: np.ndarray[Any, np.dtype[np.int64]], found: float) -> float:
    """Return the share of deals of all shots that are at least `found` apart, the one that came true among them."""
    shots, pooled = table.sum(axis=0), table.sum(axis=1)
    rng = np.random.default_rng(np.random.SeedSequence(0))
    deals = _DEALS if len(table) <= _MANY else _FEW_DEALS
    dealt = rng.multivariate_hypergeometric(pooled, int(shots[0]), size=deals, method="marginals")
    apart = np.abs(dealt / shots[0] - (pooled - dealt) / shots[1]).sum(axis=1) / 2
    return float((1 + (apart >= found - 1e-12).sum()) / (1 + deals))
