"""Which backend takes the next request: pure rules on figures, so that each can be tried without a network.

Round robin; least connections; power of two choices (Mitzenmacher, "The Power of Two Choices in Randomized Load
Balancing", IEEE TPDS 12, 2001); adaptive weights by latency. An outlier is ejected after errors in a row, or when
most of its last requests failed, for a time that grows with each ejection, at most half of all at once; then one trial request
decides (a circuit breaker half open), or the next one where it hangs.
"""

import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.engine.base.errors import BadInput

POLICIES: Final = ("round_robin", "least", "two_choices", "weighted")
_ERRORS: Final = 5
_RECENT: Final = 20
_EJECT_S: Final = 1.0
_MOST_EJECT_S: Final = 30.0
# A trial that took longer is given up.
_TRIAL_S: Final = 30.0
_SMOOTH: Final = 0.2


@dataclass
class Backend:
    """One backend and what is known of it; changed by `began` and `ended` only."""

    name: str
    inflight: int = 0
    latency_s: float = 0.0
    errors_in_row: int = 0
    ejections: int = 0
    until_s: float = 0.0
    trying: bool = False
    tried_s: float = -math.inf
    ejected_s: float = -math.inf
    picked: int = 0
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))
    done: int = 0
    failed: int = 0
    since_s: float = 0.0

    def open(self, now_s: float) -> bool:
        """Tell whether it takes requests: not ejected, or due for its one trial request."""
        tries = self.trying and now_s - self.tried_s < _TRIAL_S
        return self.until_s == 0 or (now_s >= self.until_s and not tries)


@dataclass
class Router:
    """Picks among backends by a policy; `limit` is the most requests in flight at one backend."""

    policy: str = "two_choices"
    limit: int = 64
    seed: int = 0
    backends: list[Backend] = field(default_factory=list)
    slow_start_s: float = 2.0

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise BadInput(
                "A policy is one of {known}, not {policy}", field="policy", known=", ".join(POLICIES), policy=self.policy
            )
        self._random, self._turn = random.Random(self.seed), 0

    def pick(self, now_s: float, active: int, *, but: Backend | None = None) -> Backend | None:
        """Return who takes the next request among the first `active` that are not ejected, or None when all are full.

        One that is ejected, or is the one this request just failed at (`but`), gives its place to the next: a pool of one
        must not stand still with its first backend. Who is ejected is picked for its trial only: `trying` is set then.
        """
        able = [one for one in self.backends if one is not but and one.open(now_s)][:active]
        free = [one for one in able if one.inflight < self.limit]
        if not free:
            return None
        self._turn += 1
        chosen = self._by_policy(free, now_s)
        chosen.inflight += 1
        chosen.picked, chosen.trying = self._turn, chosen.until_s > 0
        if chosen.trying:
            chosen.tried_s = now_s
        return chosen

    def _by_policy(self, free: Sequence[Backend], now_s: float) -> Backend:
        if self.policy == "round_robin":
            return min(free, key=lambda one: one.picked)
        if self.policy == "least":
            return min(free, key=lambda one: (one.inflight, one.picked))
        if self.policy == "two_choices":
            first, second = self._random.choice(free), self._random.choice(free)
            return first if first.inflight <= second.inflight else second
        known = [one.latency_s for one in free if one.latency_s > 0]
        usual = sum(known) / len(known) if known else 1.0
        weights = [self._weight(one, usual, now_s) for one in free]
        return self._random.choices(free, weights)[0]

    def _weight(self, one: Backend, usual_s: float, now_s: float) -> float:
        """Return the inverse of latency, rising from a tenth while a backend is new (slow start against herding)."""
        age = min(1.0, max(0.1, (now_s - one.since_s) / self.slow_start_s))
        return age * usual_s / max(one.latency_s or usual_s, 1e-6)

    def ended(self, one: Backend, now_s: float, took_s: float, *, failed: bool | None, trial: bool = False) -> None:
        """Note that a request of `one` ended; `trial` marks the one it was picked for while it was ejected.

        A request from before an ejection tells of a time that was judged already, and decides neither that nor the trial. Nor
        does a trial that was given up, nor a request that is at fault itself (`failed` is None).
        """
        one.inflight -= 1
        one.done += 1
        one.failed += bool(failed)
        late = trial and now_s - took_s < one.tried_s - 1e-6
        if failed is None:
            one.trying = one.trying and (late or not trial)
            return
        if late or (not trial and (one.until_s > 0 or now_s - took_s < one.ejected_s)):
            return
        one.recent.append(failed)
        if failed:
            one.errors_in_row += 1
            if trial or one.errors_in_row >= _ERRORS or 2 * sum(one.recent) > _RECENT:
                self._eject(one, now_s)
            return
        one.latency_s = one.latency_s + _SMOOTH * (took_s - one.latency_s) if one.latency_s else took_s
        one.errors_in_row = 0
        if trial:
            one.until_s, one.trying, one.ejections = 0.0, False, 0
            one.recent.clear()

    def _eject(self, one: Backend, now_s: float) -> None:
        out = sum(1 for other in self.backends if other.until_s > 0 and other is not one)
        if 2 * (out + 1) > len(self.backends) and not one.trying:
            return
        one.ejections += 1
        one.ejected_s = now_s
        one.until_s = now_s + min(_MOST_EJECT_S, _EJECT_S * 2 ** (one.ejections - 1))
        one.trying, one.errors_in_row = False, 0
        one.recent.clear()
