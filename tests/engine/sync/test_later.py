"""What an older version kept for later is applied once it is known, and only where it fits."""

import json
from dataclasses import replace

import pytest

from app.engine.store.shelf import Shelf
from app.engine.sync import later
from app.engine.sync.later import retry_later
from app.engine.sync.ops import Op, canonical
from tests.engine.sync.places import batch_of, exchange

pytestmark = pytest.mark.parametrize("hub_database", [""])


async def kept_for_later(place, op, fields):
    text = canonical({**op.to_json(), "fields": fields})
    await place._quiet(lambda shelf: shelf.later([{"replica": op.replica, "op": text}]))


async def test_what_turns_out_not_to_fit_is_left_as_it_is_and_the_rest_applied(places, caplog):
    hub, ann, _ = places
    await ann.save(name="north")
    await ann.save(name="south")
    batch = await batch_of(hub, ann)
    await exchange(hub, ann, "ann")
    before = await hub.all()
    bad, good = (replace(op, hlc=op.hlc + 1) for op in batch.ops)
    await kept_for_later(hub, bad, {"filter": "of a later version", "sort": 5})
    await kept_for_later(hub, good, {"filter": "of a later version"})
    for _ in range(2):  # at every start
        await hub._quiet(retry_later)
    after = {row["name"]: row["filter"] for row in await hub.all()}
    assert after == {"north": "", "south": "of a later version"}
    assert [row for row in await hub.all() if row["name"] == "north"] == [row for row in before if row["name"] == "north"]
    assert [json.loads(row["op"])["fields"]["sort"] for row in await hub.all("sync_later")] == [5]
    assert "does not fit" in caplog.text


async def test_a_change_that_breaks_off_half_way_leaves_the_row_as_it_was(places, monkeypatch):
    hub, ann, _ = places
    await ann.save("edge_nodes", node_identifier="aa", name="pump")
    batch = await batch_of(hub, ann)
    await exchange(hub, ann, "ann")
    monkeypatch.setattr(later, "check_op", lambda _op, _kinds: None)
    op = replace(batch.ops[0], hlc=batch.ops[0].hlc + 1, seen={})
    await kept_for_later(hub, op, {"name": "half", "labels": {"add": 5}})
    assert await hub._quiet(retry_later) == 0
    assert [row["name"] for row in await hub.all("edge_nodes")] == ["pump"]


async def test_what_is_still_unknown_is_kept_on(places):
    hub, *_ = places
    op = Op("aa", 1, "t", 0, "edge_moods", "m1", new=True, hlc=5, fields={"mood": "calm"})
    await kept_for_later(hub, op, op.fields)
    assert await hub._quiet(retry_later) == 0
    assert await hub.store.read(lambda conn: len(Shelf(conn).all("sync_later"))) == 1
