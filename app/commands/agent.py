"""The row of the agent: run one on this machine."""

from pathlib import Path
from typing import Any

from app.agent.arguments import ARGS
from app.engine.base.command import Command, Danger, Place


async def _run(home: Path, **given: Any) -> None:
    import logging

    from app.agent.arguments import options_from
    from app.agent.main import serve

    logging.getLogger().setLevel(logging.INFO)
    await serve(options_from(home, given))


ROWS: tuple[Command, ...] = (
    Command(
        "agent.run", "Run an agent",
        "Runs the program of an edge node in the folder --home until it is stopped: measures, infers, trains, and answers "
        "the consoles it is paired with. The first line on standard output is JSON {address, device, code, pid}; the code is "
        "for pairing and null once a console is paired.",
        _run,
        ARGS,
        danger=Danger.CHANGE, place=Place.PROCESS,
    ),
)  # fmt: skip
