"""The laws a controller can follow, by name and by kind of plant; each keeps its memory outside itself.

On a sizing plant more is always faster, and a law may follow demand; on an admission plant more can be slower, and a law
sets a limit: the models that follow demand are no models there, and of the peers that do only PID is played there. The
models of the house come first, then their peers; `literal` is shown as harmful and never picked.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from app.engine.base.errors import BadInput
from app.engine.control import limits, peers, physics
from app.engine.control.choose import Auto
from app.engine.control.ops import Num, Ops
from app.engine.control.sight import Sight

SIZING: Final = "sizing"
ADMISSION: Final = "admission"


class Law(Protocol):
    """A control law: a name, the ranges of its settings, a memory at the start, and one step."""

    @property
    def name(self) -> str:
        """Return the name people choose it by."""

    @property
    def space(self) -> physics.Space:
        """Return the range of each setting, and whether it is searched on a logarithmic scale."""

    def begin(self, like: Num = 0.0) -> Any:
        """Return the memory of a law that has seen nothing; `like` gives the shape."""

    def step(self, memory: Any, sight: Sight, dt_s: float, ops: Ops) -> tuple[Any, Num]:
        """Return (next memory, wanted size)."""


_SIZING: tuple[Law, ...] = (
    Auto(), physics.Optomechanical(), physics.Parametric(), physics.Coherent(),
    peers.Pid(), peers.Static(), peers.Aimd(), peers.Gradient2(), peers.Vegas(), peers.Hpa(), peers.Staffing(),
    peers.Literal(),
)  # fmt: skip
_ADMISSION: tuple[Law, ...] = (
    limits.Fitted(name="auto"), limits.Fitted(name="parametric"), limits.Extremum(), limits.Fitted(), peers.Static(),
    limits.AimdLimit(), limits.GradientLimit(), limits.VegasLimit(), peers.Pid(),
)  # fmt: skip
LAWS: Final[Mapping[str, Law]] = {law.name: law for law in _SIZING}
LIMITS: Final[Mapping[str, Law]] = {law.name: law for law in _ADMISSION}
MODELS: Final = ("auto", "optomechanical", "parametric", "coherent")


def suited(law: Law, resource: Any) -> Law:
    """Return `law` for `resource`: one in which nothing is seen to wait has a `reserve`, the spare in place of a queue's term.

    The margin of a model is below nothing where a queue carries a part of demand; a buffer of that size would lose that part.
    """
    reserve = getattr(resource, "reserve", None)
    return law if reserve is None or not hasattr(law, "margin") else replace(law, margin=reserve)  # type: ignore[type-var]


def set_to(name: str, settings: Mapping[str, float], plant: str = SIZING) -> Law:
    """Return the law called `name` with `settings` in place of its defaults; raises `BadInput` for what it does not have."""
    law: Any = need(name, plant)
    strange = sorted(set(settings) - set(law.space))
    if strange:
        raise BadInput("{law} has no setting {name}", field="settings", law=name, name=strange[0])
    return replace(law, **settings)  # type: ignore[no-any-return]


def need(name: str, plant: str = SIZING) -> Law:
    """Return the law called `name` for a kind of plant; raise `BadInput` that lists those there are."""
    known = LIMITS if plant == ADMISSION else LAWS
    try:
        return known[name]
    except KeyError:
        raise BadInput(
            "There is no control law {name}; choose from {known}", field="law", name=name, known=", ".join(known)
        ) from None
