"""Sticks between two consoles, one of which goes by another name: what a hub has by then, the other console gets all the same."""

from functools import partial

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import Conflict
from app.engine.sync import carry
from app.engine.sync.ownlog import LACKS
from tests.engine.sync import bundles
from tests.engine.sync.places import exchange, push

pytestmark = pytest.mark.parametrize("hub_database", [""])


async def carried(one, other, its_name, name):
    """Carry a stick from one console to another; return how many operations were new there."""
    now_us = one.clock.now_us()
    body, files = await one._quiet(lambda shelf: bundles.from_peer(shelf, name, its_name, now_us))
    parts = list(files.values())
    return (await other._quiet(lambda shelf: carry.to_peer(shelf, its_name, body, parts, now_us)))[0]


@pytest.fixture
async def met(places):
    """A hub, and two consoles that trust each other's cards; bob has no hub, and one row of ann's."""
    hub, ann, bob = places
    for place, other in ((ann, "bob"), (bob, "ann")):
        await place.console(lambda one: one.note(kind="bundle"), other)
    await ann.save(name="first")
    await carried(ann, bob, "ann", "bob")
    await carried(bob, ann, "bob", "ann")
    return hub, ann, bob


async def names(place):
    return sorted(row["name"] for row in await place.all())


async def by_another_name(ann):
    await ann.console(lambda one: one.go_by_another_name())


async def test_what_a_hub_has_by_then_is_on_the_stick_after_a_change_of_names_too(met):
    hub, ann, bob = met
    torn = await ann.save(name="second", page="fleet")
    await exchange(hub, ann, "ann")
    await ann.save(id=torn["id"], name="second, edited")
    await ann.save(name="third")
    await by_another_name(ann)
    await by_another_name(ann)
    await carried(ann, bob, "ann", "bob")
    assert await names(bob) == ["first", "second, edited", "third"]
    assert await bob.all(id=torn["id"]) == await ann.all(id=torn["id"])
    await exchange(hub, ann, "ann")
    assert await names(hub) == await names(bob)
    assert await hub.all("sync_conflicts") == await bob.all("sync_conflicts") == []


async def test_what_stands_there_for_a_console_takes_back_nothing_at_the_hub_by_a_wrong_clock_either(met):
    hub, ann, bob = met
    row = await ann.save(name="early")
    await exchange(hub, ann, "ann")
    hub.clock.advance(60)
    await hub.save(id=row["id"], name="of the hub")
    ann.clock = ManualClock(hub.clock.now_us() + 3_600_000_000)
    await ann.save(name="ahead")
    await by_another_name(ann)
    await exchange(hub, ann, "ann")
    await carried(ann, bob, "ann", "bob")
    assert await names(hub) == await names(ann) == ["ahead", "first", "of the hub"]
    assert await hub.all("sync_conflicts") == []


async def test_what_is_kept_by_the_hub_alone_is_told_and_made_up_for_by_trust_anew(met):
    hub, ann, bob = met
    await ann.save(name="second")
    await exchange(hub, ann, "ann")
    acked = await hub.hub(lambda one: one.acked())
    await hub.hub(lambda one: one.backed_up(acked))
    await ann.save(name="third")
    await exchange(hub, ann, "ann")
    await ann.save(name="fourth")
    await by_another_name(ann)
    for _ in range(2):
        with pytest.raises(Conflict, match="kept by the hub alone"):
            await carried(ann, bob, "ann", "bob")
    await ann._quiet(partial(carry.make_up, other="bob"))
    assert LACKS not in (await ann.console(lambda one: one.peer, "bob"))["state"]
    await carried(ann, bob, "ann", "bob")
    assert await names(bob) == ["first", "fourth", "third"]


async def test_what_was_let_go_of_before_a_stick_was_written_has_a_way_out_without_another_reason_for_a_new_name(places):
    hub, ann, bob = places
    await ann.save(name="let go")
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    acked = await hub.hub(lambda one: one.acked())
    await hub.hub(lambda one: one.backed_up(acked))
    await ann.save(name="kept")
    await exchange(hub, ann, "ann")
    await ann.save(name="not handed over")
    for place, other in ((ann, "bob"), (bob, "ann")):
        await place.console(lambda one: one.note(kind="bundle"), other)
    for _ in range(2):
        with pytest.raises(Conflict, match="kept by the hub alone") as told:
            await carried(ann, bob, "ann", "bob")
        assert "sync trust" in told.value.hint
    await ann._quiet(partial(carry.make_up, other="bob"))
    assert await carried(ann, bob, "ann", "bob") == 2
    assert await names(bob) == ["kept", "let go", "not handed over"]
    await ann.save(name="later")
    assert await carried(ann, bob, "ann", "bob") == 1
    for place, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    assert await names(hub) == await names(bob) == await names(ann)
    assert await hub.all("sync_conflicts") == []


async def test_a_stick_of_the_hub_that_comes_late_has_nobody_take_another_name_again(places):
    hub, ann, bob = places
    await ann.save(name="1")
    await exchange(hub, ann, "ann")
    now_us = hub.clock.now_us()
    await bob.save(name="2")
    await exchange(hub, bob, "bob")
    old = await hub._quiet(lambda shelf: bundles.from_hub(shelf, "ann", now_us))
    await by_another_name(ann)
    await exchange(hub, ann, "ann")
    fresh, later = await ann.replica(), await hub._quiet(lambda shelf: bundles.from_hub(shelf, "ann", now_us))
    assert later[0]["whole"]
    with pytest.raises(Conflict, match="present name"):
        await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", old[0], list(old[1].values()), now_us))
    about_before = {**later[0], "about": old[0]["about"], "hello": old[0]["hello"]}
    for _ in range(2):
        await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", about_before, list(later[1].values()), now_us))
    assert await ann.replica() == fresh
    await exchange(hub, ann, "ann")
    assert await names(ann) == await names(hub) == ["1", "2"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_stick_of_the_hub_about_a_copy_of_this_disk_leaves_out_nothing_that_the_copy_wrote(places, known):
    hub, ann, copy = places
    if known:
        await exchange(hub, ann, "ann")
    await exchange(hub, copy, "ann")  # of the same device, by another name
    await copy.save(name="of the copy")
    await push(hub, copy, "ann")
    now_us = hub.clock.now_us()
    body, files = await hub._quiet(lambda shelf: bundles.from_hub(shelf, "ann", now_us))
    parts = list(files.values())
    if known:
        assert body["about"] == await copy.replica()
        await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", body, parts, now_us))
    else:
        with pytest.raises(Conflict, match="present name"):
            await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", body, parts, now_us))
    await exchange(hub, ann, "ann")
    assert await names(ann) == await names(hub) == ["of the copy"]
    before = await copy.all()
    await copy._quiet(lambda shelf: carry.to_console(shelf, "hub", body, parts, now_us))
    assert await copy.all() == before


async def test_what_is_written_once_is_decided_anew_where_a_clock_was_ahead_of_what_a_stick_brought(met):
    hub, ann, bob = met
    away = 3 * 86_400_000_000
    wrong = ManualClock(ann.clock.now_us() + away)
    bob.clock.advance(60)
    made, ann.clock = bob.clock, wrong
    ours = await ann.save(id="0" * 32, name="of ann")
    bob.clock.advance(60)
    theirs = await bob.save(id=ours["id"], name="of bob")
    await carried(bob, ann, "bob", "ann")
    assert (await ann.all(id=ours["id"]))[0]["created_us"] == theirs["created_us"]
    wrong.advance(60)
    hub.clock = made
    for place, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    told = [(await place.all(id=ours["id"]))[0] for place in (hub, ann, bob)]
    assert {(row["created_us"], row["name"]) for row in told} == {(told[0]["created_us"], "of bob")}
