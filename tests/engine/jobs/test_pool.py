import asyncio
from typing import Any

import pytest

from app.engine.jobs.pool import Order, Pool

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
