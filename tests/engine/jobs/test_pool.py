import asyncio
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from app.engine.base.clock import ManualClock
from app.engine.jobs import pool as pool_module
from app.engine.jobs.pool import Order, Pool, Starts

COUNT = "app.engine.jobs.drills:count"


class Heard:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def job_begun(self, job_id: str) -> None:
        self.told.append((job_id, "begun"))

    def job_progressed(self, job_id: str, news: dict[str, Any]) -> None:
        self.told.append((job_id, "progressed"))

    def job_returned(self, job_id: str, result: Any) -> None:
        self.told.append((job_id, "returned"))

    def job_raised(self, job_id: str, problem: dict[str, Any], trace: str) -> None:
        self.told.append((job_id, "raised"))

    def worker_lost(self, job_id: str, reason: str) -> None:
        self.told.append((job_id, "lost"))

    def ends(self) -> list[str]:
        return [job_id for job_id, what in self.told if what in ("returned", "raised", "lost")]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def order(job_id: str, kind: str = "drill", **spec: Any) -> Order:
    return Order(job_id, kind, COUNT, spec, 0)


async def test_an_order_that_waits_can_be_taken_back_and_one_that_runs_cannot(heard: Heard, until: Any) -> None:
    pool = Pool(heard, lambda: 1, lambda: 60)
    pool.submit(order("a", steps=3))
    pool.submit(order("b"))
    assert not pool.withdraw("a")
    assert pool.withdraw("b")
    assert not pool.withdraw("b")
    await until(lambda: heard.ends() == ["a"])
    await pool.close()


async def test_idle_workers_of_other_kinds_give_way_but_a_few_stay_warm(heard: Heard, until: Any) -> None:
    pool = Pool(heard, lambda: 1, lambda: 60)
    for number in range(4):
        pool.submit(order(str(number), kind=f"kind {number}"))
        await until(lambda number=number: len(heard.ends()) == number + 1)
    await until(lambda: sorted(pool.workers.values()) == ["kind 1", "kind 2", "kind 3"])
    await pool.close()
    assert pool.workers == {}


async def test_a_raised_limit_acts_on_what_waits_already(heard: Heard, until: Any) -> None:
    limit = [1]
    pool = Pool(heard, lambda: limit[0], lambda: 60)
    pool.submit(order("a", steps=10**6, pause_s=0.005))
    pool.submit(order("b"))
    await until(lambda: ("a", "progressed") in heard.told)
    limit[0] = 2
    pool.submit(order("c"))
    await until(lambda: sorted(heard.ends()) == ["b", "c"])
    pool.stop("a")
    await until(lambda: sorted(heard.ends()) == ["a", "b", "c"])
    await pool.close()


async def test_closing_ends_working_and_idle_and_starting_workers(heard: Heard, until: Any) -> None:
    pool = Pool(heard, lambda: 3, lambda: 60)
    pool.submit(order("idle", kind="one"))
    pool.submit(order("busy", kind="two", steps=10**6, pause_s=0.005))
    await until(lambda: heard.ends() == ["idle"] and ("busy", "progressed") in heard.told)
    pool.submit(order("starting", kind="three"))
    await asyncio.sleep(0)
    await pool.close()
    assert pool.workers == {}
    assert sorted(heard.ends()) == ["busy", "idle", "starting"]


async def test_what_steers_something_may_leave_it_safe_before_the_pool_is_closed(
    heard: Heard, until: Any, tmp_path: Path
) -> None:
    pool, held = Pool(heard, lambda: 1, lambda: 60), tmp_path / "held"
    pool.submit(Order("steers", "control", "app.engine.jobs.drills:hold", {"file": str(held)}, 0))
    await until(lambda: ("steers", "progressed") in heard.told)
    assert held.read_text("ascii") == "held"
    await pool.close()
    assert held.read_text("ascii") == "safe"
    assert heard.told[-1] == ("steers", "returned")
    assert pool.workers == {}


async def test_closing_an_unused_pool_returns_at_once(heard: Heard) -> None:
    await Pool(heard, lambda: 1, lambda: 60).close()
    assert heard.told == []


async def test_what_waits_most_of_the_time_takes_no_place_from_what_computes(heard: Heard, until: Any) -> None:
    pool = Pool(heard, lambda: 1, lambda: 60)
    for name in ("one", "two"):
        pool.submit(order(name, kind="control", steps=10**6, pause_s=0.005))
    pool.submit(order("computes"))
    pool.submit(order("computes later"))
    await until(
        lambda: heard.ends() == ["computes", "computes later"] and {("one", "begun"), ("two", "begun")} <= set(heard.told)
    )
    await pool.close()


class Stillborn:
    """Stands where a worker process stands on a machine that starts none: it ends before it tells anything."""

    begun: ClassVar[list[float]] = []
    clock: ClassVar[ManualClock]

    def __init__(self, kind: str, heard: Any, ended: Any) -> None:
        self.kind, self.pid = kind, 0
        self.begun.append(self.clock.monotonic_s())
        asyncio.get_running_loop().call_soon(ended, self, "it could not be started")

    def send(self, document: dict[str, Any]) -> None:
        pass


async def test_workers_that_cannot_start_are_started_again_after_growing_pauses(heard: Heard, monkeypatch: Any) -> None:
    clock, begun = ManualClock(), []
    monkeypatch.setattr(Stillborn, "clock", clock, raising=False)
    monkeypatch.setattr(Stillborn, "begun", begun)
    monkeypatch.setattr(pool_module, "WorkerProcess", Stillborn)
    pool = Pool(heard, lambda: 1, lambda: 60, clock.monotonic_s)
    for name in "abcd":
        pool.submit(order(name))
    for _ in range(1000):
        for _ in range(4):  # what is due on the loop now
            await asyncio.sleep(0)
        clock.advance(0.01)
        pool._dispatch()
    # Each order is tried twice; each start waits twice as long as the one before.
    assert heard.ends() == ["a", "b", "c"]
    assert np.diff(begun) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2], abs=0.02)
    assert pool.withdraw("d")
    await pool.close()


def test_a_start_that_works_ends_the_pauses_and_no_pause_is_longer_than_the_longest() -> None:
    starts = Starts((0.5, 4.0))
    waits = []
    for _ in range(6):
        starts.failed(10.0)
        waits.append(starts.wait_s(10.0))
    assert waits == [0.5, 1, 2, 4, 4, 4]
    assert starts.wait_s(13.0) == 1
    starts.worked()
    assert starts.wait_s(10.0) == 0
