"""The rows of optimisation: solve a problem file, look back at a run, list the solvers."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call

# As in engine/qubo/solvers.py, which is not imported here so that the agent needs no engine; a test holds them equal.
SOLVERS = (
    "auto", "anneal", "tabu", "replicas", "bifurcation", "exact", "highs", "dwave-sa", "dwave-tabu", "dwave-descent",
    "dwave-tree", "qaoa",
)  # fmt: skip

# As in engine/qubo/problems; a test holds them equal.
KINDS = (
    "auto", "maxcut", "qubo", "tsp", "cvrp", "portfolio", "jobshop", "flowshop", "placement", "facility", "network", "supply",
    "knapsack",
    "coloring", "partition", "cover", "qap", "programme",
)  # fmt: skip
ROUTES = ("auto", "qubo", "domain")
SENSE = Arg("sense", str, "Whether a QUBO is minimised or maximised; auto as its file says, see problem show.", "auto",
            choices=("auto", "min", "max"))  # fmt: skip
TOPOLOGIES = ("pegasus", "zephyr", "chimera")


async def solve(call: "Call", **args: Any) -> dict[str, Any]:
    """Solve the problem in a file."""
    return await call.engine.qubo.solve(**args, actor=call.actor, cause=call.cause)


async def runs(call: "Call") -> dict[str, Any]:
    """List the runs."""
    return {"runs": call.engine.qubo.list_runs()}


def _words(name: str) -> Callable[[Any], str]:
    """Return what `app.engine.qubo.told` calls `name`; loaded when there is something to tell."""
    return lambda result: str(getattr(importlib.import_module("app.engine.qubo.told"), name)(result))


async def show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    """Show one run."""
    return await call.engine.qubo.show(id)


async def picture(call: "Call", *, file: Path, kind: str, sense: str) -> dict[str, Any]:
    """Draw a problem."""
    return await call.engine.qubo.picture(file=file, kind=kind, sense=sense, actor=call.actor, cause=call.cause)


async def embed(call: "Call", **args: Any) -> dict[str, Any]:
    """Lay a problem onto a device's graph."""
    return await call.engine.qubo.embed(**args, actor=call.actor, cause=call.cause)


async def compare(call: "Call", **args: Any) -> dict[str, Any]:
    """Compare solvers."""
    return await call.engine.qubo.compare(**args, actor=call.actor, cause=call.cause)


async def comparisons(call: "Call") -> dict[str, Any]:
    """List the comparisons."""
    runs = reversed(list(call.engine.qubo.comparisons.records))
    return {
        "comparisons": [
            {"id": run.id, "title": run.title, "state": run.state, "verdict": (run.result or {}).get("verdict")} for run in runs
        ]
    }


async def report(call: "Call", *, id: str, out: Path, replace: bool) -> dict[str, Any]:  # noqa: A002
    """Write the report of a comparison."""
    return await call.engine.qubo.comparisons.report(id, out, replace=replace)


async def replay(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002
    """Replay a run."""
    return await call.engine.qubo.replay(id, actor=call.actor, cause=call.cause)


async def warm(call: "Call") -> dict[str, Any]:
    """Prepare the solvers."""
    return await call.engine.qubo.warm(actor=call.actor, cause=call.cause)


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
        "which route did better. Where nothing feasible is found there is no answer and no bound, only the nearest miss with "
        "what it breaks; a problem proved infeasible is told as such.",
        solve,
        (
            Arg("file", Path, "Problem file or table; see problem list."),
            Arg("seconds", float, "Time for the search and its set-up; reading the file is not counted.", 5.0, unit="s",
                low=0.1, high=86400),
            Arg("threads", int, "Threads the solver may use.", 1, low=1, high=256),
            Arg("seed", int, "Seed of the search.", 0, low=0, high=2**64 - 1),
            Arg("solver", str, "Which solver; auto chooses by size and says why.", "auto", choices=SOLVERS),
            Arg("sweeps", int, "Length of one anneal, for runs that must not depend on time.", 0, low=0, high=10**9),
            Arg("target", float, "Objective at which the search ends early.", None),
            Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS),
            Arg("route", str, "As a QUBO, by the method made for its domain, or both at equal time.", "auto", choices=ROUTES),
            Arg("options", str, "Settings of the named solver, as name=value with commas between; see qubo solvers.", ""),
            SENSE,
        ),
        returns="{id, objective, feasible, answer, nearest, violations, routes, verdict, energy, sample, solver, cpu_s, "
                "wall_s, n, samples, verified}",
        words=_words("solved"),
    ),
    Command(
        "qubo.runs", "List optimisation runs",
        "Lists the runs that the console shows, the newest first.",
        runs,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{runs: [{id, source, solver, objective, outcome, state, created_us, job_id}]}",
    ),
    Command(
        "qubo.show", "Show an optimisation run",
        "Shows one run with its answer, its best samples and its course.",
        show,
        (Arg("id", str, "Id of the run.", positional=True),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, title, source, spec, result, state, outcome}",
        words=_words("run"),
    ),
    Command(
        "qubo.picture", "Draw an optimisation problem",
        "Returns the matrix of a problem as a QUBO in blocks of its strongest entries, and its graph with places for the nodes "
        "when it is small enough to be drawn.",
        picture,
        (
            Arg("file", Path, "Problem file or table; see problem list."),
            Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS),
            SENSE,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{n, couplings, blocks, graph: {at, edges, left_out}}",
    ),
    Command(
        "qubo.embed", "Lay a problem onto a device's graph",
        "Gives each variable a chain of qubits on the graph of an annealing device, so that coupled variables meet, and tells "
        "how many qubits that takes, how long the chains are, and how strongly they must hold. With the extra embed, "
        "minorminer looks for short chains; without it the layout that fits any graph is taken, and said. A classical sampler "
        "in the device's stead (simulated) then tells how many chains break at that strength and below. Nothing is sent.",
        embed,
        (
            Arg("file", Path, "Problem file or table; see problem list."),
            Arg("topology", str, "Graph of the device.", "pegasus", choices=TOPOLOGIES),
            Arg("size", int, "Cells along one side; 0 is the size of the largest devices.", 0, low=0, high=24),
            Arg("seconds", float, "Time for the search of short chains.", 10.0, unit="s", low=1.0, high=3600),
            Arg("reads", int, "Samples of the embedded problem, to see chains break; 0: none.", 50, low=0, high=200),
            Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS),
            Arg("seed", int, "Seed of the search.", 0, low=0, high=2**64 - 1),
            SENSE,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{topology, size, qubits, n, used, longest, mean, method, why, strength, sampling, chains, logical, physical}",
        words=_words("embedded"),
    ),
    Command(
        "qubo.compare", "Compare solvers",
        "Runs solvers on one problem with many seeds, in turns, one thread each, and says whether the first one is faster: at "
        "equal wall time and at equal cost (CPU seconds). Peers run at the best setting of a small sweep unless a setting is "
        "given as name:option=value. Undecided is a verdict.",
        compare,
        (
            Arg("file", Path, "Problem file or table; see problem list."),
            Arg("solvers", str, "Solvers with a semicolon between them, the one in question first.", "anneal;dwave-sa"),
            Arg("seconds", float, "Time for each run.", 1.0, unit="s", low=0.01, high=3600),
            Arg("runs", int, "Runs of each solver; below 15 the verdict stays undecided.", 20, low=5, high=1000),
            Arg("target", float, "Objective that counts as success; without it, the gap decides.", None),
            Arg("best_known", float, "Best known objective; without it, the best of these runs.", None),
            Arg("gap", float, "How far from the best known a success may lie, as a ratio.", 0.003, low=0.0, high=1.0),
            Arg("tune", bool, "Sweep the settings of peers first.", True),
            Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS),
            Arg("seed", int, "Seed of the comparison.", 0, low=0, high=2**64 - 1),
            SENSE,
        ),
        returns="{id, rows: [{solver, setting, success, ttt99, low, high, gap, cost_per_success}], verdict, confidence, views}",
        words=_words("compared"),
    ),
    Command(
        "qubo.comparisons", "List comparisons",
        "Lists the comparisons of solvers, the newest first.",
        comparisons,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{comparisons: [{id, title, state, verdict}]}",
    ),
    Command(
        "qubo.report", "Write a comparison as a page",
        "Writes a comparison with its verdict, table and curves for others to read: as one HTML page, or as a picture when the "
        "name ends in .png.",
        report,
        (
            Arg("id", str, "Id of the comparison.", positional=True),
            Arg("out", Path, "File to write."),
            Arg("replace", bool, "Replace the file when it exists.", False),
        ),
        returns="{file, verdict, size_bytes}",
    ),
    Command(
        "qubo.replay", "Replay an optimisation run",
        "Makes the answer of a run once more from its seed, the work recorded of its solver or method, and the version, "
        "whatever the time that takes, and says whether it is the same to the bit. Where that cannot be, it says why, and sums "
        "what the run told again. A file that has changed since is told.",
        replay,
        (Arg("id", str, "Id of the run.", positional=True),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, same, same_version, is_answer, verified, why, objective, energy, sample, answer, solver, version}",
    ),
    Command(
        "qubo.warm", "Prepare the solvers",
        "Compiles the inner loops of the solvers, or loads them from the cache on the disk, so that the first question need "
        "not wait. The QUBO page does so in the background when it is first opened.",
        warm,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{warmup_s}",
    ),
    Command(
        "qubo.solvers", "List solvers",
        "Lists the solvers, what each is for, and how many variables it takes.",
        list_solvers,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{solvers: [{name, title, help, most_variables, origin, provider, fixed, options}]}",
    ),
    Command(
        "qubo.sample", "Find the sample problem",
        "Tells the path of the problem that comes with Outpost.",
        sample,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{name, title, file}",
    ),
)  # fmt: skip
