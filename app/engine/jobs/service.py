"""Jobs: durable rows, run in worker processes or on the loop, observable while they run, cancelled within a second."""

import asyncio
import json
import logging
import math
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Bug, Cancelled, Conflict, Limit, Missing, OutpostError, from_problem
from app.engine.base.events import Bus, JobStateChanged
from app.engine.base.funnel import as_outpost_error
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs import ledger
from app.engine.jobs.local import LocalReport, Work
from app.engine.jobs.pool import Order, Pool
from app.engine.jobs.records import CANCELLED, CANCELLING, DONE, FAILED, INTERRUPTED, QUEUED, RUNNING, Job, advance
from app.engine.jobs.worker import check_target, encode
from app.engine.store import artifacts
from app.engine.store.store import Store
from app.engine.store.threads import in_thread

log = logging.getLogger(__name__)
_LOCAL = "local"
_PRUNE_EVERY = 100
_FEW = 16
T = TypeVar("T")
Outcome = tuple[dict[str, Any] | None, OutpostError | None]


@dataclass
class _Live:
    """What a job needs beside its record while it lives."""

    future: "asyncio.Future[Outcome]"
    transient: bool
    task: "asyncio.Task[dict[str, Any]] | None" = None
    ending: bool = False
    order: Order | None = None


class Jobs:
    """The verbs of jobs; used on the loop only."""

    def __init__(  # noqa: PLR0917 - the order of Base
        self, home: Path, clock: Clock, settings: Settings, bus: Bus, samples: Samples, store: Store
    ) -> None:
        self.records: Records[Job] = Records(lambda job: job.id, "job")
        self._home, self._clock, self._bus, self._samples, self._store = home, clock, bus, samples, store
        self._pool = Pool(
            self, lambda: worker_limit(settings["jobs.workers"]), lambda: settings["jobs.idle_s"], clock.monotonic_s
        )  # fmt: skip
        self._live: dict[str, _Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished = 0

    @property
    def workers(self) -> dict[int, str]:
        """Return the live worker processes: pid to kind."""
        return self._pool.workers

    async def start(self) -> None:
        """Load the newest jobs; what a process that is gone left unfinished is interrupted now."""
        now_us = self._clock.now_us()
        await self._write(lambda conn: ledger.interrupt(conn, now_us))
        await self._prune()
        # On a full disk the rows still say what they said; what is shown is the truth all the same.
        loaded = await self._store.read(ledger.load)
        self.records.replace_all(job if job.finished else ledger.interrupted(job, now_us) for job in loaded)

    async def stop(self) -> None:
        """End every worker; jobs that were not done are interrupted, and their waiters hear a cancel."""
        error = Cancelled("Outpost was closed before this job was done", hint="Start it again.")
        for job_id, live in tuple(self._live.items()):
            if not live.ending:
                self._spawn(self._finish(job_id, INTERRUPTED, error=error))
            if live.task is not None:
                live.task.cancel()
        await self._pool.close()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(
        self,
        kind: str,
        target: str,
        spec: dict[str, Any],
        *,
        title: str,
        seed: int = 0,
        actor: str,
        cause: str = "",
        transient: bool = False,
    ) -> str:
        """Queue `target` ("app.engine.…:function") with `spec` (plain JSON) for a worker of `kind`; return the job's id.

        The row is durable before this returns. A `transient` job leaves no row and no record once it is finished.
        Raises `Refused` for a target outside the engine, `BadInput` for a spec or seed that cannot travel.
        """
        check_target(target)
        spec = _as_plain(spec)
        job = self._new(kind, title, seed=seed, actor=actor, cause=cause)
        live = await self._admit(job, target, spec, transient=transient)
        live.order = Order(job.id, kind, target, spec, seed)
        self._pool.submit(live.order)
        return job.id

    async def result(self, job_id: str) -> dict[str, Any]:
        """Wait for a job and return its result; raises the job's error, `Cancelled` if it was cancelled."""
        live = self._live.get(job_id)
        if live is not None:
            return _unwrap(await asyncio.shield(live.future))
        job = self.records.get(job_id) or await self._store.read(lambda conn: ledger.find(conn, job_id))
        if job is None:
            raise Missing("There is no job {id}", id=job_id)
        if job.state != DONE:
            raise from_problem(job.error or Cancelled("Cancelled").problem())
        return await in_thread(lambda: ledger.read_result(self._home, job.result or {}), "job-result")

    async def run(self, kind: str, target: str, spec: dict[str, Any], **same: Any) -> dict[str, Any]:
        """Submit and wait; when the waiting task is cancelled, so is the job. Arguments as for `submit`."""
        return await self.attend(await self.submit(kind, target, spec, **same))

    async def attend(self, job_id: str) -> dict[str, Any]:
        """Return the result of a job, and cancel it when the waiting task is cancelled."""
        try:
            return await self.result(job_id)
        except asyncio.CancelledError:
            self._ask_to_end(job_id)
            raise

    async def forget(self, job_id: str) -> None:
        """Take a finished job out of the list and the store, as if it had never been; unknown ids are ignored."""
        if job_id in self._live:
            raise Conflict("The job {id} has not ended", id=job_id)
        self.records.discard(job_id)
        self._samples.forget(job_id)
        await self._write(lambda conn: ledger.forget(conn, job_id))

    async def refresh(self) -> None:
        """Forget the jobs whose rows are gone, for what they worked on was erased: those that run are cancelled."""
        known = [job.id for job in self.records if (live := self._live.get(job.id)) is None or not live.transient]
        for job_id in await self._store.read(lambda conn: ledger.gone(conn, known)):
            live = self._live.get(job_id)
            if live is None:
                self.records.discard(job_id)
                self._samples.forget(job_id)
            else:
                live.transient = True  # it leaves nothing
                self._ask_to_end(job_id)

    async def run_local(
        self, kind: str, work: Work, *, title: str, actor: str, cause: str = "", seed: int = 0
    ) -> dict[str, Any]:
        """Run `await work(report)` on this loop as a job: the same row, record, progress and cancel as in a worker."""
        return await self.attend(await self.submit_local(kind, work, title=title, actor=actor, cause=cause, seed=seed))

    async def submit_local(self, kind: str, work: Work, *, title: str, actor: str, cause: str = "", seed: int = 0) -> str:
        """Start `work` as `run_local` does, without waiting for it; return the job's id."""
        job = self._new(kind, title, seed=seed, actor=actor, cause=cause)
        live = await self._admit(job, _LOCAL, {}, transient=False)
        self.job_begun(job.id)
        report = LocalReport(lambda news: self.job_progressed(job.id, news), self._clock)
        live.task = asyncio.get_running_loop().create_task(_started(work, report))
        self._spawn(self._tend(job.id, live.task, report))
        return job.id

    async def cancel(self, job_id: str) -> None:
        """Ask a job to end: it shows "cancelling" at once and its worker is gone within a second; finished ones stay."""
        if job_id not in self._live and job_id not in self.records:
            raise Missing("There is no job {id}", id=job_id)
        self._ask_to_end(job_id)

    # What the pool tells (see `pool.Listener`).

    def job_begun(self, job_id: str) -> None:
        """Note that the job runs."""
        live = self._live.get(job_id)
        if live is not None and not live.ending and self.records.need(job_id).state == QUEUED:
            self._move(job_id, RUNNING)

    def job_progressed(self, job_id: str, news: dict[str, Any]) -> None:
        """Note how far the job is; samples land in the rings of the job."""
        job, live = self.records.get(job_id), self._live.get(job_id)
        if job is None or live is None or live.ending:
            return
        for metric, points in news.get("samples", {}).items():
            _push(self._samples, job_id, metric, points)
        self.records.put(
            replace(job, done=news["done"], total=news["total"], unit=news["unit"], partial={**job.partial, **news["partial"]})
        )

    def job_returned(self, job_id: str, result: Any) -> None:
        """Finish the job with its result."""
        job = self.records.get(job_id)
        if not isinstance(result, dict):
            bug = Bug("The job {kind} returned no document", kind=job.kind if job else "")
            self._spawn(self._finish(job_id, FAILED, error=bug))
        elif job is not None and job.state == CANCELLING:
            self._spawn(self._finish(job_id, CANCELLED, result=result, error=_cancelled(job)))
        else:
            self._spawn(self._finish(job_id, DONE, result=result))

    def job_raised(self, job_id: str, problem: dict[str, Any], trace: str) -> None:
        """Finish the job with its error."""
        job = self.records.get(job_id)
        if trace:
            log.error("job %s (%s) failed\n%s", job_id, job.kind if job else "", trace)
        if job is not None and job.state == CANCELLING:
            self._spawn(self._finish(job_id, CANCELLED, error=_cancelled(job)))
        else:
            self._spawn(self._finish(job_id, FAILED, error=from_problem(problem)))

    def worker_lost(self, job_id: str, reason: str) -> None:
        """Finish the job whose process ended: as cancelled if that was the wish, else as failed."""
        job = self.records.get(job_id)
        if job is not None and job.state == CANCELLING:
            self._spawn(self._finish(job_id, CANCELLED, error=_cancelled(job)))
            return
        error = Limit(
            "The process of this job ended before it was done ({reason})", reason=reason,
            hint="It may have run out of memory: try a smaller problem, or close other programs.",
        )  # fmt: skip
        self._spawn(self._finish(job_id, FAILED, error=error))

    # Inside.

    def _new(self, kind: str, title: str, *, seed: int, actor: str, cause: str) -> Job:
        if not 0 <= seed < 1 << 64:
            raise BadInput("seed must be between 0 and 2^64 - 1, not {seed}", field="seed", seed=seed)
        now_us = self._clock.now_us()
        return Job(new_id(), kind, title, created_us=now_us, cause=cause, actor=actor, seed=seed)

    async def _admit(self, job: Job, target: str, spec: dict[str, Any], *, transient: bool) -> _Live:
        if not transient:
            await self._store.write(lambda conn: ledger.save(conn, job, job.created_us, target=target, spec=spec))
        live = self._live[job.id] = _Live(asyncio.get_running_loop().create_future(), transient)
        self.records.put(job)
        self._tell(job, "")
        return live

    def _ask_to_end(self, job_id: str) -> None:
        live = self._live.get(job_id)
        if live is None or live.ending or self.records.need(job_id).state == CANCELLING:
            return
        if live.order is not None and self._pool.withdraw(job_id):
            self._spawn(self._finish(job_id, CANCELLED, error=_cancelled(self.records.need(job_id))))
            return
        self._move(job_id, CANCELLING)
        if live.task is not None:
            live.task.cancel()
        else:
            self._pool.stop(job_id)

    async def _tend(self, job_id: str, task: "asyncio.Task[dict[str, Any]]", report: LocalReport) -> None:
        # The task is only waited for: one that is cancelled before its first step could not tell so itself.
        await asyncio.wait([task])
        report.close()
        if task.cancelled():
            await self._finish(job_id, CANCELLED, error=_cancelled(self.records.need(job_id)))
            return
        error = task.exception()
        if error is None:
            await self._finish(job_id, DONE, result=task.result())
            return
        if not isinstance(error, OutpostError):
            log.error("job %s failed", job_id, exc_info=error)
        await self._finish(job_id, FAILED, error=as_outpost_error(error))

    def _move(self, job_id: str, state: str) -> None:
        """Show a state that is not the last at once, and write it behind."""
        before = self.records.need(job_id)
        now_us = self._clock.now_us()
        job = advance(before, state, now_us)
        self.records.put(job)
        self._tell(job, before.state)
        if not self._live[job_id].transient:
            self._spawn(self._write(lambda conn: ledger.go_on(conn, job, now_us)))

    async def _finish(
        self, job_id: str, state: str, *, result: dict[str, Any] | None = None, error: OutpostError | None = None
    ) -> None:
        """Write the end of a job, then show it and wake who waits; whatever store and watchers do, those are woken."""
        live = self._live.get(job_id)
        if live is None or live.ending:
            return
        live.ending = True
        before = self.records.need(job_id)
        try:
            now_us = self._clock.now_us()
            job = advance(before, state, now_us, result=result, error=None if error is None else error.problem())
            if not live.transient:
                job = await self._keep(job, now_us)
            self.records.put(job)
            self._tell(job, before.state)
        finally:
            del self._live[job_id]
            live.future.set_result((result, error if state != DONE else None))
        if live.transient:
            self.records.discard(job_id)
            self._samples.forget(job_id)
        else:
            self._finished += 1
            if self._finished % _PRUNE_EVERY == 0:
                await self._prune()

    async def _keep(self, job: Job, now_us: int) -> Job:
        data = encode(job.result) if job.result is not None else b""
        if len(data) <= ledger.INLINE_BYTES:
            if job.result is not None:
                job = replace(job, result=_decoded(data))
            await self._write(lambda conn: ledger.go_on(conn, job, now_us))
            return job
        try:
            artifact = await in_thread(lambda: artifacts.keep(self._home, data), "job-result")
        except OSError as error:
            log.warning("the result of job %s could not be kept: %s", job.id, error)
            return replace(job, result=None)
        job = replace(job, result={"artifact": artifact, "size_bytes": len(data)})
        await self._write(lambda conn: ledger.save_result(conn, job, artifact, len(data), now_us))
        return job

    async def _write(self, work: Callable[[Any], T]) -> T | None:
        """Write behind; a store in trouble tells so itself, and jobs go on without their rows."""
        try:
            return await self._store.write(work)
        except OutpostError as error:
            log.warning("jobs could not be written: %s", error)
        except Exception:
            log.exception("a job's row could not be written")
        return None

    async def _prune(self) -> None:
        dropped, orphans = await self._write(ledger.prune) or ([], [])
        self.records.discard(*dropped)
        for artifact in orphans:
            artifacts.path_of(self._home, artifact).unlink(missing_ok=True)

    def _tell(self, job: Job, before: str) -> None:
        self._bus.publish(
            JobStateChanged(
                at_us=self._clock.now_us(), actor=job.actor, cause=job.cause,
                job_id=job.id, kind=job.kind, before=before, after=job.state,
            )
        )  # fmt: skip

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _started(work: Work, report: LocalReport) -> dict[str, Any]:
    return _as_plain(await work(report))  # as from a worker; what cannot be written fails the job, not its end


def worker_limit(wanted: int) -> int:
    """Return how many workers may be busy: as set, else one per core less one, and two at least."""
    return wanted or max(2, (os.cpu_count() or 1) - 1)


def _cancelled(job: Job) -> OutpostError:
    return Cancelled("{title} was cancelled", title=job.title)


def _unwrap(outcome: Outcome) -> dict[str, Any]:
    result, error = outcome
    if error is not None:
        raise error
    return result or {}


def _as_plain(spec: dict[str, Any]) -> dict[str, Any]:
    return _decoded(encode(spec))


def _decoded(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data)
    return document


def _push(samples: Samples, job_id: str, metric: str, points: list[list[float | None]]) -> None:
    if 0 < len(points) <= _FEW:  # by far the most: no array is worth its making
        ring = samples.ring(job_id, metric)
        for at_s, value in points:
            ring.push(at_s or 0.0, math.nan if value is None else value)
    elif points:
        times, values = zip(*points, strict=True)
        floats = [math.nan if value is None else float(value) for value in values]
        samples.ring(job_id, metric).extend(np.asarray(times, float), np.asarray(floats))
