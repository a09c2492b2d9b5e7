"""The rows of problems: list the kinds, import a file or a typed table, show what was understood."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.qubo import KINDS, SENSE
from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call

_KIND = Arg("kind", str, "Kind of problem; auto recognises it by content.", "auto", choices=KINDS)


async def list_problems(call: "Call") -> dict[str, Any]:
    """List kinds and kept problems."""
    return await call.engine.qubo.problems.list()


async def take(
    call: "Call", *, file: Path | None, text: str, kind: str, name: str, fleet: bool, replace: bool, sense: str
) -> dict[str, Any]:
    """Import a problem."""
    if fleet:
        from app.engine.flows.place import with_fleet

        file, text, kind = None, with_fleet(call.engine.fleet.records, file, text), "placement"
    return await call.engine.qubo.problems.take(
        file=file, text=text, kind=kind, name=name, replace=replace, sense=sense, actor=call.actor, cause=call.cause
    )


async def show(call: "Call", *, file: str, kind: str, sense: str) -> dict[str, Any]:
    """Show what is understood of a problem."""
    return await call.engine.qubo.problems.show(file=file, kind=kind, sense=sense, actor=call.actor, cause=call.cause)


ROWS: tuple[Command, ...] = (
    Command(
        "problem.list", "List problems",
        "Lists the kinds of problems that can be solved, the files and table columns each is read from, a small sample of "
        "each, and the problems kept in this home.",
        list_problems,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{kinds: [{name, title, help, formats, columns, methods, sample}], kept: [{name, kind, file}]}",
    ),
    Command(
        "problem.import", "Import a problem",
        "Reads a problem from a file, or from a table typed or pasted as text, says what was understood, and keeps it in this "
        "home. A malformed one is refused with its line, an infeasible one is told with the constraints in conflict.",
        take,
        (
            Arg("file", Path, "Problem file; see problem list.", None),
            Arg("text", str, "The table itself, instead of a file; a line break may be written as \\n.", ""),
            _KIND,
            Arg("name", str, "Name to keep it under; the file's own unless given.", ""),
            Arg("fleet", bool, "Take the nodes of a placement from the live fleet; the file holds the workloads.", False),
            Arg("replace", bool, "Replace a problem of the same name.", False),
            SENSE,
        ),
        returns="{problem: {kind, title, facts}, n, couplings, penalties, conflicts, picture, file, text}",
    ),
    Command(
        "problem.show", "Show a problem",
        "Says what is understood of a problem: its facts, the size of its QUBO, the penalty of every constraint with the "
        "reason for its weight, constraints in conflict, and a picture.",
        show,
        (
            Arg("file", str, "A file, the name of a kept problem, or a kind (for its sample).", positional=True),
            _KIND,
            SENSE,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{problem: {kind, title, facts}, n, couplings, penalties, conflicts, picture, file, text}",
    ),
)  # fmt: skip
