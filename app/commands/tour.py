"""The tour: one operator's shift on real input, checked step by step."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Place

if TYPE_CHECKING:
    from app.engine.flows.tour import Stage


async def tour(stage: "Stage", out: Path, visible: bool) -> dict[str, Any]:
    """Play the shift and write the reports; `visible` was honoured when the stage was made."""
    from app.engine.flows.tour import play

    return await play(stage, out, visible=visible)


ROWS = (
    Command(
        "tour", "Tour",
        "One operator's shift: six real agents, train, export, activate, solve, run a circuit, steer a pool, lose a "
        "node, reopen. Writes report.html, report.json and a picture of every page; exits 0 if every check held.",
        tour,
        args=(
            Arg("out", Path, "The folder for the reports.", Path("outpost-tour")),
            Arg("visible", bool, "Show the window while it works.", False),
        ),
        place=Place.CONSOLE, danger=Danger.READ,
        returns="{steps: [{name, checked, value, pass, wall_s}], wall_s, pass, report}",
    ),
)  # fmt: skip
