"""The physics models by name, as one calls them from the library: a force for a state, and the state one delay later."""

from typing import Protocol

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.controller import sight_of
from app.engine.control.laws import MODELS, Law, need
from app.engine.control.ops import SCALAR


class PhysicsModel(Protocol):
    """What turns a state into a force."""

    def calculate_force(self, state: ResourceState) -> float:
        """Return by how much the size should change now, in the resource's unit."""

    def predict_next_state(self, state: ResourceState) -> ResourceState:
        """Return the state one actuation delay later, if nothing is done."""


class LawModel:
    """A law with the memory of its own: each state given is one turn of `tick_s`."""

    def __init__(self, law: Law, *, low: float = 1.0, high: float = 1e9, delay_s: float = 0.1, tick_s: float = 0.1) -> None:
        self.law = law
        self._low, self._high, self._delay_s, self._tick_s = low, high, delay_s, tick_s
        self._memory = law.begin()

    @property
    def name(self) -> str:
        """Return the law's name."""
        return self.law.name

    def following(self, law: Law) -> "LawModel":
        """Return a model of the same resource that follows `law` and has seen nothing."""
        return LawModel(law, low=self._low, high=self._high, delay_s=self._delay_s, tick_s=self._tick_s)

    def calculate_force(self, state: ResourceState) -> float:
        """Return the size wanted less the size in force."""
        sight = sight_of(state, state.size, self._low, self._high, self._delay_s)
        self._memory, wanted = self.law.step(self._memory, sight, self._tick_s, SCALAR)
        return float(min(max(wanted, self._low), self._high) - state.size)

    def predict_next_state(self, state: ResourceState) -> ResourceState:
        """Return x + v d + a d²/2 and v + a d after the actuation delay d; demand is never negative."""
        d = self._delay_s
        position = max(0.0, state.position + state.velocity * d + state.acceleration * d * d / 2)
        short = max(0.0, position - state.size)
        queue = state.queue + short * d / state.service_s if state.service_s > 0 else state.queue
        return state._replace(
            at_s=state.at_s + d, position=position, velocity=state.velocity + state.acceleration * d, queue=queue
        )


def model(name: str, *, plant: str = "sizing", low: float = 1.0, high: float = 1e9, delay_s: float = 0.1,
          tick_s: float = 0.1) -> LawModel:  # fmt: skip
    """Return the physics model called `name`; raises `BadInput` that lists the models there are."""
    if name not in MODELS:
        raise BadInput("There is no physics model {name}; choose from {known}", field="physics_model", name=name,
                       known=", ".join(MODELS))  # fmt: skip
    found = name if plant == "sizing" or name in ("auto", "parametric") else "auto"
    return LawModel(need(found, plant), low=low, high=high, delay_s=delay_s, tick_s=tick_s)
