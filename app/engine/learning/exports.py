"""The model of a run as an ONNX file with its lineage, made in a worker."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run
from app.engine.learning import nets
from app.engine.store import artifacts
from app.engine.store.threads import in_thread


async def as_onnx(
    base: Base, run: Run, last: Mapping[str, Any], name: str, *, kind: str, drilled: int, actor: str, cause: str
) -> dict[str, Any]:
    """Return {onnx: bytes, metrics, lineage, self_test, name} of a run after its round `last`; raise `BadInput`.

    `drilled` is the first round of the run in which there was a drill, 0 for none: models from there on say so.
    """
    artifact = str(last.get("model") or (run.result or {}).get("model", ""))
    if not artifact:
        raise BadInput("The run {title} kept no model", title=run.title, field="run")
    path = artifacts.path_of(base.home, artifact)
    model = (run.result or {}).get("architecture") or run.spec.get("model", nets.DIGITS_MODEL)
    spec = {
        "params": str(path), "model": model, "name": name, "dataset": run.spec.get("dataset", ""), "home": str(base.home),
    }  # fmt: skip
    told = await base.jobs.run(
        "learning", "app.engine.learning.work:export", spec,
        title=f"Export model {name}", actor=actor, cause=cause, transient=True,
    )  # fmt: skip
    lineage = {
        "kind": kind, "run_id": run.id, "rounds": last["round"], "algorithm": run.spec.get("algorithm", "fedavg"),
        "nodes": list(run.spec.get("nodes", ())), "params": artifact, "spec": run.spec,
        **({"drilled": drilled} if 0 < drilled <= last["round"] else {}),
    }  # fmt: skip
    onnx = await in_thread(lambda: artifacts.load(base.home, told["onnx"]), "export")
    return {**told, "onnx": onnx, "lineage": lineage, "name": name}
