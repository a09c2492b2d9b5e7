"""The nouns of the QUBO wing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.base.command import Arg
from app.engine.base.text import tr

AUTO: Final = "auto"  # no solver by name: whichever fits


@dataclass(frozen=True)
class SolverCard:
    """What a solver says of itself: how it is called, what it is for, how many variables it takes at most.

    `options` are what can be set, as forms draw them; all are whole numbers. `fixed` are those under which a run does not
    depend on time. `provider` is what it runs on: "classical", or "simulated" for a quantum algorithm on a simulator.
    """

    name: str
    title: str
    help: str
    most_variables: int
    origin: str
    fixed: tuple[tuple[str, int], ...] = ()
    options: tuple[Arg, ...] = ()
    provider: str = "classical"

    def to_json(self) -> dict[str, Any]:
        """Return the card as plain data."""
        return {
            "name": self.name, "title": self.title, "help": self.help, "most_variables": self.most_variables,
            "origin": self.origin, "provider": self.provider, "fixed": dict(self.fixed),
            "options": [{"name": arg.name, "help": tr(arg.help), "default": arg.default, "low": arg.low, "high": arg.high}
                        for arg in self.options],
        }  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The solver that was chosen, why, in one sentence, and the options that go with the choice."""

    name: str
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)
