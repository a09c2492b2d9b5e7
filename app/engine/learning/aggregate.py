"""How many updates become one. Fills `base.contracts.Aggregator`."""

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

_BLOCK = 32


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
        shares = (weights / total)[:, None]
        sums = np.empty((min(_BLOCK, len(updates)) + 1, updates.shape[1]))
        sums[0] = 0
        for at in range(0, len(updates), _BLOCK):
            some = updates[at : at + _BLOCK]
            np.multiply(some, shares[at : at + _BLOCK], out=sums[1 : len(some) + 1])
            sums[0] = np.add.reduce(sums[: len(some) + 1], axis=0)
        return np.array(sums[0])
