"""Memory of the console over eight hours of use, the hours simulated: does it grow without an end.

The real console (engine, store, window, offscreen) on a home of its own, with six agents paired once and then put away. What
they would have told comes in as batches, a measurement every five seconds from each, a simulated minute at a time. In every
such minute somebody opens a page and looks at a node; every ten minutes they open a form, solve a small problem or run a
circuit; every hour the theme changes, and the window is closed and another one opened. Prints one JSON line {figure, value,
unit, settings}: growth of the resident set from the end of the first hour (pages built, libraries loaded) to the end of the
last, in percent. Target: under 5 %. The settings tell the objects that Python's collector knows at the same two points,
widgets and all, and the kinds that grew most, so that a leak that the resident set hides is found; and the CPU of the longest
whole passes of that collector after the first hour, for which the window stands (the long ones: one after each new window).
With --trace the lines of code that allocated what is new are told too (slower; the growth is then not that of the console
alone).
"""

import argparse
import asyncio
import gc
import json
import math
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil

STEP_S = 5
MINUTES_AN_HOUR = 60


def resident_mib() -> float:
    """Return the resident set of this process after a collection."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def objects() -> Counter[str]:
    """Count what the collector knows, by kind, with what the console has it pass over."""
    gc.unfreeze()
    gc.collect()
    counted = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    gc.freeze()
    return counted


class Passes:
    """CPU milliseconds of every whole pass of the collector while the console itself is at work."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self._begun = 0.0

    def __enter__(self) -> None:
        gc.callbacks.append(self._note)

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._begun = time.thread_time()
        elif info["generation"] == 2:
            self.ms.append(round(1000 * (time.thread_time() - self._begun), 1))


def grown(before: Counter[str], after: Counter[str], most: int = 12) -> dict[str, int]:
    """Return the kinds of which there are more than before, the most first."""
    return dict((after - before).most_common(most))


def traced(before: tracemalloc.Snapshot | None, most: int = 15) -> list[str]:
    """Return the lines that allocated what is new since `before`."""
    if before is None:
        return []
    return [str(line) for line in tracemalloc.take_snapshot().compare_to(before, "lineno")[:most]]


def tell(engine: Any, minute: int, seqs: dict[str, int], start_us: int) -> None:
    """Have each node tell a minute's measurements."""
    from app.engine.link.records import Batch
    from app.wire.telemetry import Measurement

    now_us = engine.clock.now_us()
    for place, node in enumerate(tuple(engine.fleet.records)):
        items = []
        for step in range(60 // STEP_S):
            seqs[node.id] = seqs.get(node.id, 0) + 1
            at = minute * 60 + step * STEP_S
            wave = 0.5 + 0.4 * math.sin(at / 300 + place)
            items.append(
                Measurement(
                    seqs[node.id], start_us + at * 1_000_000, cpu_ratio=wave, mem_ratio=0.4, latency_mean_s=0.002 * wave,
                    latency_p50_s=0.002 * wave, latency_p99_s=0.004 * wave, error_ratio=0.0, inference_count=40,
                    resources={"mem_bytes": 2e9},
                )
            )  # fmt: skip
        engine.fleet._took(Batch(node.id, now_us, "drift", seqs[node.id], tuple(items)))


async def minute_of(session: Any, minute: int, pages: Iterator[str]) -> None:
    """Do what a person does in a minute."""
    from app.engine.base.events import EngineStarted
    from app.views.shell.finder import ask_workspace

    engine, window = session.engine, session.window
    window.open_page(next(pages))
    if window.page_name == "fleet":
        nodes = tuple(engine.fleet.records)
        window.page.pick(nodes[minute % len(nodes)].id)
        window.page.table.model.set_filter(("", "node", "cpu > 0.5")[minute % 3])
    if minute % 10 == 3:
        window.open_command(("qubo.solve", "circuit.run", "fleet.label")[minute // 10 % 3], {})
        window.open_palette()
        window.escape()
        ask_workspace(window).reject()
    if minute % 10 == 5:
        await engine.run("qubo.solve", file=engine.qubo.sample_path(), seconds=0.2, seed=minute)
    if minute % 10 == 8:
        await engine.run("circuit.run", file=Path(engine.circuits.samples()[0].file), seed=minute)
    if minute % MINUTES_AN_HOUR == 45:
        # as after a restored store
        session._renew(EngineStarted(at_us=engine.clock.now_us(), actor=engine.actor))
    if minute % MINUTES_AN_HOUR == 30:
        await engine.run("settings.set", key="view.theme", value=("light", "dark")[minute // MINUTES_AN_HOUR % 2])
    for _ in range(3):
        await asyncio.sleep(0.02)
    session.window.settle()


async def measure(app: Any, *, hours: int, trace: bool) -> dict[str, Any]:
    """Live through `hours` and return the figure."""
    from app.console import Session
    from app.views.shell.page import PAGES

    with tempfile.TemporaryDirectory() as home:
        session = Session(app)
        await session.open(Path(home))
        engine = session.engine
        curve: list[float] = []
        passes = Passes()
        known: Counter[str] = Counter()
        snapshot: tracemalloc.Snapshot | None = None
        try:
            await engine.run("fleet.demo", nodes=6)
            await engine.run("fleet.stop")
            pages, seqs = cycle([spec.name for spec in PAGES]), dict[str, int]()
            start_us = engine.clock.now_us() - hours * 3_600_000_000
            for minute in range(hours * MINUTES_AN_HOUR):
                tell(engine, minute, seqs, start_us)
                with passes if minute >= MINUTES_AN_HOUR else nullcontext():
                    await minute_of(session, minute, pages)
                if (minute + 1) % (MINUTES_AN_HOUR // 2) == 0:
                    curve.append(round(resident_mib(), 1))
                if minute + 1 == MINUTES_AN_HOUR:
                    known = objects()
                    if trace:
                        tracemalloc.start()
                        snapshot = tracemalloc.take_snapshot()
            ended_with = objects()
            for line in traced(snapshot):
                print(line, file=sys.stderr)
            told = sum(seqs.values())
        finally:
            await session.close()
    begun, ended = curve[1], curve[-1]
    return {
        "figure": f"memory drift, {hours} simulated hours", "value": round(100 * (ended / begun - 1), 2), "unit": "%",
        "settings": {"platform": "offscreen", "nodes": 6, "measurements": told, "mib_each_half_hour": curve,
                     "objects": [known.total(), ended_with.total()], "grown": grown(known, ended_with),
                     "collector_passes": len(passes.ms), "collector_ms": sorted(passes.ms)[-2 * hours :]},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--trace", action="store_true", help="tell which lines of code allocated what is new")
    given = parser.parse_args()
    if given.hours < 2:
        parser.error("two hours at least: the first one only builds pages and loads libraries")
    from app.console import _in_loop

    print(json.dumps(_in_loop(lambda app: measure(app, hours=given.hours, trace=given.trace), visible=False)))


if __name__ == "__main__":
    main()
