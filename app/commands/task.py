"""The rows of guided tasks: list the algorithms, run one with its classical check, look back at runs and compare them."""

from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call

# As in engine/circuits/tasks/registry.py; a test holds them equal.
NAMES = ("grover", "fleet", "phase", "fourier", "vqe", "ising", "lindblad", "qaoa", "classify", "bb84")


async def run(call: "Call", *, name: str, options: str, query: str, seed: int) -> dict[str, Any]:
    """Run one task."""
    from app.engine.circuits.tasks.base import read_options

    given, data = read_options(options), None
    if query:
        given, data = {**given, "query": query}, call.engine.fleet.targets.formula(query)
    return await call.engine.circuits.tasks.run(
        name=name, options=given, seed=seed, data=data, actor=call.actor, cause=call.cause
    )


async def show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    """Show one run."""
    return call.engine.circuits.tasks.show(id)


async def compare(call: "Call", *, first: str, second: str) -> dict[str, Any]:
    """Put two runs side by side."""
    return call.engine.circuits.tasks.compare(first, second)


async def list_all(call: "Call") -> dict[str, Any]:
    """List tasks and runs."""
    return call.engine.circuits.tasks.list()


ROWS: tuple[Command, ...] = (
    Command(
        "task.run", "Run a guided task",
        "Runs a quantum algorithm on a simulator, with the classical check of the same question beside it. The verdict on an "
        "advantage is about this run; the options of each task are told by task list.",
        run,
        (
            Arg("name", str, "Which task.", choices=NAMES, positional=True),
            Arg("options", str, "Options as name=value, parted by spaces or commas; quotes hold a value together.", ""),
            Arg("query", str, 'Which nodes the task fleet looks for, as in site == "north" and mem < 80%.', ""),
            Arg("seed", int, "Seed; equal seeds give equal results.", 0, low=0, high=2**64 - 1),
        ),
        returns="{id, task_type, solution, classical_baseline, quantum_advantage, why, execution, error_rate, confidence, "
        "series, picture}",
    ),
    Command(
        "task.show", "Show the run of a task",
        "Shows one run with its result.",
        show,
        (Arg("id", str, "Id of the run.", positional=True),),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, title, source, spec, result, state}",
    ),
    Command(
        "task.list", "List guided tasks",
        "Lists the algorithms with their steps, their options and what the error rate and the confidence of each mean, and the "
        "runs that are kept.",
        list_all,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{tasks: [{name, title, about, steps, params, error_rate, confidence}], runs: [{id, task, state, created_us}]}",
    ),
    Command(
        "task.compare", "Compare two runs of tasks",
        "Puts two runs side by side: what was asked, the quantum and the classical answer of each, and what they took. Without "
        "ids the newest run and the one before it of the same task.",
        compare,
        (
            Arg("first", str, "Id of a run; see task list.", ""),
            Arg("second", str, "Id of another.", ""),
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{first, second, rows: [[part, figure, first, second]]}",
    ),
)  # fmt: skip
