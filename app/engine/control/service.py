"""The verbs of control: start a controller on a resource, and look back at what it did."""

import dataclasses
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.base.records import Records
from app.engine.control.laws import need
from app.engine.control.records import KINDS, ResourceKind
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook

_TARGETS: Final = {"threadpool": "app.engine.control.work:run"}


class ControlService:
    """Runs controllers as jobs, in processes of their own, and keeps their runs; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._book = RunBook(base, "control_runs")

    async def start(self) -> None:
        """Load the runs of this home."""
        await self._book.load()

    async def stop(self) -> None:
        """Keep nothing open; the jobs end with their pool."""

    @property
    def records(self) -> Records[Run]:
        """Return the observable runs, newest last."""
        return self._book.records

    @property
    def kinds(self) -> tuple[ResourceKind, ...]:
        """Return what can be controlled here."""
        return tuple(KINDS.values())

    async def run(
        self, *, resource: str, seconds: float, seed: int, low: int, high: int, law: str,
        rate_hz: float, service_s: float, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Steer `resource` for `seconds` under a bursty load and return the figures; see `work.run`."""
        kind = KINDS.get(resource)
        if kind is None:
            raise BadInput(
                "There is no resource {name}; choose from {known}", field="resource", name=resource, known=", ".join(KINDS)
            )
        if not 1 <= low <= high:
            raise BadInput("low {low} and high {high} must be ascending and at least 1", field="low", low=low, high=high)
        spec = {
            "resource": kind.name, "seconds": seconds, "low": low, "high": high, "law": need(law).name,
            "rate_hz": rate_hz, "service_s": service_s,
        }  # fmt: skip
        return await self._book.execute(
            "control", _TARGETS[kind.name], spec,
            title=f"{law} on {kind.name}, {seconds:g} s", source=kind.name, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    def show(self, run_id: str) -> dict[str, Any]:
        """Return one run with all that was kept of it; raises `Missing`."""
        return dataclasses.asdict(self._book.records.need(run_id))
