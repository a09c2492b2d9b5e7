"""A console whose log is written anew in slices of two, in a process that is killed once some of them are committed."""

import asyncio
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app.engine.base.clock import ManualClock
from app.engine.base.platform import kill_hard
from app.engine.store import capture
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import rewriting
from app.engine.sync.console import Console


async def work(file, kind, commits):
    """Begin what `kind` names on the store in `file`, and go on with it until killed after so many commits."""
    rewriting.SLICE = 2
    store, left = await Store.open(file, ManualClock()), [commits]
    real = store.write

    async def write(step):
        told = await real(step)
        left[0] -= 1
        if not left[0]:
            kill_hard(os.getpid())
        return told

    store.write = write

    def begin(conn):
        with capture.quiet(conn):
            console = Console(Shelf(conn), "hub", 0)
            if kind == "name":
                console.go_by_another_name()
            else:
                hub_us = Shelf(conn).here()["hlc"] - 3_600_000_000
                console._log.mind_clock(console.peer, hub_us, hub_us, 0, "0" * 32)

    await store.write(begin)
    await rewriting.settled(store, lambda _conn: None)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
