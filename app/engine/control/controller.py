"""One controller on one resource: measure, ask the law, guard, apply; the caller brings the time.

It works on anything that fills `base.contracts.Resource` and follows any law. A sensor that fails or lies never moves
the resource: the size is held, then brought to its safe value, and each turn says why. Every change made is kept with
its reason, and told to `on_action`.

`kill`, `let_go` and `apply_now` may be called from another thread while a turn hangs in the resource: a turn that comes back
after a kill or while let go sets the safe size again instead of its own.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.envelope import Envelope, Ringing, guard
from app.engine.control.laws import Law
from app.engine.control.ops import SCALAR
from app.engine.control.records import (
    APPLY,
    BOUNDS,
    COOL,
    FREE,
    KILLED,
    LET_GO,
    MODES,
    NOT_APPLIED,
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
from app.engine.control.touch import Touch, tell

_WHOLE: Final = 0.5 + 1e-9
_KEPT_ACTIONS: Final = 1000
_NO_SERVICE_S: Final = 1e-3
_SAME: Final = 1e-9


@dataclass(frozen=True)
class Manner:
    """How a controller behaves: its mode, and the actuation delay of its resource in s."""

    mode: str = RECOMMEND
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
        self.applied = self._level = self._taken = applied
        self.actions: deque[Action] = deque(maxlen=_KEPT_ACTIONS)
        self.killed = self._held = self._acted = False
        self._touch = Touch(resource)
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
        self._set(Decision(self.envelope.safe, KILLED), self._at_s or 0.0)
        return self.applied

    @property
    def killed_reason(self) -> str:
        """Return what a kill came to: the safe size, or why it is not in force."""
        if self._touch.actuator:
            return NOT_APPLIED + self._touch.actuator
        return KILLED if self.envelope.is_safe(self._taken) else f"{NOT_APPLIED}it stays at {self._taken:g}"

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
        force, bound = self._wanted - self.applied, decision.reason
        if self._is_over():
            decision, bound = self._rest(now_s), ""
        elif self.mode == APPLY:
            decision = self._cooled(decision, now_s)
            bound = decision.reason
            # What stands as it was asked for is left alone: to ask again costs more than to decide.
            if state is None or state.size != self.applied or abs(decision.size - self._level) > _SAME:
                why = self._apply(decision, now_s)
                decision = Decision(decision.size, NOT_APPLIED + why) if why else decision
        else:
            decision = Decision(decision.size, OBSERVED if self.mode == OBSERVE else RECOMMENDED)
        seen = self._seen
        queue, wait_s, position, velocity = (seen.queue, seen.wait_s, seen.position, seen.velocity) if seen else (0.0,) * 4
        return Tick(now_s, self._target, self.applied, queue, wait_s, decision.reason, position, velocity, force,
                    bound if bound in BOUNDS else "")  # fmt: skip

    @property
    def seen(self) -> ResourceState | None:
        """Return the last state that could be believed."""
        return self._seen

    def apply_now(self, decision: Decision, now_s: float) -> None:
        """Set a size past all laws: for a watch that finds the turns have stopped."""
        if not self._held:
            self._set(decision, now_s)
        self._end_safe(now_s)

    @property
    def acting(self) -> bool:
        """Tell whether the size is, or may still be, one of ours: the mode acts, or it did and nothing was let go since."""
        return self.mode == APPLY or self._acted

    def let_go(self) -> float:
        """Leave the resource at its safe size and return it; where nothing was ever applied it is left as it is.

        One that outlives this program is left as it was found.
        A turn that hangs meanwhile applies nothing when it comes back, until `take_up`.
        """
        self._held = True
        if self.killed:
            if self._touch.actuator:
                self._set(Decision(self.envelope.safe, KILLED), self._at_s or 0.0)
        elif self.acting and not self._set(Decision(self.envelope.safe, LET_GO), self._at_s or 0.0):
            self._acted = False
        self._touch.leave()
        return self.applied

    def take_up(self) -> None:
        """Act again after `let_go`; a kill stays."""
        self._held = False
        self._touch.take_up()

    def _is_over(self) -> bool:
        """Tell whether another thread killed this or let it go; asked before and after each size is set."""
        return self.killed or self._held

    def _rest(self, now_s: float) -> Decision:
        """Return the safe size as it stands; what the actuator refused at a kill is asked again."""
        reason = KILLED if self.killed else LET_GO
        if (self._touch.actuator and self.acting) or (self.killed and self.killed_reason != KILLED):
            self._set(Decision(self.envelope.safe, reason), now_s)
        return Decision(self.applied, self.killed_reason if self.killed else reason)

    def _measure(self, now_s: float) -> ResourceState | None:
        """Return a state that can be believed, or None; a stamp that does not move on is no fresh news."""
        state = self._touch.measure()
        if state is None:
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
            share = self.envelope.canary
            granted = self.envelope.safe + share * (wanted - self.envelope.safe) if share < 1 else wanted
            wanted = self._level + self._ringing.gain * (granted - self._level)
        return guard(self.envelope, self._level, float(wanted), dt_s, age_s)

    def _cooled(self, decision: Decision, now_s: float) -> Decision:
        resting = self.envelope.cool_s > 0 and now_s - self._acted_s < self.envelope.cool_s
        if resting and abs(decision.size - self._level) > _WHOLE - 0.5:
            return Decision(self._level, COOL if decision.reason != SAFE else SAFE)
        rings = self._ringing.gain < 1 and decision.reason == FREE
        return Decision(decision.size, RINGS) if rings else decision

    def _apply(self, decision: Decision, now_s: float) -> str:
        """Set what a law decided, and return why not; one that was killed or let go meanwhile ends at its safe size."""
        if self._is_over():
            return ""
        self._acted = True
        why = self._set(decision, now_s)
        self._end_safe(now_s)
        return why

    def _end_safe(self, now_s: float) -> None:
        """Bring what was killed or let go while its size was set to its safe size once more."""
        if self._is_over():
            self._set(Decision(self.envelope.safe, KILLED if self.killed else LET_GO), now_s)
            if self._held:
                self._touch.leave()

    def _set(self, decision: Decision, now_s: float) -> str:
        """Set the size, return why not; one that counts in whole units keeps our fraction, one that is stuck overrules it."""
        before, applied = self.applied, self._touch.apply(decision.size)
        if applied is None:
            return self._touch.actuator
        self.applied = self._taken = applied
        self._level = decision.size if abs(applied - decision.size) <= _WHOLE else applied
        if applied != before:
            self._acted_s = now_s
            self._ringing.note(now_s, applied - before, applied)
            action = Action(now_s, before, self._wanted, applied, decision.reason)
            self.actions.append(action)
            if self._on_action is not None:
                tell(partial(self._on_action, action))
        return ""


__all__ = ["APPLY", "OBSERVE", "RECOMMEND", "Controller", "Manner", "sight_of"]
