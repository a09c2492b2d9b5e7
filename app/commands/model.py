"""The rows of the model registry: list and look, import and export, bring a version to nodes and check it there."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call
    from app.engine.flows.activate import Parts


async def list_models(call: "Call") -> dict[str, Any]:
    """List the model versions."""
    from app.engine.models.records import summary_of

    return {"models": [summary_of(model) for model in call.engine.models.records]}


async def show(call: "Call", *, model: str) -> dict[str, Any]:
    """Show one model version."""
    from app.engine.models.records import document_of

    return document_of(call.engine.models.find(model))


async def import_model(call: "Call", *, file: Path, name: str) -> dict[str, Any]:
    """Register an ONNX file."""
    from app.engine.models.records import document_of

    model = await call.engine.models.import_file(file, name or file.stem, actor=call.actor, cause=call.cause)
    return document_of(model)


async def export_model(call: "Call", *, model: str, file: Path) -> dict[str, Any]:
    """Write a model version to a file."""
    found = await call.engine.models.export(model, file)
    return {"id": found.id, "name": found.name, "version": found.version, "file": str(file)}


async def activate(call: "Call", *, model: str, nodes: str, downgrade: bool) -> dict[str, Any]:
    """Bring a model version to nodes."""
    from app.engine.flows.activate import activate as bring

    return await bring(_parts(call), model, nodes, downgrade=downgrade, actor=call.actor, cause=call.cause)


async def check(call: "Call", *, model: str, rows: int, nodes: str) -> dict[str, Any]:
    """Compare the nodes' predictions with our own."""
    from app.engine.flows.activate import check_predictions, rows_for

    found = call.engine.models.find(model)
    return await check_predictions(
        _parts(call), found.id, rows_for(found, rows), nodes=nodes, actor=call.actor, cause=call.cause
    )


def _parts(call: "Call") -> "Parts":
    from app.engine.flows.activate import Parts

    engine = call.engine
    return Parts(engine.jobs, engine.link, engine.models, engine.fleet)


_MODEL = Arg("model", str, "A version: its id, name (the newest), name:version, or artifact id.", positional=True)
_NODES = Arg("nodes", str, "all, or names parted by commas.", "all")
_DOWNGRADE = Arg("downgrade", bool, "Let nodes go back to an older version than theirs.", False)
_SHOWN = "{id, name, version, artifact, size_bytes, metrics, lineage, inputs, state, created_us}"

ROWS: tuple[Command, ...] = (
    Command(
        "model.list", "List models",
        "Lists every version of every model.",
        list_models,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{models: [{name, version, state, size_bytes, metrics, artifact, created_us, id}]}",
    ),
    Command(
        "model.show", "Show a model",
        "Shows one version: what it takes and gives, its metrics and where it comes from.",
        show,
        (_MODEL,),
        role=Role.OBSERVER, danger=Danger.READ,
        returns=_SHOWN,
    ),
    Command(
        "model.import", "Import model",
        "Checks an ONNX file and registers it as the next version of a model; the same file again changes nothing.",
        import_model,
        (
            Arg("file", Path, "The ONNX file.", positional=True),
            Arg("name", str, "What to call the model; the file's name if empty.", ""),
        ),
        returns=_SHOWN,
    ),
    Command(
        "model.export", "Export model",
        "Writes one version to a file, checked against its content id.",
        export_model,
        (_MODEL, Arg("file", Path, "The file to write.", positional=True)),
        returns="{id, name, version, file}",
    ),
    Command(
        "model.activate", "Activate model",
        "Uploads a version to nodes and has each check, load, self-test, activate and commit it. A node that fails goes back "
        "to what it had; the others go on.",
        activate,
        (_MODEL, _NODES, _DOWNGRADE),
        returns="{model, deployment, nodes: [{id, name, state, error}]}", leaves=True,
    ),
    Command(
        "model.check", "Check predictions",
        "Compares the nodes' answers with the engine's own for the same rows: test images for a model of the digits, else "
        "random rows.",
        check,
        (_MODEL, Arg("rows", int, "How many rows.", 100, low=1, high=10_000), _NODES),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{model, rows, nodes: [{id, name, agreement_ratio, largest_difference, error}]}",
    ),
)  # fmt: skip
