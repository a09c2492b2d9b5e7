"""A store with a bus and settings, as the journal needs them, under a clock that only moves when told."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.events import Bus
from app.engine.base.settings import Settings
from app.engine.store.store import Store


def _fail(error: BaseException) -> None:
    raise error


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "outpost.db", clock)
    yield opened
    await opened.close()


@pytest.fixture
def base(tmp_path: Path, store: Store, clock: ManualClock) -> SimpleNamespace:
    return SimpleNamespace(
        store=store, clock=clock, bus=Bus(_fail), home=tmp_path, settings=Settings(tmp_path / "settings.toml", str)
    )
