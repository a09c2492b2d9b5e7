"""One change that became many jobs is shown as one: its jobs share a cause. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from app.engine.base.text import tr
from app.engine.jobs.records import CANCELLING, DONE, FAILED, INTERRUPTED, LIVE, QUEUED, RUNNING, Job

PREFIX = "bulk:"


def items(jobs: Iterable[Job]) -> list[Job]:
    """Return `jobs` with those of one kind that share a cause joined into one; the others as they are, in order."""
    groups: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[f"{job.kind} {job.cause}" if job.cause else job.id].append(job)
    return [those[0] if len(those) == 1 else joined(those) for those in groups.values()]


def joined(jobs: list[Job]) -> Job:
    """Return one item for several jobs of one cause: how many of them have ended, and how it stands with all of them."""
    first = jobs[0]
    ended = [job for job in jobs if job.finished]
    bad = [job for job in ended if job.state in (FAILED, INTERRUPTED)]
    live = len(ended) < len(jobs)
    error = None
    if bad:
        told = str((bad[0].error or {}).get("detail", ""))
        error = {"detail": tr("{bad} of {all} failed: {reason}", bad=len(bad), all=len(jobs), reason=told)}
    return Job(
        _id_of(first), first.kind, tr("{title} and {n} more", title=first.title, n=len(jobs) - 1),
        _state(jobs), min(job.created_us for job in jobs), min((job.started_us for job in jobs if job.started_us), default=0),
        0 if live else max(job.ended_us for job in jobs), sum(_share(job) for job in jobs), float(len(jobs)),
        tr("jobs"), {}, None, error, first.cause, first.actor,
    )  # fmt: skip


def members(jobs: Iterable[Job], item_id: str) -> list[Job]:
    """Return the jobs an item stands for; the job itself when it stands for one."""
    if item_id.startswith(PREFIX):
        return [job for job in jobs if _id_of(job) == item_id]
    return [job for job in jobs if job.id == item_id]


def _id_of(job: Job) -> str:
    return f"{PREFIX}{job.kind}:{job.cause}"


def _share(job: Job) -> float:
    if job.finished:
        return 1.0
    return min(1.0, job.done / job.total) if job.total > 0 else 0.0


def _state(jobs: list[Job]) -> str:
    states = {job.state for job in jobs}
    for state in (CANCELLING, RUNNING):
        if state in states:
            return state
    if states & LIVE:
        return QUEUED if states == {QUEUED} else RUNNING
    for state in (FAILED, INTERRUPTED):
        if state in states:
            return state
    return DONE if DONE in states else jobs[0].state
