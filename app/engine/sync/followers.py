"""Those who show what was changed elsewhere: asked to read it anew, once however many changes came meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

from app.engine.base.errors import OutpostError

Refresh: TypeAlias = Callable[[], Awaitable[None]]
log = logging.getLogger(__name__)


class Followers:
    """What to read anew, by table; lives on the loop."""

    def __init__(self) -> None:
        self._refresh: dict[str, Refresh] = {}
        self._stale: dict[Refresh, None] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, parts: Mapping[str, Refresh]) -> None:
        """Have these parts read anew what is changed in their tables."""
        self._refresh.update(parts)

    def changed(self, tables: Iterable[str]) -> None:
        """Have whoever shows one of `tables` read it anew."""
        self._stale |= {self._refresh[table]: None for table in tables if table in self._refresh}
        if self._stale and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._work(), name="sync-refresh")

    async def settled(self) -> None:
        """Wait until everything changed so far was read."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Read nothing more."""
        self._stale.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while self._stale:
            refresh = next(iter(self._stale))
            del self._stale[refresh]
            try:
                await refresh()
            except OutpostError as error:
                log.warning("what was synced could not be read: %s", error)
