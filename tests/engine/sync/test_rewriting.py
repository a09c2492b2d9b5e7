"""A log written anew slice by slice: how much one transaction holds, what goes on meanwhile, and what a kill in between does."""

import asyncio
import subprocess
import sys
from functools import partial

import pytest

from app.engine.base.errors import Conflict
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import rewriting
from app.engine.sync.rewriting import settled
from app.engine.sync.sealing import mark_of, seal
from tests.engine.sync import cut
from tests.engine.sync.places import BY, exchange, meet

pytestmark = pytest.mark.parametrize("hub_database", [""])
ROWS = 9


@pytest.fixture
def slices(monkeypatch):
    """Slices of three; returns how many operations each transaction wrote."""
    monkeypatch.setattr(rewriting, "SLICE", 3)
    sizes, real = [], Shelf.number

    def number(self, entries, upto):
        sizes.append(len(entries))
        real(self, entries, upto)

    monkeypatch.setattr(Shelf, "number", number)
    return sizes


async def written(place, rows=ROWS):
    """Write rows, and each again, with a clock an hour ahead."""
    place.clock.advance(3600)
    made = [await place.save(name=f"{number}") for number in range(rows)]
    for row in made:
        await place.save(id=row["id"], name=f"{row['name']} again")


async def begun(hub, ann, kind):
    """Have a log be written anew, by a hub or by name; nothing of it is written yet but the first slice."""
    if kind == "name":
        await ann.console(lambda one: one.go_by_another_name())
    else:
        replica = await ann.replica()
        hello = await hub.hub(lambda one: one.hello(replica, "ann", "ann", 1))
        back = {**hello, "now_us": hello["now_us"] - 3_600_000_000}
        await ann.console(lambda one: one.met(back))


async def half(place):
    return await place.store.read(lambda conn: bool(mark_of(Shelf(conn))))


@pytest.mark.parametrize("kind", ["name", "clock"])
async def test_no_transaction_writes_more_than_a_slice_and_commits_go_on_in_between(places, slices, kind):
    hub, ann, bob = places
    await written(ann)
    while await ann.store.write(lambda conn: seal(Shelf(conn), 3)):
        pass
    old, steps = await ann.replica(), 0
    slices.clear()
    await begun(hub, ann, kind)
    assert await half(ann)
    while await ann.store.write(rewriting._slice):
        steps += 1
        assert steps < 60
        await ann.save(name=f"meanwhile {steps}")
        if kind == "name":
            with pytest.raises(Conflict, match="stamped anew"):
                await ann.store.write(lambda conn: seal(Shelf(conn)))
    assert max(slices) <= 3
    assert sum(slices) >= 2 * ROWS
    assert (await ann.replica() == old) is (kind == "clock")
    assert await ann.count("sync_moved") == 0
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    names = sorted(row["name"] for row in await ann.all())
    assert names == sorted([*(f"{n} again" for n in range(ROWS)), *(f"meanwhile {n}" for n in range(1, steps + 1))])
    assert names == sorted(row["name"] for row in await hub.all()) == sorted(row["name"] for row in await bob.all())
    assert await hub.all("sync_conflicts") == []


async def test_whatever_is_committed_before_the_clock_is_minded_is_stamped_anew_however_much_it_is(places, slices):
    hub, ann, _ = places
    await written(ann, 3)
    while await ann.store.write(lambda conn: seal(Shelf(conn), 3)):
        pass
    await begun(hub, ann, "clock")

    def pair(conn):
        for _ in range(2):
            rows.put(conn, "saved_views", {"name": "meanwhile"}, now_us=ann.clock.now_us(), **BY)

    steps = 0
    while await ann.store.write(rewriting._slice):
        if (await ann.store.read(lambda conn: mark_of(Shelf(conn))))["phase"] == "look":
            for _ in range(2 if steps < 10 else 0):
                await ann.store.write(pair)
            steps += 1
    hub.clock = ann.clock = type(ann.clock)(hub.clock.now_us() - 3_600_000_000)
    await exchange(hub, ann, "ann")
    assert len(await hub.all()) == 3 + 2 * 2 * 10
    assert steps > 10
    assert max(slices) <= 4  # a transaction is numbered whole


async def test_a_wrong_clock_is_minded_by_the_slice_in_an_exchange_and_what_others_wrote_since_holds(places, slices):
    hub, ann, bob = places
    row = await ann.save(name="first")
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    ahead_us = 86_400_000_000
    ann.clock = type(ann.clock)(hub.clock.now_us() + ahead_us)
    await ann.save(id=row["id"], name="of a clock a day ahead")
    for number in range(5):
        await ann.save(name=f"{number}")
    slices.clear()
    assert not await meet(hub, ann, "ann")
    assert max(slices) <= 6  # sealed in one, written anew in slices
    hub.clock.advance(60)
    bob.clock = hub.clock
    await bob.save(id=row["id"], name="of bob, later")
    for place, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    for place in places:
        assert (await place.all(id=row["id"]))[0]["name"] == "of bob, later"
        assert await place.count("saved_views") == 6


@pytest.mark.parametrize(("kind", "commits"), [("name", 4), ("clock", 13)])
async def test_whoever_is_killed_between_two_slices_goes_on_with_the_next_and_loses_nothing(places, kind, commits):
    hub, ann, bob = places
    await written(ann, 4)
    while await ann.store.write(lambda conn: seal(Shelf(conn))):
        pass
    path = ann.store.path
    await ann.store.close()
    words = [sys.executable, cut.__file__, str(path), kind, str(commits)]
    ended = await asyncio.to_thread(partial(subprocess.run, words, capture_output=True, check=False, timeout=60))
    assert ended.returncode == -9, ended.stderr.decode()
    ann.store = await Store.open(path, ann.clock)
    assert await half(ann)
    await settled(ann.store, lambda _conn: None)
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    for place in places:
        assert sorted(row["name"] for row in await place.all()) == [f"{n} again" for n in range(4)]
        assert await place.all("sync_conflicts") == []
    assert await hub.count("sync_log") == 8
