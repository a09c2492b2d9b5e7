"""What sync costs: a local commit with its operation, weeks of pending operations handed over, a first sync, many that meet.

Prints JSON lines {figure, value, unit, settings}. Operations are those of runs, half of them new rows, half what became of
these later, in transactions of 50. What is handed over is numbered (sealed) within the time that is told, batch by batch
while the hub merges the one before. Bytes are those of the sealed operations: in the store, where an operation takes more than
an entry of the outbox, and on the wire, compressed, answers not counted. The hub is a process of its own, asked over HTTPS on
this machine, on SQLite or, with `--postgres`, on a PostgreSQL cluster made for it (with every fsync); laptops that meet share
`--processes` processes. With `--ops 1000000` the figures are those of the promises, the defaults are for a look.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.commands.table import command_table
from app.engine.base.clock import SystemClock
from app.engine.engine import Engine
from app.engine.store import rows
from app.engine.store.store import Store
from tests.postgres import Cluster

REPO = Path(__file__).resolve().parents[1]
QUIET = "[sync]\ncadence_s = 86400.0\n"
PER_TXN = 50
SPAWN = multiprocessing.get_context("spawn")


def told(figure: str, value: float, unit: str, **settings: Any) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}), flush=True)


async def fill(store: Store, count: int, table: str = "circuit_runs") -> int:
    """Write `count` operations as runs make them, each row begun and then finished, in transactions of `PER_TXN`; the rows."""
    clock, made = SystemClock(), 0

    def begin(conn: rows.Conn, first: int, most: int) -> list[str]:
        now_us, found = clock.now_us(), []
        for at in range(first, first + most):
            row = {"title": f"run {at}", "source": "bell.qasm", "spec": {"shots": 1024, "at": at}, "state": "running"}
            found.append(str(rows.put(conn, table, row, actor="ada@1f2e3d4c", cause="", now_us=now_us)["id"]))
        return found

    def finish(conn: rows.Conn, begun: list[str]) -> None:
        now_us = clock.now_us()
        for at, id_ in enumerate(begun):
            row = {"id": id_, "state": "done", "result": {"counts": {"00": 500 + at, "11": 524 - at}}}
            rows.put(conn, table, row, actor="ada@1f2e3d4c", cause="", now_us=now_us)

    for first in range(0, count, 2 * PER_TXN):
        some = min(PER_TXN, (count - first + 1) // 2)
        begun = await store.write(lambda conn, first=made, some=some: begin(conn, first, some))  # type: ignore[misc]
        done = begun[: count - first - some]
        await store.write(lambda conn, done=done: finish(conn, done))  # type: ignore[misc]
        made += some
    return made


async def commits(folder: Path, count: int) -> None:
    """Measure single writes, each its own durable transaction with its operation."""
    store, taken = await Store.open(folder / "commits" / "outpost.db", SystemClock()), []
    for at in range(count):
        began_s = time.perf_counter()
        await store.write(
            lambda conn, at=at: rows.put(conn, "saved_views", {"name": f"v{at}"}, actor="a", cause="", now_us=at + 1)  # type: ignore[misc]
        )
        taken.append(time.perf_counter() - began_s)
    pending = await store.read(lambda conn: rows.count(conn, "outbox"))
    await store.close()
    told("local commit with its operation, p95", 1e3 * sorted(taken)[int(0.95 * count)], "ms", commits=count, outbox=pending)


class HubProcess:
    """A hub served by a process of its own."""

    def __init__(self, home: Path, database: str) -> None:
        home.mkdir(parents=True)
        self.home = home
        words = [sys.executable, "-m", "app", "hub", "serve", "--home", str(home)]
        words += ["--database", database] if database else []
        self._child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=_env(), cwd=REPO)
        assert self._child.stdout is not None
        self.announced = json.loads(self._child.stdout.readline())

    def code(self) -> str:
        """Return a fresh code for one console."""
        return code_of(self.home)

    def end(self) -> None:
        """Serve no longer."""
        self._child.terminate()
        self._child.wait(60)


def code_of(home: Path) -> str:
    """Return a fresh code of the hub that serves `home`, for one console."""
    words = [sys.executable, "-m", "app", "hub", "token", "--home", str(home), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=_env(), cwd=REPO)
    return str(json.loads(done.stdout)["code"])


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPO), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def _prepare(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text(QUIET, "utf-8")


async def console(home: Path) -> Engine:
    """Open a home that syncs only when told to."""
    _prepare(home)
    return await Engine.open(home, command_table())


async def over_https(folder: Path, ops: int, database: str) -> None:
    """Measure how fast pending operations are handed over, and how fast a new console has everything."""
    hub, on = HubProcess(folder / "hub", database), "PostgreSQL" if database else "SQLite"
    try:
        ann = await console(folder / "ann")
        await fill(ann.store, ops)
        outbox_bytes = await ann.store.size_bytes()
        await ann.run("sync.join", address=hub.announced["address"], code=hub.announced["code"])
        began_s = time.perf_counter()
        done = (await ann.run("sync.now"))["peers"][0]
        sent, taken_s, size = done["sent_count"], time.perf_counter() - began_s, await ann.store.size_bytes()
        told("pending operations drained into the hub", sent / taken_s, "operations/s",
             operations=sent, hub=on, taken_s=round(taken_s, 2))  # fmt: skip
        told("store bytes for each pending operation", max(size, outbox_bytes) / ops, "bytes",
             operations=ops, sealed_bytes=size, unsealed_bytes=outbox_bytes)  # fmt: skip
        told("bytes on the wire for each operation handed over", done["sent_bytes"] / sent, "bytes",
             operations=sent, sent_bytes=done["sent_bytes"])  # fmt: skip
        await ann.close()
        began_s = time.perf_counter()
        ann = await console(folder / "ann")
        await ann.run("sync.status")
        told("restart until the console answers", time.perf_counter() - began_s, "s", store_bytes=size)
        await ann.close()
        bob = await console(folder / "bob")
        await bob.run("sync.join", address=hub.announced["address"], code=hub.code())
        began_s = time.perf_counter()
        taken = (await bob.run("sync.now"))["peers"][0]["taken_count"]
        told("rows of a first sync", taken / (time.perf_counter() - began_s), "rows/s", rows=taken, hub=on)
        await bob.close()
    finally:
        hub.end()


def laptops(folder: str, who: range, each: int, gate: "Gate", told_rows: Any) -> None:
    """Be some of the laptops, in a process of their own: write apart, then exchange in turns until all have everything."""

    async def run() -> None:
        places = [await console(Path(folder) / f"laptop{at}") for at in who]
        written = 0
        for engine in places:
            written += await fill(engine.store, each)
            code = gate.code()
            await engine.run("sync.join", address=gate.address, code=code)
        gate.ready.wait()
        for again in range(2):
            for engine in places:
                await engine.run("sync.now")
            if not again:
                await asyncio.to_thread(gate.half.wait)
        for engine in places:
            told_rows.put((await engine.store.read(lambda conn: rows.count(conn, "circuit_runs")), written))
            written = 0
        gate.ready.wait()
        for engine in places:
            await engine.close()

    asyncio.run(run())


class Gate:
    """What the processes of laptops share: the hub's address, its codes, and when everybody begins."""

    def __init__(self, hub: HubProcess, parties: int) -> None:
        self.address, self._home = hub.announced["address"], hub.home
        self._one = SPAWN.Lock()
        self.ready, self.half = SPAWN.Barrier(parties + 1), SPAWN.Barrier(parties)

    def code(self) -> str:
        """Return a code for one laptop."""
        with self._one:
            return code_of(self._home)


def meeting(folder: Path, consoles: int, ops: int, *, processes: int, database: str) -> None:
    """Measure how long diverged laptops take until all have the same."""
    hub = HubProcess(folder / "meet", database)
    gate, told_rows = Gate(hub, processes), SPAWN.Queue()
    each, share = ops // consoles, consoles // processes
    family = [
        SPAWN.Process(target=laptops, args=(str(folder), range(at * share, (at + 1) * share), each, gate, told_rows))
        for at in range(processes)
    ]
    try:
        for one in family:
            one.start()
        gate.ready.wait()
        began_s = time.perf_counter()
        found = [told_rows.get() for _ in range(share * processes)]
        taken_s = time.perf_counter() - began_s
        gate.ready.wait()
        for one in family:
            one.join()
    finally:
        hub.end()
    equal = {count for count, _ in found} == {sum(written for _, written in found)}
    settings = {"consoles": share * processes, "operations": ops, "processes": processes, "equal": equal}
    told("consoles with diverged operations until all are equal", taken_s, "s", **settings,
         hub="PostgreSQL" if database else "SQLite")  # fmt: skip


async def measure(asked: argparse.Namespace) -> None:
    """Measure all."""
    cluster = Cluster(hasty=False) if asked.postgres else None
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            await commits(folder, asked.commits)
            await over_https(folder, asked.ops, cluster.fresh() if cluster else "")
            database = cluster.fresh() if cluster else ""
            await asyncio.to_thread(
                meeting, folder, asked.consoles, asked.diverged, processes=asked.processes, database=database
            )  # fmt: skip
    finally:
        if cluster:
            cluster.stop()


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=500)
    parser.add_argument("--ops", type=int, default=20_000)
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--diverged", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--postgres", action="store_true")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
