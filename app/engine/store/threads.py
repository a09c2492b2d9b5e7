"""Blocking work off the loop, one short-lived thread each; works on any asyncio loop and leaves no pool behind."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def tell(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Run `call` on `loop` from another thread; a loop that has ended meanwhile has nobody left to tell."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def settle(future: "asyncio.Future[T]", result: T | None, error: BaseException | None) -> None:
    """Give `future` its outcome, unless its waiter has gone."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]


async def in_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` in a thread called `name` and return its result; cancelling leaves the thread to end by itself."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def body() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as caught:  # noqa: BLE001 - handed to the waiter whole
            error = caught
        tell(loop, lambda: settle(future, result, error))

    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    try:
        return await future
    finally:
        if future.done() and not future.cancelled():
            thread.join()
