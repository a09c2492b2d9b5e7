"""Those who show what was changed elsewhere: asked to read it anew, once however many changes came meanwhile.

Where changes keep coming, reading takes a fifth of the time at most.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeAlias

from app.engine.base.errors import OutpostError

Refresh: TypeAlias = Callable[[], Awaitable[None]]
log = logging.getLogger(__name__)
_REST: Final = 4  # times as long as reading took, until it is done again


class Followers:
    """What to read anew, by table; lives on the loop."""

    def __init__(self) -> None:
        self._refresh: dict[str, tuple[Refresh, ...]] = {}
        self._stale: dict[Refresh, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._hurry, self._read = asyncio.Event(), asyncio.Event()

    def follow(self, parts: Mapping[str, Refresh]) -> None:
        """Have these parts read anew what is changed in their tables, after those that follow them already."""
        for table, refresh in parts.items():
            self._refresh[table] = (*self._refresh.get(table, ()), refresh)

    def changed(self, tables: Iterable[str]) -> None:
        """Have whoever shows one of `tables` read it anew."""
        self._stale |= {refresh: None for table in tables for refresh in self._refresh.get(table, ())}
        if self._stale:
            self._read.clear()
        if self._stale and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._work(), name="sync-refresh")

    async def settled(self) -> None:
        """Wait until everything changed so far was read."""
        if self._task is not None and not self._task.done():
            self._hurry.set()
            await self._read.wait()

    async def stop(self) -> None:
        """Read nothing more."""
        self._stale.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._read.set()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._stale:
                self._hurry.clear()
                began_s = loop.time()
                while self._stale:
                    await self._one()
                self._read.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REST * (loop.time() - began_s)):
                        await self._hurry.wait()
        finally:
            self._read.set()

    async def _one(self) -> None:
        refresh = next(iter(self._stale))
        del self._stale[refresh]
        try:
            await refresh()
        except OutpostError as error:
            log.warning("what was synced could not be read: %s", error)
        except Exception:
            log.exception("what was synced could not be read")
