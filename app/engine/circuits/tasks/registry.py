"""The guided tasks there are, in the order they are shown."""

from collections.abc import Mapping
from typing import Final

from app.engine.base.errors import Missing
from app.engine.circuits.tasks import bb84, classify, dynamics, fleet, fourier, grover, qaoa, vqe
from app.engine.circuits.tasks.base import Task

TASKS: Final[Mapping[str, Task]] = {
    task.name: task
    for task in (
        grover.TASK,
        fleet.TASK,
        fourier.PHASE,
        fourier.FOURIER,
        vqe.TASK,
        dynamics.ISING,
        dynamics.LINDBLAD,
        qaoa.TASK,
        classify.TASK,
        bb84.TASK,
    )
}


def need(name: str) -> Task:
    """Return the task called `name`; raises `Missing`."""
    try:
        return TASKS[name]
    except KeyError:
        raise Missing("There is no task {name}", name=name, hint="See: outpost task list") from None
