"""One change that became many jobs is shown as one: its jobs share a cause. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from app.engine.base.records import Change, Records
from app.engine.base.text import tr
from app.engine.jobs.records import CANCELLING, DONE, FAILED, INTERRUPTED, LIVE, QUEUED, RUNNING, Job

PREFIX = "bulk:"


def items(jobs: Iterable[Job]) -> list[Job]:
    """Return `jobs` with those of one kind that share a cause joined into one; the others as they are, in order."""
    groups: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[_key(job)].append(job)
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


def _key(job: Job) -> str:
    return f"{job.kind} {job.cause}" if job.cause else job.id


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


class Items:
    """The items of a collection of jobs, kept in step with it: what the tables of activity show."""

    def __init__(self, jobs: Records[Job]) -> None:
        self.records: Records[Job] = Records(lambda job: job.id, "job")
        self._groups: dict[str, dict[str, Job]] = defaultdict(dict)
        self._take(Change(tuple(jobs)))
        self.stop = jobs.watch(self._take)

    def item_of(self, job_id: str) -> str:
        """Return the id of the item that shows a job."""
        key = next((key for key, those in self._groups.items() if job_id in those), "")
        return job_id if len(self._groups.get(key, ())) < 2 else _id_of(next(iter(self._groups[key].values())))

    def members(self, item_id: str) -> list[Job]:
        """Return the jobs of an item."""
        return members((job for those in self._groups.values() for job in those.values()), item_id)

    def _take(self, change: Change[Job]) -> None:
        touched = dict.fromkeys(self._put(job) for job in (*change.added, *change.changed))
        for key in [key for key, those in self._groups.items() if change.removed and set(those) & set(change.removed)]:
            for job_id in change.removed:
                self._groups[key].pop(job_id, None)
            touched[key] = None
        gone: list[str] = list(change.removed)
        fresh: list[Job] = []
        for key in touched:
            those = list(self._groups[key].values())
            if len(those) == 1:
                fresh += those
            elif those:
                gone += [job.id for job in those]
                fresh.append(joined(those))
        self.records.discard(*(one for one in gone if one in self.records))
        self.records.put(*fresh)

    def _put(self, job: Job) -> str:
        key = _key(job)
        self._groups[key][job.id] = job
        return key
