"""What one small body can have a hub do: the work grows with what is in it, and no faster."""

import pytest
from sqlalchemy import event

from app.engine.sync.batch import Batch, decode, encode
from app.engine.sync.ops import Op
from app.engine.sync.sealing import SCHEMA


@pytest.fixture
def hub_database():
    """A file; on a database the same statements are made."""
    return ""


def op(seq, table, row, fields, hlc, *, new=False):
    return Op("eve-r", seq, f"t{seq}", 0, table, row, new, hlc, fields, actor=f"eve{seq}@1", schema=SCHEMA)


async def statements(hub, ops):
    """Hand operations over; return how many statements that took."""
    hello = await hub.hub(lambda one: one.hello("eve-r", "eve", "eve", SCHEMA))
    batch, counted = Batch("eve-r", hello["epoch"], hello["acked"], hello["chain"], tuple(ops)), []

    def count(*_what):
        counted.append(1)

    event.listen(hub.store._engine, "before_cursor_execute", count)
    try:
        await hub.hub(lambda one: one.receive(decode(encode(batch)), "eve"))
    finally:
        event.remove(hub.store._engine, "before_cursor_execute", count)
    return len(counted)


async def test_who_wrote_what_a_row_lost_is_looked_up_once_however_much_it_was(places):
    hub, now = places[0], places[0].clock.now_us()
    await statements(hub, [op(1, "saved_views", "v", {"name": "x"}, now + 10**6, new=True)])
    few = await statements(hub, [op(2 + at, "saved_views", "v", {"name": f"n{at}"}, now + at) for at in range(10)])
    many = await statements(hub, [op(12 + at, "saved_views", "v", {"name": f"m{at}"}, now + 10 + at) for at in range(100)])
    assert many - few < 10
    met = await hub.all("sync_conflicts")
    assert {(one["kept_by"], one["lost_by"]) for one in met} == {("eve1@1", f"eve{2 + at}@1") for at in range(110)}


async def test_rows_that_all_have_one_unique_key_cost_one_look_each(places):
    hub, now = places[0], places[0].clock.now_us()

    def made(first, count):
        told = [(seq, f"r{seq:06d}") for seq in range(first, first + count)]
        return [op(seq, "edge_nodes", row, {"name": row, "node_identifier": "same"}, now + seq, new=True) for seq, row in told]

    few = await statements(hub, made(1, 10))
    many = await statements(hub, made(11, 100))
    assert many - few < 2 * 100
    assert [one["id"] for one in await hub.all("edge_nodes", deleted_us=None)] == ["r000001"]
    assert len(await hub.all("sync_conflicts")) == 109


async def test_of_rows_with_one_unique_key_the_least_id_stays_whichever_comes_first(places):
    hub, now = places[0], places[0].clock.now_us()
    names = ["r5", "r3", "r9", "r1", "r7"]
    rows = [{"name": name, "node_identifier": "same"} for name in names]
    ops = [
        op(1 + at, "edge_nodes", name, row, now + at, new=True) for at, (name, row) in enumerate(zip(names, rows, strict=True))
    ]
    await statements(hub, ops[:3])
    await statements(hub, ops[3:])
    assert [one["id"] for one in await hub.all("edge_nodes", deleted_us=None)] == ["r1"]
    assert {one["row_id"] for one in await hub.all("sync_conflicts")} == {"r3", "r5", "r7", "r9"}
