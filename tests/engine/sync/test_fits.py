"""What does not fit its column is refused at the door of the hub and of the console, with nothing half-applied."""

import contextlib
import json
import sqlite3
from dataclasses import replace

import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.store.shelf import kinds_of
from app.engine.store.store import Store
from app.engine.sync import hub as hub_module
from app.engine.sync.batch import Batch
from app.engine.sync.fits import check_cells, check_op, check_row, check_verdicts
from app.engine.sync.join import WHOLE
from app.engine.sync.ops import FIRST_CHAIN, Op
from app.engine.sync.records import Met, conflict_of
from app.engine.sync.sealing import SCHEMA
from tests.engine.sync.places import Place, batch_of, exchange, meet, put_file, snapshot

MISFITS = (
    {"updated_us": "abc"}, {"name": 7}, {"name": None}, {"name": ["x"]}, {"created_us": [2]}, {"deleted_us": "yes"},
    {"updated_us": True}, {"updated_us": 1.5}, {"columns": "none"}, {"columns": None}, {"updated_us": 1 << 70},
    {"name": "\ud800"}, {"columns": ["\ud800"]},
)  # fmt: skip


@pytest.mark.parametrize("fields", MISFITS, ids=str)
async def test_a_value_that_its_column_cannot_hold_is_refused_at_the_hubs_door(places, fields):
    hub, ann, _ = places
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    op = batch.ops[0]
    bad = replace(batch, ops=(replace(op, fields={**op.fields, **fields}),))
    with pytest.raises(BadInput):
        await hub.hub(lambda one: one.receive(bad, "ann"))
    assert (await hub.count("sync_log"), await hub.all()) == (0, [])
    await exchange(hub, ann, "ann")
    assert [row["name"] for row in await hub.all()] == ["north"]


@pytest.mark.parametrize("fields", [MISFITS[0], MISFITS[1], MISFITS[10]], ids=str)
@pytest.mark.parametrize("hub_database", [""])
async def test_a_hub_that_gives_out_what_does_not_fit_spoils_no_console(places, fields):
    hub, ann, bob = places
    await ann.save(name="north")
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    replica, epoch = await bob.replica(), (await bob.console(lambda one: one.peer))["epoch"]
    page = await hub.hub(lambda one: one.page(replica, "bob", 0, epoch))
    writer, verdicts, op = json.loads(page["ops"][0])
    bad = {**page, "ops": [json.dumps([writer, verdicts, {**op, "fields": {**op["fields"], **fields}}])]}
    with pytest.raises(BadInput):
        await bob.console(lambda one: one.take_page(bad))
    rows = await hub.hub(lambda one: one.snapshot(("", "")))
    table, id_, values, cells = json.loads(rows["rows"][0])
    for told in ([table, id_, {**values, **fields}, cells], [table, id_, values, {**cells, "name": 5}]):
        with pytest.raises(BadInput):
            await bob.console(lambda one, told=told: one.take_snapshot({**rows, "rows": [json.dumps(told)]}))
    assert (await bob.all(), (await bob.console(lambda one: one.peer))["cursor"]) == ([], 0)
    await exchange(hub, bob, "bob")
    assert [row["name"] for row in await bob.all()] == ["north"]


@pytest.mark.parametrize("member", ["seen", "del"])
@pytest.mark.parametrize("hub_database", [""])
async def test_a_set_that_speaks_of_the_far_future_is_refused_and_the_set_can_still_be_changed(places, member):
    hub, ann, bob = places
    node = await ann.save("edge_nodes", name="pump", node_identifier="d1", labels={"line": "2"})
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    await ann.save("edge_nodes", id=node["id"], name="pump 2")
    batch = await batch_of(hub, ann)
    change = {"add": {}, "seen": {}, "del": {}, "list": False, member: {"line": [1 << 62, "z"]}}
    bad = Batch(batch.replica, batch.epoch, batch.after, batch.chain, (replace(batch.ops[0], fields={"labels": change}),))
    with pytest.raises(Conflict, match="ahead of this clock"):
        await hub.hub(lambda one: one.receive(bad, "ann"))
    with pytest.raises(Conflict, match="ahead of this clock"):
        await bob.console(lambda one: one.take_batch(replace(bad, after=0)), "ann")
    await bob.save("edge_nodes", id=node["id"], labels={"line": "9"})
    await exchange(hub, bob, "bob")
    assert [row["labels"] for row in await hub.all("edge_nodes")] == [{"line": "9"}]


@pytest.mark.parametrize("hub_database", [""])
async def test_who_says_to_have_seen_the_far_future_is_refused_and_what_a_hub_kept_of_that_goes_no_further(
    places, monkeypatch, tmp_path, fresh_file
):
    hub, ann, bob = places
    row = await ann.save(name="north")
    await exchange(hub, ann, "ann")
    now_us = hub.clock.now_us()
    seen = {"name": (now_us + (1 << 50), "zz")}
    bad = Op("eve", 1, "t", 0, "saved_views", row["id"], False, now_us + 10, {"name": "seen too much"}, seen)
    with pytest.raises(Conflict, match="ahead of this clock"):
        await handed(hub, bad)
    with pytest.raises(Conflict, match="ahead of this clock"):
        await bob.console(lambda one: one.take_batch(Batch("eve", "", 0, FIRST_CHAIN, (bad,))), "eve")
    assert await hub.count("sync_log") == 1
    with monkeypatch.context() as patched:
        patched.setattr(hub_module.join, "last_of", lambda op, kinds: op.hlc)
        await handed(hub, bad)
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    other = Place(await Store.open(put_file(fresh_file, tmp_path / "other"), hub.clock), hub.clock)
    try:  # another hub, to which the row is handed over as it stands
        for place, device in ((ann, "ann"), (bob, "bob")):
            await exchange(other, place, device, peer="other")
        assert [each["name"] for each in await other.all()] == ["seen too much"]
    finally:
        await other.store.close()


DOCUMENTS = (("qubo_runs", {"result": 5}), ("qubo_runs", {"result": [5]}), ("sync_conflicts", {"kept": "x"}))


@pytest.mark.parametrize(("table", "fields"), DOCUMENTS, ids=str)
async def test_a_document_that_may_be_none_is_one_with_names_or_none(places, table, fields):
    hub, ann, bob = places
    await ann.save(table, id="r")
    batch = await batch_of(hub, ann)
    bad = replace(batch, ops=(replace(batch.ops[0], fields={**batch.ops[0].fields, **fields}),))
    with pytest.raises(BadInput):
        await hub.hub(lambda one: one.receive(bad, "ann"))
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    assert [row["id"] for row in await bob.all(table)] == ["r"]


@pytest.mark.parametrize("hub_database", [""])
async def test_what_another_program_writes_and_nobody_can_hold_stays_here_and_holds_nothing_back(places, caplog):
    hub, ann, bob = places
    row = await ann.save("qubo_runs", title="x")
    await exchange(hub, ann, "ann")
    with contextlib.closing(sqlite3.connect(ann.store.path)) as raw:
        raw.execute("UPDATE qubo_runs SET result = '5', title = 'by hand'")
        raw.commit()
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    assert "result of qubo_runs" in caplog.text
    await bob.save("qubo_runs", id=row["id"], title="of bob")
    for place, device in ((bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    assert [(each["title"], each["result"]) for each in await hub.all("qubo_runs")] == [("of bob", None)]


def test_a_conflict_of_an_earlier_version_that_took_anything_for_its_values_is_still_shown():
    known = dict.fromkeys(Met.__dataclass_fields__, "")
    told = conflict_of({**known, "kept": "x", "lost": None}).to_json()
    assert (told["kept"], told["kept_seen_us"], told["lost"]) == ("x", 0, None)


def op_of(table, **fields):
    return Op("aa", 1, "t", 0, table, "r", True, 5, fields)


def test_a_guarded_state_is_judged_by_what_it_is_to_become_and_sets_are_left_to_their_merge():
    kinds = kinds_of("edge_deployments")
    check_op(op_of("edge_deployments", status={"from": None, "to": "planned"}, target_nodes={"add": {}}), kinds)
    check_op(op_of("edge_deployments", status="planned", mood=[1]), kinds)
    for status in (5, {"from": "planned", "to": 5}, {"from": "planned"}):
        with pytest.raises(BadInput, match="status of edge_deployments"):
            check_op(op_of("edge_deployments", status=status), kinds)
    for change in ({"del": {"n": ["a", 1]}}, {"add": {}, "seen": {"n": [1.5, "a"]}}, {"del": [1, "a"]}):
        with pytest.raises(BadInput, match="target_nodes of edge_deployments"):
            check_op(op_of("edge_deployments", target_nodes=change), kinds)
    check_op(op_of("edge_nodes", location_lat=7, location_lon=None), kinds_of("edge_nodes"))
    check_op(op_of("edge_moods", name=5), None)


@pytest.mark.parametrize("verdict", [None, 5, {}, {"at": "x", "value": "planned"}, {"at": 5}, {"at": 5, "value": 7}])
def test_what_is_no_decision_is_refused(verdict):
    kinds, op = kinds_of("edge_deployments"), op_of("edge_deployments")
    check_verdicts(op, {"status": {"at": 5, "ok": True, "value": "planned", "reason": ""}, "gone": [5, "aa"]}, kinds)
    with pytest.raises(BadInput):
        check_verdicts(op, {"status": verdict}, kinds)
    with pytest.raises(BadInput):
        check_verdicts(op, {"gone": verdict}, kinds)


@pytest.mark.parametrize("cell", [
    5, [], [1], ["a", 1], [1, "a", 2], [True, "a"], {"s": [1]}, {"s": [1, "a"], "e": []}, {"s": [1, "a"], "e": {"k": [1]}},
    {"s": [1, "a"], "c": {"k": ["x", 1]}}, {"s": [1, "a"], "t": [[1]]}, {"s": [1, "a"], "x": 1},
])  # fmt: skip
def test_cells_that_say_nothing_are_refused_and_those_of_unknown_columns_kept(cell):
    kinds = kinds_of("edge_nodes")
    sound = {"": [1, "a"], "name": [1, "a", 0, ""], "labels": {"s": [1, "a"], "e": {"k": [1, "a", 0, ""]}}, "mood": 5}
    check_cells("edge_nodes", {**sound, "gone": [1, "a"], "erased": True}, kinds)
    for column in ("", "name", "labels", "gone", "erased"):
        with pytest.raises(BadInput):
            check_cells("edge_nodes", {column: cell}, kinds)
    check_row("edge_nodes", {"name": "x", "mood": 5}, kinds)


AT, PARTS = [1, "a"], {"e": {"k": [1, "a", 0, ""]}, "c": {"a": [1, 2]}, "t": [[1, "a", 0, "x", 1]]}
HAS = {"set": "e", "counter": "c", "text": "t", "lww": None, "append": None, "guarded": None}


@pytest.mark.parametrize("kind", HAS)
def test_a_cell_has_the_part_that_its_kind_of_column_has_and_no_other(kind):
    kinds, part = {"x": kind}, HAS[kind]
    check_cells("t", {"x": AT}, kinds)
    if part:
        check_cells("t", {"x": {"s": AT, part: PARTS[part]}}, kinds)
    wrong = [{"s": AT, name: PARTS[name]} for name in PARTS if name != part] + [PARTS, {"s": AT, **PARTS}, {}, {"s": AT}]
    wrong += [{part: PARTS[part]}] if part else []
    for cell in wrong:
        with pytest.raises(BadInput):
            check_cells("t", {"x": cell}, kinds)
    check_cells("t", {"x": {"s": AT}}, kinds, kept=True)


def whole_of(now_us, **cells):
    row = {"name": "pump", "node_identifier": "d1", "labels": {"a": "1"}, "updated_us": now_us, "created_us": now_us}
    return {WHOLE: {"row": row, "cells": {"": [now_us, "eve"], **cells}}}


async def handed(hub, op, device="eve"):
    """Hand an operation over as whoever leaves the checks out would."""
    hello = await hub.hub(lambda one: one.hello(op.replica, device, device, SCHEMA))
    batch = Batch(op.replica, hello["epoch"], hello["acked"], hello["chain"], (replace(op, seq=hello["acked"] + 1),))
    return await hub.hub(lambda one: one.receive(batch, device))


@pytest.mark.parametrize("hub_database", [""])
async def test_half_a_cell_is_refused_and_one_that_a_hub_took_before_holds_nobody_up(places, monkeypatch):
    hub, ann, bob = places
    now_us = hub.clock.now_us()
    bad = Op("eve", 1, "t", 0, "edge_nodes", "row-1", False, now_us, whole_of(now_us, labels={"s": [now_us, "eve"]}))
    with pytest.raises(BadInput, match="labels of edge_nodes"):
        await handed(hub, bad)
    assert (await hub.count("sync_log"), await hub.all("edge_nodes")) == (0, [])
    with monkeypatch.context() as patched:
        patched.setattr(hub_module, "check_op", lambda op, kinds: None)
        await handed(hub, bad)
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    await snapshot(hub, bob)
    for place, device, labels in ((ann, "ann", {"a": "2"}), (bob, "bob", {"b": "3"})):
        await place.save("edge_nodes", id="row-1", labels=labels)
        await exchange(hub, place, device)
    await exchange(hub, ann, "ann")
    for place in places:
        assert [row["labels"] for row in await place.all("edge_nodes")] == [{"a": "2", "b": "3"}]


@pytest.mark.parametrize("told", [
    lambda at: {"id": "B", "name": "ghost"}, lambda at: {WHOLE: {"row": {"id": "B", "name": "ghost"}, "cells": {"": [at, "eve"]}}},
], ids=["new", "whole"])  # fmt: skip
@pytest.mark.parametrize("hub_database", [""])
async def test_a_row_is_told_under_its_own_id_or_refused(places, monkeypatch, told):
    hub, ann, bob = places
    now_us = hub.clock.now_us()
    fields = told(now_us)
    bad = Op("eve", 1, "t", 0, "saved_views", "A", WHOLE not in fields, now_us, fields)
    with pytest.raises(BadInput, match="id of saved_views"):
        await handed(hub, bad)
    assert await hub.count("sync_log") == 0
    with monkeypatch.context() as patched:
        patched.setattr(hub_module, "check_op", lambda op, kinds: None)
        await handed(hub, bad)
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    await snapshot(hub, bob)
    for place in places:
        assert [(row["id"], row["name"]) for row in await place.all()] == [("A", "ghost")]
