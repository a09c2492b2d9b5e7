"""A row is forgotten, wherever what was written in it stands by then; the log it was written in goes on as it was begun."""

import pytest

from app.engine.store.shelf import Shelf
from app.engine.sync.batch import decode, encode
from app.engine.sync.erase import erase
from tests.engine.sync.places import batch_of, exchange

pytestmark = pytest.mark.parametrize("hub_database", ["sqlite"], indirect=True)


async def erased(place, row):
    now_us = place.clock.now_us()
    await place.store.write(lambda conn: erase(Shelf(conn), ("saved_views", row["id"]), actor="ann@1", now_us=now_us))


async def told_of(hub):
    return " ".join(row["op"] for row in await hub.all("sync_log"))


@pytest.mark.parametrize("heard", [True, False])
async def test_who_erases_while_a_batch_is_under_way_goes_on_under_its_own_name(places, heard):
    hub, ann, bob = places
    secret = await ann.save(name="a secret")
    await ann.save(name="north")
    old, batch = await ann.replica(), await batch_of(hub, ann)
    answer = await hub.hub(lambda one: one.receive(decode(encode(batch)), "ann"))
    await erased(ann, secret)
    if heard:
        await ann.console(lambda one: one.receipt(answer))
    for _ in range(2):
        await exchange(hub, ann, "ann")
        await exchange(hub, bob, "bob")
    assert await ann.replica() == old
    for place in places:
        assert [row["name"] for row in await place.all()] == ["north"]
    assert "a secret" not in await told_of(hub)
    assert len(await hub.all("sync_log")) == 3


async def test_a_hub_that_hears_of_a_row_only_once_it_is_erased_hears_nothing_that_was_in_it(places):
    hub, ann, _ = places
    secret = await ann.save(name="a secret")
    await ann.save(name="north")
    before = await batch_of(hub, ann)
    await erased(ann, secret)
    after = await batch_of(hub, ann)
    await exchange(hub, ann, "ann")
    assert "a secret" not in await told_of(hub)
    assert after.ops[0].fields != before.ops[0].fields
    assert after.chains()[:2] == before.chains()


async def test_of_two_hubs_the_one_that_has_less_takes_what_was_scrubbed_under_the_same_name(places):
    hub, ann, other = places
    secret = await ann.save(name="a secret")
    await exchange(hub, ann, "ann")
    await exchange(other, ann, "ann", peer="other")
    await ann.save(id=secret["id"], name="another secret")
    await exchange(hub, ann, "ann")
    old = await ann.replica()
    await erased(ann, secret)
    await exchange(other, ann, "ann", peer="other")
    await exchange(hub, ann, "ann")
    assert await ann.replica() == old
    assert await other.all() == []
    assert "secret" not in await told_of(other)
