"""The rows of bundles: updates to nodes without a link, and what they measured back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Place

if TYPE_CHECKING:
    from app.engine.engine import Call


async def export(call: "Call", *, file: Path, nodes: str, models: str) -> dict[str, Any]:
    """Write a bundle of updates."""
    from app.engine.flows.bundles import export as write

    engine, keys = call.engine, [part.strip() for part in models.split(",") if part.strip()]
    return await write(
        engine.fleet, engine.models, engine.link, file, nodes=nodes, model_keys=keys, now_us=engine.clock.now_us()
    )


async def import_bundle(call: "Call", *, file: Path) -> dict[str, Any]:
    """Take a bundle of reports."""
    from app.engine.flows.bundles import take

    return await take(call.engine.fleet, file, now_us=call.engine.clock.now_us())


async def exchange(home: Path, *, file: Path, out: Path) -> dict[str, Any]:
    """Have the agent of a folder follow a bundle."""
    from app.agent.exchange import exchange as follow
    from app.agent.options import Options

    told = await follow(Options(home=home, name="node"), file, out)
    return {"reports": str(out), **told}


ROWS: tuple[Command, ...] = (
    Command(
        "bundle.export", "Export a bundle",
        "Writes what nodes should be, and models for them, into one signed file, to be carried to nodes that no link reaches.",
        export,
        (
            Arg("file", Path, "The file to write.", positional=True),
            Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all"),
            Arg("models", str, "Model versions parted by commas, such as digits:3.", ""),
        ),
        returns="{file, size_bytes, nodes: [{id, name}]}",
    ),
    Command(
        "bundle.import", "Import a bundle",
        "Takes a file of reports that a node signed: its measurements join the telemetry, each once, and its twin shows what "
        "it follows now. The node stays as unreachable as it is.",
        import_bundle,
        (Arg("file", Path, "The file the node wrote.", positional=True),),
        returns="{node, as_of_us, measurements, lost, twin, models, in_sync}",
    ),
    Command(
        "bundle.exchange", "Exchange bundles at a node",
        "On a node: has the agent of the folder --home, running or not, follow a bundle of updates and write its reports.",
        exchange,
        (
            Arg("file", Path, "The bundle of updates.", positional=True),
            Arg("out", Path, "Where to write the reports.", positional=True),
        ),
        danger=Danger.CHANGE, place=Place.PROCESS, returns="{reports, twin, models}",
    ),
)  # fmt: skip
