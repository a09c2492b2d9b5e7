"""The rows of jobs: list them, look at one, cancel one."""

import dataclasses
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import Cancelled, OutpostError

if TYPE_CHECKING:
    from app.engine.engine import Call
    from app.engine.jobs.records import Job

_STATES = ("", "queued", "running", "cancelling", "done", "failed", "cancelled", "interrupted")


async def _list(call: "Call", *, state: str, limit: int) -> dict[str, Any]:
    found = [job for job in call.engine.jobs.records if state in ("", job.state)]
    return {"jobs": [_told(job) for job in reversed(found[-limit:])], "count": len(found)}


def _told(job: "Job") -> dict[str, Any]:
    return dataclasses.asdict(job) | {"outcome": job.outcome}


async def _show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    return _told(call.engine.jobs.records.need(id))


async def _cancel(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    jobs = call.engine.jobs
    await jobs.cancel(id)
    try:
        await jobs.result(id)
    except Cancelled:
        return {"id": id, "state": "cancelled"}
    except OutpostError as error:
        return {"id": id, "state": jobs.records.need(id).state, "reason": str(error)}
    return {"id": id, "state": jobs.records.need(id).state}


_ID = Arg("id", str, "Id of the job.", positional=True)

ROWS: tuple[Command, ...] = (
    Command(
        "job.list",
        "List jobs",
        "List jobs, newest first. The outcome is the state, or infeasible where it was proved that there is no answer, or "
        "unanswered where none was found.",
        _list,
        (
            Arg("state", str, "Only jobs in this state.", "", choices=_STATES),
            Arg("limit", int, "How many at most.", 50, low=1, high=1000),
        ),
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="jobs, count",
    ),
    Command(
        "job.show",
        "Show a job",
        "Show one job: how far it is, its result or its error.",
        _show,
        (_ID,),
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="id, kind, title, state, done, total, unit, partial, result, error, outcome",
    ),
    Command(
        "job.cancel",
        "Cancel a job",
        "Ask a job to end; its process is gone within a second. A finished job stays as it is.",
        _cancel,
        (_ID,),
        returns="id, state",
    ),
)
