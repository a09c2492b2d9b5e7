"""Operations, rows, verdicts and bundles of the version before, read by a hub and a console of this one."""

import json
from dataclasses import replace

import pytest

from app.engine.base.errors import Conflict
from app.engine.store import upcast
from app.engine.store.shelf import Shelf
from app.engine.store.upcast import Step
from app.engine.sync import carry
from app.engine.sync.batch import decode, encode
from app.engine.sync.join import WHOLE
from app.engine.sync.later import retry_later
from app.engine.sync.ops import Op, canonical
from app.engine.sync.sealing import SCHEMA
from tests.engine.sync import bundles
from tests.engine.sync.places import batch_of, exchange, meet

BEFORE = SCHEMA - 1
on_a_file = pytest.mark.parametrize("hub_database", ["sqlite"], indirect=True)


def today(values, new):
    """A view's sort was "down" and is "descending"; a new view is grouped, which none was before."""
    told = {name: "descending" if (name, value) == ("sort", "down") else value for name, value in values.items()}
    return {"grouping": "site", **told} if new else told


@pytest.fixture(autouse=True)
def stepped(monkeypatch):
    """A migration that renamed `heading` to `name` in views, and in rollouts `stage` to `status` and its "going"."""
    monkeypatch.setitem(upcast.STEPS, (SCHEMA, "saved_views"), Step({"heading": "name"}, today))
    going = Step({"stage": "status"}, lambda values, _new: {n: "running" if v == "going" else v for n, v in values.items()})
    monkeypatch.setitem(upcast.STEPS, (SCHEMA, "edge_deployments"), going)


def as_before(told):
    """What is told by columns, under the names and with the values of the version before."""
    words = {"name": "heading", "status": "stage"}
    values = {"descending": "down", "running": "going"}
    return {
        words.get(name, name): values.get(value, value) if isinstance(value, str) else value
        for name, value in told.items()
        if name != "grouping"
    }


def old(op):
    fields = as_before(op.fields)
    for name, value in fields.items():
        if isinstance(value, dict) and "to" in value:
            fields[name] = as_before(value)
    return replace(op, schema=BEFORE, fields=fields, seen=as_before(op.seen))


def old_batch(batch):
    return encode(replace(batch, ops=tuple(map(old, batch.ops))))


async def views(*places):
    rows = [row for place in places for row in await place.all()]
    return {(row["name"], row["sort"], row["grouping"]) for row in rows}


async def test_a_batch_of_the_version_before_is_read_as_one_of_today_by_the_hub_and_by_who_pulls_it(places):
    hub, ann, bob = places
    view = await ann.save(name="north", sort="descending")
    ann.clock.advance(1)
    await ann.save(id=view["id"], name="northern")
    told = old_batch(await batch_of(hub, ann))
    assert b"heading" not in told  # compressed
    batch = decode(told)
    assert [op.fields["name"] for op in batch.ops] == ["north", "northern"]
    assert all('"heading"' in op.text for op in batch.ops)
    assert (await hub.hub(lambda one: one.receive(batch, "ann")))["taken"] == 2
    await exchange(hub, bob, "bob")
    assert await views(hub, bob) == {("northern", "descending", "site")}
    assert await bob.all("sync_later") == await hub.all("sync_later") == []
    assert await hub.all("sync_conflicts") == []  # the second had seen the first, under its name of then
    assert all('"heading"' in row["op"] for row in await hub.all("sync_log"))  # what was said stays as it was said
    assert (await hub.hub(lambda one: one.receive(batch, "ann")))["taken"] == 0
    await bob.save(id=view["id"], name="bob's")
    await exchange(hub, bob, "bob")
    assert {name for name, _, _ in await views(hub)} == {"bob's"}


@on_a_file
async def test_what_is_unknown_of_the_version_before_is_kept_with_what_is_known_lifted_once(places):
    hub, ann, bob = places
    await ann.save(name="north", sort="descending")
    batch = await batch_of(hub, ann)
    op = replace(old(batch.ops[0]), fields={**old(batch.ops[0]).fields, "mood": "calm"})
    await hub.hub(lambda one: one.receive(decode(encode(replace(batch, ops=(op,)))), "ann"))
    await exchange(hub, bob, "bob")
    for place in (hub, bob):
        assert await views(place) == {("north", "descending", "site")}
        kept = [json.loads(row["op"]) for row in await place.all("sync_later")]
        assert [(one["fields"], one["schema"]) for one in kept] == [({"mood": "calm"}, SCHEMA)]


@on_a_file
async def test_what_was_kept_for_later_is_lifted_when_this_version_reads_it(places):
    hub, ann, bob = places
    await ann.save(name="north", sort="descending")
    op = old((await batch_of(hub, ann)).ops[0])
    await bob.store.write(lambda conn: Shelf(conn).later([{"replica": op.replica, "op": canonical(op.to_json())}]))
    assert await bob.store.write(lambda conn: retry_later(Shelf(conn))) == 1
    assert await views(bob) == {("north", "descending", "site")}


@on_a_file
async def test_a_page_of_a_hub_of_the_version_before_is_read_with_its_decisions(places):
    hub, ann, bob = places
    row = await ann.save("edge_deployments", deployment_name="d", status="ready")
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    ann.clock.advance(1)
    await ann.save("edge_deployments", id=row["id"], status="starting")
    await exchange(hub, ann, "ann")
    await ann.save("edge_deployments", id=row["id"], status="running")
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    replica, peer = await bob.replica(), await bob.console(lambda one: one.peer)
    page = await hub.hub(lambda one: one.page(replica, "bob", peer["cursor"], peer["epoch"]))
    entries = []
    for name, verdicts, op in map(json.loads, page["ops"]):
        judged = {"stage": {**verdicts["status"], **as_before({"value": verdicts["status"]["value"]})}} if verdicts else None
        entries.append(canonical([name, judged, old(Op.from_json(op, name)).to_json()]))
    assert '"stage"' in entries[-1]
    assert '"going"' in entries[-1]
    await bob.console(lambda one: one.take_page({**page, "ops": entries, "data_schema": BEFORE}))
    assert [one["status"] for one in await bob.all("edge_deployments")] == ["running"]


@on_a_file
async def test_rows_of_a_hub_of_the_version_before_are_read_with_their_stamps_and_it_is_not_asked_twice(places):
    hub, ann, bob = places
    view = await ann.save(name="north", sort="descending")
    await exchange(hub, ann, "ann")
    ann.clock.advance(1)
    await ann.save(id=view["id"], name="northern")
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    page = await hub.hub(lambda one: one.snapshot(("", "")))
    lines = [[table, id_, as_before(row), as_before(cells)] for table, id_, row, cells in map(json.loads, page["rows"])]
    assert "heading" in lines[0][2]
    assert "heading" in lines[0][3]
    await bob.console(lambda one: one.note(schema=BEFORE))
    unsaid = {name: value for name, value in page.items() if name != "data_schema"}  # it was told at the meeting alone
    await bob.console(lambda one: one.take_snapshot({**unsaid, "rows": list(map(canonical, lines))}))
    assert await views(bob) == {("northern", "descending", "site")}
    cells = await bob.store.read(lambda conn: Shelf(conn).load([("saved_views", view["id"])]))
    assert "name" in next(iter(cells.values()))[1]
    await exchange(hub, bob, "bob")
    assert {name for name, _, _ in await views(hub, bob)} == {"northern"}


@on_a_file
async def test_a_bundle_and_a_row_handed_over_whole_of_the_version_before_are_read(places):
    _, ann, bob = places
    view = await ann.save(name="north", sort="descending")
    now_us = ann.clock.now_us()
    body, files = await ann.store.write(lambda conn: bundles.from_peer(Shelf(conn), "bob", "ann", now_us))
    parts = [old_batch(decode(part)) for part in files.values()]
    body = {**body, "data_schema": BEFORE}
    await bob.store.write(lambda conn: carry.to_peer(Shelf(conn), "ann", body, parts, now_us))
    assert await views(bob) == {("north", "descending", "site")}
    whole = {WHOLE: {"row": {"heading": "whole"}, "cells": {"heading": [5, "aa"]}}}
    told = Op("aa", 1, "t", 0, "saved_views", view["id"], new=False, hlc=5, fields=whole, schema=BEFORE)
    lifted = Op.from_json(told.to_json(), "aa")
    assert lifted.fields == {WHOLE: {"row": {"name": "whole"}, "cells": {"name": [5, "aa"]}}}
    assert lifted.text == told.text


@on_a_file
async def test_a_program_older_than_the_version_before_is_refused_in_one_line_and_what_it_left_waiting_is_not(
    places, monkeypatch
):
    hub, ann, bob = places
    monkeypatch.setitem(upcast.STEPS, (BEFORE, "saved_views"), Step({"caption": "heading"}))
    line = f"That Outpost has schema {BEFORE - 1}, and this one reads {BEFORE} and later"
    hello = await hub.hub(lambda one: one.hello("aa", "ann", "ann", BEFORE))
    with pytest.raises(Conflict, match=line):
        await hub.hub(lambda one: one.hello("aa", "ann", "ann", BEFORE - 1))
    with pytest.raises(Conflict, match=line):
        await bob.console(lambda one: one.met({**hello, "data_schema": BEFORE - 1}))
    with pytest.raises(Conflict, match=line):
        await bob.store.write(lambda conn: carry.to_peer(Shelf(conn), "ann", {"data_schema": BEFORE - 1}, [], 1))
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    op = old(batch.ops[0])
    older = replace(op, schema=BEFORE - 1, fields={("caption" if n == "heading" else n): v for n, v in op.fields.items()})
    await hub.hub(lambda one: one.receive(decode(encode(replace(batch, ops=(older,)))), "ann"))
    assert {name for name, _, _ in await views(hub)} == {"north"}
