import asyncio
from typing import Any

from app.engine.base.clock import ManualClock
from app.engine.jobs.local import LocalReport


async def test_reports_are_merged_and_the_last_one_is_told_at_the_close() -> None:
    told: list[dict[str, Any]] = []
    clock = ManualClock()
    report = LocalReport(told.append, clock)
    for step in range(5):
        report(step, 5, partial={str(step): step})
    assert [news["done"] for news in told] == [0]
    clock.advance(0.05)
    report(5, 5)
    assert told[1]["done"] == 5
    assert set(told[1]["partial"]) == {"1", "2", "3", "4"}
    report(6, 5)
    report.close()
    assert [news["done"] for news in told] == [0, 5, 6]
    report.close()
    assert len(told) == 3


async def test_what_is_held_is_told_by_itself_after_a_while() -> None:
    heard = asyncio.Event()
    told: list[float] = []

    def tell(news: dict[str, Any]) -> None:
        told.append(news["done"])
        if len(told) == 2:
            heard.set()

    report = LocalReport(tell, ManualClock())
    report(1, 2)
    report(2, 2)
    await asyncio.wait_for(heard.wait(), 30)
    assert told == [1, 2]


async def test_numbers_that_are_not_finite_are_told_as_nothing_and_samples_keep_them() -> None:
    told: list[dict[str, Any]] = []
    report = LocalReport(told.append, ManualClock())
    report(1, 2, partial={"loss": float("nan"), "nodes": [{"norm": float("inf")}, {"norm": 1.5}]}, samples={"loss": [(0, 1.0)]})
    assert told[0]["partial"] == {"loss": None, "nodes": [{"norm": None}, {"norm": 1.5}]}
    assert told[0]["samples"] == {"loss": [[0.0, 1.0]]}
