"""Eight controllers at 10 Hz on the control page: CPU of the console process, each controller in a process of its own.

Prints two JSON lines {figure, value, unit, settings}: the console with the eight, and the same window at rest before. Target:
5 % of a core between them. The CPU of the controllers and of their loads is not counted.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


async def share(seconds: float) -> float:
    cpu_s, wall_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (time.process_time() - cpu_s) / (time.monotonic() - wall_s)


async def measure(app: Any, seconds: float, controllers: int) -> list[dict[str, Any]]:
    from app.console import Session

    with tempfile.TemporaryDirectory() as home:
        session = Session(app)
        await session.open(Path(home))
        engine = session.engine
        asked: dict[str, Any] = {"resource": "threadpool", "seconds": seconds + 60, "rate_hz": 20.0, "low": 2, "high": 16,
                                 "mode": "apply"}  # fmt: skip
        window: Any = session.window
        try:
            window.resize(1400, 900)
            window.open_page("control")
            await asyncio.sleep(3)
            rest = await share(seconds / 2)
            runs = [asyncio.create_task(engine.run("control.run", **asked, seed=number)) for number in range(controllers)]
            while sum("size" in job.partial for job in engine.jobs.records) < controllers:
                await asyncio.sleep(0.2)
            await asyncio.sleep(5)
            before = sum(engine.samples.ring(job.id, "size").count for job in engine.jobs.records)
            busy = await share(seconds)
            told = (sum(engine.samples.ring(job.id, "size").count for job in engine.jobs.records) - before) / seconds
            cards = len(window.page.cards.cards)
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)
        finally:
            await session.close()
    settings = {
        "seconds": seconds,
        "controllers": controllers,
        "cards": cards,
        "turns_hz": round(told, 1),
        "platform": "offscreen",
    }
    return [
        {"figure": "control: console with eight controllers", "value": round(busy - rest, 2), "unit": "% of a core",
         "settings": {**settings, "at_rest": round(rest, 2)}},
        {"figure": "control: console on the control page at rest", "value": round(rest, 2), "unit": "% of a core",
         "settings": settings},
    ]  # fmt: skip


def lines(seconds: float, controllers: int) -> Iterator[str]:
    from app.console import _in_loop

    for one in _in_loop(lambda app: measure(app, seconds, controllers), visible=False):
        yield json.dumps(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--controllers", type=int, default=8)
    given = parser.parse_args()
    print(*lines(given.seconds, given.controllers), sep="\n")


if __name__ == "__main__":
    main()
