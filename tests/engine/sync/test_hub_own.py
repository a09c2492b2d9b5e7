"""What is written at a hub itself: it reaches everybody, whatever comes in while it waits."""

import pytest

from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync import hub as hubs
from app.engine.sync.erase import erase
from app.engine.sync.sealing import seal
from tests.engine.sync.places import BY, exchange, meet, pull, push


async def names(place):
    return sorted(row["name"] for row in await place.all())


async def test_what_was_written_at_the_hub_outlives_a_push_that_collides_before_anybody_asked(places):
    hub, ann, bob = places
    shared, secret = await ann.save(name="north"), await ann.save(name="secret")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    hub.clock.advance(1.0)
    await ann.save(id=shared["id"], name="ann says")
    hub.clock.advance(1.0)
    await bob.save(id=shared["id"], name="bob says")
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    await hub.save(name="written at the hub")
    await hub.store.write(lambda conn: erase(Shelf(conn), ("saved_views", secret["id"]), actor="h", now_us=hub.clock.now_us()))
    await push(hub, bob, "bob")  # the hub notes a conflict, as an operation of its own
    assert await hub.count("sync_conflicts") == 1
    await pull(hub, bob, "bob")
    await exchange(hub, ann, "ann")
    assert [await names(place) for place in places] == [["bob says", "written at the hub"]] * 3


async def test_a_great_many_writes_at_the_hub_are_all_numbered_and_a_transaction_stays_whole(places, monkeypatch):
    hub, ann, _ = places
    monkeypatch.setattr(hubs, "_SLICE", 2)

    def many(conn):
        for at in range(5):
            rows.put(conn, "saved_views", {"name": f"v{at}"}, now_us=hub.clock.now_us(), **BY)

    await hub.store.write(many)
    await hub.save(name="v5")
    await exchange(hub, ann, "ann")
    assert await names(ann) == [f"v{at}" for at in range(6)]
    left = await hub.store.read(lambda conn: [row["left_count"] for row in rows.select(conn, "sync_log", order="hub_seq")])
    assert (left, await hub.count("sync_ops")) == ([4, 3, 2, 1, 0, 0], 0)


@pytest.mark.parametrize("times", [1, 3])
async def test_what_the_hub_sealed_alone_is_not_let_go_of_by_what_it_decides_next(places, times):
    hub, ann, bob = places
    shared = await ann.save(name="north")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    hub.clock.advance(1.0)
    for at in range(times):
        await hub.save(name=f"hub {at}")
        await hub._quiet(seal)  # as an erasure or a bundle does
    await ann.save(id=shared["id"], name="ann says")
    await push(hub, ann, "ann")
    hub.clock.advance(1.0)
    await bob.save(id=shared["id"], name="bob says")
    await push(hub, bob, "bob")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await pull(hub, console, device)
    assert await names(ann) == await names(bob) == await names(hub) == ["bob says", *(f"hub {at}" for at in range(times))]
