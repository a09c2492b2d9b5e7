"""A clock that is wrong, and the hub's by which a console goes then: what is written since is later than all that it had seen."""

import json

import pytest

from app.engine.store.shelf import Shelf
from app.engine.sync import rules
from app.engine.sync.erase import erase
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.join import WHOLE, stamps_in
from app.engine.sync.sealing import mark_of, seal
from tests.engine.sync.places import exchange

pytestmark = pytest.mark.parametrize("hub_database", [""])
DAY_S = 86_400


def ahead(place, seconds):
    place.clock = type(place.clock)(place.clock.now_us() + seconds * 1_000_000)


async def rule(place, **asked):
    now_us, what = place.clock.now_us(), {"stays": None, "keep_days": None, **asked}
    await place.store.write(lambda conn: rules.ask(conn, "saved_views", now_us=now_us, **what))


async def own(place):
    """Return what a console keeps of its own operations, the oldest first."""
    await place.store.write(lambda conn: seal(Shelf(conn)))
    return [json.loads(text) for text in await place.store.read(lambda conn: Shelf(conn).own_texts(0, 100))]


async def test_who_minds_a_wrong_clock_writes_later_than_what_came_from_a_clock_that_was_a_little_ahead(places):
    hub, ann, bob = places
    ahead(bob, 200)
    row = await bob.save(name="of bob", columns=["a"])
    for place, device in ((bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    ahead(ann, DAY_S)
    await ann.save(name="by a clock a day ahead")
    await exchange(hub, ann, "ann")
    await ann.save(id=row["id"], name="of ann, who saw it", columns=["b"])
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    for place in places:
        (found,) = await place.all(id=row["id"])
        assert (found["name"], found["columns"]) == ("of ann, who saw it", ["b"])
        assert await place.all("sync_conflicts") == []


async def test_a_row_that_stayed_is_handed_over_later_than_its_values_by_a_wrong_clock_too(places):
    hub, ann, _ = places
    await exchange(hub, ann, "ann")
    await rule(ann, stays=True)
    ahead(ann, 200)
    row = await ann.save(name="a little ahead")
    await own(ann)
    ahead(ann, DAY_S)
    await rule(ann, stays=False)
    await exchange(hub, ann, "ann")
    told = [(op["hlc"], op["fields"][WHOLE]["cells"]) for op in await own(ann) if WHOLE in op["fields"]]
    assert told
    assert all(hlc > at for hlc, cells in told for at, _ in stamps_in(cells))
    await ann.save(id=row["id"], name="later")
    await exchange(hub, ann, "ann")
    assert [each["name"] for each in await hub.all()] == ["later"]


@pytest.mark.parametrize("how", ["released", "erased"])
async def test_what_is_handed_over_past_the_triggers_goes_by_the_hubs_clock_too(places, how):
    hub, ann, _ = places
    row = await ann.save(name="north")
    ahead(ann, DAY_S)
    await exchange(hub, ann, "ann")
    now_us = ann.clock.now_us()
    if how == "released":
        await rule(ann, stays=True)
        await ann.save(id=row["id"], name="stays")
        await rule(ann, stays=False)
    else:
        await ann.store.write(lambda conn: erase(Shelf(conn), ("saved_views", row["id"]), actor="ann@1", now_us=now_us))
    assert max(op["hlc"] for op in await own(ann)) <= hub.clock.now_us() + DRIFT_US
    await exchange(hub, ann, "ann")
    assert not await ann.store.read(lambda conn: mark_of(Shelf(conn)))
    assert [each["name"] for each in await hub.all()] == (["stays"] if how == "released" else [])


async def test_a_clock_known_to_be_far_ahead_deletes_nothing_before_its_days_are_over(places):
    hub, ann, bob = places
    await bob.save(name="of bob")
    await exchange(hub, bob, "bob")
    ahead(ann, 30 * DAY_S)
    await exchange(hub, ann, "ann")
    now_us = ann.clock.now_us()
    await rule(ann, keep_days=7)
    assert await ann.store.write(lambda conn: rules.retain(conn, now_us)) == {}
    later_us = now_us + 8 * DAY_S * 1_000_000
    assert await ann.store.write(lambda conn: rules.retain(conn, later_us)) == {"saved_views": 1}
