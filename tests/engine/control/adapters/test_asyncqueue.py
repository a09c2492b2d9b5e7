import asyncio
import itertools
import threading

import pytest

from app.engine.base.errors import Limit
from app.engine.control.adapters.asyncqueue import CoDel, LimitedQueue, QueueResource


def test_codel_leaves_a_short_queue_alone_and_sheds_a_standing_one_ever_faster():
    codel = CoDel(0.005, 0.1)
    assert not any(codel.drop(k * 0.01, 0.004) for k in range(100))
    drops = [k * 0.001 for k in range(1000, 3000) if codel.drop(k * 0.001, 0.05)]
    assert drops[0] == pytest.approx(1.1, abs=0.002)
    gaps = [b - a for a, b in itertools.pairwise(drops)]
    assert gaps[0] == pytest.approx(0.1, abs=0.003)
    assert gaps[3] == pytest.approx(0.1 / 2, abs=0.003)  # interval / sqrt(4)
    assert not codel.drop(3.0, 0.001)


async def test_no_more_than_the_limit_run_and_a_raise_lets_more_in():
    queue = LimitedQueue(2, codel=CoDel(1e9))
    resource, gate, running, most = QueueResource(queue, 1, 8), asyncio.Event(), 0, 0

    async def work():
        nonlocal running, most
        async with queue.slot():
            running += 1
            most = max(most, running)
            await gate.wait()
            running -= 1

    tasks = [asyncio.create_task(work()) for _ in range(20)]
    while queue.queued < 18:
        await asyncio.sleep(0)
    assert (most, resource.measure_state().queue) == (2, 18)
    assert resource.apply_control(5) == 5
    while running < 5:
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert most == 5
    assert resource.get_metrics()["tasks_count"] == 20
    assert queue.busy == queue.queued == 0


async def test_a_limit_raised_by_another_thread_lets_those_in_who_wait_now():
    queue, gate = LimitedQueue(1, codel=CoDel(1e9)), asyncio.Event()
    on_loop = threading.get_ident()
    woken_by, woke, wake = set(), asyncio.Event(), queue._wake
    queue._wake = lambda: (woken_by.add(threading.get_ident()), wake(), woke.set())

    async def work():
        async with queue.slot():
            await gate.wait()

    tasks = [asyncio.create_task(work()) for _ in range(5)]
    while queue.queued < 4:
        await asyncio.sleep(0)
    # By the time the thread sets it, the loop waits, and nothing else wakes it.
    threading.Timer(0.05, queue.set_limit, (5,)).start()
    async with asyncio.timeout(20):
        await woke.wait()
    assert (queue.busy, queue.queued) == (5, 0)
    assert woken_by == {on_loop}
    gate.set()
    await asyncio.gather(*tasks)


async def test_a_full_queue_refuses_and_a_cancelled_wait_leaves_no_trace():
    queue = LimitedQueue(1, most_waiting=1)
    async with queue.slot():
        waiting = asyncio.create_task(queue.slot().__aenter__())
        while not queue.queued:
            await asyncio.sleep(0)
        with pytest.raises(Limit, match="no more are taken"):
            async with queue.slot():
                pass
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert queue.busy == 0
    async with queue.slot():
        assert queue.busy == 1


async def test_those_who_gave_up_waiting_take_nobodys_place():
    queue = LimitedQueue(1, most_waiting=3, codel=CoDel(1e9))
    async with queue.slot():
        gave_up = [asyncio.create_task(queue.slot().__aenter__()) for _ in range(3)]
        while queue.queued < 3:
            await asyncio.sleep(0)
        for task in gave_up:
            task.cancel()
        await asyncio.gather(*gave_up, return_exceptions=True)
        assert QueueResource(queue).measure_state().queue == 0
        comes = asyncio.create_task(queue.slot().__aenter__())
        while not queue.queued:
            await asyncio.sleep(0)
    await comes
    assert (queue.busy, queue.queued, queue.shed) == (1, 0, 0)


async def test_under_overload_what_waited_too_long_is_shed():
    now = [0.0]
    queue = LimitedQueue(1, codel=CoDel(0.005, 0.02), clock=lambda: now[0])
    shed = 0

    async def work():
        nonlocal shed
        try:
            async with queue.slot():
                now[0] += 0.01
                await asyncio.sleep(0)
        except Limit:
            shed += 1

    await asyncio.gather(*(work() for _ in range(60)))
    assert shed > 5
    assert queue.shed == shed
    assert queue.done == 60 - shed
