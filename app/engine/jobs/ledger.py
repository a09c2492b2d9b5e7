"""Jobs on disk: rows of the `jobs` table, and large results as content-addressed files. Functions for use inside `fn(conn)`."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import Conflict
from app.engine.jobs.records import FINISHED, INTERRUPTED, LIVE, Job, advance
from app.engine.store import artifacts
from app.engine.store.rows import Conn, Row, count, delete, put, select

KEPT: Final = 1000
# A result up to this size stands in its row; a larger one is a file.
INLINE_BYTES: Final = 64 << 10
_KIND: Final = "job-result"
_SIGN: Final = 1 << 63
_FIELDS = tuple(field.name for field in dataclasses.fields(Job))


def save(conn: Conn, job: Job, now_us: int, **more: Any) -> None:
    """Write the job's row; `more` are columns the record does not have (target, spec, artifact)."""
    row = {name: getattr(job, name) for name in _FIELDS}
    # SQLite's integers are signed; a seed is not.
    row["seed"] = job.seed - 2 * _SIGN if job.seed >= _SIGN else job.seed
    put(conn, "jobs", {**row, **more}, actor=job.actor, cause=job.cause, now_us=now_us)


def go_on(conn: Conn, job: Job, now_us: int) -> None:
    """Write what became of a job into its row; where that is gone, nothing is: what the job worked on was erased."""
    if count(conn, "jobs", where={"id": job.id}):
        save(conn, job, now_us)


def gone(conn: Conn, ids: Sequence[str]) -> list[str]:
    """Return those of these jobs that have no row."""
    if count(conn, "jobs", where={"id": list(ids)}) == len(ids):
        return []
    return [id_ for id_ in ids if not count(conn, "jobs", where={"id": id_})]


def save_result(conn: Conn, job: Job, artifact: str, size_bytes: int, now_us: int) -> None:
    """Write the row of a job whose result is the file `artifact`."""
    known = {"id": artifact, "kind": _KIND, "media_type": "application/json", "size_bytes": size_bytes, "created_us": now_us}
    if not select(conn, "artifacts", where={"id": artifact}):
        put(conn, "artifacts", known, actor=job.actor, cause=job.cause, now_us=now_us)
    save(conn, job, now_us, artifact=artifact)


def load(conn: Conn) -> list[Job]:
    """Return the newest jobs, oldest first."""
    return [_job(row) for row in reversed(select(conn, "jobs", order="created_us", descending=True, limit=KEPT))]


def find(conn: Conn, job_id: str) -> Job | None:
    """Return one job from disk."""
    rows = select(conn, "jobs", where={"id": job_id})
    return _job(rows[0]) if rows else None


def interrupted(job: Job, now_us: int) -> Job:
    """Return what a job of a process that is gone has become."""
    error = Conflict("Outpost ended before this job was done", hint="Start it again; nothing of it runs any more.")
    return advance(job, INTERRUPTED, now_us, error=error.problem())


def interrupt(conn: Conn, now_us: int) -> list[str]:
    """Mark what a process that is gone had not finished as interrupted; return the ids."""
    left = [_job(row) for row in select(conn, "jobs", where={"state": sorted(LIVE)})]
    for job in left:
        save(conn, interrupted(job, now_us), now_us)
    return [job.id for job in left]


def prune(conn: Conn) -> tuple[list[str], list[str]]:
    """Drop the oldest finished jobs beyond `KEPT`; return their ids, and the artifacts that nobody needs any more."""
    extra = count(conn, "jobs", where={"state": sorted(FINISHED)}) - KEPT
    if extra <= 0:
        return [], []
    old = select(conn, "jobs", where={"state": sorted(FINISHED)}, order="ended_us", limit=extra)
    for row in old:
        delete(conn, "jobs", row["id"], actor="", cause="", now_us=0)
    orphans = []
    for artifact in sorted({row["artifact"] for row in old} - {""}):
        if not count(conn, "jobs", where={"artifact": artifact}) and count(
            conn, "artifacts", where={"id": artifact, "kind": _KIND}
        ):
            delete(conn, "artifacts", artifact, actor="", cause="", now_us=0)
            orphans.append(artifact)
    return [row["id"] for row in old], orphans


def forget(conn: Conn, job_id: str) -> None:
    """Drop the row of a job."""
    delete(conn, "jobs", job_id, actor="", cause="", now_us=0)


def read_result(home: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Return the whole result of a job, from its file if it was too large for its row; blocking."""
    if set(result) != {"artifact", "size_bytes"}:
        return result
    whole: dict[str, Any] = json.loads(artifacts.load(home, result["artifact"]))
    return whole


def _job(row: Row) -> Job:
    fields = {name: row[name] for name in _FIELDS}
    fields["seed"] %= 2 * _SIGN
    return Job(**fields)
