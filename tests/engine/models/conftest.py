"""A registry on a store and jobs of its own."""

import pytest

from app.engine.models.service import ModelsService
from tests.engine.fleet.ground import ground


@pytest.fixture
async def base(tmp_path):
    async with ground(tmp_path / "home") as base:
        yield base


@pytest.fixture
async def models(base):
    service = ModelsService(base)
    await service.start()
    yield service
    await service.stop()
