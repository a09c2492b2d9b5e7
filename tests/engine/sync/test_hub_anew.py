"""A fresh hub in the place of one whose clock was ahead: what that had is handed over, by the times that were true."""

import pytest

from app.engine.base.clock import ManualClock
from app.engine.store.store import Store
from tests.engine.sync.places import Place, exchange, meet, pull, push, put_file, snapshot

DAY_US = 86_400_000_000
pytestmark = pytest.mark.parametrize("hub_database", [""])


async def exchange_later(hub, place, device):
    """Exchange with the fresh hub ten minutes later, a second of which is between meeting and handing over."""
    hub.clock.advance(600)
    if await meet(hub, place, device, "anew"):
        await snapshot(hub, place, peer="anew")
    hub.clock.advance(1)
    await push(hub, place, device, peer="anew")
    await pull(hub, place, device, peer="anew")


async def let_go(hub, *places):
    """Have consoles let go of all that the hub has."""
    acked = await hub.hub(lambda one: one.acked())
    await hub.hub(lambda one: one.backed_up(acked))
    for place, device in places:
        await exchange(hub, place, device)
        await place.console(lambda one: one._log.let_go())
        assert await place.count("sync_ops") == 0


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("first", ["ann", "bob"])
async def test_it_gets_all_that_one_whose_clock_was_ahead_had_and_what_is_written_after_wins(
    places, tmp_path, fresh_file, first, kept
):
    hub, ann, bob = places
    right, hub.clock = hub.clock, ManualClock(hub.clock.now_us() + 3 * DAY_US)
    both = [(ann, "ann"), (bob, "bob")]
    for each in (*both, *both):
        await exchange(hub, *each)
    hers, his = await ann.save(name="hers"), await bob.save(name="his")
    for each in (*both, *both):
        await exchange(hub, *each)
    await bob.save(id=hers["id"], name="his, in hers")
    for each in reversed(both):
        await exchange(hub, *each)
    if not kept:
        await let_go(hub, *both)
    await ann.save(name="waits")
    anew = Place(await Store.open(put_file(fresh_file, tmp_path / "anew"), right), right)
    try:
        if first == "bob":
            await exchange_later(anew, bob, "bob")
        await exchange_later(anew, ann, "ann")
        await ann.save(id=his["id"], name="hers, in his")
        for each in ((ann, "ann"), (bob, "bob"), (ann, "ann"), (bob, "bob")):
            await exchange_later(anew, *each)
        for place in (anew, ann, bob):
            assert sorted(each["name"] for each in await place.all()) == ["hers, in his", "his, in hers", "waits"]
        await bob.save(id=his["id"], name="his again")
        await exchange_later(anew, bob, "bob")
        await exchange_later(anew, ann, "ann")
        assert "his again" in {each["name"] for each in await ann.all()}
    finally:
        await anew.store.close()


async def test_who_has_let_go_of_all_it_wrote_meets_a_hub_whose_clock_is_behind_its_own_time(places, tmp_path, fresh_file):
    hub, ann, _ = places
    right, hub.clock = hub.clock, ManualClock(hub.clock.now_us() + 3 * DAY_US)
    await exchange(hub, ann, "ann")
    await ann.save(name="north")
    await exchange(hub, ann, "ann")
    await let_go(hub, (ann, "ann"))
    anew = Place(await Store.open(put_file(fresh_file, tmp_path / "anew"), right), right)
    try:
        await exchange_later(anew, ann, "ann")
        assert [each["name"] for each in await anew.all()] == ["north"]
    finally:
        await anew.store.close()
