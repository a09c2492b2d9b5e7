"""The rows of the model registry: list and look, import and export, bring a version to nodes and check it there."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call
    from app.engine.flows.activate import Parts


async def list_models(call: "Call", *, name: str, newest: int) -> dict[str, Any]:
    """List the model versions, oldest first."""
    from app.engine.models.records import summary_of

    models = [model for model in call.engine.models.records if name in ("", model.name)]
    return {"models": [summary_of(model) for model in models[-newest:]]}  # all of them for 0


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


async def quantize(
    call: "Call", *, model: str, method: str, data: Path | None, rows: int, loss_most: float, latency_ratio_most: float
) -> dict[str, Any]:
    """Make an int8 version."""
    limits = {"loss_most": loss_most, "latency_ratio_most": latency_ratio_most}
    return await _shrunk(call, model, method, 0.0, (data, rows, limits))


async def prune(
    call: "Call", *, model: str, ratio: float, data: Path | None, rows: int, loss_most: float, latency_ratio_most: float
) -> dict[str, Any]:
    """Make a pruned version."""
    limits = {"loss_most": loss_most, "latency_ratio_most": latency_ratio_most}
    return await _shrunk(call, model, "prune", ratio, (data, rows, limits))


async def _shrunk(
    call: "Call", model: str, how: str, ratio: float, tried: tuple[Path | None, int, dict[str, Any]]
) -> dict[str, Any]:
    from app.engine.flows.shrink import trial_for
    from app.engine.models.records import summary_of

    engine, (data, rows, limits) = call.engine, tried
    trial = await trial_for(engine.models.find(model), data, rows, **limits)
    made, told = await engine.models.workshop.shrink(model, how, trial, ratio=ratio, actor=call.actor, cause=call.cause)
    return {**summary_of(made), "trial": told}


async def compare(call: "Call", *, model: str, other: str, data: Path | None, rows: int) -> dict[str, Any]:
    """Compare two versions."""
    from app.engine.flows.shrink import trial_for

    engine = call.engine
    trial = await trial_for(engine.models.find(model), data, rows)
    return await engine.models.workshop.compare(model, other, trial, actor=call.actor, cause=call.cause)


async def promote(
    call: "Call", *, model: str, rollout: str, nodes: str, loss_most: float, accuracy_least: float
) -> dict[str, Any]:
    """Make a version the active one of its name."""
    from app.engine.flows.promote import Gates
    from app.engine.flows.promote import promote as make_active

    engine, gates = call.engine, Gates(accuracy_least, loss_most)
    by = {"actor": call.actor, "cause": call.cause}
    return await make_active(engine.models, engine.rollouts, model, gates, rollout=rollout, nodes=nodes, **by)


async def rollback(call: "Call", *, name: str) -> dict[str, Any]:
    """Make the version before the active one active again."""
    from app.engine.models.records import summary_of

    return summary_of(await call.engine.models.go_back(name, actor=call.actor, cause=call.cause))


async def retire(call: "Call", *, model: str) -> dict[str, Any]:
    """Retire a version."""
    from app.engine.models.records import summary_of

    engine = call.engine
    return summary_of(await engine.models.workshop.retire(model, actor=call.actor, cause=call.cause))


async def sign(call: "Call", *, model: str, file: Path, downgrade: bool) -> dict[str, Any]:
    """Write a signed manifest."""
    from app.engine.base.platform import replace_file
    from app.engine.store.threads import in_thread
    from app.wire.documents import to_bytes

    engine = call.engine
    found = engine.models.find(model)
    sealed = await engine.models.seal(found, await engine.link.identity(), downgrade=downgrade)
    await in_thread(lambda: replace_file(file, to_bytes(sealed)), "artifact")
    pieces = len(sealed["manifest"]["chunks"]["sha256"])
    return {"title": found.title, "artifact": found.artifact, "signer": sealed["signer"], "pieces": pieces, "file": str(file)}


def _parts(call: "Call") -> "Parts":
    from app.engine.flows.activate import Parts

    engine = call.engine
    return Parts(engine.jobs, engine.link, engine.models, engine.fleet)


_MODEL = Arg("model", str, "A version: its id, name (the newest), name:version, or artifact id.", positional=True)
_NODES = Arg("nodes", str, "all, or names parted by commas.", "all")
_DOWNGRADE = Arg("downgrade", bool, "Let nodes go back to an older version than theirs.", False)
_TRIED = (
    Arg("data", Path, "Tensors x and, if known, y to calibrate and try with; else test digits, or drawn rows.", None),
    Arg("rows", int, "How many rows.", 256, low=8, high=10_000),
)
_MAY_COST = (
    Arg("loss_most", float, "Loss of accuracy it may have, of agreement where no labels are known.", 0.02, low=0, high=1),
    Arg("latency_ratio_most", float, "Growth of latency it may have, as new to old; 0 asks for nothing.", 1.0, low=0),
)
_MADE = "{name, version, state, size_bytes, metrics, artifact, file, created_us, id, trial}"
_SHOWN = "{id, name, version, artifact, size_bytes, metrics, lineage, inputs, state, created_us, file}"

ROWS: tuple[Command, ...] = (
    Command(
        "model.list", "List models",
        "Lists every version of every model; a training over nodes makes one a round.",
        list_models,
        (
            Arg("name", str, "Only versions of this model; empty means all.", "", positional=True),
            Arg("newest", int, "Only so many, the newest; 0 means all.", 0, low=0, high=1_000_000),
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{models: [{name, version, state, size_bytes, metrics, artifact, file, created_us, id}]}",
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
    Command(
        "model.quantize", "Quantise model",
        "Makes an int8 version of a model and registers it, if it answers as well and as fast as asked; else tells the "
        "figures and registers nothing. Dynamic int8 is refused for convolutions, which it makes slower.",
        quantize,
        (_MODEL, Arg("method", str, "How.", "static", choices=("static", "dynamic")), *_TRIED, *_MAY_COST),
        returns=_MADE,
    ),
    Command(
        "model.prune", "Prune model",
        "Sets the smallest weights of a model to zero and registers the result, if it answers as well as asked. It is smaller "
        "on its way, not faster.",
        prune,
        (_MODEL, Arg("ratio", float, "Share of the weights.", 0.5, low=0, high=1), *_TRIED, _MAY_COST[0],
         Arg("latency_ratio_most", float, _MAY_COST[1].help, 1.5, low=0)),
        returns=_MADE,
    ),
    Command(
        "model.compare", "Compare models",
        "Runs two versions on the same rows: how often they agree, how right and how fast each is.",
        compare,
        (_MODEL, Arg("other", str, "The other version.", positional=True), *_TRIED),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{models, rows, agreement_ratio, accuracy_before, accuracy_after, latency_before_s, latency_after_s, drawn}",
    ),
    Command(
        "model.promote", "Promote model",
        "Makes a version the active one of its name; the one before is retired. No node is changed, unless a rollout is asked "
        "for: it is opened if the version does well enough beside the one before, else nothing is changed.",
        promote,
        (
            _MODEL,
            Arg("rollout", str, "A rollout to open: none, only its plan, or one that starts.", "none",
                choices=("none", "plan", "start")),
            _NODES,
            _MAY_COST[0],
            Arg("accuracy_least", float, "Accuracy it must have before a rollout; 0 asks for none.", 0.0, low=0, high=1),
        ),
        returns="{name, version, state, size_bytes, metrics, artifact, file, created_us, id, trial, rollout}",
        leaves=True,
    ),
    Command(
        "model.rollback", "Go back a version",
        "Makes that version active again which the active one replaced. Nodes are set back by undoing the rollout.",
        rollback,
        (Arg("name", str, "Name of the model.", "digits", positional=True),),
        returns="{name, version, state, size_bytes, metrics, artifact, file, created_us, id}",
    ),
    Command(
        "model.retire", "Retire model",
        "Marks a version as one that is not to be used any more. The active one cannot be retired.",
        retire,
        (_MODEL,),
        returns="{name, version, state, size_bytes, metrics, artifact, file, created_us, id}",
    ),
    Command(
        "model.sign", "Sign model",
        "Writes the manifest of a version with this console's two signatures, Ed25519 and ML-DSA-65, and the hash of every "
        "piece. Nodes paired with this console believe it, whatever way it comes.",
        sign,
        (_MODEL, Arg("file", Path, "The file to write.", positional=True), _DOWNGRADE),
        returns="{title, artifact, signer, pieces, file}",
    ),
)  # fmt: skip
