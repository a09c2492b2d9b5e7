"""Kill the engine during writes, many times: no acknowledged write may be lost, no row and its outbox entry torn apart.

A child writes rows to a store and prints each id when its write is acknowledged; it is killed at a random moment, the
store is opened again and every id printed must be there. Prints one JSON object {figure, value, unit, settings}.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.base.clock import SystemClock
from app.engine.base.platform import kill_hard
from app.engine.store import rows
from app.engine.store.store import Store

WRITERS = 8


async def write_for_ever(path: Path) -> None:
    """Write rows from several tasks; print an id only after its write was acknowledged."""
    store = await Store.open(path, SystemClock())

    async def one() -> None:
        while True:
            row = await store.write(
                lambda conn: rows.put(conn, "qubo_runs", {"title": "kill"}, actor="kill9", cause="", now_us=1)
            )
            sys.stdout.write(row["id"] + "\n")
            sys.stdout.flush()

    await asyncio.gather(*(one() for _ in range(WRITERS)))


def kill_once(path: Path, after_s: float) -> list[str]:
    """Run a writing child, kill it `after_s` seconds after its first acknowledged write; return the ids it printed."""
    with subprocess.Popen([sys.executable, __file__, "--write", str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(after_s)
        kill_hard(child.pid)
        printed = (first + child.stdout.read()).splitlines(keepends=True)
    # A line cut by the kill was not a whole acknowledgement.
    return [line.strip() for line in printed if line.endswith("\n")]


async def missing(path: Path, acknowledged: list[str]) -> tuple[list[str], int, list[str]]:
    """Open the store again; return lost ids, rows whose outbox entry is missing (or the reverse), and damage."""
    store = await Store.open(path, SystemClock())
    try:
        stored = {row["id"] for row in await store.read(lambda conn: rows.select(conn, "qubo_runs"))}
        told = {row["row_id"] for row in await store.read(lambda conn: rows.select(conn, "outbox"))}
        return [id_ for id_ in acknowledged if id_ not in stored], len(stored ^ told), await store.check()
    finally:
        await store.close()


def measure(kills: int, seed: int, folder: Path, longest_s: float = 0.4) -> dict[str, object]:
    """Kill `kills` times on one growing store and return the figure."""
    chance, path = random.Random(seed), folder / "outpost.db"
    acknowledged: list[str] = []
    lost: set[str] = set()
    torn, damage = 0, 0
    for _ in range(kills):
        acknowledged += kill_once(path, chance.uniform(0.0, longest_s))
        gone, torn_now, problems = asyncio.run(missing(path, acknowledged))
        lost.update(gone)
        torn, damage = max(torn, torn_now), damage + len(problems)
    return {
        "figure": "acknowledged writes lost by SIGKILL",
        "value": len(lost),
        "unit": "rows",
        "settings": {
            "kills": kills, "seed": seed, "acknowledged": len(acknowledged), "torn": torn, "damage": damage,
            "writers": WRITERS,
        },
    }  # fmt: skip


def main() -> None:
    """Measure, or be the child that writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, default=None)
    asked = parser.parse_args()
    if asked.write is not None:
        asyncio.run(write_for_ever(asked.write))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(asked.kills, asked.seed, Path(folder))))


if __name__ == "__main__":
    main()
