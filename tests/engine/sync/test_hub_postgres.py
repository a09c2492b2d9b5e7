"""A hub's numbers on a real PostgreSQL: two who push at once, through connections of their own, and one who reads along."""

import asyncio

from app.engine.base.clock import SystemClock
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync.batch import Batch
from app.engine.sync.hub import Hub
from app.engine.sync.ops import FIRST_CHAIN, Op
from app.engine.sync.sealing import SCHEMA

PUSHES = 12


def batch_of(name, epoch, after, chain, clock):
    ops = tuple(
        Op(name, after + at, f"{name}{after}", 3 - at, "saved_views", f"{name}-{after + at}", True, clock.now_us(),
           {"name": f"{name} {after + at}", "page": "", "filter": "", "sort": "", "grouping": "", "columns": []}, schema=SCHEMA)
        for at in (1, 2, 3)
    )  # fmt: skip
    return Batch(name, epoch, after, chain, ops)


async def at_hub(store, clock, step):
    def work(conn):
        with capture.quiet(conn):
            return step(Hub(Shelf(conn), clock.now_us()))

    return await store.write(work)


async def pushing(store, name, clock):
    epoch = (await at_hub(store, clock, lambda hub: hub.hello(name, name, name, SCHEMA)))["epoch"]
    after, chain = 0, FIRST_CHAIN
    for _ in range(PUSHES):
        batch = batch_of(name, epoch, after, chain, clock)
        answer = await at_hub(store, clock, lambda hub, batch=batch: hub.receive(batch, name))
        after, chain = answer["acked"], answer["chain"]


async def following(store, done):
    """Read the log by a cursor as a console does, until the pushers are done; return what was seen."""
    seen, cursor = [], 0
    while True:
        ended = done.is_set()
        found = await store.read(lambda conn, cursor=cursor: Shelf(conn).log(cursor, 5))
        seen += [(entry["replica"], entry["seq"]) for entry in found]
        cursor = found[-1]["hub_seq"] if found else cursor
        if ended and not found:
            return seen
        await asyncio.sleep(0)


async def test_a_reader_never_misses_a_number_while_two_push_at_once(tmp_path, database):
    clock, done = SystemClock(), asyncio.Event()
    one, other = [await Store.open(tmp_path / name / "o.db", clock, database=database) for name in ("one", "other")]
    await at_hub(one, clock, lambda hub: hub.epoch)
    reading = asyncio.create_task(following(other, done))
    await asyncio.gather(pushing(one, "ann", clock), pushing(other, "bob", clock))
    done.set()
    seen = await reading
    numbers = await one.read(lambda conn: [row["hub_seq"] for row in Shelf(conn).log(0, 1000)])
    assert len(seen) == len(set(seen)) == 2 * 3 * PUSHES
    assert numbers == sorted(numbers)
    for name in ("ann", "bob"):
        assert [seq for replica, seq in seen if replica == name] == list(range(1, 3 * PUSHES + 1))
    assert await one.read(lambda conn: rows.count(conn, "saved_views")) == 2 * 3 * PUSHES
    for store in (one, other):
        await store.close()


async def test_a_number_taken_first_is_seen_first_although_the_later_one_could_have_been_committed_before(tmp_path, database):
    """One transaction holds back its commit: whoever comes after it waits, instead of being seen before it."""
    clock = SystemClock()
    one, other = [await Store.open(tmp_path / name / "o.db", clock, database=database) for name in ("one", "other")]
    epoch = await at_hub(one, clock, lambda hub: hub.epoch)
    for name in ("ann", "bob"):
        await at_hub(one, clock, lambda hub, name=name: hub.hello(name, name, name, SCHEMA))
    loop, inside, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def slow(hub):
        hub.receive(batch_of("ann", epoch, 0, FIRST_CHAIN, clock), "ann")
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    first = asyncio.create_task(at_hub(one, clock, slow))
    await inside.wait()
    late = batch_of("bob", epoch, 0, FIRST_CHAIN, clock)
    second = asyncio.create_task(at_hub(other, clock, lambda hub: hub.receive(late, "bob")))

    async def waits():
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'outpost'"
        return await one.read(lambda conn: conn.exec_driver_sql(asked).scalar())

    while not await waits():
        await asyncio.sleep(0.01)
    assert await one.read(lambda conn: Shelf(conn).log(0, 100)) == []
    go_on.set()
    await asyncio.gather(first, second)
    found = await one.read(lambda conn: Shelf(conn).log(0, 100))
    assert [entry["replica"] for entry in found] == ["ann"] * 3 + ["bob"] * 3
    for store in (one, other):
        await store.close()
