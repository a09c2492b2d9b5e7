"""Jobs on a store in a folder of its own, with real worker processes and the system's clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.store.store import Store

# Far beyond what anything here takes: a test that waits this long has failed.
PATIENCE_S = 60


def _raise(error: BaseException) -> None:
    raise error


async def open_base(home: Path) -> Base:
    clock, bus, samples = SystemClock(), Bus(_raise), Samples()
    settings = Settings(home / "settings.toml", lambda _document: "")
    store = await Store.open(home / "outpost.db", clock)
    jobs = Jobs(home, clock, settings, bus, samples, store)
    await jobs.start()
    return Base(home, clock, settings, bus, samples, store, jobs)


async def close_base(base: Base) -> None:
    await base.jobs.stop()
    await base.store.close()


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[Base]:
    opened = await open_base(tmp_path)
    yield opened
    await close_base(opened)


@pytest.fixture
def until() -> Callable[..., object]:
    """Wait for a condition, however long it takes; fail when it never comes."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)

    return wait


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
