"""One controller on one resource: measure, aim, decide, guard, apply; the caller brings the time.

It works on anything that fills `base.contracts.Resource` and follows any law. A sensor that fails or lies never moves
the resource: the size is held, then brought to its safe value, and each turn says why.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import OutpostError
from app.engine.control.envelope import Envelope, guard, is_sane
from app.engine.control.laws import Law
from app.engine.control.queueing import set_point
from app.engine.control.records import Decision, Tick

_WHOLE = 0.5 + 1e-9


@dataclass(frozen=True)
class Aim:
    """Where the set-point lies: `beta` spare workers per √worker, and queued tasks that call for one worker more."""

    beta: float = 1.0
    queue_per_worker: float = 6.0


class Controller:
    """Keeps the memory of one loop; `tick` is one turn."""

    def __init__(self, resource: Resource, law: Law, envelope: Envelope, aim: Aim, applied: float) -> None:
        self.resource, self.law, self.envelope, self.aim = resource, law, envelope, aim
        self.applied = self._level = applied
        self._memory: Any = law.begin()
        self._seen: ResourceState | None = None
        self._fresh_s: float | None = None
        self._at_s: float | None = None
        self._target = applied

    def tick(self, now_s: float) -> Tick:
        """Take one turn at `now_s` (the clock the resource stamps its states with) and return what was done."""
        dt_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        if self._fresh_s is None:
            self._fresh_s = now_s
        state = self._measure(now_s)
        decision = self._decide(state, dt_s, now_s - self._fresh_s)
        self._apply(decision.size)
        queue, wait_s = (self._seen.queue, self._seen.wait_s) if self._seen else (0.0, 0.0)
        return Tick(now_s, self._target, self.applied, queue, wait_s, decision.reason)

    def let_go(self) -> float:
        """Leave the resource at its safe size and return it."""
        self._apply(self.envelope.safe)
        return self.applied

    def _measure(self, now_s: float) -> ResourceState | None:
        """Return a state that can be believed, or None; a stamp that does not move on is no fresh news."""
        try:
            state = self.resource.measure_state()
        except (OSError, ValueError, ArithmeticError, OutpostError):
            return None
        if not is_sane(state):
            return None
        if self._seen is None or state.at_s > self._seen.at_s:
            self._fresh_s = min(state.at_s, now_s)
        self._seen = state
        return state

    def _decide(self, state: ResourceState | None, dt_s: float, age_s: float) -> Decision:
        if state is None:
            self._memory = self.law.begin()
            return guard(self.envelope, self._level, math.nan, dt_s, age_s)
        wanted = self._level
        if dt_s > 0 and age_s <= self.envelope.stale_s:
            self._target = set_point(state.position, state.queue, self.aim.beta, self.aim.queue_per_worker)
            believed = replace(state, size=self._level)
            self._memory, wanted = self.law.step(self._memory, self._target, believed, dt_s)
        return guard(self.envelope, self._level, wanted, dt_s, age_s)

    def _apply(self, size: float) -> None:
        """Set the size; a resource that counts in whole units keeps our fraction, one that is stuck overrules it."""
        self.applied = self.resource.apply_control(size)
        self._level = size if abs(self.applied - size) <= _WHOLE else self.applied
