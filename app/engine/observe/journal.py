"""The journal: every event of the bus, kept in the store in batches for the time line.

Jobs and commands have tables of their own, so what merely repeats them is left out. An event says what it happened to by
its fields: `node_id` with `name`, `run_id`, `model_id`, `key`; a new kind of event needs nothing here.
"""

import asyncio
import logging
from collections import deque
from typing import Any, Final

from app.engine.base.errors import OutpostError
from app.engine.base.events import CommandFinished, Event, JobStateChanged, StoreTroubled, WindowAsked, to_json
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.store import rows

log = logging.getLogger(__name__)

FLUSH_S: Final = 0.5
REST_S: Final = 30.0  # after a write that failed
MOST_WAITING: Final = 5_000
_BATCH: Final = 500
_REPEATED: Final = (CommandFinished, JobStateChanged, WindowAsked)
_PLAIN: Final = frozenset({"event", "at_us", "actor", "cause"})


def row_of(event: Event) -> rows.Row:
    """Return the row of the table `events` that keeps `event`."""
    document = to_json(event)  # type: ignore[arg-type]
    fields = {name: value for name, value in document.items() if name not in _PLAIN}
    kind, object_id = _object_of(fields)
    return {
        "id": new_id(), "at_us": event.at_us, "name": document["event"], "actor": event.actor, "cause": event.cause,
        "object_kind": kind, "object_id": object_id, "object_name": str(fields.get("name") or ""),
        "state": str(fields.get("after") or ""), "detail": fields,
    }  # fmt: skip


def _object_of(fields: dict[str, Any]) -> tuple[str, str]:
    if "key" in fields:
        return "setting", str(fields["key"])
    for name, value in fields.items():
        if name.endswith("_id") and value:
            return name.removesuffix("_id"), str(value)
    return "", ""


class Journal:
    """Listens to the bus and writes; at most half a second of events is in memory alone."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._waiting: deque[rows.Row] = deque(maxlen=MOST_WAITING)
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._undo = _nothing

    async def start(self) -> None:
        """Let go of what is too old, and listen from now on."""
        before_us = self._base.clock.now_us() - round(1e6 * self._base.settings["activity.keep_s"])
        try:
            await self._base.store.write(lambda conn: rows.drop_many(conn, "events", where={"at_us <": before_us}))
        except OutpostError as error:
            log.warning("old events stay: %s", error)
        self._undo = self._base.bus.subscribe(self.take)

    async def stop(self) -> None:
        """Write what waits and listen no more."""
        self._undo()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            await self._task
        await self.flush()

    def take(self, event: Event) -> None:
        """Keep one event."""
        if isinstance(event, _REPEATED):
            return
        row = row_of(event)
        if isinstance(event, StoreTroubled) and any(one["name"] == row["name"] for one in self._waiting):
            return  # the store cannot write: told once is enough until it can
        self._waiting.append(row)
        if self._timer is None and self._task is None:
            self._wait(FLUSH_S)

    async def flush(self) -> None:
        """Write what waits, in batches, and what is being written already; what cannot be written waits on."""
        async with self._writing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    await self._base.store.write(lambda conn, batch=batch: rows.put_many(conn, "events", batch))  # type: ignore[misc]
                except OutpostError as error:
                    log.warning("events wait for the store: %s", error)
                    self._waiting.extendleft(reversed(batch))
                    return

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._flush_soon(), name="journal")

    async def _flush_soon(self) -> None:
        try:
            await self.flush()
        finally:
            self._task = None
        if self._waiting:
            self._wait(REST_S)


def _nothing() -> None:
    """Nothing is subscribed yet."""
