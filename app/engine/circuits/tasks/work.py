"""What guided tasks do in a worker: one run, plain JSON in and out."""

from typing import Any

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.circuits.tasks import base, registry


def run(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Run the task `spec` names with its `options` and return the result document."""
    return base.run(registry.need(str(spec["task"])), spec.get("options") or {}, seed, report, stop, data=spec.get("data"))
