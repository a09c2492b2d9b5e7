"""Blocking work off the loop, in order: one thread per lane (disk, models, training)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """One thread that does what it is given, one after the other; what it owns needs no locks."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `work(*args, **kwargs)`, done in the lane's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))

    async def close(self) -> None:
        """Finish what runs, drop what waits, and end the thread."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
