"""What a home says everywhere of its sync: what waits at a hub that was away, and nothing where no hub is joined."""

import pytest

from app.engine.base.errors import Offline
from tests.meeting import join, now, opened, served


@pytest.fixture(autouse=True)
def only_when_told(monkeypatch):
    """No exchange begins by itself."""
    monkeypatch.setattr("app.engine.sync.service._FIRST_S", 86400.0)


async def told(engine):
    found = await engine.run("status")
    return {name: found[name] for name in ("pending_count", "conflicts_count", "hubs_count", "hub_problem", "hub_busy")}


async def saved(engine, *names, site=""):
    for name in names:
        await engine.run("view.save", name=name, query=f'site == "{site or engine.home.name}"')


async def test_what_was_numbered_in_vain_still_waits_and_so_does_what_came_after(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann:
        await saved(ann, "alone")
        assert (await told(ann))["pending_count"] == 0  # there is nobody to whom it could be handed over
        async with served(hub):
            await join(hub, ann)
            await now(ann)
            assert (await told(ann)) == {
                "pending_count": 0, "conflicts_count": 0, "hubs_count": 1, "hub_problem": "", "hub_busy": False,
            }  # fmt: skip
            reached_us = (await ann.run("status"))["hub_us"]
        await saved(ann, "a", "b", "c")
        with pytest.raises(Offline):
            await ann.run("sync.now")
        await saved(ann, "d")
        found = await ann.run("status")
        assert (found["pending_count"], (await ann.run("sync.status"))["pending_count"]) == (4, 4)
        assert (found["hub_us"], bool(found["hub_problem"])) == (reached_us, True)


async def test_open_conflicts_are_counted_until_they_are_resolved(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub):
        await join(hub, ann, bob)
        await saved(ann, "north", site="Narvik")
        await now(ann, bob)
        await saved(ann, "north")
        await saved(bob, "north")
        await now(bob, ann)
        assert (await told(ann))["conflicts_count"] == 1
        met = (await ann.run("sync.conflicts"))["conflicts"][0]
        await ann.run("sync.resolve", conflict=met["id"], choice="kept")
        assert (await told(ann))["conflicts_count"] == 0
