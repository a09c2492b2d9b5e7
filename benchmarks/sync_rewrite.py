"""What it costs a console to go on under another name, or by the hub's clock, with much waiting: memory, and waits of commits.

Prints JSON lines {figure, value, unit, settings}. A process of its own fills a store with pending operations, a second one
opens it, begins, and goes on slice by slice while another task commits a row of its own all the time. Told are how much more
memory (peak RSS) that took than an open store, the longest time one slice held the writer, and the most operations that one
transaction wrote, which no load moves.
"""

import argparse
import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.base.clock import SystemClock
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import rewriting
from app.engine.sync.console import Console
from app.engine.sync.sealing import mark_of, seal
from benchmarks.sync_speed import fill, told

SPAWN = multiprocessing.get_context("spawn")
AHEAD_US = 86_400_000_000


async def filled(file: Path, count: int) -> None:
    """Write and seal what waits."""
    store = await Store.open(file, SystemClock())
    await fill(store, count)
    while await store.write(lambda conn: seal(Shelf(conn))):
        pass
    await store.close()


def begin(conn: rows.Conn, kind: str) -> None:
    """Begin to write the log anew; the hub's clock is a day behind where that is why."""
    with capture.quiet(conn):
        shelf, now_us = Shelf(conn), SystemClock().now_us()
        console = Console(shelf, "hub", now_us)
        if kind == "name":
            console.go_by_another_name()
            return
        hello = {"epoch": "e", "acked": 0, "chain": "0" * 32, "durable": 0, "head": 0, "floor": 0, "now_us": now_us - AHEAD_US}
        console.met({**hello, "past": []})


async def gone_on(file: Path, kind: str, answers: Any) -> None:
    """Go on until the log is whole, while another task commits; answer with what that took."""
    store = await Store.open(file, SystemClock())
    before_kb, most, real = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, [0], Shelf.number

    def number(self: Shelf, entries: Any, upto: int) -> None:
        most[0] = max(most[0], len(entries))
        real(self, entries, upto)

    Shelf.number = number  # type: ignore[method-assign]
    held, waits, done = [0.0], [0.0], asyncio.Event()

    def slice_of(conn: rows.Conn) -> bool:
        began_s = time.perf_counter()
        try:
            return rewriting._slice(conn)
        finally:
            held[0] = max(held[0], time.perf_counter() - began_s)

    async def commit() -> None:
        while not done.is_set():
            began_s = time.perf_counter()
            await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "v"}, actor="a", cause="", now_us=1))
            waits[0] = max(waits[0], time.perf_counter() - began_s)

    began_s = time.perf_counter()
    await store.write(lambda conn: begin(conn, kind))
    held[0] = time.perf_counter() - began_s
    committing, slices = asyncio.create_task(commit()), 0
    while await store.write(slice_of):
        slices += 1
    took_s = time.perf_counter() - began_s
    done.set()
    await committing
    assert not await store.read(lambda conn: mark_of(Shelf(conn)))
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers.put((peak_kb - before_kb, held[0], waits[0], most[0], slices, took_s))
    await store.close()


def work(file: Path, kind: str, count: int, answers: Any) -> None:
    """Be one of both processes."""
    asyncio.run(gone_on(file, kind, answers) if kind else filled(file, count))


def main() -> None:
    """Measure both reasons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ops", type=int, default=20_000)
    asked = parser.parse_args()
    largest = 0
    for kind in ("name", "clock"):
        with tempfile.TemporaryDirectory() as folder:
            answers = SPAWN.Queue()
            for what in ("", kind):
                process = SPAWN.Process(target=work, args=(Path(folder) / "outpost.db", what, asked.ops, answers))
                process.start()
                process.join()
            more_kb, held_s, wait_s, most, slices, took_s = answers.get(timeout=60)
        how = {"pending": asked.ops, "why": kind, "slices": slices}
        largest = max(largest, most)
        told(f"memory to write a log anew ({kind})", round(more_kb / 1024, 1), "MiB", **how)
        told(f"longest hold of the writer while a log is written anew ({kind})", round(held_s, 3), "s", **how)
        told(f"longest commit while a log is written anew ({kind})", round(wait_s, 3), "s", **how)
        told(f"time to write a log anew ({kind})", round(took_s, 1), "s", **how)
    told("most operations that one transaction writes anew", largest, "operations", pending=asked.ops)


if __name__ == "__main__":
    main()
