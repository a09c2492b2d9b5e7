"""A hub and two consoles on stores of their own; the hub on a file, and on a database."""

import asyncio

import pytest

from app.engine.base.clock import ManualClock
from app.engine.store.store import Store
from tests.engine.sync.places import Place, put_file


@pytest.fixture(params=["sqlite", "postgresql"])
def hub_database(request):
    """The kind of database that the hub stands on: a file, or one of its own in the session's cluster."""
    return "" if request.param == "sqlite" else request.getfixturevalue("database")


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory):
    """A store with nothing in it, to be copied: migrating each anew takes longer than most tests."""
    path = tmp_path_factory.mktemp("fresh") / "outpost.db"

    async def make():
        await (await Store.open(path, ManualClock())).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def places(tmp_path, hub_database, fresh_file):
    clock, at = ManualClock(), {"hub": hub_database}
    made = [
        Place(await Store.open(put_file(fresh_file, tmp_path / name), clock, database=at.get(name, "")), clock)
        for name in ("hub", "ann", "bob")
    ]
    yield made
    for place in made:
        await place.store.close()
