import asyncio
import threading

import pytest

from app.engine.store.threads import in_thread, tell


async def test_work_runs_off_the_loop_and_its_result_or_error_comes_back() -> None:
    assert await in_thread(lambda: threading.current_thread().name, "aside") == "aside"
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, "aside")
    assert [thread.name for thread in threading.enumerate() if thread.name == "aside"] == []


async def test_a_cancelled_waiter_leaves_quietly() -> None:
    gate = threading.Event()
    waiting = asyncio.ensure_future(in_thread(lambda: gate.wait(10), "aside"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)
    await asyncio.sleep(0)


def test_a_loop_that_has_ended_is_told_nothing() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    tell(loop, lambda: pytest.fail("nobody listens"))
