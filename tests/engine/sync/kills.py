"""A hub and two consoles on real files in one process that is killed at a named point, again and again; nothing may be lost.

The consoles talk to the hub by direct calls, so a kill takes all three down between two steps of the protocol: for each of them
that is what a kill of its own would be, for whatever was not committed is gone and every commit stands.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app.engine.base.clock import SystemClock
from app.engine.base.platform import kill_hard
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync.batch import decode, pack
from app.engine.sync.exchange import Exchange
from app.engine.sync.hub import Hub
from app.engine.sync.records import HUB
from app.wire.documents import parse_object, to_bytes

POINTS = (
    "console.in_transaction", "console.committed", "hub.in_transaction", "hub.committed", "request.sent", "answer.come",
)  # fmt: skip
NAMES = ("ann", "bob")
SHARED = "0190aaaa-0000-7000-8000-000000000000"


class Direct:
    """What carries a console's requests to a hub's store in the same process; `at` is told the points passed."""

    def __init__(self, store, device, at=lambda _point: None):
        self._store, self._device, self._at = store, device, at

    async def __call__(self, method, target, body=b""):
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        self._at("request.sent")
        answer = await getattr(self, path.rpartition("/")[2])(query, body)
        self._at("answer.come")
        return answer

    async def hello(self, _query, body):
        told = parse_object(body)
        return to_bytes(
            await self._hub(lambda hub: hub.hello(told["replica"], self._device, told["name"], told["data_schema"]))
        )

    async def push(self, _query, body):
        return to_bytes(await self._hub(lambda hub: hub.receive(decode(body), self._device)))

    async def pull(self, query, _body):
        after, most, seen = int(query["after"]), int(query["limit"]), int(query["seen"])
        return pack(
            await self._hub(lambda hub: hub.page(query["replica"], self._device, after, query["epoch"], most, seen=seen))
        )

    async def snapshot(self, query, _body):
        after = (query.get("table", ""), query.get("row", ""))
        return pack(await self._hub(lambda hub: hub.snapshot(after, int(query["limit"]))))

    async def _hub(self, step):
        now_us = SystemClock().now_us()

        def work(conn):
            with capture.quiet(conn):
                return step(Hub(Shelf(conn), now_us))

        return await self._store.write(work)


def watched(store, name, at):
    """Have `at` told each transaction of `store`: within it, and once it stands."""
    real = store.write

    async def write(work):
        def within(conn):
            result = work(conn)
            at(f"{name}.in_transaction")
            return result

        result = await real(within)
        at(f"{name}.committed")
        return result

    store.write = write


def dying(point, turn):
    """Return what kills this process when `point` is passed for the `turn`-th time."""
    left = [turn]

    def at(passed):
        if passed == point:
            left[0] -= 1
            if left[0] == 0:
                sys.stdout.flush()
                kill_hard(os.getpid())

    return at


async def opened(folder):
    clock = SystemClock()
    stores = [await Store.open(folder / name / "outpost.db", clock) for name in ("hub", *NAMES)]
    for store in stores[1:]:
        await store.write(lambda conn: Shelf(conn).put("sync_peers", {"id": "hub", "kind": HUB}))
    return stores


async def work(folder, point, turn):
    """Write, exchange, print each id once its write is acknowledged; until killed."""
    hub, *consoles = await opened(folder)
    at, clock = dying(point, turn), SystemClock()
    watched(hub, "hub", at)
    for store in consoles:
        watched(store, "console", at)
    while True:
        for name, store in zip(NAMES, consoles, strict=True):
            now_us, by = clock.now_us(), {"actor": name, "cause": ""}

            def write(conn, name=name, now_us=now_us, by=by):
                row = rows.put(conn, "saved_views", {"name": f"{name} {now_us}"}, now_us=now_us, **by)
                rows.put(conn, "saved_views", {"id": SHARED, "name": "both", "filter": row["id"]}, now_us=now_us, **by)
                return row["id"]

            sys.stdout.write(await store.write(write) + "\n")
            sys.stdout.flush()
            await Exchange(store, clock, "hub", Direct(hub, name, at), lambda _size: None).run(name)


def kill_once(folder, point, turn):
    """Run a child until it is killed at `point`; return the ids it printed."""
    words = [sys.executable, __file__, str(folder), point, str(turn)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        printed = child.stdout.read().splitlines(keepends=True)
        child.wait(60)
    assert child.returncode == -9, f"{point}: the child ended by itself with {child.returncode}"
    return [line.strip() for line in printed if line.endswith("\n")]


async def verdict(folder, acknowledged):
    """Have all exchange until they are equal; return {lost, doubled, diverged, damaged} counts."""
    stores = await opened(folder)
    hub, *consoles = stores
    try:
        for _ in range(3):
            for name, store in zip(NAMES, consoles, strict=True):
                await Exchange(store, SystemClock(), "hub", Direct(hub, name), lambda _size: None).run(name)
        views = [
            {row["id"]: row for row in await store.read(lambda conn: rows.select(conn, "saved_views"))} for store in stores
        ]
        log = await hub.read(lambda conn: rows.select(conn, "sync_log"))
        written = [json.loads(entry["op"]) for entry in log if entry["table_name"] == "saved_views"]
        firsts = [op["row"] for op in written if op["new"] and op["row"] != SHARED]
        told = {name for view in views for name in (set(acknowledged) - view.keys())}
        strip = [{key: {**row, "base_version": 0} for key, row in view.items()} for view in views]
        return {
            "lost": len(told), "doubled": len(firsts) - len(set(firsts)), "diverged": sum(one != strip[0] for one in strip),
            "damaged": sum([len(await store.check()) for store in stores]), "conflicts": len({*[
                row["id"] for row in await hub.read(lambda conn: rows.select(conn, "sync_conflicts"))]}),
            "operations": len(written),
        }  # fmt: skip
    finally:
        for store in stores:
            await store.close()


def rounds(folder, kills, seed, tell=lambda _line: None):
    """Kill `kills` times at points drawn from `seed` (each point at least once when there are enough); return the verdict.

    What was done is told line by line.
    """
    draw, acknowledged = random.Random(seed), []
    for number in range(kills):
        point = POINTS[number % len(POINTS)]
        turn = draw.randint(1, 9)
        written = kill_once(folder, point, turn)
        acknowledged += written
        tell(f"{number + 1}: killed at {point}, passed for time {turn}, after {len(written)} acknowledged writes")
    return {"acknowledged": len(acknowledged), **asyncio.run(verdict(folder, acknowledged))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("point")
    parser.add_argument("turn", type=int)
    asked = parser.parse_args()
    asyncio.run(work(asked.folder, asked.point, asked.turn))
