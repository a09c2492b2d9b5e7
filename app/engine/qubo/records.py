"""The nouns of the QUBO wing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SolverCard:
    """What a solver says of itself: how it is called, what it is for, and how many variables it takes at most."""

    name: str
    title: str
    help: str
    most_variables: int
    origin: str
    fixed: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the card as plain data."""
        return {
            "name": self.name, "title": self.title, "help": self.help, "most_variables": self.most_variables,
            "origin": self.origin, "fixed": dict(self.fixed),
        }  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The solver that was chosen, why, in one sentence, and the options that go with the choice."""

    name: str
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)
