"""A domain's runs: one synced row per run in a table of its own, the work itself a job."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from app.engine.base.errors import BadInput, Cancelled, Conflict, Infeasible, Limit, Missing, OutpostError
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.jobs import ledger
from app.engine.jobs.base import Base
from app.engine.jobs.local import Work
from app.engine.jobs.pool import STOP_GRACE_S
from app.engine.jobs.records import CANCELLED, DONE, FAILED, INTERRUPTED, LIVE, RUNNING, outcome_of
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread

Keep: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
RUNS = (  # the tables of such rows
    "qubo_runs", "qubo_comparisons", "circuit_runs", "task_runs", "learning_runs", "control_runs",
)  # fmt: skip
_MOST = 1000
_APART = "apart"
# How long a job that was asked to end may take, its process ended at last and all of it written.
_END_S = 4 * STOP_GRACE_S
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run of a domain: what was asked (`spec`), of what (`source`), and what came of it; `state` as a job's."""

    id: str
    job_id: str
    title: str
    source: str
    spec: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    state: str = RUNNING
    created_us: int = 0
    updated_us: int = 0

    @property
    def outcome(self) -> str:
        """Return its state, or in its stead what came of it; see `records.outcome_of`."""
        return outcome_of(self.state, self.result)


_FIELDS = tuple(one.name for one in fields(Run))


def _whole(result: dict[str, Any]) -> dict[str, Any]:
    return result


class RunBook:
    """The runs of one table, newest last in `records`; call `load` once before use.

    The parts of a result that are named in `apart`, drawings say, stand in a file of their own: neither memory nor the store
    nor a link need carry them for every run; `whole` puts them back. With `best_so_far` a cancelled run keeps what its job came
    to, or, of a job whose process had to be ended, what it told last, each as `keep` has it; not of work on the loop.
    """

    def __init__(self, base: Base, table: str, *, apart: tuple[str, ...] = (), best_so_far: bool = False) -> None:
        self.records: Records[Run] = Records(lambda run: run.id, "run")
        self._base, self._table, self._parts, self._best_so_far = base, table, apart, best_so_far

    async def load(self) -> None:
        """Read the newest runs; one that a gone process left unfinished is interrupted, one of another console goes on."""
        now_us, table = self._base.clock.now_us(), self._table

        def end(conn: rows.Conn) -> None:
            for row in _unfinished(conn, table):
                ended = {"id": row["id"], "state": INTERRUPTED}
                rows.put(conn, table, ended, actor=row["author"], cause="", now_us=now_us)

        left = await self._base.store.read(lambda conn: {row["id"] for row in _unfinished(conn, table)})
        if left:
            try:
                await self._base.store.write(end)
            except Limit as error:
                log.warning("unfinished runs in %s could not be marked: %s", table, error)
        await self.refresh()
        over = (run for run in self.records if run.id in left and run.state in LIVE)
        self.records.put(*(replace(run, state=INTERRUPTED) for run in over))

    async def refresh(self) -> None:
        """Read the newest runs as they stand in the store."""
        table = self._table
        found = await self._base.store.read(
            lambda conn: rows.select(conn, table, order="created_us", descending=True, limit=_MOST)
        )
        self.records.replace_all(_run(row) for row in reversed(found))

    async def is_ours(self, run_id: str) -> bool:
        """Tell whether a run's job was begun here, not at another console."""
        job_id = self.records.need(run_id).job_id
        return bool(job_id) and bool(await self._base.store.read(lambda conn: rows.count(conn, "jobs", where={"id": job_id})))

    async def whole(self, run_id: str) -> Run:
        """Return a run with all of its result; a part whose file is gone is missing there. Raises `Missing`."""
        run = self.records.need(run_id)
        apart = (run.result or {}).get(_APART)
        if not apart:
            return run
        kept = {key: value for key, value in (run.result or {}).items() if key != _APART}
        try:
            data = await in_thread(lambda: artifacts.load(self._base.home, str(apart["artifact"])), "run-result")
        except (Missing, Conflict) as error:
            log.warning("run %s: %s", run_id, error)
            return replace(run, result=kept)
        return replace(run, result={**kept, **json.loads(data)})

    async def _split(self, result: dict[str, Any]) -> dict[str, Any]:
        """Put the parts that stand apart into a file; return the rest, which names it."""
        parts = {key: result[key] for key in self._parts if result.get(key)}
        if not parts:
            return result
        data = json.dumps(parts, allow_nan=False, separators=(",", ":")).encode()
        artifact = await in_thread(lambda: artifacts.keep(self._base.home, data), "run-result")
        rest = {key: value for key, value in result.items() if key not in parts}
        return {**rest, _APART: {"artifact": artifact, "size_bytes": len(data)}}

    async def execute(
        self,
        kind: str,
        target: str,
        spec: dict[str, Any],
        *,
        title: str,
        source: str,
        seed: int,
        actor: str,
        cause: str,
        keep: Keep = _whole,
        run_id: str = "",
        aside: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Run `target` in a worker and return its whole result; the row keeps `keep(result)`.

        `aside` is what the job is told besides `spec` and the row does not keep: where files are here, say.
        Raises the job's error; cancelling the waiting task cancels the job.
        """
        job_spec = {**spec, **aside}
        job_id = await self._base.jobs.submit(kind, target, job_spec, title=title, seed=seed, actor=actor, cause=cause)
        row = {"title": title, "source": source, "spec": spec}
        return await self._follow(job_id, run_id, row, actor=actor, cause=cause, keep=keep, leaves=self._best_so_far)

    async def execute_local(
        self,
        kind: str,
        work: Work,
        spec: dict[str, Any],
        *,
        title: str,
        source: str,
        seed: int,
        actor: str,
        cause: str,
        keep: Keep = _whole,
        run_id: str = "",
    ) -> dict[str, Any]:
        """Run `await work(report)` on the loop as a run; otherwise as `execute`."""
        job_id = await self._base.jobs.submit_local(kind, work, title=title, seed=seed, actor=actor, cause=cause)
        row = {"title": title, "source": source, "spec": spec}
        return await self._follow(job_id, run_id, row, actor=actor, cause=cause, keep=keep, leaves=False)

    async def mark(self, run_id: str, state: str, *, actor: str, cause: str) -> None:
        """Note that a run whose job is over is paused, say, or was stopped."""
        await self._put({"id": run_id, "state": state}, actor, cause)

    async def _follow(
        self, job_id: str, run_id: str, asked: dict[str, Any], *, actor: str, cause: str, keep: Keep, leaves: bool
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"id": run_id or new_id(), "job_id": job_id, "state": RUNNING, **asked}
        known = row["id"] in self.records
        try:
            await self._put(row, actor, cause, begins=True)
            result = await self._base.jobs.attend(job_id)
        except OutpostError as error:
            if type(error) in {BadInput, Missing} and not known and not self._begun(job_id):
                await self._drop(row["id"], actor, cause)
                await self._base.jobs.forget(job_id)
                raise
            state = CANCELLED if isinstance(error, Cancelled) else FAILED
            told: dict[str, Any] = {}
            if isinstance(error, Infeasible):
                told = {"result": {"feasible": False, "infeasible": str(error)}}
            elif state == CANCELLED and leaves:
                told = await self._left(job_id, keep)
            await self._put({"id": row["id"], "state": state} | told, actor, cause)
            raise
        except BaseException:
            await self._base.jobs.cancel(job_id)
            await self._put({"id": row["id"], "state": CANCELLED}, actor, cause)
            if leaves and await self.over(job_id):
                await self._put({"id": row["id"]} | await self._left(job_id, keep), actor, cause)
            raise
        await self._put({"id": row["id"], "state": DONE, "result": await self._split(keep(result))}, actor, cause)
        return result

    async def over(self, job_id: str) -> bool:
        """Wait until a job that was asked to end did so, as long as its process is given; tells whether it did."""
        ending = asyncio.ensure_future(self._base.jobs.result(job_id))
        await asyncio.wait([ending], timeout=_END_S)
        if not ending.done():
            ending.cancel()
            return False
        ending.exception()  # that it was cancelled is known
        return True

    async def _left(self, job_id: str, keep: Keep) -> dict[str, Any]:
        """Return what a row keeps of a cancelled job: what it came to, or told last."""
        job = self._base.jobs.records.get(job_id)
        left: dict[str, Any] = {} if job is None else dict(job.partial)
        if job is not None and job.result:
            kept = job.result
            left = await in_thread(lambda: ledger.read_result(self._base.home, kept), "job-result")
        return {"result": await self._split(keep(left)) or None}

    def _begun(self, job_id: str) -> bool:
        """Tell whether a job got anywhere; of one whose input could not be read, nothing stays."""
        job = self._base.jobs.records.get(job_id)
        return job is not None and job.done > 0

    async def _put(self, row: dict[str, Any], actor: str, cause: str, *, begins: bool = False) -> None:
        """Write of a run what is new; one that was taken away meanwhile does not come back, unless it `begins`."""
        now_us, table = self._base.clock.now_us(), self._table

        def work(conn: rows.Conn) -> rows.Row | None:
            if not begins and rows.get(conn, table, row["id"]) is None:
                return None
            return rows.put(conn, table, row, actor=actor, cause=cause, now_us=now_us)

        put = await self._base.store.write(work)
        if put is not None:
            self.records.put(_run(put))

    async def _drop(self, run_id: str, actor: str, cause: str) -> None:
        now_us = self._base.clock.now_us()
        await self._base.store.write(
            lambda conn: rows.delete(conn, self._table, run_id, actor=actor, cause=cause, now_us=now_us)
        )
        self.records.discard(run_id)


def _unfinished(conn: rows.Conn, table: str) -> list[rows.Row]:
    """Return runs not ended that another console's jobs do not work on."""
    live = rows.select(conn, table, where={"state": sorted(LIVE)})
    return [row for row in live if not row["job_id"] or rows.count(conn, "jobs", where={"id": row["job_id"]})]


def _run(row: rows.Row) -> Run:
    return Run(**{name: row[name] for name in _FIELDS})
