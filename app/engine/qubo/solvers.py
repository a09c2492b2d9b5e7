"""The solvers there are, what each is for, and which one to take: the one registry behind every form and every command.

A solver fills `contracts.Solver`. `SolverCard.fixed` are the options under which a run no longer depends on time, so that
equal seeds give equal results; the law under tests runs all solvers with them.
"""

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from app.engine.base.command import Arg
from app.engine.base.contracts import Solver
from app.engine.base.errors import BadInput, Limit
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.adapters.dwave import DwaveAnnealing, DwaveDescent, DwaveTabu, DwaveTree
from app.engine.qubo.adapters.highs import MOST_PROVED, Highs
from app.engine.qubo.anneal import Annealing
from app.engine.qubo.bifurcation import Bifurcation
from app.engine.qubo.exact import MOST_EXACT, Exact
from app.engine.qubo.portfolio import Portfolio
from app.engine.qubo.problem import MOST_VARIABLES, Qubo
from app.engine.qubo.records import AUTO, Choice, SolverCard
from app.engine.qubo.replicas import ReplicaAnnealing
from app.engine.qubo.tabu import MOST_DENSE, TabuSearch
from app.engine.qubo.width import elimination_width

_EXACT_BELOW = 20

# Raise it when equal seeds no longer give equal results: a replay of an older run then says so.
VERSION = 2
_TREE_WIDTH = 12
_DENSE_RATIO = 0.1
_SPARSE_DEGREE = 50
_PORTFOLIO_MOST = 3000


def _portfolio(members: Sequence[str] = ("anneal", "tabu")) -> Portfolio:
    return Portfolio([make(name) for name in members])


_MOST = 10**9
_SWEEPS = Arg("sweeps", int, "Length of one anneal; 0: it finds its own.", 0, low=0, high=_MOST, blank="automatic")
_READS = Arg("reads", int, "So many reads, whatever the time; 0: until the time is up.", 0, low=0, high=10**6, blank="no limit")
_OPTIONS: Mapping[str, tuple[Arg, ...]] = {
    "anneal": (
        _SWEEPS,
        Arg("anneals", int, "So many anneals when their length is given.", 1, low=1, high=10**6),
        Arg("exchange", int, "1: takes turns with replica exchange once anneals are long; 0: never.", 1, low=0, high=1),
    ),
    "tabu": (Arg("searches", int, "So many searches, whatever the time; 0: until the time is up.", 0, low=0, high=10**6),),
    "replicas": (_SWEEPS, Arg("replicas", int, "Anneals side by side.", 32, low=1, high=4096)),
    "bifurcation": (
        Arg("steps", int, "Steps of a round.", 1000, low=1, high=_MOST),
        Arg("rounds", int, "So many rounds, whatever the time; 0: until the time is up.", 0, low=0, high=10**6),
    ),
    "highs": (Arg("nodes", int, "So many nodes of the search tree; 0: until the time is up.", 0, low=0, high=_MOST),),
    "dwave-sa": (Arg("sweeps", int, "Sweeps of a read.", 1000, low=1, high=10**7), _READS),
    "dwave-tabu": (
        _READS,
        Arg("moves", int, "Moves of a read when reads are given.", 500_000, low=1, high=_MOST),
        Arg(
            "tenure",
            int,
            "For how many moves a variable stays as it was turned; 0: the sampler's own, 20 at most.",
            0,
            low=0,
            high=20_000,
        ),
    ),
    "dwave-descent": (_READS,),
    "qaoa": (
        Arg("layers", int, "Layers of phases and turns.", 2, low=1, high=8),
        Arg("shots", int, "How often the state is measured.", 1000, low=1, high=10**6),
    ),
}

# What stands above this wing is named as the target of a job is, and loaded when it is asked for.
_SOLVERS: Mapping[str, tuple[SolverCard, Callable[..., Solver] | str]] = {
    card.name: (dataclasses.replace(card, options=_OPTIONS.get(card.name, ())), make)
    for card, make in (
        (SolverCard("anneal", Annealing.title, "Long anneals whose cost is their flips, joined with the best before.",
                    MOST_VARIABLES, "Outpost", (("sweeps", 300), ("anneals", 12))), Annealing),
        (SolverCard("tabu", TabuSearch.title, "The best flip each time, from between the best found before; dense problems.",
                    MOST_DENSE, "Outpost", (("searches", 12),)), TabuSearch),
        (SolverCard("replicas", ReplicaAnnealing.title, "Thirty-two anneals side by side; many good answers at once.",
                    MOST_VARIABLES, "Outpost", (("sweeps", 300),)), ReplicaAnnealing),
        (SolverCard("bifurcation", Bifurcation.title, "Particles in a well that opens, many at once; a peer.",
                    MOST_DENSE, "Outpost", (("rounds", 8), ("steps", 200))), Bifurcation),
        (SolverCard("exact", Exact.title, "Tries every state; the answer is proved.", MOST_EXACT, "Outpost"), Exact),
        (SolverCard("highs", Highs.title, "A bound and, where it can, a proof; for few or weakly coupled variables.",
                    MOST_PROVED, "HiGHS, in scipy", (("nodes", 1_000_000),)), Highs),
        (SolverCard("dwave-sa", DwaveAnnealing.title, "One anneal after another; the usual peer.",
                    MOST_VARIABLES, "dwave-samplers", (("sweeps", 300), ("reads", 12))), DwaveAnnealing),
        (SolverCard("dwave-tabu", DwaveTabu.title, "For dense problems of up to a few thousand variables.",
                    20_000, "dwave-samplers", (("reads", 3), ("moves", 2000))), DwaveTabu),
        (SolverCard("dwave-descent", DwaveDescent.title, "Straight down from random starts; a lower bar for others.",
                    MOST_VARIABLES, "dwave-samplers", (("reads", 64),)), DwaveDescent),
        (SolverCard("dwave-tree", DwaveTree.title, "Exact where the graph is like a tree; the answer is proved.",
                    5000, "dwave-samplers"), DwaveTree),
        (SolverCard("qaoa", "QAOA on a simulator", "A quantum algorithm on simulated qubits; for small problems, to compare.",
                    18, "Outpost", (("shots", 20_000), ("starts", 1), ("rounds", 1)), provider="simulated"),
         "app.engine.circuits.tasks.qaoa:Qaoa"),
    )
}  # fmt: skip

NAMES: tuple[str, ...] = (AUTO, *_SOLVERS)


def cards() -> tuple[SolverCard, ...]:
    """Return what every solver says of itself."""
    return tuple(card for card, _ in _SOLVERS.values())


def simulated(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of `names`, each once, that are quantum algorithms on a simulator, by their cards."""
    return tuple(name for name in dict.fromkeys(names) if name in _SOLVERS and _SOLVERS[name][0].provider == "simulated")


def make(name: str, options: Mapping[str, Any] | None = None) -> Solver:
    """Return the solver called `name` with `options`; raise `BadInput` for a name or an option that does not exist."""
    if name == Portfolio.name:
        return _portfolio(**(options or {}))
    if name not in _SOLVERS:
        raise BadInput("solver must be one of {names}, not {name}", field="solver", names=", ".join(NAMES), name=repr(name))
    card, build = _SOLVERS[name][0], cast("Any", _SOLVERS[name][1])
    if isinstance(build, str):
        module, _, kind = build.partition(":")
        build = getattr(importlib.import_module(module), kind)
    known = {field.name for field in dataclasses.fields(build)} - {"now"}
    for option in options or {}:
        if option not in known:
            raise BadInput("The solver {name} has no option {option}", field=option, name=name, option=option)
    told = {arg.name: arg for arg in card.options}
    solver: Solver = build(**{key: told[key].take(value) if key in told else value for key, value in (options or {}).items()})
    return solver


def read_options(solver: str, text: str, field: str) -> dict[str, int]:
    """Return the options in "sweeps=300,reads=12"; raises `BadInput` that names `field` for anything else."""
    options = {}
    for word in text.replace(" ", ",").split(","):
        key, equals, value = word.strip().partition("=")
        if not word.strip():
            continue
        if not equals or not (value.isascii() and value.isdigit()) or len(value) > 18:
            raise BadInput("Expected option=number after {solver}, found {word}", field=field, solver=solver, word=repr(word))
        options[key] = int(value)
    return options


def choose(problem: Qubo, name: str = AUTO) -> Choice:
    """Return which solver takes `problem` and why; raise `Limit` when the one asked for cannot."""
    if name == AUTO:
        return _choose(problem)
    if name in _SOLVERS and problem.n > _SOLVERS[name][0].most_variables:
        raise Limit(
            "{solver} takes at most {most} variables, this problem has {n}",
            field="solver", solver=name, most=_SOLVERS[name][0].most_variables, n=problem.n,
        )  # fmt: skip
    return Choice(name, tr("asked for"))


def _choose(problem: Qubo) -> Choice:
    """Choose by size, structure and density."""
    n, degree = problem.n, 2 * problem.couplings / problem.n
    if n <= _EXACT_BELOW:
        return Choice(Exact.name, tr("so few variables that every state can be tried"))
    width = elimination_width(problem, _TREE_WIDTH)
    if width is not None:
        why = tr("the graph is so tree-like (width {width}) that the optimum can be computed and proved", width=width)
        return Choice(DwaveTree.name, why)
    if n > _PORTFOLIO_MOST:
        dense = problem.density_ratio >= _DENSE_RATIO and n <= MOST_DENSE
        told = tr("dense ({percent} % of all pairs): tabu search is strongest there", percent=_percent(problem))
        sparse = tr("{degree} neighbours a variable: annealing is strongest there", degree=number_text(degree, ".1f"))
        return Choice(TabuSearch.name, told) if dense else Choice(Annealing.name, sparse)
    if problem.density_ratio < _DENSE_RATIO and degree <= _SPARSE_DEGREE:
        why = tr("sparse ({degree} neighbours a variable): annealing first, tabu search beside it, the better one goes on",
                 degree=number_text(degree, ".1f"))  # fmt: skip
        return Choice(Portfolio.name, why, {"members": [Annealing.name, TabuSearch.name]})
    why = tr("dense ({percent} % of all pairs): tabu search first, annealing beside it, the better one goes on",
             percent=_percent(problem))  # fmt: skip
    return Choice(Portfolio.name, why, {"members": [TabuSearch.name, Annealing.name]})


def _percent(problem: Qubo) -> str:
    return number_text(100 * problem.density_ratio, ".3g")
