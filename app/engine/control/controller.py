"""One controller on one resource: measure, ask the law, guard, apply; the caller brings the time.

It works on anything that fills `base.contracts.Resource` and follows any law. A sensor that fails or lies never moves
the resource: the size is held, then brought to its safe value, and each turn says why. Every change made is kept with
its reason, and told to `on_action`.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import BadInput, OutpostError
from app.engine.control.envelope import Envelope, Ringing, guard, is_sane
from app.engine.control.laws import Law
from app.engine.control.ops import SCALAR
from app.engine.control.records import (
    APPLY,
    COOL,
    FREE,
    KILLED,
    MODES,
    OBSERVE,
    OBSERVED,
    RECOMMEND,
    RECOMMENDED,
    RINGS,
    SAFE,
    Action,
    Decision,
    Tick,
)
from app.engine.control.sight import Sight

_WHOLE: Final = 0.5 + 1e-9
_KEPT_ACTIONS: Final = 1000
_NO_SERVICE_S: Final = 1e-3
_SAME: Final = 1e-9


@dataclass(frozen=True)
class Manner:
    """How a controller behaves: its mode, and the actuation delay of its resource in s."""

    mode: str = APPLY
    delay_s: float = 0.0


def sight_of(state: ResourceState, size: float, low: float, high: float, delay_s: float) -> Sight:
    """Return what a law sees of `state`; what a resource does not tell is derived from what it does."""
    demand = state.position if state.raw < 0 else state.raw
    busy = min(state.position, state.size) if state.busy < 0 else state.busy
    service_s = state.service_s or _NO_SERVICE_S
    return Sight(demand, service_s, busy, state.queue, size, state.latency_s or state.wait_s + state.service_s,
                 state.rtt_s or service_s, state.done, state.dropped, low, high, delay_s)  # fmt: skip


class Controller:
    """Keeps the memory of one loop; `tick` is one turn."""

    def __init__(
        self, resource: Resource, law: Law, envelope: Envelope, applied: float, *,
        manner: Manner = Manner(), on_action: Callable[[Action], None] | None = None,
    ) -> None:  # fmt: skip
        self.resource, self.law, self.envelope = resource, law, envelope
        self.applied = self._level = applied
        self.actions: deque[Action] = deque(maxlen=_KEPT_ACTIONS)
        self.killed = False
        self._delay_s, self._on_action = manner.delay_s, on_action
        self._memory: Any = law.begin()
        self._ringing = Ringing()
        self._seen: ResourceState | None = None
        self._fresh_s: float | None = None
        self._at_s: float | None = None
        self._acted_s = -math.inf
        self._target = self._wanted = applied
        self.mode = manner.mode
        self.set_mode(manner.mode)

    def set_mode(self, mode: str) -> None:
        """Observe, recommend or apply from the next turn on; raises `BadInput`."""
        if mode not in MODES:
            raise BadInput("A mode is observe, recommend or apply, not {mode}", field="mode", mode=mode)
        self.mode = mode

    def follow(self, law: Law) -> None:
        """Take another law from the next turn on; it starts from the size in force, so nothing jumps."""
        self.law, self._memory = law, law.begin()

    def kill(self) -> float:
        """Bring the resource to its safe size now and never act again; return that size."""
        self.killed = True
        self._apply(Decision(self.envelope.safe, KILLED), self._at_s or 0.0)
        return self.applied

    def tick(self, now_s: float) -> Tick:
        """Take one turn at `now_s` (the clock the resource stamps its states with) and return what was done."""
        dt_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        if self._fresh_s is None:
            self._fresh_s = now_s
        state = self._measure(now_s)
        if state is not None and self.mode != APPLY:
            self._level = self.applied = state.size
        decision = self._decide(state, dt_s, now_s - self._fresh_s)
        force = self._wanted - self.applied
        if self.killed:
            decision = Decision(self.applied, KILLED)
        elif self.mode == APPLY:
            decision = self._cooled(decision, now_s)
            # What stands as it was asked for is left alone: to ask again costs more than to decide.
            if state is None or state.size != self.applied or abs(decision.size - self._level) > _SAME:
                self._apply(decision, now_s)
        else:
            decision = Decision(decision.size, OBSERVED if self.mode == OBSERVE else RECOMMENDED)
        seen = self._seen
        queue, wait_s, position, velocity = (seen.queue, seen.wait_s, seen.position, seen.velocity) if seen else (0.0,) * 4
        return Tick(now_s, self._target, self.applied, queue, wait_s, decision.reason, position, velocity, force)

    @property
    def seen(self) -> ResourceState | None:
        """Return the last state that could be believed."""
        return self._seen

    def apply_now(self, decision: Decision, now_s: float) -> None:
        """Set a size past all laws: for a watch that finds the turns have stopped."""
        self._apply(decision, now_s)

    def let_go(self) -> float:
        """Leave the resource at its safe size and return it; a mode that does not act leaves it as it is."""
        if self.mode == APPLY and not self.killed:
            self._apply(Decision(self.envelope.safe, "let go, safe size"), self._at_s or 0.0)
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
            sight = sight_of(state, self._level, self.envelope.low, self.envelope.high, self._delay_s)
            self._memory, wanted = self.law.step(self._memory, sight, dt_s, SCALAR)
            self._target = self._wanted = float(wanted) if math.isfinite(wanted) else self._level
            wanted = self._level + self._ringing.gain * self.envelope.canary * (wanted - self._level)
        return guard(self.envelope, self._level, float(wanted), dt_s, age_s)

    def _cooled(self, decision: Decision, now_s: float) -> Decision:
        resting = self.envelope.cool_s > 0 and now_s - self._acted_s < self.envelope.cool_s
        if resting and abs(decision.size - self._level) > _WHOLE - 0.5:
            return Decision(self._level, COOL if decision.reason != SAFE else SAFE)
        rings = self._ringing.gain < 1 and decision.reason == FREE
        return Decision(decision.size, RINGS) if rings else decision

    def _apply(self, decision: Decision, now_s: float) -> None:
        """Set the size; a resource that counts in whole units keeps our fraction, one that is stuck overrules it."""
        before = self.applied
        try:
            self.applied = self.resource.apply_control(decision.size)
        except (OSError, OutpostError):
            return
        self._level = decision.size if abs(self.applied - decision.size) <= _WHOLE else self.applied
        if self.applied != before:
            self._acted_s = now_s
            self._ringing.note(now_s, self.applied - before, self.applied)
            action = Action(now_s, before, self._wanted, self.applied, decision.reason)
            self.actions.append(action)
            if self._on_action is not None:
                self._on_action(action)


__all__ = ["APPLY", "OBSERVE", "RECOMMEND", "Controller", "Manner", "sight_of"]
