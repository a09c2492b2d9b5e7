"""The rules of a federation as one object: who takes part, what each is told, and how the answers become a model.

The same object drives simulated clients and real agents, so both walk the same path to the same model. What is to
happen to updates before anyone adds them up (clipping, noise, masks) belongs between `stack` and the aggregator.
Federated averaging: McMahan et al., "Communication-efficient learning of deep networks from decentralized data", 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Aggregator
from app.engine.base.errors import BadInput
from app.engine.learning.aggregate import WeightedMean
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.mlp import Array, Params, check, flatten, unflatten
from app.engine.learning.records import LocalSpec, LocalUpdate


@dataclass(frozen=True)
class FedAvg:
    """Federated averaging: `base` is what every client is told, `sample_ratio` how many of them take part."""

    base: LocalSpec = field(default_factory=LocalSpec)
    sample_ratio: float = 1.0
    aggregator: Aggregator = field(default_factory=WeightedMean)

    def select(self, round_number: int, clients: int) -> NDArray[np.int64]:
        """Return who takes part in a round, as rising places in the fixed order; at least one."""
        if self.sample_ratio >= 1:
            return np.arange(clients)
        count = max(1, round(clients * self.sample_ratio))
        rng = generator(self.base.seed, Purpose.SELECT, round_number)
        return np.sort(rng.choice(clients, count, replace=False))

    def configure(self, round_number: int, client: int) -> LocalSpec:
        """Return what `client` is told to do in a round."""
        return LocalSpec(**{**self.base.__dict__, "round": round_number, "client": client})

    def accept(self, update: Mapping[str, Array], examples: int) -> Array:
        """Return a client's update as one flat row; raise `BadInput` saying what is wrong with it."""
        if examples < 1:
            raise BadInput("the update stands on no examples")
        return flatten(check(self.base.model, update), self.base.model)

    def stack(self, updates: Sequence[LocalUpdate]) -> tuple[Array, NDArray[np.float64]]:
        """Return accepted updates as rows (clients, params) in the order given, and their weights."""
        rows = [self.accept(update.update, update.examples) for update in updates]
        return np.stack(rows), np.array([update.examples for update in updates], np.float64)

    def combine(self, params: Params, updates: Array, weights: NDArray[np.float64]) -> dict[str, Array]:
        """Return the next global model: old parameters plus the combined update, summed in float64."""
        model = self.base.model
        return unflatten(flatten(params, model).astype(np.float64) + self.aggregator.combine(updates, weights), model)
