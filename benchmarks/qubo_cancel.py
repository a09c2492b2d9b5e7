"""Seconds from a cancel to the end of the job, for solvers and own methods that are still at work; the slowest counts.

The engine's own jobs and workers, one at a time. What does not look up in time is ended by the pool, so that a figure near
0.8 s is that of a killed worker; the peers' C++ inner loops are among them. What ended by itself before its cancel, or refuses
a problem of this size, is named as not measured.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from qubo_common import tell

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Cancelled
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.service import Jobs
from app.engine.qubo import solvers
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.planted import cubes
from app.engine.qubo.problems.registry import KINDS, read
from app.engine.qubo.readers.gset import write
from app.engine.qubo.service import SAMPLES
from app.engine.store.store import Store

NODES = (20, 20, 24)
# These end before anyone could cancel them, or refuse a problem of this size.
LEFT_OUT = ("exact", "dwave-tree")
# A search that tells nothing for so long is cancelled all the same.
SETTLE_S = 20.0


async def cancelled_after(jobs: Jobs, target: str, spec: dict[str, Any]) -> float | None:
    """Return the seconds, None for what ended by itself before it could be cancelled."""
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
        return time.perf_counter() - began
    raise AssertionError(spec["name"])


def fail(error: BaseException) -> None:
    raise error


async def measure(home: Path) -> None:
    clock, bus, samples = SystemClock(), Bus(fail), Samples()
    store = await Store.open(home / "outpost.db", clock)
    jobs = Jobs(home, clock, Settings(home / "settings.toml", str), bus, samples, store)
    await jobs.start()
    took: dict[str, float] = {}
    try:
        text = write(cubes(NODES, 1)[0])
        cases = [
            (card.name, "app.engine.qubo.work:solve", {"text": text, "solver": card.name})
            for card in solvers.cards() if card.name not in LEFT_OUT
        ]  # fmt: skip
        for kind in KINDS:
            path = next((SAMPLES / "problems").glob(f"{kind}.*"))
            if method_of(read(path.read_text("utf-8"), path.name, kind)) is not None:
                spec = {"file": str(path), "kind": kind, "route": "domain"}
                cases.append((f"{kind} method", "app.engine.qubo.problems.work:solve", spec))
        for name, target, spec in cases:
            seconds = await cancelled_after(jobs, target, {**spec, "name": name, "seconds": 3600.0})
            print(name, seconds, file=sys.stderr, flush=True)
            if seconds is not None:
                took[name] = seconds
    finally:
        await jobs.stop()
        await store.close()
    slowest = max(took, key=lambda name: took[name])
    missing = [name for name, _, _ in cases if name not in took] + list(LEFT_OUT)
    settings: dict[str, Any] = {"not measured": ", ".join(missing), "n": NODES[0] * NODES[1] * NODES[2], "slowest": slowest}
    settings |= {name: round(s, 3) for name, s in took.items()}
    tell("qubo: seconds from cancel to done, slowest solver", took[slowest], "s", "", settings)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(Path(home)))


if __name__ == "__main__":
    main()
