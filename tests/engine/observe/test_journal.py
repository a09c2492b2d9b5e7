"""The journal: what the bus told is in the store, once, with what it happened to."""

from app.engine.base.errors import Limit
from app.engine.base.events import (
    CommandFinished,
    JobStateChanged,
    ModelActivated,
    NodeStateChanged,
    SettingChanged,
    StoreTroubled,
    WindowAsked,
)  # fmt: skip
from app.engine.observe.journal import Journal, row_of
from app.engine.store import rows

AT = 1_700_000_000_000_000
DOWN = NodeStateChanged(at_us=AT, actor="engine", node_id="n1", name="pump", before="online", after="offline", as_of_us=AT - 5)


async def kept(store):
    return await store.read(lambda conn: rows.select(conn, "events", order="at_us"))


async def test_events_are_in_the_store_when_the_journal_has_stopped(base, store):
    journal = Journal(base)
    await journal.start()
    base.bus.publish(DOWN)
    base.bus.publish(SettingChanged(at_us=AT + 1, actor="ada@1", cause="c", key="view.theme"))
    await journal.stop()
    base.bus.publish(DOWN)
    first, second = await kept(store)
    assert (first["name"], first["object_kind"], first["object_id"], first["object_name"]) == (
        "node.state_changed", "node", "n1", "pump",
    )  # fmt: skip
    assert (first["state"], first["detail"]["before"]) == ("offline", "online")
    assert (second["object_kind"], second["object_id"], second["actor"], second["cause"]) == (
        "setting",
        "view.theme",
        "ada@1",
        "c",
    )


async def test_what_has_a_table_of_its_own_is_left_out(base, store):
    journal = Journal(base)
    await journal.start()
    for event in (
        CommandFinished(at_us=AT, actor="", command="qubo.solve", outcome="ok"),
        JobStateChanged(at_us=AT, actor="", job_id="j", kind="qubo", before="queued", after="running"),
        WindowAsked(at_us=AT, actor=""),
    ):
        base.bus.publish(event)
    await journal.stop()
    assert await kept(store) == []


async def test_who_asks_that_all_be_written_waits_for_what_is_being_written(base, store, monkeypatch):
    import asyncio

    journal, begun, may, write = Journal(base), asyncio.Event(), asyncio.Event(), store.write

    async def slow(work):
        begun.set()
        await may.wait()
        return await write(work)

    monkeypatch.setattr(store, "write", slow)
    journal.take(DOWN)
    first = asyncio.create_task(journal.flush())
    await begun.wait()
    second = asyncio.create_task(journal.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not second.done()
    may.set()
    await second
    assert len(await kept(store)) == 1
    await first
    await journal.stop()


async def test_it_writes_by_itself_after_a_moment(base, store, monkeypatch):
    import asyncio

    monkeypatch.setattr("app.engine.observe.journal.FLUSH_S", 0.01)
    written = asyncio.Event()
    journal = Journal(base)
    await journal.start()
    real = base.store.write

    async def write(fn):
        result = await real(fn)
        written.set()
        return result

    base.store = type("Spy", (), {"write": staticmethod(write)})()
    base.bus.publish(DOWN)
    await asyncio.wait_for(written.wait(), 10)
    await journal.stop()
    assert len(await kept(store)) == 1


async def test_a_store_that_cannot_write_loses_nothing_and_is_told_of_once(base, store, caplog):
    journal = Journal(base)
    await journal.start()
    good = base.store

    class Full:
        async def write(self, _fn):
            raise Limit("The disk is full")

    base.store = Full()
    trouble = StoreTroubled(at_us=AT, actor="engine", detail="The disk is full")
    for event in (DOWN, trouble, trouble, trouble):
        base.bus.publish(event)
    await journal.flush()
    assert "events wait for the store" in caplog.text
    base.store = good
    await journal.stop()
    assert [row["name"] for row in await kept(store)] == ["node.state_changed", "store.troubled"]


async def test_old_events_go_at_the_start(base, store, clock):
    keep_us = round(1e6 * base.settings["activity.keep_s"])
    old = {**row_of(DOWN), "at_us": clock.now_us() - keep_us - 1}
    young = {**row_of(DOWN), "at_us": clock.now_us() - keep_us}
    await store.write(lambda conn: rows.put_many(conn, "events", [old, young]))
    journal = Journal(base)
    await journal.start()
    await journal.stop()
    assert [row["id"] for row in await kept(store)] == [young["id"]]


def test_an_event_that_names_several_things_is_about_the_first():
    row = row_of(ModelActivated(at_us=AT, actor="ada@1", node_id="n1", name="node-01", model_id="m1", slot="digits"))
    assert (row["object_kind"], row["object_id"]) == ("node", "n1")
