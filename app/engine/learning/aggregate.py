"""How many updates become one. Fills `base.contracts.Aggregator`."""

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Aggregator
from app.engine.base.errors import BadInput


def least_of(rule: Aggregator) -> int:
    """Return the fewest updates that `rule` combines."""
    return int(getattr(rule, "least", 1))


def weighs(rule: Aggregator) -> bool:
    """Tell whether weights matter to `rule`, rather than only whether one is positive."""
    return bool(getattr(rule, "weighs", True))


class WeightedMean:
    """The mean weighted by examples: federated averaging (McMahan et al., 2017, algorithm 1).

    Sums are float64 and run over clients in the order given, so equal updates give equal bits however they came.
    """

    name = "mean"

    def combine(self, updates: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sum(w_i u_i) / sum(w_i), float64 (params,); raise `BadInput` when no weight is positive."""
        total = float(np.add.accumulate(weights)[-1]) if len(weights) else 0.0
        if total <= 0 or (weights < 0).any():
            raise BadInput("Updates cannot be averaged: no client has any weight")
        # Over rows that lie one after the other, this adds them one by one and widens them on the way.
        return np.asarray(np.einsum("c,cp->p", weights / total, np.ascontiguousarray(updates)))
