"""The ground that the tests of link, fleet, models and flows stand on: a store and jobs in a folder of their own."""

import asyncio
from contextlib import asynccontextmanager

from app.engine.base.clock import SystemClock
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.store.store import Store

PATIENCE_S = 60


def fail(error, *_where):
    raise error


@asynccontextmanager
async def ground(home, clock=None, **settings):
    """Yield a `Base` over `home`; settings are given with __ for the dot, as in fleet__cadence_s=0.5."""
    clock, bus, samples = clock or SystemClock(), Bus(fail), Samples()
    lines = [f"[{key.split('__')[0]}]\n{key.split('__')[1]} = {value}\n" for key, value in settings.items()]
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text("".join(lines[:1]) + "".join(line.split("\n", 1)[1] for line in lines[1:]))
    store = await Store.open(home / "outpost.db", clock)
    jobs = Jobs(home, clock, Settings(home / "settings.toml", str), bus, samples, store)
    await jobs.start()
    try:
        yield Base(home, clock, Settings(home / "settings.toml", str), bus, samples, store, jobs)
    finally:
        await jobs.stop()
        await store.close()


async def until(condition):
    """Wait for a condition, however long it takes; fail when it never comes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)
