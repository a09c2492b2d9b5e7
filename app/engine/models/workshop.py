"""Making and weighing versions: quantise, prune, compare, promote, retire; part of the registry's service."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.errors import Conflict
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.models.records import ModelVersion, version_of
from app.engine.store import rows
from app.engine.store.threads import in_thread

if TYPE_CHECKING:
    from app.engine.models.service import ModelsService

_WORK: Final = "app.engine.models.work"
_WORKER: Final = "models"


@dataclass(frozen=True)
class Trial:
    """What a smaller model is calibrated and tried with: rows and labels, or so many drawn rows; and what it may cost."""

    rows: Sequence[Sequence[float]] = ()
    labels: Sequence[int] = ()
    count: int = 256
    loss_most: float = 0.02
    latency_ratio_most: float = 1.0
    seed: int = 1

    def spec(self) -> dict[str, Any]:
        """Return it as plain JSON for a worker."""
        told = {"rows": [list(row) for row in self.rows], "labels": list(self.labels), "count": self.count}
        return {**told, "loss_most": self.loss_most, "latency_ratio_most": self.latency_ratio_most}


class Workshop:
    """Makes versions of versions, each tried before the registry takes it."""

    def __init__(self, base: Base, models: "ModelsService") -> None:
        self._base, self._models = base, models

    async def shrink(
        self, key: str, how: str, trial: Trial, *, ratio: float = 0.0, actor: str, cause: str = ""
    ) -> tuple[ModelVersion, dict[str, Any]]:
        """Make a smaller version of `key` (`how`: static, dynamic or prune), try it, and register it as the next version.

        Returns the version and the trial's figures. Raises `Refused` with the figures when it does not hold; then nothing is
        registered.
        """
        model = self._models.find(key)
        await self._models.keeping.hold(model, actor=actor, cause=cause)
        folder = self._base.home / "work"
        out = folder / f"{new_id()}.onnx"
        await in_thread(partial(folder.mkdir, parents=True, exist_ok=True), "artifact")
        lineage = {
            "kind": "prune" if how == "prune" else f"int8-{how}", "from": model.id, "from_title": model.title,
            "from_artifact": model.artifact, "spec": model.lineage.get("spec") or {},
            **{name: model.lineage[name] for name in ("drilled", "headless") if name in model.lineage},
        }  # fmt: skip
        spec = {"path": str(self._models.path_of(model)), "out": str(out), "how": how, "ratio": ratio, "lineage": lineage}
        spec |= trial.spec()
        title = f"Prune {model.title}" if how == "prune" else f"Quantise {model.title}"
        try:
            told = await self._base.jobs.run(
                _WORKER, f"{_WORK}:make_smaller", spec, title=title, seed=trial.seed, actor=actor, cause=cause
            )
            data = await in_thread(out.read_bytes, "artifact")
        finally:
            await in_thread(partial(out.unlink, missing_ok=True), "artifact")
        metrics = {**model.metrics, "trial": told}
        if told["accuracy_after"] is not None:
            metrics["accuracy"] = told["accuracy_after"]
        made = await self._models.register(model.name, data, metrics, lineage, actor=actor, cause=cause)
        return made, told

    async def compare(self, one: str, two: str, trial: Trial, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Return how two versions do on the same rows, with what the registry knows of both."""
        pair = [self._models.find(key) for key in (one, two)]
        for model in pair:
            await self._models.keeping.hold(model, actor=actor, cause=cause)
        spec = {**trial.spec(), "one": str(self._models.path_of(pair[0])), "two": str(self._models.path_of(pair[1]))}
        title = f"Compare {pair[0].title} with {pair[1].title}"
        told = await self._base.jobs.run(
            _WORKER, f"{_WORK}:compare", spec, title=title, seed=trial.seed, actor=actor, cause=cause, transient=True
        )
        about = [
            {"title": model.title, "state": model.state, "size_bytes": model.size_bytes, "metrics": dict(model.metrics)}
            for model in pair
        ]
        return {"models": about, **told}

    async def retire(self, key: str, *, actor: str, cause: str = "") -> ModelVersion:
        """Mark a version as retired; the active one is replaced, not retired, so that raises `Conflict`."""
        model = self._models.find(key)
        if model.state == "active":
            raise Conflict("{title} is active", title=model.title, hint="Promote another version first.")
        now_us, row = self._base.clock.now_us(), {"id": model.id, "state": "retired"}
        stored = await self._base.store.write(
            lambda conn: rows.put(conn, "model_versions", row, actor=actor, cause=cause, now_us=now_us)
        )
        self._models.records.put(version_of(stored))
        return self._models.find(model.id)
