"""From a training run to the model registry: export the model as ONNX, keep a copy where asked, register it."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.base.platform import replace_file
from app.engine.learning.service import LearningService
from app.engine.models.service import ModelsService


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
