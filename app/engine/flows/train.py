"""From training to the model registry: export a run's model as ONNX, keep a copy where asked, register it.

A session over nodes has its models registered beside its rounds, see `learning.versions`: it is given a `Registry` for that.
"""

import asyncio
import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.base.platform import replace_file
from app.engine.learning.service import LearningService
from app.engine.models.service import ModelsService, check_name


async def export(
    learning: LearningService, models: ModelsService, run: str, *, file: Path | None = None, name: str = "digits",
    number: int = 0, actor: str, cause: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Export the model of the run `run` ("latest", or an id) after round `number` (0: its newest) as a version of `name`.

    `file` receives a copy of the ONNX bytes. Returns the model version {id, name, version, artifact, …}.
    """
    told = await learning.export(run, name=name, number=number, actor=actor, cause=cause)
    if file is not None:
        try:
            await asyncio.to_thread(replace_file, file, told["onnx"])
        except OSError as error:
            raise BadInput("{file} cannot be written: {reason}", file=file, reason=error.strerror, field="file") from None
    model = await models.register(
        name, told["onnx"], metrics=told["metrics"], lineage=told["lineage"], source=f"run {run}", actor=actor, cause=cause
    )
    return dataclasses.asdict(model)


@dataclasses.dataclass(frozen=True)
class Registry:
    """Fills `learning.versions.Registrar` with the registry of models."""

    learning: LearningService
    models: ModelsService

    def check(self, name: str) -> None:
        """Raise `BadInput` when no model can have this name."""
        check_name(name)

    def held(self, run: str, name: str) -> Collection[int]:
        """Return the rounds of a run after which the model is a version of `name` already."""
        return {
            int(model.lineage.get("rounds", 0))
            for model in self.models.records
            if model.name == name and model.lineage.get("run_id") == run
        }

    async def keep(self, run: str, name: str, number: int, *, actor: str, cause: str) -> dict[str, Any]:
        """Make the model of a run after round `number` the next version of `name`; return {id, name, version, artifact}."""
        made = await export(self.learning, self.models, run, name=name, number=number, actor=actor, cause=cause)
        return {key: made[key] for key in ("id", "name", "version", "artifact")}
