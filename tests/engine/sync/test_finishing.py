"""A store that was restored or salvaged tells others of it, whatever happened between the swap and the next start."""

import pytest

from app.engine.base.clock import ManualClock
from app.engine.store import rows
from app.engine.store.care import DUE, owe
from app.engine.store.salvage import salvage
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import copied
from app.engine.sync.finishing import finish
from app.engine.sync.ownlog import SET_BACK
from tests.engine.sync.places import Place, exchange, meet, spoil


async def names(place):
    return sorted(row["name"] for row in await place.all())


async def set_back(place, backup, *, start=True, database=""):
    """Put a backup in the place's store, and start on it as the engine does."""
    path = backup.with_name("none.db") if database else place.store.path
    await place.store.close()
    await Store.swap(path, backup, 1, database=database, back=True)
    again = Place(await Store.open(path, place.clock, database=database), place.clock)
    if start:
        await again.store.write(lambda conn: finish(conn, place.clock.now_us()))
    return again


async def test_a_hub_set_back_by_whatever_command_begins_a_new_epoch_once(places, hub_database, tmp_path):
    hub, ann, bob = places
    for name in ("one", "two"):
        await ann.save(name=name)
        await exchange(hub, ann, "ann")
        if name == "one":
            await exchange(hub, bob, "bob")
            await hub.store.backup(tmp_path / "early.db")
    hub = await set_back(hub, tmp_path / "early.db", start=False, database=hub_database)
    before = (await hub.store.read(lambda conn: rows.need(conn, "meta", "sync.hub")))["value"]["epoch"]
    assert await hub.store.write(lambda conn: finish(conn, hub.clock.now_us()))
    after = await hub.hub(lambda one: one.epoch)
    assert before != after
    assert not await hub.store.write(lambda conn: finish(conn, hub.clock.now_us()))
    assert await hub.hub(lambda one: one.epoch) == after
    await bob.save(name="three")
    for console, device in ((bob, "bob"), (ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    assert await names(bob) == await names(ann) == await names(hub) == ["one", "three", "two"]
    await hub.store.close()


async def test_a_hub_set_back_goes_on_with_the_time_that_its_consoles_went_by(places, hub_database, tmp_path):
    hub, ann, _ = places
    await ann.save(name="early")
    await exchange(hub, ann, "ann")
    await hub.store.backup(tmp_path / "early.db")
    right, hub.clock = hub.clock, ManualClock(hub.clock.now_us() + 3 * 86_400_000_000)
    await ann.save(name="by a clock ahead")
    await exchange(hub, ann, "ann")
    hub.clock = right
    again = await set_back(hub, tmp_path / "early.db", database=hub_database)
    await ann.save(name="later")
    await exchange(again, ann, "ann")
    assert await names(again) == ["by a clock ahead", "early", "later"]
    await again.store.close()


async def test_a_console_set_back_here_is_not_taken_for_a_copy_by_what_the_hub_knows_of_it(places, tmp_path):
    hub, ann, _ = places
    await ann.save(name="one")
    await exchange(hub, ann, "ann")
    await ann.store.backup(tmp_path / "early.db")
    for name in ("two", "three"):
        await ann.console(lambda one: one.go_by_another_name())
        await ann.save(name=name)
        await exchange(hub, ann, "ann")
    ann = await set_back(ann, tmp_path / "early.db")
    await ann.save(name="four")
    await meet(hub, ann, "ann")
    assert not await ann.store.write(lambda conn: copied.look(Shelf(conn), "hub", 1))
    await exchange(hub, ann, "ann")
    assert await names(ann) == await names(hub) == ["four", "one", "three", "two"]
    state = (await ann.console(lambda one: one.peer))["state"]
    assert (state["copied"], SET_BACK in state) == ("", False)
    await ann.store.close()


async def test_a_console_set_back_owes_nothing_and_its_mark_goes(places, tmp_path):
    _, ann, _ = places
    await ann.save(name="one")
    await ann.store.backup(tmp_path / "early.db")
    ann = await set_back(ann, tmp_path / "early.db")
    assert await ann.store.read(lambda conn: rows.select(conn, "meta")) == []
    await ann.store.close()


async def test_a_store_pieced_together_and_killed_before_it_could_say_so_asks_its_hub_at_the_next_start(places, tmp_path):
    hub, ann, bob = places
    await ann.save(name="one")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    await bob.store.backup(tmp_path / "pieces.db")
    owe(tmp_path / "pieces.db", pieced=True)
    old = await bob.replica()
    bob = await set_back(bob, tmp_path / "pieces.db")
    peer = await bob.console(lambda one: one.peer)
    assert (await bob.replica() != old, peer["cursor"], peer["acked"]) == (True, -1, 0)
    assert await bob.store.read(lambda conn: rows.get(conn, "meta", DUE)) is None
    await bob.store.close()


@pytest.mark.parametrize("hub_database", [""])
async def test_a_salvaged_hub_goes_on_behind_the_numbers_it_gave_away_and_everybody_hears_what_comes_next(places, tmp_path):
    hub, ann, bob = places
    for at in range(4):
        await ann.save(name=f"v{at}")
    for console, device in ((ann, "ann"), (bob, "bob")) * 2:
        await exchange(hub, console, device)
    hub.clock.advance(10.0)
    floor = (await hub.hub(lambda one: one.compact(keep_us=1, expire_us=1 << 60, tombstone_us=1 << 60)))["floor"]
    assert (floor, await hub.count("sync_log")) == (4, 0)
    await hub.store.close()
    salvage(hub.store.path, None, tmp_path / "fresh.db")
    hub = await set_back(hub, tmp_path / "fresh.db")
    await ann.save(name="after")
    for console, device in ((ann, "ann"), (bob, "bob")) * 2:
        await exchange(hub, console, device)
    log = await hub.store.read(lambda conn: [row["hub_seq"] for row in rows.select(conn, "sync_log")])
    assert min(log) > floor
    assert await names(bob) == await names(ann) == await names(hub) == ["after", "v0", "v1", "v2", "v3"]
    await hub.store.close()


@pytest.mark.parametrize("hub_database", [""])
async def test_whoever_joins_a_hub_whose_log_could_not_be_read_is_not_left_without_what_stood_in_it(places, tmp_path):
    hub, ann, bob = places
    for at in range(3):
        await ann.save(name=f"v{at}")
    await exchange(hub, ann, "ann")
    await hub.store.write(lambda conn: conn.exec_driver_sql("DELETE FROM sync_log").close())
    await hub.store.close()
    salvage(hub.store.path, None, tmp_path / "fresh.db")
    hub = await set_back(hub, tmp_path / "fresh.db")
    await ann.save(name="after")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    assert await names(bob) == await names(hub) == ["after", "v0", "v1", "v2"]
    await hub.store.close()


@pytest.mark.parametrize("hub_database", [""])
async def test_what_a_salvaged_hub_could_not_read_is_taken_for_gone_by_nobody(places, tmp_path):
    hub, ann, _ = places
    for at in range(40):
        await ann.save(name=f"v{at}", filter="x" * 500)
    await exchange(hub, ann, "ann")
    await hub.store.close()
    spoil(hub.store.path, "saved_views")
    told = salvage(hub.store.path, None, tmp_path / "fresh.db")
    assert told.torn == ["saved_views"]
    hub = await set_back(hub, tmp_path / "fresh.db")
    assert len(await names(hub)) < 40
    for _ in range(2):
        await exchange(hub, ann, "ann")
    assert len(await names(ann)) == 40
    await hub.store.close()
