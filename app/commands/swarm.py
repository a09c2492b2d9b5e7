"""The row of the swarm: how many nodes this machine's console can follow."""

from pathlib import Path
from typing import Any

from app.engine.base.command import Arg, Command, Danger, Place


async def _run(
    _home: Path, *, nodes: int, seconds: float, cadence_s: float, period_s: float, direct: bool, faults: Path | None
) -> dict[str, Any]:
    from app.engine.flows.swarm import run, script_in

    script = script_in(faults) if faults is not None else []
    return await run(nodes=nodes, seconds=seconds, cadence_s=cadence_s, period_s=period_s, direct=direct, faults=script)


ROWS: tuple[Command, ...] = (
    Command(
        "swarm.run", "Run a swarm",
        "Runs virtual nodes in one process, which speak the real protocol over TCP and TLS, and a real fleet that pulls from "
        "them, over a home that is thrown away; tells what was lost, how late a row can be seen and what it cost. A script of "
        'faults is a JSON list such as [{"do": "cut", "at_s": 2, "for_s": 3, "first": 0, "last": 9}]; do is one of cut, '
        "hang, slow, duplicate.",
        _run,
        (
            Arg("nodes", int, "How many nodes.", 100, low=1, high=5000),
            Arg("seconds", float, "How long, after all were heard.", 20.0, unit="s", low=1, high=86_400),
            Arg("cadence_s", float, "How often a node measures.", 1.0, unit="s", low=0.1, high=3600),
            Arg("period_s", float, "How often a node is asked.", 2.0, unit="s", low=0.5, high=3600),
            Arg("direct", bool, "Keep the links in the engine's own process.", default=False),
            Arg("faults", Path, "A JSON file with a script of faults.", None),
        ),
        danger=Danger.READ, place=Place.PROCESS,
        returns="{nodes, mode, lost, status_lag_p99_s, cpu_s, …}",
    ),
)  # fmt: skip
