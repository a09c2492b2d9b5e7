import asyncio
import threading

import pytest

from app.agent.lane import Lane


async def test_work_is_done_in_one_thread_in_order():
    lane, seen = Lane("test"), []

    def work(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number

    assert await asyncio.gather(*(lane.do(work, number) for number in range(20))) == list(range(20))
    assert [number for number, _ in seen] == list(range(20))
    assert len({name for _, name in seen}) == 1
    assert seen[0][1] != threading.current_thread().name
    await lane.close()


async def test_an_error_reaches_the_caller_and_the_lane_goes_on():
    lane = Lane("test")
    with pytest.raises(ZeroDivisionError):
        await lane.do(lambda: 1 / 0)
    assert await lane.do(lambda: 2) == 2
    await lane.close()


async def test_closing_waits_for_what_runs_and_drops_what_waits():
    lane, begun, release, done = Lane("test"), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        release.wait(30)
        done.append(1)

    first = asyncio.ensure_future(lane.do(work))
    await asyncio.to_thread(begun.wait, 30)
    second = asyncio.ensure_future(lane.do(done.append, 2))
    closing = asyncio.ensure_future(lane.close())
    with pytest.raises(asyncio.CancelledError):
        await second
    release.set()
    await closing
    await first
    assert done == [1]
