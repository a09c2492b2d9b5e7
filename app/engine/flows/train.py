"""From training to the model registry: export a run's model as ONNX, keep a copy where asked, register it.

A session over nodes has its models registered beside its rounds, see `learning.versions`: it is given a `Registry` for that.
"""

import asyncio
import dataclasses
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, OutpostError
from app.engine.base.platform import replace_file
from app.engine.base.records import Records
from app.engine.learning.service import LearningService
from app.engine.learning.sessions import Session
from app.engine.models.records import FREE, ModelVersion
from app.engine.models.service import ModelsService, check_name

log = logging.getLogger(__name__)


async def export(
    learning: LearningService, models: ModelsService, run: str, *, file: Path | None = None, name: str = "digits",
    number: int = 0, actor: str, cause: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Export the model of the run `run` ("latest", or an id) after round `number` (0: its newest) as a version of `name`.

    `file` receives a copy of the ONNX bytes. The version's file stays. Returns the version {id, name, version, artifact, …}.
    """
    model = await _made(learning, models, run, file=file, name=name, number=number, actor=actor, cause=cause)
    await models.keeping.hold(model, actor=actor, cause=cause)
    return dataclasses.asdict(models.records.need(model.id))


async def _made(
    learning: LearningService, models: ModelsService, run: str, *, file: Path | None = None, name: str, number: int, actor: str,
    cause: str,
) -> ModelVersion:  # fmt: skip
    told = await learning.export(run, name=name, number=number, actor=actor, cause=cause)
    if file is not None:
        try:
            await asyncio.to_thread(replace_file, file, told["onnx"])
        except OSError as error:
            raise BadInput("{file} cannot be written: {reason}", file=file, reason=error.strerror, field="file") from None
    return await models.register(
        name, told["onnx"], metrics=told["metrics"], lineage=told["lineage"], source=f"run {run}", actor=actor, cause=cause
    )


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
        made = await _made(self.learning, self.models, run, name=name, number=number, actor=actor, cause=cause)
        return {key: getattr(made, key) for key in ("id", "name", "version", "artifact")}

    async def tidy(self) -> None:
        """Let go of files of versions that nobody used, where there are more than there is room for; trouble is logged."""
        try:
            needed = await self.learning.needed(self.held)
            await self.models.keeping.let_go(spare(self.models.records, self.learning.sessions), needed)
        except (OutpostError, OSError) as error:
            log.warning("files of models stay: %s", error)


def spare(versions: Iterable[ModelVersion], held: Records[Session]) -> list[ModelVersion]:
    """Return versions of sessions that may be let go of, the oldest first: neither the best of a session nor its last.

    A session that is under way, or may go on, has a best and a last version, too: those so far. What it goes on from, and what
    versions are yet to be made of, `learning.versions.needed` tells.
    """
    by_run = defaultdict[str, list[ModelVersion]](list)
    for model in versions:
        run = str(model.lineage.get("run_id", ""))
        if model.lineage.get("kind") == "federated" and run in held:
            by_run[run].append(model)
    free = list[ModelVersion]()
    for run, made in by_run.items():
        best = max(float(model.metrics.get("accuracy") or 0.0) for model in made)
        first = next(model for model in made if float(model.metrics.get("accuracy") or 0.0) == best)
        stay = {first.lineage["rounds"], held.need(run).round, max(model.lineage["rounds"] for model in made)}
        free += [one for one in made if one.state == "draft" and one.file is FREE and one.lineage["rounds"] not in stay]
    return sorted(free, key=lambda model: (model.created_us, model.version))
