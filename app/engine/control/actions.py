"""Every change a controller made, in the audit trail with its reason; written every other second, many at a time.

Controllers run in processes of their own and tell their newest changes with their progress, each with a number that counts
from 1; the result holds the newest again. So nothing is written twice, and nothing is lost when one message is.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from app.engine.base.errors import OutpostError
from app.engine.base.records import Change
from app.engine.jobs.base import Base
from app.engine.jobs.records import Job
from app.engine.store import audit

COMMAND: Final = "control.action"
_PAUSE_S: Final = 2.0
_TOLD: Final = ("before", "wanted", "after")
log = logging.getLogger(__name__)


class ActionLog:
    """Watches the jobs of controllers; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._written: dict[str, int] = {}
        self._due: list[tuple[Job, dict[str, Any]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._undo = base.jobs.records.watch(self._heard)

    async def stop(self) -> None:
        """Write what is due and watch no more."""
        self._undo()
        await self.flush()

    def note(self, job: Job, actions: Sequence[dict[str, Any]]) -> None:
        """Take the actions of `job` that are not known yet; {n, at_us, before, wanted, after, reason} each."""
        last = self._written.get(job.id, 0)
        fresh = [one for one in actions if one["n"] > last]
        if fresh:
            self._written[job.id] = fresh[-1]["n"]
            self._due += [(job, one) for one in fresh]
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_PAUSE_S, self._ripe)

    async def flush(self) -> None:
        """Write what is due now, and return when it is written; also what the timer began to write a moment ago.

        A store that cannot take it is told in the log, and the controllers go on.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        async with self._writing:
            due, self._due = self._due, []
            if due:
                await self._write(due)

    async def _write(self, due: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        def write(conn: Any) -> None:
            audit.record_many(conn, (
                {"at_us": one["at_us"], "actor": job.actor, "command": COMMAND, "cause": job.id, "outcome": "ok",
                 "detail": one["reason"], "args": {"job": job.id, "title": job.title, **{name: one[name] for name in _TOLD}}}
                for job, one in due
            ))  # fmt: skip

        try:
            await self._base.store.write(write)
        except OutpostError as error:
            log.warning("%d actions of controllers could not be written: %s", len(due), error)

    def _heard(self, change: Change[Job]) -> None:
        for job in change.changed:
            if job.kind == "control":
                self.note(job, (job.result or {}).get("actions") or job.partial.get("actions") or ())
        for job_id in change.removed:
            self._written.pop(job_id, None)

    def _ripe(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self.flush(), name="control-actions")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
