"""Blocking work off the loop, in order: one thread per lane (disk, models, training)."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """One thread that does what it is given, one after the other; what it owns needs no locks.

    Leaner than an executor, whose futures are locked, watched and copied: an agent hands over each request it answers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `work(*args, **kwargs)`, done in the lane's thread; not begun if nobody waits by then."""
        if self._closed:
            raise RuntimeError(f"the lane {self._name} is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((future, partial(work, *args, **kwargs)))
        return await future

    async def close(self) -> None:
        """Finish what runs, drop what waits, and end the thread."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while (item := self._queue.get_nowait()) is not None:
                item[0].cancel()
        self._queue.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            future, work = item
            result: Any = None
            error: BaseException | None = None
            if not future.cancelled():
                try:
                    result = work()
                except BaseException as raised:  # noqa: BLE001 - told to who waits
                    error = raised
            try:
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits for anything
            del item, future, work, result, error  # not kept until there is more to do


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
