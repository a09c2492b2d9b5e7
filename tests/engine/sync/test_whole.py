"""Rows handed over whole: a table that stayed, a hub that lacks what was let go of, and values that came past the hub."""

import json

import pytest

from app.engine.base.errors import Conflict
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import carry, rules
from app.engine.sync.batch import Batch
from app.engine.sync.erase import erase
from app.engine.sync.join import WHOLE
from app.engine.sync.whole import hand_over
from tests.engine.sync import bundles
from tests.engine.sync.places import Place, exchange, meet, push, snapshot

pytestmark = pytest.mark.parametrize("hub_database", ["sqlite"], indirect=True)


def names(found):
    return sorted(row["name"] for row in found)


async def everywhere(*places):
    return [names(await place.all()) for place in places]


async def settle(hub, *consoles):
    for _ in range(2):
        for console, device in consoles:
            await exchange(hub, console, device)


async def rule(place, *, stays):
    now_us = place.clock.now_us()
    await place.store.write(lambda conn: rules.ask(conn, "saved_views", stays=stays, keep_days=None, now_us=now_us))


async def drop(place, row):
    now_us = place.clock.now_us()
    await place.store.write(lambda conn: rows.delete(conn, "saved_views", row["id"], actor="ann@1", cause="", now_us=now_us))


async def by_hand(source, target):
    """Hand over what a console wrote to another one, as a bundle does."""
    batch = await source.console(lambda one: one.outgoing(100, 1 << 20), "ann")
    await target.console(lambda one: one.take_batch(Batch(batch.replica, "", batch.after, batch.chain, batch.ops)), "bob")


async def backed_up(hub, file=None):
    acked = await hub.hub(lambda one: one.acked())
    if file is not None:
        await hub.store.backup(file)
    await hub.hub(lambda one: one.backed_up(acked))


async def set_back(hub, file):
    await hub.store.close()
    await Store.swap(hub.store.path, file, 1)
    hub.store = await Store.open(hub.store.path, hub.clock)
    await hub.hub(lambda one: one.restored())


async def another(place, fresh_file, name):
    file = fresh_file.parent.parent / name
    file.mkdir(exist_ok=True)
    path = file / f"{place.store.path.parent.parent.name}.db"
    path.write_bytes(fresh_file.read_bytes())
    return Place(await Store.open(path, place.clock), place.clock)


# a table that stays


async def test_what_was_changed_while_its_table_stayed_is_handed_over_when_it_may_travel_again(places):
    hub, ann, bob = places
    north, gone, apart = [await ann.save(name=name, columns=["name", "site"]) for name in ("north", "gone", "apart")]
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await rule(ann, stays=True)
    ann.clock.advance(1)
    await ann.save(id=north["id"], name="northern", columns=["age", "name"])
    await drop(ann, gone)
    await ann.save(name="new here")
    await ann.store.write(lambda conn: conn.exec_driver_sql(f"DELETE FROM saved_views WHERE id = '{apart['id']}'").rowcount)
    before = await hub.count("sync_log")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await hub.count("sync_log") == before
    assert await everywhere(hub, bob) == [["apart", "gone", "north"]] * 2
    await rule(ann, stays=False)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [["new here", "northern"]] * 3
    assert [row["columns"] for row in await bob.all(name="northern")] == [["age", "name"]]


async def test_a_change_that_stays_is_as_old_as_it_is_whatever_came_meanwhile_and_what_it_covers_is_told(places):
    hub, ann, bob = places
    one, other = [await ann.save(name=name) for name in ("one", "other")]
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await rule(ann, stays=True)
    ann.clock.advance(1)
    await bob.save(id=one["id"], name="bob, first")
    await ann.save(id=other["id"], name="ann, first")
    ann.clock.advance(1)
    await ann.save(id=one["id"], name="ann, later")
    await bob.save(id=other["id"], name="bob, later")
    await settle(hub, (bob, "bob"), (ann, "ann"))
    assert names(await ann.all()) == ["ann, later", "bob, later"]
    here = [(row["kept"]["value"], row["lost"]["value"]) for row in await ann.all("sync_conflicts")]
    assert sorted(here) == [("ann, later", "bob, first"), ("bob, later", "ann, first")]
    assert "ann, " not in json.dumps([await hub.all(name) for name in ("saved_views", "sync_conflicts", "sync_log")])
    ann.clock.advance(1)
    await rule(ann, stays=False)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [["ann, later", "bob, later"]] * 3
    told = [(row["kept"]["value"], row["lost"]["value"]) for row in await bob.all("sync_conflicts")]
    assert ("ann, later", "bob, first") in told


@pytest.mark.parametrize("way", ["log", "snapshot", "bundle"])
async def test_a_deletion_that_meets_what_stays_is_told_here_alone_and_nobody_hears_its_name(places, way):
    hub, ann, bob = places
    view = await written_apart(hub, ann, bob)
    await exchange(hub, ann, "ann")
    ann.clock.advance(1)
    await drop(bob, view)
    if way == "bundle":
        await by_hand(bob, ann)
    await exchange(hub, bob, "bob")
    if way == "snapshot":
        await snapshot(hub, ann)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [[]] * 3
    found = [(met["title"], met["column_name"], met["reason"]) for met in await ann.all("sync_conflicts")]
    assert found == [("for ann alone", "deleted_us", "deleted")]
    assert await bob.all("sync_conflicts") == await hub.all("sync_conflicts") == []
    assert "for ann alone" not in json.dumps(await hub.all("sync_log"))


async def test_what_met_in_a_column_that_travels_is_not_told_under_a_name_that_stays(places):
    hub, ann, bob = places
    view = await ann.save(name="north", page="fleet")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await bob.save(id=view["id"], page="models")
    ann.clock.advance(1)
    await ann.save(id=view["id"], page="control")
    await rule(ann, stays=True)
    await ann.save(id=view["id"], name="for ann alone")
    await by_hand(bob, ann)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert [(met["column_name"], met["title"]) for met in await bob.all("sync_conflicts")] == [("page", view["id"])]
    assert "for ann alone" not in json.dumps(await hub.all("sync_log"))


async def test_stamps_of_a_wrong_clock_in_a_table_that_stays_are_made_anew_before_they_are_handed_over(places):
    hub, ann, bob = places
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await rule(ann, stays=True)
    now_us = ann.clock.now_us()
    ahead = now_us + 3 * 86_400_000_000
    put = {"id": view["id"], "name": "from the future"}
    await ann.store.write(lambda conn: rows.put(conn, "saved_views", put, actor="", cause="", now_us=ahead))
    await settle(hub, (ann, "ann"))
    await rule(ann, stays=False)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [["from the future"]] * 3
    ann.clock.advance(60)
    await bob.save(id=view["id"], name="a minute later")
    await settle(hub, (bob, "bob"), (ann, "ann"))
    assert await everywhere(hub, ann, bob) == [["a minute later"]] * 3


async def written_apart(hub, ann, bob):
    """Have ann write a row that all know again, while its table stays with her; return it."""
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await rule(ann, stays=True)
    ann.clock.advance(1)
    await ann.save(id=view["id"], name="for ann alone")
    return view


async def let_go(hub, ann, bob, view):
    """Have bob delete a row, and the hub let go of its tombstone once both have it."""
    await drop(bob, view)
    await settle(hub, (bob, "bob"), (ann, "ann"))
    hub.clock.advance(1)
    told = await hub.hub(lambda one: one.compact(keep_us=0, expire_us=1 << 60, tombstone_us=0))
    assert told["purged"] == 1


async def found_in(place, text):
    return text in json.dumps([row["lost"] for row in await place.all("sync_conflicts")])


async def test_what_stayed_in_a_row_that_others_deleted_is_told_here_when_the_tombstone_goes(places):
    hub, ann, bob = places
    view = await written_apart(hub, ann, bob)
    await let_go(hub, ann, bob, view)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [[]] * 3
    assert await found_in(ann, "for ann alone")
    assert "for ann alone" not in json.dumps([await hub.all(name) for name in ("sync_conflicts", "sync_log")])


async def test_what_was_deleted_where_it_had_been_written_while_its_table_stayed_lost_nothing(places):
    hub, ann, bob = places
    view = await written_apart(hub, ann, bob)
    await drop(ann, view)
    await rule(ann, stays=False)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    hub.clock.advance(1)
    await hub.hub(lambda one: one.compact(keep_us=0, expire_us=1 << 60, tombstone_us=0))
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [[]] * 3
    assert [await place.all("sync_conflicts") for place in places] == [[]] * 3


@pytest.mark.parametrize("way", ["released", "snapshot", "written by others too", "another hub"])
async def test_what_is_written_over_a_row_that_was_let_go_of_while_its_table_stays_goes_again_and_is_told(
    places, way, fresh_file
):
    hub, ann, bob = places
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await let_go(hub, ann, bob, view)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await rule(ann, stays=True)
    ann.clock.advance(1)
    await ann.save(id=view["id"], name="north again")
    ann.clock.advance(1)
    await ann.save(id=view["id"], page="fleet")
    await exchange(hub, ann, "ann")
    if way == "snapshot":
        await snapshot(hub, ann)
    if way == "written by others too":
        await bob.save(id=view["id"], name="of bob")
        await settle(hub, (bob, "bob"), (ann, "ann"))
    if way == "another hub":
        await hub.store.close()
        hub.store = (await another(hub, fresh_file, "another")).store
        await settle(hub, (bob, "bob"), (ann, "ann"))
    released = way == "released"
    assert await found_in(ann, "north again") is not released
    await rule(ann, stays=False)
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [[]] * 3
    assert await found_in(ann, "north again")
    assert await found_in(hub, "north again") is released


async def test_what_is_written_at_the_hub_over_a_row_that_it_let_go_of_goes_again_and_is_told(places):
    hub, ann, bob = places
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await let_go(hub, ann, bob, view)
    hub.clock.advance(1)
    await hub.save(id=view["id"], name="of the hub")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [[]] * 3
    assert [await found_in(place, "of the hub") for place in places] == [True] * 3


# a hub that lacks what was let go of


async def test_a_hub_set_back_behind_what_was_let_go_of_has_it_again_and_what_was_erased_stays_so(places, tmp_path):
    hub, ann, bob = places
    await ann.save(name="one")
    secret = await ann.save(name="SECRET")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await backed_up(hub, tmp_path / "older.db")
    ann.clock.advance(1)
    await ann.save(name="two")
    now_us = ann.clock.now_us()
    await ann.store.write(lambda conn: erase(Shelf(conn), ("saved_views", secret["id"]), actor="ann@1", now_us=now_us))
    await hub.save(name="at the hub")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await backed_up(hub, tmp_path / "newer.db")
    await ann.save(name="three")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await set_back(hub, tmp_path / "older.db")
    assert names(await hub.all()) == ["SECRET", "one"]
    await ann.save(name="four")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await everywhere(hub, ann, bob) == [["at the hub", "four", "one", "three", "two"]] * 3
    assert "SECRET" not in json.dumps(await hub.all("sync_log"))
    logged = await hub.count("sync_log")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    assert await hub.count("sync_log") == logged  # nothing is handed over again for ever


async def test_what_its_writer_lost_is_given_back_by_those_who_had_pulled_it(places, tmp_path):
    hub, ann, bob = places
    await ann.save(name="one")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await backed_up(hub, tmp_path / "older.db")
    await ann.save(name="two")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    await set_back(hub, tmp_path / "older.db")
    await settle(hub, (bob, "bob"))  # ann never comes again
    assert await everywhere(hub, bob) == [["one", "two"]] * 2


async def test_a_hub_that_is_left_for_a_fresh_one_leaves_nothing_behind(places, fresh_file):
    old, ann, bob = places
    await ann.save(name="ann's")
    await bob.save(name="bob's")
    await old.save(name="the hub's")
    await settle(old, (ann, "ann"), (bob, "bob"))
    await backed_up(old)
    await ann.save(name="ann's, later")
    await bob.save(name="bob's, later")
    await settle(old, (ann, "ann"), (bob, "bob"))
    await ann.save(name="unsent")
    fresh = await another(ann, fresh_file, "another-hub")
    for console, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await console.store.write(lambda conn: rows.delete(conn, "sync_peers", "hub", actor="", cause="", now_us=0))
        await exchange(fresh, console, device, peer="fresh")
    assert (
        await everywhere(fresh, ann, bob)
        == [
            ["ann's", "ann's, later", "bob's", "bob's, later", "the hub's", "unsent"],
        ]
        * 3
    )
    assert await fresh.count("sync_log") == 6 + 1  # of what ann had handed over, bob does so with the operation he kept alone
    await fresh.store.close()


async def test_of_two_hubs_each_has_everything_and_what_one_backed_up_alone_is_kept(places, fresh_file):
    one, ann, _ = places
    two = await another(ann, fresh_file, "second-hub")
    await ann.save(name="north")
    await exchange(one, ann, "ann", peer="one")
    await exchange(two, ann, "ann", peer="two")
    await backed_up(one)
    await ann.save(name="south")
    await exchange(one, ann, "ann", peer="one")
    assert await ann.count("sync_ops") == 2  # the second hub has no backup yet
    await exchange(two, ann, "ann", peer="two")
    await backed_up(two)
    await ann.save(name="west")
    for hub, peer in ((two, "two"), (one, "one")):
        await exchange(hub, ann, "ann", peer=peer)
    assert [row["seq"] for row in await ann.all("sync_ops")] == [2, 3]
    assert await everywhere(one, two, ann) == [["north", "south", "west"]] * 3
    await two.store.close()


async def test_operations_that_were_let_go_of_are_told_where_a_bundle_would_need_them(places, fresh_file):
    old, ann, _ = places
    await ann.save(name="north")
    await exchange(old, ann, "ann")
    await backed_up(old)
    await ann.save(name="south")
    await exchange(old, ann, "ann")
    now_us = ann.clock.now_us()
    with pytest.raises(Conflict, match="Operations 1 to 1 are kept by the hub alone"):
        await ann._quiet(lambda shelf: bundles.from_console(shelf, "fresh", "ann", now_us))


# what came past the hub


async def test_a_snapshot_takes_nothing_back_that_a_bundle_brought(places):
    hub, ann, bob = places
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    ann.clock.advance(1)
    await bob.save(id=view["id"], name="by bundle")
    for place, peer in ((bob, "ann"), (ann, "bob")):
        await place.console(lambda one: one.note(kind="bundle"), peer)
    batch = await bob.console(lambda one: one.outgoing(100, 1 << 20), "ann")
    await ann.console(lambda one: one.take_batch(batch), "bob")
    await snapshot(hub, ann, 1)
    assert names(await ann.all()) == ["by bundle"]
    await settle(hub, (ann, "ann"))
    assert await everywhere(hub) == [["north"]]  # nobody hands over what others wrote
    await settle(hub, (bob, "bob"), (ann, "ann"))
    assert await everywhere(hub, ann, bob) == [["by bundle"]] * 3


async def test_an_old_bundle_of_the_hub_does_not_take_back_what_we_know_it_has(places):
    hub, ann, _ = places
    await ann.save(name="1")
    await exchange(hub, ann, "ann")
    now_us = ann.clock.now_us()
    body, parts = await hub._quiet(lambda shelf: bundles.from_hub(shelf, "ann", now_us))
    await ann.save(name="2")
    await exchange(hub, ann, "ann")
    await backed_up(hub)
    await ann.save(name="3")
    await exchange(hub, ann, "ann")
    await hub.hub(lambda one: one.lead())  # the hub was served anew
    await meet(hub, ann, "ann")
    before = await ann.console(lambda one: one.peer)
    await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", body, list(parts.values()), now_us))
    after = await ann.console(lambda one: one.peer)
    assert [(row["acked"], row["durable"], row["state"]["chain"]) for row in (before, after)] == [
        (3, 2, before["state"]["chain"])
    ] * 2
    await ann.save(name="4")
    body, parts = await ann._quiet(lambda shelf: bundles.from_console(shelf, "hub", "ann", now_us))
    taken, _ = await hub._quiet(lambda shelf: carry.to_hub(shelf, "ann", body, list(parts.values()), now_us))
    assert (taken, names(await hub.all())) == (1, ["1", "2", "3", "4"])


async def test_an_old_bundle_of_another_console_does_not_take_back_what_we_know_it_has(places):
    _, ann, bob = places
    for place, peer in ((bob, "ann"), (ann, "bob")):
        await place.console(lambda one: one.note(kind="bundle"), peer)

    async def carried(one, other, names):
        now_us = one.clock.now_us()
        body, parts = await one._quiet(lambda shelf: bundles.from_peer(shelf, names[1], names[0], now_us))
        return lambda: other._quiet(lambda shelf: carry.to_peer(shelf, names[0], body, list(parts.values()), now_us))

    await ann.save(name="1")
    await (await carried(ann, bob, ("ann", "bob")))()
    old = await carried(bob, ann, ("bob", "ann"))
    await ann.save(name="2")
    await (await carried(ann, bob, ("ann", "bob")))()
    await (await carried(bob, ann, ("bob", "ann")))()
    assert (await ann.console(lambda one: one.peer, "bob"))["acked"] == 2
    await old()
    assert (await ann.console(lambda one: one.peer, "bob"))["acked"] == 2


async def test_a_row_of_a_later_version_that_is_handed_over_keeps_what_nobody_here_knows(places):
    hub, ann, bob = places
    view = await ann.save(name="north")
    await settle(hub, (ann, "ann"), (bob, "bob"))
    cell = [ann.clock.now_us() + 1, "elsewhere"]
    told = {"row": {"mood": "calm", "name": "south"}, "cells": {"mood": cell, "name": cell}}
    await ann._quiet(lambda shelf: hand_over(shelf, [(("saved_views", view["id"]), {WHOLE: told})], ann.clock.now_us()))
    await push(hub, ann, "ann")
    assert names(await hub.all()) == ["south"]
    kept = [json.loads(row["op"])["fields"]["*"] for row in await hub.all("sync_later")]
    assert kept == [{"row": {"mood": "calm"}, "cells": {"mood": cell}}]
