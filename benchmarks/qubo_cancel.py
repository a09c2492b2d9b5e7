"""Seconds from a cancel to the end of the job, for all solvers and methods at a problem of fitting size; the slowest counts.

The engine's own jobs and workers, one at a time; see `qubo_cancel_cases.py`. What does not look up in time is ended by the
pool: its figure is that of a killed worker, and it is named, as is what ended by itself before its cancel.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from qubo_cancel_cases import cases
from qubo_common import tell

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Cancelled
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.pool import STOP_GRACE_S
from app.engine.jobs.service import Jobs
from app.engine.store.store import Store

# A search that tells nothing for so long is cancelled all the same.
SETTLE_S = 8.0


async def cancelled_after(jobs: Jobs, target: str, spec: dict[str, Any]) -> tuple[float, bool] | None:
    """Return the seconds, and whether the worker was killed; None for what ended by itself before it could be cancelled."""
    job_id = await jobs.submit("qubo", target, spec, title=str(spec["name"]), actor="benchmark@here")
    while jobs.records.need(job_id).state == "queued":
        await asyncio.sleep(0.01)
    for _ in range(int(SETTLE_S / 0.01)):
        if jobs.records.need(job_id).finished or jobs.records.need(job_id).partial:
            break
        await asyncio.sleep(0.01)
    if jobs.records.need(job_id).finished:
        return None
    began = time.perf_counter()
    await jobs.cancel(job_id)
    try:
        await jobs.result(job_id)
    except Cancelled:
        took_s = time.perf_counter() - began
        return took_s, took_s >= STOP_GRACE_S and jobs.records.need(job_id).result is None
    raise AssertionError(spec["name"])


def fail(error: BaseException) -> None:
    raise error


async def measure(home: Path, only: str) -> None:
    clock, bus, samples = SystemClock(), Bus(fail), Samples()
    store = await Store.open(home / "outpost.db", clock)
    jobs = Jobs(home, clock, Settings(home / "settings.toml", str), bus, samples, store)
    await jobs.start()
    took: dict[str, float] = {}
    killed: dict[str, bool] = {}
    kept = [case for case in cases() if only in ("", case[0])]
    try:
        for name, target, spec in kept:
            told = await cancelled_after(jobs, target, {**spec, "name": name, "seconds": 3600.0})
            print(name, told, file=sys.stderr, flush=True)
            if told is not None:
                took[name], killed[name] = told
    finally:
        await jobs.stop()
        await store.close()
    slowest = max(took, key=lambda name: took[name])
    settings: dict[str, Any] = {
        "not measured": ", ".join(name for name, _, _ in kept if name not in took) or "nothing",
        "workers killed": ", ".join(name for name, was in killed.items() if was) or "none", "slowest": slowest,
    }  # fmt: skip
    settings |= {name: round(s, 3) for name, s in took.items()}
    tell("qubo: seconds from cancel to done, slowest solver", took[slowest], "s", "", settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the name of one case")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(Path(home), given.only))


if __name__ == "__main__":
    main()
