"""Restart on a large store: wall seconds from process start to a usable window, after a clean stop and after a kill.

The home's store is filled with runs and their operations, as a hub's console has them after a long time, until it has
`--bytes`. Then the console is started on it as `outpost --home DIR` does, in fresh processes, offscreen; a usable window has
the engine open behind it and the overview drawn; the file is as warm as its filling left it. A store left by a kill is checked
beside its use. Prints a JSON line {figure, value, unit, settings}: the value is the slower of both medians.
"""

import argparse
import asyncio
import compileall
import json
import statistics
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from app.engine.base.clock import SystemClock  # noqa: E402 - the repository must be found first
from app.engine.store import capture, care, rows  # noqa: E402
from app.engine.store.shelf import Shelf  # noqa: E402
from app.engine.store.store import Store  # noqa: E402
from app.engine.sync.sealing import seal  # noqa: E402
from benchmarks.first_paint import once  # noqa: E402

PER_TXN = 500


async def fill(home: Path, most_bytes: int) -> int:
    """Write runs, numbered as for a hub, until the store has `most_bytes`; return how many."""
    store, clock, count = await Store.open(home / "outpost.db", SystemClock()), SystemClock(), 0
    samples = [round(0.5 + 0.0001 * at, 6) for at in range(200)]

    def some(conn: rows.Conn, first: int) -> None:
        for at in range(first, first + PER_TXN):
            row = {"title": f"run {at}", "source": "bell.qasm", "spec": {"shots": at, "x": samples}, "state": "done"}
            rows.put(conn, "circuit_runs", row, actor="ada@1f2e3d4c", cause="", now_us=clock.now_us())

    def number(conn: rows.Conn) -> int:
        with capture.quiet(conn):
            return seal(Shelf(conn))

    while await store.size_bytes() < most_bytes:
        await store.write(lambda conn, first=count: some(conn, first))  # type: ignore[misc]
        count += PER_TXN
        while await store.write(number):
            pass
    await store.close()
    return count


def main() -> None:
    """Fill, start again and again, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    compileall.compile_dir(REPO / "app", quiet=2)  # as the launcher does
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        once(folder)
        count = asyncio.run(fill(home, asked.bytes))
        walls: dict[str, list[float]] = {"clean": [], "killed": []}
        for _ in range(asked.runs):
            for how, found in walls.items():
                if how == "killed":
                    care.set_mark(home / "outpost.db")  # what a kill leaves
                found.append(round(once(folder)["usable"]["wall_s"], 3))
        size = (home / "outpost.db").stat().st_size
    value = max(statistics.median(found) for found in walls.values())
    settings = {"store_bytes": size, "rows": count, "runs": asked.runs, "clean_s": walls["clean"], "killed_s": walls["killed"]}
    print(
        json.dumps({"figure": "restart to a usable window on a large store", "value": value, "unit": "s", "settings": settings})
    )


if __name__ == "__main__":
    main()
