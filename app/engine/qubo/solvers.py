"""The solvers there are, what each is for, and which one to take: the one registry behind every form and every command.

A solver fills `contracts.Solver`. `SolverCard.fixed` are the options under which a run no longer depends on time, so that
equal seeds give equal results; the law under tests runs all solvers with them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from app.engine.base.contracts import Solver
from app.engine.base.errors import BadInput, Limit
from app.engine.qubo.adapters.dwave import DwaveAnnealing, DwaveDescent, DwaveTabu
from app.engine.qubo.anneal import ReplicaAnnealing
from app.engine.qubo.exact import MOST_EXACT, Exact
from app.engine.qubo.problem import MOST_VARIABLES, Qubo
from app.engine.qubo.records import Choice, SolverCard

AUTO = "auto"
_EXACT_BELOW = 20

_SOLVERS: Mapping[str, tuple[SolverCard, Callable[..., Solver]]] = {
    card.name: (card, make)
    for card, make in (
        (SolverCard("anneal", ReplicaAnnealing.title, "Thousands of anneals side by side; sparse and dense, any size.",
                    MOST_VARIABLES, "Outpost", (("sweeps", 300),)), ReplicaAnnealing),
        (SolverCard("exact", Exact.title, "Tries every state; the answer is proved.", MOST_EXACT, "Outpost"), Exact),
        (SolverCard("dwave-sa", DwaveAnnealing.title, "One anneal after another; the usual peer.",
                    MOST_VARIABLES, "dwave-samplers", (("sweeps", 300), ("reads", 12))), DwaveAnnealing),
        (SolverCard("dwave-tabu", DwaveTabu.title, "For dense problems of up to a few thousand variables.",
                    20_000, "dwave-samplers", (("reads", 3), ("moves", 2000))), DwaveTabu),
        (SolverCard("dwave-descent", DwaveDescent.title, "Straight down from random starts; a lower bar for others.",
                    MOST_VARIABLES, "dwave-samplers", (("reads", 64),)), DwaveDescent),
    )
}  # fmt: skip

NAMES: tuple[str, ...] = (AUTO, *_SOLVERS)


def cards() -> tuple[SolverCard, ...]:
    """Return what every solver says of itself."""
    return tuple(card for card, _ in _SOLVERS.values())


def make(name: str, options: Mapping[str, int] | None = None) -> Solver:
    """Return the solver called `name` with `options`; raise `BadInput` for a name or an option that does not exist."""
    if name not in _SOLVERS:
        raise BadInput("solver must be one of {names}, not {name}", field="solver", names=", ".join(NAMES), name=repr(name))
    build: Any = _SOLVERS[name][1]
    known = {field.name for field in dataclasses.fields(build) if field.type is int}
    for option in options or {}:
        if option not in known:
            raise BadInput("The solver {name} has no option {option}", field=option, name=name, option=option)
    solver: Solver = build(**(options or {}))
    return solver


def choose(problem: Qubo, name: str = AUTO) -> Choice:
    """Return which solver takes `problem` and why; raise `Limit` when the one asked for cannot."""
    if name == AUTO:
        if problem.n <= _EXACT_BELOW:
            return Choice(Exact.name, "so few variables that every state can be tried")
        return Choice(ReplicaAnnealing.name, "the fastest here on sparse and on dense problems of this size")
    if name in _SOLVERS and problem.n > _SOLVERS[name][0].most_variables:
        raise Limit(
            "{solver} takes at most {most} variables, this problem has {n}",
            field="solver", solver=name, most=_SOLVERS[name][0].most_variables, n=problem.n,
        )  # fmt: skip
    return Choice(name, "asked for")
