"""A row is forgotten, wherever what was written in it stands by then; the log it was written in goes on as it was begun."""

import asyncio
import threading

import pytest

from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync import rules
from app.engine.sync.batch import decode, encode
from app.engine.sync.erase import erase
from tests.engine.sync.places import batch_of, exchange

pytestmark = pytest.mark.parametrize("hub_database", ["sqlite"], indirect=True)


async def erased(place, row, table="saved_views"):
    now_us = place.clock.now_us()
    await place.store.write(lambda conn: erase(Shelf(conn), (table, row["id"]), actor="ann@1", now_us=now_us))


def bytes_of(place):
    """Return all that stands in the files of a store, its log too."""
    return b"".join(path.read_bytes() for path in sorted(place.store.path.parent.glob("outpost.db*")))


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


async def test_no_byte_of_what_was_in_an_erased_row_is_left_in_any_file_where_the_word_of_it_arrives(places):
    hub, ann, bob = places
    await erased(hub, await hub.save(name="of the hub's own"))
    secret = await ann.save(name="a secret" * 1000)  # on pages of its own, which are given back as they are
    small = await ann.save(name="a secret")
    for place, device in ((ann, "ann"), (bob, "bob")) * 2:
        await exchange(hub, place, device)
    assert all(b"a secret" in bytes_of(place) for place in places)
    for row in (secret, small):
        await erased(ann, row)
    assert b"a secret" not in bytes_of(ann)
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    assert [place for place in places if b"a secret" in bytes_of(place)] == []


async def test_a_reader_puts_off_that_the_log_is_cut_but_does_not_keep_it(places):
    _, ann, _ = places
    secret = await ann.save(name="a secret")
    reading, done = threading.Event(), threading.Event()

    def look(conn):
        found = rows.select(conn, "saved_views")
        reading.set()
        done.wait()
        return found

    looking = asyncio.get_running_loop().create_task(ann.store.read(look))
    try:
        await asyncio.to_thread(reading.wait)
        await erased(ann, secret)
        assert b"a secret" in bytes_of(ann)
    finally:
        done.set()
    assert len(await looking) == 1
    await ann.save(name="north")
    assert b"a secret" not in bytes_of(ann)


async def test_the_job_of_a_row_is_forgotten_at_its_maker_whoever_erases_the_row(places):
    hub, ann, bob = places
    kept, gone = [await ann.save("jobs", kind="learning", spec={"said": said}) for said in ("kept", "secret")]
    await ann.save("learning_runs", job_id=kept["id"])
    run = await ann.save("learning_runs", job_id=gone["id"])
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    await erased(bob, run, "learning_runs")
    await exchange(hub, bob, "bob")
    await exchange(hub, ann, "ann")
    assert [job["spec"] for job in await ann.all("jobs")] == [{"said": "kept"}]
    assert len(await ann.all("learning_runs")) == 1


async def test_what_hangs_on_a_run_is_forgotten_with_it_everywhere(places):
    hub, ann, bob = places
    for name in ("kept", "gone"):
        run = await ann.save("learning_runs", title=name)
        await ann.save("federated_training_sessions", id=run["id"], session_name=name)
        for number in range(2):
            await ann.save("learning_rounds", run_id=run["id"], round=number)
            await ann.save("federated_updates", session_id=run["id"], round_number=number)
        task = await ann.save("quantum_tasks", run_id=(await ann.save("task_runs", title=name))["id"], task_type=name)
        await ann.save("quantum_executions", task_id=task["id"], provider=name)
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    for table in ("learning_runs", "task_runs"):
        (row,) = await bob.all(table, title="gone")
        await erased(bob, row, table)
    for place, device in ((bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    counted = {"learning_runs": 1, "federated_training_sessions": 1, "learning_rounds": 2, "federated_updates": 2,
               "task_runs": 1, "quantum_tasks": 1, "quantum_executions": 1}  # fmt: skip
    for place in places:
        assert {table: await place.count(table) for table in counted} == counted
        assert [row["provider"] for row in await place.all("quantum_executions")] == ["kept"]


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("who", [0, 1, 2])
async def test_what_is_written_over_an_erased_row_goes_where_it_was_written_and_is_told_to_nobody(places, who, stays):
    hub, ann, bob = places
    secret = await ann.save(name="a secret")

    async def settle():
        for place, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
            await exchange(hub, place, device)

    async def rule(place, stays):
        now_us = place.clock.now_us()
        await place.store.write(lambda conn: rules.ask(conn, "saved_views", stays=stays, keep_days=None, now_us=now_us))

    await settle()
    await erased(ann, secret)
    await settle()
    if stays:
        await rule(places[who], stays=True)
    await places[who].save(id=secret["id"], name="of late")
    await settle()
    await rule(places[who], stays=False)
    await settle()
    assert [await place.all() for place in places] == [[]] * 3
    assert "of late" not in await told_of(hub)
    assert b"of late" not in bytes_of(places[(who + 1) % 3])
