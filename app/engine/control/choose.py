"""The automatic model: contention first, then a period, then burstiness; with dwell time and no bump at a switch.

All candidates are kept warm on the same measurements and start from the size in force, so a switch moves nothing by
itself. A plant found contended is never followed past its fitted optimum n*.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

from app.engine.control.limits import SURE_MEANS, Fitted, Slowdown, independent, optimum, slowdown, slowdown_begin
from app.engine.control.ops import Num, Ops, full_like, zero_like
from app.engine.control.physics import Coherent, Foretold, Optomechanical, OptoMemory, ParaMemory, Parametric, Space, Starts
from app.engine.control.sight import Sight

COHERENT: Final = 0.0
OPTOMECHANICAL: Final = 1.0
PARAMETRIC: Final = 2.0
FITTED: Final = 3.0
CHOICES: Final = ("coherent", "optomechanical", "parametric", "fitted")
BURSTY_IDC: Final = 5.0
# A spring lags by itself: on bursts it pays where the actuator is about as quick as a turn (measured on every class of load).
QUICK_TURNS: Final = 1.5
DWELL_S: Final = 5.0
# A plant counts as contended when service slows with the number in flight: t value, slowdown at the largest number seen,
# and the tasks (fading) it rests on, with as many means as any slope takes. Fewer raise false alarms.
SURE_T: Final = 6.0
SURE_SLOWER: Final = 1.5
SURE_TASKS: Final = 600.0
_OF_SPRING: Final = ("push", "q", "beta", "drain_s", "margin", "foresee")


class AutoMemory(NamedTuple):
    """The memories of the candidates, the choice in force and its age, and moments of the demand for its dispersion."""

    para: ParaMemory
    opto: OptoMemory
    slow: Slowdown
    choice: Num
    age_s: Num
    mean: Num
    square: Num


@dataclass(frozen=True)
class Auto(Foretold):
    """Pick by what the load and the plant show; the parameters shared by the models are shared here too."""

    push: Num = 0.0005
    name: str = "auto"
    space: ClassVar[Space] = {**Parametric.space, "push": (1e-5, 0.02, True)}
    starts: ClassVar[Starts] = Parametric.starts
    # A shorter memory than where a limit is all there is: a sizing plant is not to be taken for a contended one.
    fitted: Fitted = field(default_factory=lambda: Fitted(span_s=15.0))

    def begin(self, like: Num = 0.0) -> AutoMemory:
        """Return the memory of who has seen nothing."""
        zero = zero_like(like)
        return AutoMemory(
            self._parametric.begin(like), self._optomechanical.begin(like), slowdown_begin(like),
            full_like(like, COHERENT), full_like(like, DWELL_S), zero, zero,
        )  # fmt: skip

    @cached_property
    def _parametric(self) -> Parametric:
        return Parametric(**{name: getattr(self, name) for name in Parametric.space})

    @cached_property
    def _optomechanical(self) -> Optomechanical:
        return Optomechanical(**{name: getattr(self, name) for name in _OF_SPRING})

    def step(self, memory: AutoMemory, sight: Sight, dt_s: float, ops: Ops) -> tuple[AutoMemory, Num]:
        """Return (memory, wanted size)."""
        slow = slowdown(memory.slow, sight, self.fitted.span_s, dt_s, ops)
        # One that has seen too few tasks to be sure need not look for an optimum.
        seeks = (slow.w > SURE_TASKS) is not False or memory.choice == FITTED
        best, t_value, slower = fit = optimum(slow, ops) if seeks else (math.inf, 0.0, 1.0)
        sure = (t_value > SURE_T) & (slow.w > SURE_TASKS) & (independent(slow, ops) > SURE_MEANS)
        contended = sure & (slower > SURE_SLOWER)
        para, size = self._parametric.step(memory.para, sight, dt_s, ops)
        quick = sight.delay_s <= QUICK_TURNS * dt_s
        # A spring that cannot be picked is not asked.
        opto, pushed = self._optomechanical.step(memory.opto, sight, dt_s, ops) if quick else (memory.opto, size)
        fade = dt_s / (10.0 + dt_s)
        mean = memory.mean + fade * (sight.demand - memory.mean)
        square = memory.square + fade * (sight.demand * sight.demand - memory.square)
        idc = (square - mean * mean) / ops.maximum(mean, 1e-6) * dt_s / ops.maximum(sight.service_s, 1e-6)
        wish = self._wish(contended, para, idc, quick, ops)
        free = (memory.age_s >= DWELL_S) | (contended & (memory.choice < FITTED))
        switch = free & (wish != memory.choice)
        choice = ops.where(switch, wish, memory.choice)
        age_s = ops.where(switch, 0.0, memory.age_s) + dt_s
        limit = self.fitted.aim(slow, fit, sight, dt_s, ops) if seeks else size
        followed = ops.where(choice == OPTOMECHANICAL, pushed, size)
        capped = ops.where(contended, ops.minimum(followed, best), followed)
        return AutoMemory(para, opto, slow, choice, age_s, mean, square), ops.where(choice == FITTED, limit, capped)

    def _wish(self, contended: Num, para: ParaMemory, idc: Num, quick: bool, ops: Ops) -> Num:
        past: Any = para.past
        periodic = bool(past.period[0] > 0) if past.scalar else past.period > 0
        spring = OPTOMECHANICAL if quick else COHERENT
        calm = ops.where(periodic, PARAMETRIC, ops.where(idc > BURSTY_IDC, spring, COHERENT))
        return ops.where(contended, FITTED, calm)


__all__ = ["CHOICES", "Auto", "AutoMemory", "Coherent"]
