"""How long clients take in a simulation: some are slow, as in the field. All times are simulated seconds.

A client needs `epoch_s` for a pass over its data and `link_s` for the model down and the update up. Both are drawn log-normal,
as measured for phones by Lai et al., "Oort", 2021, section 2.2 (a spread of about an order of magnitude).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.draws import Purpose, generator

Doubles = NDArray[np.float64]
_EXAMPLE_S, _SPREAD = 1e-3, 0.8
_LINK_BYTES_S, _LINK_SPREAD = 250_000.0, 1.0


@dataclass(frozen=True)
class Pace:
    """Simulated seconds of each client, (clients,): for one epoch, and for moving the bytes of a round."""

    epoch_s: Doubles
    link_s: Doubles

    @classmethod
    def drawn(cls, sizes: NDArray[np.int64], round_bytes: float, seed: int) -> "Pace":
        """Return the pace of clients of `sizes` examples that move `round_bytes` in a round."""
        rng = generator(seed, Purpose.PACE)
        slow = rng.lognormal(0.0, _SPREAD, len(sizes))
        link = _LINK_BYTES_S * rng.lognormal(0.0, _LINK_SPREAD, len(sizes))
        return cls(_EXAMPLE_S * sizes * slow, round_bytes / link)

    def round_s(self, epochs: int) -> Doubles:
        """Return how long each client takes for a whole round of `epochs`."""
        return self.epoch_s * epochs + self.link_s

    def moved(self, ratio: float) -> "Pace":
        """Return the pace when a round moves `ratio` of the bytes."""
        return dataclasses.replace(self, link_s=self.link_s * ratio)

    def epochs_by(self, deadline_s: float, epochs: int, clients: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many whole epochs, up to `epochs`, each of `clients` has done and sent by the deadline."""
        left = (deadline_s - self.link_s[clients]) / np.maximum(self.epoch_s[clients], 1e-12)
        return np.clip(np.floor(left), 0, epochs).astype(np.int64)
