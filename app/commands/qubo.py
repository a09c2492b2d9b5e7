"""The rows of optimisation: solve a problem file, look back at a run, list the solvers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call

# As in engine/qubo/solvers.py, which is not imported here so that the agent needs no engine; a test holds them equal.
SOLVERS = (
    "auto", "anneal", "tabu", "replicas", "bifurcation", "exact", "dwave-sa", "dwave-tabu", "dwave-descent", "dwave-tree",
)  # fmt: skip

# As in engine/qubo/problems; a test holds them equal.
KINDS = (
    "auto", "maxcut", "qubo", "tsp", "cvrp", "portfolio", "jobshop", "flowshop", "placement", "facility", "network", "knapsack",
    "coloring", "partition", "cover", "qap", "programme",
)  # fmt: skip
ROUTES = ("auto", "qubo", "domain")


async def solve(call: "Call", **args: Any) -> dict[str, Any]:
    """Solve the problem in a file."""
    return await call.engine.qubo.solve(**args, actor=call.actor, cause=call.cause)


async def show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    """Show one run."""
    return call.engine.qubo.show(id)


async def picture(call: "Call", *, file: Path) -> dict[str, Any]:
    """Draw a problem."""
    return await call.engine.qubo.picture(file=file, actor=call.actor, cause=call.cause)


async def list_solvers(call: "Call") -> dict[str, Any]:
    """List the solvers."""
    return {"solvers": [card.to_json() for card in call.engine.qubo.solvers()]}


async def sample(call: "Call") -> dict[str, Any]:
    """Tell where the bundled problem is."""
    return call.engine.qubo.sample()


ROWS: tuple[Command, ...] = (
    Command(
        "qubo.solve", "Solve an optimisation problem",
        "Solves any problem that problem list names: it is read in its own format, written as a QUBO with computed penalties, "
        "solved, decoded, and checked in its own terms. The objective is in the problem's own sense and is summed again from "
        "the file before it is shown. Where a method made for the domain exists, auto gives it half of the time and says "
        "which route did better.",
        solve,
        (
            Arg("file", Path, "Problem file or table; see problem list."),
            Arg("seconds", float, "Time for the search; loading is not counted.", 5.0, unit="s", low=0.1, high=86400),
            Arg("threads", int, "Threads the solver may use.", 1, low=1, high=256),
            Arg("seed", int, "Seed of the search.", 0, low=0, high=2**64 - 1),
            Arg("solver", str, "Which solver; auto chooses by size and says why.", "auto", choices=SOLVERS),
            Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS),
            Arg("route", str, "As a QUBO, by the method made for its domain, or both at equal time.", "auto", choices=ROUTES),
        ),
        returns="{objective, feasible, answer, routes, verdict, energy, sample, solver, cpu_s, wall_s, n, samples, verified}",
    ),
    Command(
        "qubo.show", "Show an optimisation run",
        "Shows one run with its answer, its best samples and its course.",
        show,
        (Arg("id", str, "Id of the run.", positional=True),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, title, source, spec, result, state}",
    ),
    Command(
        "qubo.picture", "Draw an optimisation problem",
        "Returns the matrix of a problem file in blocks of its strongest entries, and its graph with places for the nodes "
        "when it is small enough to be drawn.",
        picture,
        (Arg("file", Path, "G-set graph or qbsolv file."),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{n, couplings, blocks, graph: {at, edges, left_out}}",
    ),
    Command(
        "qubo.solvers", "List solvers",
        "Lists the solvers, what each is for, and how many variables it takes.",
        list_solvers,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{solvers: [{name, title, help, most_variables, origin, fixed}]}",
    ),
    Command(
        "qubo.sample", "Find the sample problem",
        "Tells the path of the problem that comes with Outpost.",
        sample,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{name, title, file}",
    ),
)  # fmt: skip
