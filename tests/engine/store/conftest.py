"""An open store in a folder of its own, under a clock that only moves when told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.engine.base.clock import ManualClock
from app.engine.store.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "outpost.db", clock)
    yield opened
    await opened.close()
