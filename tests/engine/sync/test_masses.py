"""What one small body can have a hub do: the work grows with what is in it, and no faster."""

from dataclasses import replace

import pytest
from sqlalchemy import event

from app.engine.base.errors import BadInput
from app.engine.sync import erase, sets
from app.engine.sync.batch import Batch, decode, encode
from app.engine.sync.join import WHOLE
from app.engine.sync.ops import Op, canonical
from app.engine.sync.sealing import SCHEMA


@pytest.fixture
def hub_database():
    """A file; on a database the same statements are made."""
    return ""


def op(seq, table, row, fields, hlc, *, new=False, intent=""):
    return Op("eve-r", seq, f"t{seq}", 0, table, row, new, hlc, fields, actor=f"eve{seq}@1", intent=intent, schema=SCHEMA)


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


async def test_who_wrote_what_many_rows_lost_is_looked_up_together(places):
    hub, now = places[0], places[0].clock.now_us()
    rows = [f"r{at:03d}" for at in range(100)]
    await statements(hub, [op(1 + at, "saved_views", row, {"name": "x"}, now + 10**6, new=True) for at, row in enumerate(rows)])
    few = await statements(hub, [op(101 + at, "saved_views", row, {"name": "y"}, now) for at, row in enumerate(rows[:10])])
    many = await statements(hub, [op(111 + at, "saved_views", row, {"name": "z"}, now) for at, row in enumerate(rows)])
    assert many - few < 10
    met = await hub.all("sync_conflicts")
    assert {(one["row_id"], one["kept_by"]) for one in met} == {(row, f"eve{1 + at}@1") for at, row in enumerate(rows)}


async def test_no_more_of_the_log_is_read_for_names_than_is_allowed_and_what_lost_is_told_all_the_same(places, monkeypatch):
    hub, now = places[0], places[0].clock.now_us()
    await statements(hub, [op(1, "saved_views", "v", {"name": "x"}, now + 10**6, new=True)])
    monkeypatch.setattr("app.engine.sync.conflicts._MOST_READ", 1000)
    await statements(hub, [op(2 + at, "saved_views", "v", {"name": f"{at}" * 400}, now + at) for at in range(5)])
    met = await hub.all("sync_conflicts")
    assert [one["kept_by"] for one in met] == [""] * 5
    assert {one["lost_by"] for one in met} == {f"eve{2 + at}@1" for at in range(5)}


async def test_a_large_value_that_much_loses_to_is_told_whole_once(places):
    hub, now, large = places[0], places[0].clock.now_us(), "x" * 50_000
    await statements(hub, [op(1, "saved_views", "v", {"name": large}, now + 10**6, new=True)])
    await statements(hub, [op(2 + at, "saved_views", "v", {"name": f"n{at}"}, now + at) for at in range(100)])
    met = await hub.all("sync_conflicts")
    kept = sorted((one["kept"]["value"] for one in met), key=len)
    assert (len(kept), kept[-1]) == (100, large)
    assert set(kept[:-1]) == {"x" * 1000 + "…"}
    assert {one["lost"]["value"] for one in met} == {f"n{at}" for at in range(100)}


async def test_a_state_has_a_name_and_no_more(places):
    hub, now = places[0], places[0].clock.now_us()
    to = {"status": {"from": "", "to": "s" * 257}}
    for fields in (to, {WHOLE: {"row": {"status": "s" * 257}, "cells": {"": [now, "eve-r"]}}}):
        with pytest.raises(BadInput):
            await statements(hub, [op(1, "edge_deployments", "d", fields, now, new=True)])


@pytest.mark.parametrize("as_row", [True, False])
async def test_what_is_added_to_a_large_set_one_by_one_has_its_members_read_once(places, monkeypatch, as_row):
    hub, now, counted = places[0], places[0].clock.now_us(), []
    monkeypatch.setattr(sets, "canonical", lambda document: counted.append(1) or canonical(document))

    def added(*names):
        return {"target_nodes": {"add": {canonical([name]): name for name in names}, "seen": {}, "del": {}, "list": True}}

    def told(name, at):
        return {WHOLE: {"row": {"target_nodes": [name]}, "cells": {"": [at, "eve-r"]}}} if as_row else added(name)

    first = [f"m{at}" for at in range(500)]
    await statements(hub, [op(1, "edge_deployments", "d", added(*first), now, new=True)])
    more = [f"a{at}" for at in range(500)]
    ops = [op(2 + at, "edge_deployments", "d", told(name, now + 1 + at), now + 1 + at) for at, name in enumerate(more)]
    await statements(hub, ops)
    (row,) = await hub.all("edge_deployments")
    assert row["target_nodes"] == sorted([*first, *more])
    assert len(counted) < 2000


async def test_what_is_kept_for_later_is_looked_through_once_however_many_rows_are_erased(places, monkeypatch):
    hub, now, counted = places[0], places[0].clock.now_us(), []
    known = erase._key_of
    monkeypatch.setattr(erase, "_key_of", lambda text: counted.append(1) or known(text))
    await statements(hub, [op(1 + at, "saved_views", f"r{at}", {"name": "x", "later": 1}, now, new=True) for at in range(20)])
    assert await hub.count("sync_later") == 20
    orders = [(21 + at, f"r{at}") for at in range(19)]
    await statements(
        hub,
        [op(seq, "saved_views", row, {"deleted_us": now}, now + 1, intent="sync.erase") for seq, row in orders],
    )
    assert await hub.count("sync_later") == 1
    assert len(counted) == 20


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


async def test_a_row_that_is_deleted_and_put_back_many_times_in_a_batch_tells_of_what_it_covered_once(places, monkeypatch):
    hub, now = places[0], places[0].clock.now_us()
    members, looked = {f"k{at:04d}": "x" * 20 for at in range(1000)}, []
    real = sets.Held.put_since
    monkeypatch.setattr(sets.Held, "put_since", lambda held, by: looked.append(len(keys := real(held, by))) or keys)
    await hub.save("edge_nodes", name="pump", node_identifier="d1", labels=members)
    (row,) = await hub.all("edge_nodes")
    hub.clock.advance(1.0)
    ops = []
    for at in range(100):
        seen = {"updated_us": (1, "x")}
        ops.append(op(2 * at + 1, "edge_nodes", row["id"], {"deleted_us": now}, now + 10 + 2 * at))
        ops[-1] = replace(ops[-1], seen=seen)
        ops.append(op(2 * at + 2, "edge_nodes", row["id"], {"deleted_us": None}, now + 11 + 2 * at))
    await statements(hub, ops)
    (met,) = await hub.all("sync_conflicts")
    assert met["lost"]["value"]["labels"]["add"] == members
    assert sum(looked) == len(members)
