"""The laws a controller can follow, by name; each turns a set-point and a state into the next size.

A law keeps nothing itself: its memory is handed in and out, so it can be replayed, compared and run anywhere. The
laws of physics and of the field that come later fill the same contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control import pid


class Law(Protocol):
    """A control law: a name, a memory at the start, and one step."""

    @property
    def name(self) -> str:
        """Return the name people choose it by."""

    def begin(self) -> Any:
        """Return the memory of a law that has seen nothing."""

    def step(self, memory: Any, set_point: float, state: ResourceState, dt_s: float) -> tuple[Any, float]:
        """Return (next memory, wanted size), both sizes in the resource's unit."""


# One tick of delay and a plant of gain 1: closed-loop poles at 0.69 and -0.29 per tick of 0.1 s.
DEFAULT_GAINS: Final = pid.Gains(kp=0.2, ki=4.0, kd=0.01, filter_s=0.1)


@dataclass(frozen=True)
class PidLaw:
    """Follow the set-point with a velocity-form PID."""

    gains: pid.Gains = DEFAULT_GAINS
    name: str = "pid"

    def begin(self) -> pid.Memory:
        """Return an empty memory."""
        return pid.Memory()

    def step(self, memory: pid.Memory, set_point: float, state: ResourceState, dt_s: float) -> tuple[pid.Memory, float]:
        """Return (next memory, wanted size)."""
        return pid.step(self.gains, memory, set_point, state.size, state.size, dt_s=dt_s)


@dataclass(frozen=True)
class StaticLaw:
    """Leave the size as it is: the peer every other law is held against."""

    name: str = "static"

    def begin(self) -> None:
        """Return no memory."""
        return

    def step(self, memory: None, set_point: float, state: ResourceState, dt_s: float) -> tuple[None, float]:
        """Return the present size."""
        del set_point, dt_s
        return memory, state.size


LAWS: Final[Mapping[str, Law]] = {law.name: law for law in (PidLaw(), StaticLaw())}


def need(name: str) -> Law:
    """Return the law called `name`; raise `BadInput` that lists those there are."""
    try:
        return LAWS[name]
    except KeyError:
        raise BadInput(
            "There is no control law {name}; choose from {known}", field="law", name=name, known=", ".join(LAWS)
        ) from None
