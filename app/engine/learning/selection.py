"""Who is asked in a round. Pure: what was seen of the clients so far goes in, places in the fixed order come out.

`random` takes a fixed number, `poisson` each client by a throw of its own (what privacy accounts assume). `adaptive` is guided
selection after Lai et al., "Oort: efficient federated learning via guided participant selection", 2021, eq. 1: loss times the
root of the examples, less for those slower than the middle one; clients never seen get the share of a round that they are of
all. `capable` asks at random among those that can be done in time, by what is known of their processors and links.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("random", "poisson", "adaptive", "capable")
Doubles = NDArray[np.float64]
_EXPLORE, _PREFERRED, _PENALTY, _CREDIBLE = 0.1, 0.5, 2.0, 0.95
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
    fresh, known = np.flatnonzero(np.isnan(seen.losses)), np.flatnonzero(~np.isnan(seen.losses))
    share = max(_EXPLORE, len(fresh) / len(seen.losses))
    asked = min(len(fresh), max(math.ceil(count * share), count - len(known)))
    eager = _pace(seen)
    value = _bounded(seen.losses[known] * np.sqrt(np.maximum(seen.examples[known], 1))) * eager[known]
    return np.concatenate([_raced(rng, fresh, eager[fresh], asked), _raced(rng, known, value, count - asked)])


def _bounded(value: Doubles) -> Doubles:
    """Return values cut at their 95th percentile, as Oort does: losses and examples are clients' own word."""
    return np.minimum(value, np.quantile(value, _CREDIBLE, method="lower")) if value.size else value


def _pace(seen: Seen) -> Doubles:
    """Return what a client's speed is worth: 1, and less for those slower than most."""
    preferred = np.quantile(seen.round_s, _PREFERRED)
    late = np.maximum(seen.round_s, preferred) / preferred if preferred > 0 else np.ones(len(seen.round_s))
    return np.asarray(late**-_PENALTY, np.float64)


def _raced(rng: np.random.Generator, clients: NDArray[np.int64], value: Doubles, count: int) -> NDArray[np.int64]:
    """Draw in proportion to value, by exponential races: the greatest u^(1/value) win (Efraimidis, Spirakis, 2006)."""
    keys = np.log(rng.random(len(clients))) / np.maximum(value, 1e-9)
    return clients[np.argsort(-keys, kind="stable")[:count]]


def _able(rng: np.random.Generator, count: int, seen: Seen, deadline_s: float) -> NDArray[np.int64]:
    able = np.flatnonzero(seen.round_s <= deadline_s)
    if len(able) >= count:
        return rng.choice(able, count, replace=False)
    return np.argsort(seen.round_s, kind="stable")[:count]
