"""Who is asked in a round. Pure: what was seen of the clients so far goes in, places in the fixed order come out.

`random` takes a fixed number, `poisson` each client by a throw of its own (what privacy accounts assume). `adaptive` is guided
selection after Lai et al., "Oort: efficient federated learning via guided participant selection", 2021, eq. 1: loss times the
root of the examples, less for those slower than preferred, and a share for clients never seen. `capable` asks at random among
those that can be done in time, by what is known of their processors and links.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("random", "poisson", "adaptive", "capable")
Doubles = NDArray[np.float64]
_EXPLORE, _PREFERRED, _PENALTY = 0.1, 0.8, 2.0
_UNSEEN: Final = np.nan


@dataclass
class Seen:
    """What is known of every client: its last `losses` (nan: never seen) and `examples`, and the seconds a round takes it."""

    losses: Doubles
    examples: Doubles
    round_s: Doubles

    @classmethod
    def nothing(cls, clients: int) -> "Seen":
        """Return what is known before the first round."""
        return cls(np.full(clients, _UNSEEN), np.zeros(clients), np.zeros(clients))

    def learn(self, clients: NDArray[np.int64], losses: Doubles, examples: NDArray[np.integer]) -> None:
        """Keep what a round told of `clients`."""
        self.losses[clients], self.examples[clients] = losses, examples


def select(kind: str, rng: np.random.Generator, ratio: float, seen: Seen, deadline_s: float = 0.0) -> NDArray[np.int64]:
    """Return who takes part, as rising places; about `ratio` of all and at least one."""
    clients = len(seen.losses)
    count = min(clients, max(1, round(clients * ratio)))
    if kind == "poisson":
        drawn = np.flatnonzero(rng.random(clients) < ratio)
        return drawn if len(drawn) else rng.integers(clients, size=1)
    if kind == "adaptive":
        return np.sort(_guided(rng, count, seen))
    if kind == "capable" and deadline_s > 0:
        return np.sort(_able(rng, count, seen, deadline_s))
    return np.sort(rng.choice(clients, count, replace=False))


def _guided(rng: np.random.Generator, count: int, seen: Seen) -> NDArray[np.int64]:
    fresh = np.flatnonzero(np.isnan(seen.losses))
    known = np.flatnonzero(~np.isnan(seen.losses))
    asked = min(len(fresh), max(math.ceil(count * _EXPLORE), count - len(known)))
    explored = rng.choice(fresh, asked, replace=False) if asked else fresh[:0]
    value = seen.losses[known] * np.sqrt(np.maximum(seen.examples[known], 1))
    if len(known) and seen.round_s.any():
        preferred = np.quantile(seen.round_s, _PREFERRED)
        slow = seen.round_s[known] > preferred
        value[slow] *= (preferred / seen.round_s[known][slow]) ** _PENALTY
    # Drawn in proportion to its value, by exponential races: the greatest u^(1/value) win (Efraimidis, Spirakis, 2006).
    keys = rng.random(len(known)) ** (1 / np.maximum(value, 1e-9))
    return np.concatenate([explored, known[np.argsort(-keys, kind="stable")[: count - asked]]])


def _able(rng: np.random.Generator, count: int, seen: Seen, deadline_s: float) -> NDArray[np.int64]:
    able = np.flatnonzero(seen.round_s <= deadline_s)
    if len(able) >= count:
        return rng.choice(able, count, replace=False)
    return np.argsort(seen.round_s, kind="stable")[:count]
