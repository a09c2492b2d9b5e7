"""However large what was written is, it is handed over and taken over piece by piece, or somebody is told why not."""

import pytest

from app.engine.base.errors import Limit
from app.engine.store import rows
from app.engine.store.shelf import ANY_SIZE, Shelf
from app.engine.sync import batch, hub, waiting
from tests.engine.sync.places import BY, batch_of, exchange, meet


async def names(place):
    return sorted(row["name"] for row in await place.all())


def many(place, count):
    def work(conn):
        for at in range(count):
            rows.put(conn, "saved_views", {"name": f"v{at}"}, now_us=place.clock.now_us(), **BY)

    return place.store.write(work)


async def test_a_transaction_larger_than_any_batch_arrives_whole_in_the_end_and_so_does_what_follows(places, monkeypatch):
    hub_, ann, bob = places
    monkeypatch.setattr(batch, "PART_OPS", 4)
    for module in (batch, waiting):
        monkeypatch.setattr(module, "MOST_OPS", 5)
    await many(ann, 11)
    await ann.save(name="later")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub_, console, device, most=2)
    assert await names(hub_) == await names(bob) == sorted([*(f"v{at}" for at in range(11)), "later"])
    left = await hub_.store.read(lambda conn: [row["left_count"] for row in rows.select(conn, "sync_log", order="hub_seq")])
    assert left == [3, 2, 1, 0, 3, 2, 1, 0, 2, 1, 0, 0]


@pytest.mark.parametrize(("bound", "value"), [("MOST_OPS", 5), ("MOST_OP_BYTES", 100)])
async def test_what_no_hub_would_take_is_told_by_its_name_instead_of_being_passed_over(places, monkeypatch, bound, value):
    hub_, ann, _ = places
    await many(ann, 6)
    monkeypatch.setattr(waiting, bound, value)
    await meet(hub_, ann, "ann")
    with pytest.raises(Limit, match="What was written in saved_views"):
        await ann.console(lambda one: one.outgoing(2, 1 << 20))


async def test_pages_and_batches_end_where_they_are_large_enough_and_nothing_is_left_out(places, monkeypatch):
    hub_, ann, bob = places
    monkeypatch.setattr(hub, "PAGE_BYTES", 2500)
    for at in range(12):
        await ann.save(name=f"v{at}", filter="x" * 500)
    await many(ann, 3)
    first = await batch_of(hub_, ann)
    assert len(first.ops) == 15
    small = await ann.console(lambda one: one.outgoing(100, 2500))
    assert 1 < len(small.ops) < 5
    await exchange(hub_, ann, "ann")
    await meet(hub_, bob, "bob")
    replica, epoch = await bob.replica(), (await bob.console(lambda one: one.peer))["epoch"]
    page = await hub_.hub(lambda one: one.page(replica, "bob", 0, epoch))
    assert 1 < len(page["ops"]) < 5
    await exchange(hub_, bob, "bob")
    assert await names(bob) == await names(ann)


@pytest.mark.parametrize("most_bytes", [1, 3000, ANY_SIZE])
async def test_a_snapshot_by_bytes_has_every_row_once_whatever_the_bound(places, monkeypatch, most_bytes):
    hub_, ann, bob = places
    monkeypatch.setattr(hub, "PAGE_BYTES", most_bytes)
    monkeypatch.setattr("app.engine.store.shelf._FEW", 2)
    for at in range(9):
        await ann.save(name=f"v{at}", filter="x" * 700)
        await ann.save("edge_nodes", name=f"n{at}", node_identifier=f"d{at}")
    await exchange(hub_, ann, "ann")
    await meet(hub_, bob, "bob")
    after, told, pages = ("", ""), [], 0
    while after is not None:
        page = await hub_.hub(lambda one, at=tuple(after): {**one.snapshot(at), "after": at})
        told += page["rows"]
        await bob.console(lambda one, page=page: one.take_snapshot(page))
        after, pages = page["next"], pages + 1
    assert len(told) == len(set(told)) == 18
    assert await names(bob) == await names(ann)
    assert len(await bob.all("edge_nodes")) == 9
    assert (pages > 2) == (most_bytes < ANY_SIZE)
    assert len(await hub_.store.read(lambda conn: Shelf(conn).whole(("", ""), 4, most_bytes))) <= 4
