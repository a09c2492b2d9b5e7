"""Solvers as a comparison names them: `name` or `name:option=value,option=value`; and which settings a peer is tried with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.base.contracts import Solver
from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo import solvers
from app.engine.qubo.records import AUTO

# What a sweep over settings tries; a solver that is not here adapts by itself or has nothing to set.
GRID: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "dwave-sa": ("sweeps", (1000, 3000, 10_000, 30_000)),
    "dwave-tabu": ("tenure", (10, 20, 50, 100, 200)),
    "bifurcation": ("steps", (300, 1000, 3000)),
}
# Told the energy that is asked for, these say at once when they come to it; their other energies they tell in parts.
TO_GOAL = frozenset({"dwave-tabu"})


@dataclass(frozen=True)
class Setting:
    """One solver with its options; `tunable` tells that its options were left open."""

    solver: str
    options: Mapping[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return how it is written."""
        words = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.solver}:{words}" if words else self.solver

    @property
    def setting(self) -> str:
        """Return the options in words."""
        return ", ".join(f"{name} {value}" for name, value in self.options.items()) or tr("as it comes")

    @property
    def sweeps(self) -> int:
        """Return the sweeps it asks of every read, 0 when its solver has none or finds its own."""
        return int(getattr(self.make(), "sweeps", 0))

    def make(self, goal: float | None = None) -> Solver:
        """Return the solver, told the energy to come to where it takes one; raise `BadInput` for what does not exist."""
        aim = {"goal": goal} if self.solver in TO_GOAL else {}
        return solvers.make(self.solver, {**self.options, **aim})


def read_settings(text: str) -> list[Setting]:
    """Return the settings in "anneal;dwave-sa:sweeps=3000" (also with spaces); at least two, each once."""
    parts = [part.strip() for part in text.replace(" ", ";").split(";") if part.strip()]
    settings = [_read(part) for part in parts]
    if len(settings) < 2:
        raise BadInput("A comparison needs at least two solvers, for example anneal;dwave-sa", field="solvers")
    if len({one.label for one in settings}) < len(settings):
        raise BadInput("A solver with the same setting stands twice in {solvers}", field="solvers", solvers=text)
    for one in settings:
        one.make()
    return settings


def _read(part: str) -> Setting:
    name, _, rest = part.partition(":")
    if name == AUTO:
        raise BadInput("auto only chooses one of the solvers; name those to compare: {names}", field="solvers",
                       names=", ".join(name for name in solvers.NAMES if name != AUTO))  # fmt: skip
    return Setting(name, solvers.read_options(name, rest, "solvers"))


def choices(setting: Setting) -> Sequence[Setting]:
    """Return the settings a peer is tried with: its grid when its option was left open, else itself alone."""
    option, values = GRID.get(setting.solver, ("", ()))
    if not values or option in setting.options:
        return (setting,)
    return tuple(Setting(setting.solver, {**setting.options, option: value}) for value in values)


def facts(setting: Setting) -> dict[str, Any]:
    """Return the setting as plain data."""
    return {"solver": setting.solver, "options": dict(setting.options), "setting": setting.setting, "label": setting.label}
