"""The model of a run as an ONNX file with its lineage, made in a worker."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run
from app.engine.learning import compare, nets, sessions
from app.engine.learning.clients import HEADLESS
from app.engine.store import artifacts, rows
from app.engine.store.store import Store
from app.engine.store.threads import in_thread


async def as_onnx(
    base: Base, run: Run, last: Mapping[str, Any], name: str, *, kind: str, drilled: int, actor: str, cause: str
) -> dict[str, Any]:
    """Return {onnx: bytes, metrics, lineage, self_test, name} of a run after its round `last`; raise `BadInput`.

    `drilled` is the first round of the run in which there was a drill, 0 for none: models from there on say so, as do those
    whose last layer nobody trained, by the algorithm.
    """
    artifact = str(last.get("model") or (run.result or {}).get("model", ""))
    if not artifact:
        raise BadInput("The run {title} kept no model", title=run.title, field="run")
    path = artifacts.path_of(base.home, artifact)
    if not path.exists():
        raise Missing(
            "The model of {title} after round {round} is not on this machine, or was let go of",
            title=run.title, round=last["round"], field="round", hint="See: outpost model list",
        )  # fmt: skip
    model = (run.result or {}).get("architecture") or run.spec.get("model", nets.DIGITS_MODEL)
    spec = {
        "params": str(path), "model": model, "name": name, "dataset": run.spec.get("dataset", ""), "home": str(base.home),
    }  # fmt: skip
    told = await base.jobs.run(
        "learning", "app.engine.learning.work:export", spec,
        title=f"Export model {name}", actor=actor, cause=cause, transient=True,
    )  # fmt: skip
    algorithm = str(run.spec.get("algorithm", "fedavg"))
    lineage = {
        "kind": kind, "run_id": run.id, "rounds": last["round"], "algorithm": algorithm,
        "nodes": list(run.spec.get("nodes", ())), "params": artifact, "spec": run.spec,
        **({"state": last["state"]} if "state" in last else {}),
        **({"drilled": drilled} if 0 < drilled <= last["round"] else {}),
        **({"headless": algorithm} if algorithm in HEADLESS else {}),
    }  # fmt: skip
    onnx = await in_thread(lambda: artifacts.load(base.home, told["onnx"]), "export")
    return {**told, "onnx": onnx, "lineage": lineage, "name": name}


async def round_of(store: Store, run: Run, number: int, *, live: bool) -> dict[str, Any]:
    """Return round `number` of a run, its newest for 0; raise `Conflict` where there is none, `Missing` without a model."""
    if live:
        where = {"run_id": run.id, **({"round": number} if number else {})}
        stored = await store.read(
            lambda conn: rows.select(conn, sessions.ROUNDS, where=where, order="round", descending=True, limit=1)
        )
        held = [compare.told(row) for row in stored]
    else:
        held = (run.result or {}).get("rounds", [])[-1:]
    if number and not any(row["round"] == number and row.get("model") for row in held):
        raise Missing("The run {title} kept no model of round {round}", title=run.title, round=number, field="round")
    if not held:
        raise Conflict("The run {title} has finished no round", title=run.title, field="run")
    return dict(held[0])
