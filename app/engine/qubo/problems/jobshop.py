"""Job-shop scheduling: every job has its own way through the machines; the last end as early as can be."""

from dataclasses import dataclass

import numpy as np

from app.engine.base.text import tr
from app.engine.qubo.problems.base import Kind
from app.engine.qubo.problems.shop import Shop, pairs_in_order, read_standard
from app.engine.qubo.problems.tables import Table, headings, shape


@dataclass(frozen=True, eq=False)
class JobShop(Shop):
    """A job-shop; see `Shop`."""

    kind = "jobshop"

    def planned(self) -> list[list[int]]:
        """Return the schedule of a short search."""
        from app.engine.qubo.domain.dispatch import dispatch

        return dispatch(self.machines, self.times)


def read(text: str, file: str) -> JobShop:
    """Return the problem in `text`."""
    if headings(text):
        return _table(text, file)
    machines, times = read_standard(text, file)
    return JobShop(machines, times, tuple(tr("job {number}", number=k + 1) for k in range(len(times))), 0, file)


def _table(text: str, file: str) -> JobShop:
    table = Table(text, file)
    table.need("job", "machine", "time")
    machine_of: dict[str, int] = {}
    steps: dict[str, list[tuple[int, int, int]]] = {}
    for row in table:
        machine = machine_of.setdefault(row.text("machine"), len(machine_of))
        steps.setdefault(row.text("job"), []).append((machine, row.whole("time", 0, 10**6), row.line))
    for job, way in steps.items():
        visited = [machine for machine, _, _ in way]
        if sorted(visited) != list(range(len(machine_of))):
            raise table.bad(
                way[-1][2], "{job} should visit every machine once ({count} machines)", job=job, count=len(machine_of)
            )
    machines = np.array([[m for m, _, _ in way] for way in steps.values()], np.int64)
    times = np.array([[t for _, t, _ in way] for way in steps.values()], np.int64)
    horizon = table.whole(table.setting("horizon", "0"))
    table.close()
    return JobShop(machines, times, tuple(steps), horizon, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is in the standard text format, or a table of steps."""
    good, same = pairs_in_order(shape(text))
    return (good and not same) or {"job", "machine", "time"} <= headings(text)


KIND = Kind(
    "jobshop", "Job-shop", "Schedules jobs, each with its own way through the machines.",
    "jobs machines, then machine time pairs", read, recognise, "job, machine, time, a row per step in order (horizon = …)",
    ("tabu search on critical blocks",),
)  # fmt: skip
