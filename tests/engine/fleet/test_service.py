import math

import pytest

from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Offline
from app.engine.base.events import NodePaired, NodeRemoved, NodeStateChanged, TelemetryLost
from app.engine.fleet.health import Health
from app.engine.link.records import Batch
from app.engine.store import rows
from app.wire.status import ModelStatus, Status
from app.wire.telemetry import Measurement
from tests.engine.fleet.ground import until


def items(first, last, clock):
    begin_us = clock.now_us()
    return tuple(
        Measurement(n, begin_us + n * 1_000_000, cpu_ratio=0.25, mem_ratio=0.5, inference_count=1)
        for n in range(first, last + 1)
    )


def batch(node, first, last, clock, epoch="e", **given):
    return Batch(node.id, clock.now_us(), epoch, last, items(first, last, clock), **given)


def failed(node, clock):
    return Batch(node.id, clock.now_us(), problem=Offline("{n} is away", n=node.name).problem())


async def stored(base, node):
    return await base.store.read(lambda conn: rows.select(conn, "edge_telemetry", where={"node_id": node.id}, order="seq"))


async def paired(fleet, code="north"):
    return await fleet.pair("10.0.0.1:8443", code, about={"site": "Narvik", "location_lat": 68.4}, actor="me@here")


def events_of(base, *kinds):
    heard = []
    base.bus.subscribe(heard.append, *kinds)
    return heard


async def test_a_paired_node_is_online_attached_and_still_there_after_a_restart(base, link, opened):
    async with opened() as fleet:
        heard = events_of(base, NodePaired)
        node = await paired(fleet)
        assert (node.state, node.site, node.lat, node.hardware["cpu_count"]) == (Health.ONLINE, "Narvik", 68.4, 4)
        assert [event.node_id for event in heard] == [node.id]
        assert link.targets[node.id].peer.identity.device_id == node.device_id
    async with opened() as fleet:
        again = fleet.find("north")
        assert (again.id, again.device_id, again.hardware) == (node.id, node.device_id, node.hardware)


async def test_pairing_the_same_device_again_keeps_its_id(fleet):
    first = await paired(fleet)
    second = await fleet.pair("10.0.0.9:1", "north", about={"name": "renamed"}, actor="me@here")
    assert (second.id, second.name, second.address) == (first.id, "renamed", "10.0.0.9:1")
    assert len(fleet.records) == 1


async def test_a_node_that_hides_its_inventory_is_still_a_node(fleet, link):
    link.away = True
    node = await paired(fleet)
    assert (node.hardware, node.trouble) == ({}, "it is away")


async def test_a_batch_becomes_samples_rows_a_cursor_and_a_newer_record(base, link, opened, clock):
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 3, clock, round_trip_s=0.01))
        seen = fleet.records.need(node.id)
        assert (seen.cpu_ratio, seen.seq, seen.inference_count, seen.round_trip_s) == (0.25, 3, 3, 0.01)
        assert base.samples.ring(node.id, "cpu_ratio").tail()[1].tolist() == [0.25] * 3
        assert math.isnan(base.samples.ring(node.id, "latency_p99_s").last()[1])
    found = await stored(base, node)
    assert [row["seq"] for row in found] == [1, 2, 3]
    (row,) = await base.store.read(lambda conn: rows.select(conn, "edge_nodes"))
    assert (row["cursor_epoch"], row["cursor_seq"], row["status"]) == ("e", 3, "online")
    async with opened() as fleet:
        assert (link.targets[node.id].epoch, link.targets[node.id].seq) == ("e", 3)
        assert (await fleet.show("north"))["telemetry"][0]["seq"] == 3


async def test_the_models_of_a_node_are_known_after_a_restart_though_it_is_silent(base, link, opened, clock):
    told = Status("d", "north", "1", 1, 0, "e", 0, 0, 1.0, models=(ModelStatus("digits", 1, committed=True),))
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 1, clock, status=told))
    async with opened() as fleet:
        assert fleet.records.need(node.id).models == ("digits:1",)
        fleet.activated(node.id, "m2", "digits", version=2, actor="me@here", cause="r1")
        assert fleet.records.need(node.id).models == ("digits:2",)
    async with opened() as fleet:
        assert fleet.records.need(node.id).models == ("digits:2",)


async def test_what_comes_twice_is_kept_once(base, link, opened, clock):
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 3, clock))
        link.bring(batch(node, 2, 5, clock))
        assert fleet.records.need(node.id).inference_count == 5
    assert [row["seq"] for row in await stored(base, node)] == [1, 2, 3, 4, 5]


async def test_a_new_spool_begins_anew_beside_the_old(base, link, opened, clock):
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 3, clock))
        link.bring(batch(node, 1, 2, clock, epoch="f"))
    assert sorted((row["epoch"], row["seq"]) for row in await stored(base, node)) == [
        ("e", 1), ("e", 2), ("e", 3), ("f", 1), ("f", 2),
    ]  # fmt: skip


async def test_a_lost_range_is_told(base, link, fleet, clock):
    heard = events_of(base, TelemetryLost)
    node = await paired(fleet)
    link.bring(batch(node, 8, 9, clock, lost=((1, 7),)))
    assert [(event.epoch, event.first_seq, event.last_seq) for event in heard] == [("e", 1, 7)]


async def test_a_failed_pull_makes_suspect_at_once_and_silence_offline(base, link, fleet, clock):
    heard = events_of(base, NodeStateChanged)
    node = await paired(fleet)
    link.bring(failed(node, clock))
    assert fleet.records.need(node.id).state is Health.SUSPECT
    assert fleet.records.need(node.id).trouble == "north is away"
    assert not fleet.is_away(node.id)
    clock.advance(9.5)
    await until(lambda: fleet.records.need(node.id).state is Health.OFFLINE)
    assert fleet.is_away(node.id)
    as_of_us = fleet.records.need(node.id).last_heartbeat_us
    link.bring(batch(node, 1, 1, clock))
    assert fleet.records.need(node.id).state is Health.ONLINE
    assert not fleet.is_away(node.id)
    assert [(event.before, event.after) for event in heard] == [
        ("online", "suspect"), ("suspect", "offline"), ("offline", "online"),
    ]  # fmt: skip
    assert heard[1].as_of_us == as_of_us


async def test_after_a_long_stop_a_node_is_offline_with_its_age_until_heard(base, opened, clock):
    async with opened() as fleet:
        node = await paired(fleet)
    clock.advance(3600)
    async with opened() as fleet:
        assert fleet.records.need(node.id).state is Health.OFFLINE
        assert not fleet.is_away(node.id)  # nobody has asked it yet
        assert fleet.records.need(node.id).last_heartbeat_us == clock.now_us() - 3_600_000_000


async def test_while_the_store_refuses_nothing_is_lost_for_it_is_pulled_again(base, link, opened, clock, monkeypatch):
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 2, clock))
        await fleet._flush()
        write, refused = base.store.write, []

        async def full(_work):
            refused.append(1)
            raise Limit("The disk is full")

        monkeypatch.setattr(base.store, "write", full)
        link.bring(batch(node, 3, 4, clock))
        await until(lambda: refused)
        link.bring(batch(node, 5, 6, clock))
        assert fleet.records.need(node.id).seq == 6
        monkeypatch.setattr(base.store, "write", write)
        link.targets.clear()
        link.bring(batch(node, 7, 7, clock))
        await until(lambda: link.targets)
        assert link.targets[node.id].seq == 2
        link.bring(batch(node, 3, 7, clock))
        assert base.samples.ring(node.id, "cpu_ratio").count == 7
    assert [row["seq"] for row in await stored(base, node)] == [1, 2, 3, 4, 5, 6, 7]


async def test_old_telemetry_is_let_go(base, link, opened, clock):
    async with opened() as fleet:
        node = await paired(fleet)
        link.bring(batch(node, 1, 3, clock))
        await fleet._flush()
        clock.advance(2 * 86400)
        link.bring(batch(node, 4, 5, clock))
        await fleet._flush()
        await fleet._ledger.prune()
    assert [row["seq"] for row in await stored(base, node)] == [4, 5]


async def test_a_removed_node_is_unpinned_on_both_sides(base, link, opened):
    async with opened() as fleet:
        heard = events_of(base, NodeRemoved)
        node = await paired(fleet)
        client = link.client(node.id)
        await fleet.remove("north", actor="me@here")
        assert client.unpaired
        assert link.targets == {}
        assert [event.name for event in heard] == ["north"]
        with pytest.raises(Missing):
            fleet.find("north")
    async with opened() as fleet:
        assert len(fleet.records) == 0


async def test_nodes_are_found_by_name_id_and_device(fleet):
    first, second = await paired(fleet, "north"), await paired(fleet, "south")
    for key in (first.id, first.name, first.device_id):
        assert fleet.find(key).id == first.id
    assert {node.id for node in fleet.select("all")} == {first.id, second.id}
    assert [node.id for node in fleet.select(" south , north,south")] == [second.id, first.id]
    with pytest.raises(BadInput):
        fleet.select(" , ")
    await fleet.pair("10.0.0.3:1", "third", about={"name": "north"}, actor="me@here")
    with pytest.raises(Conflict, match="2 nodes"):
        fleet.find("north")


async def test_a_deployment_is_written_from_begin_to_end(base, fleet):
    node = await paired(fleet)
    key = await fleet.deployments.begin("m1", "digits:1", [node.id], actor="me@here", cause="c")
    assert (await fleet.deployments.newest())[0]["status"] == "running"
    await fleet.deployments.end(key, "finished", {node.id: {"state": "succeeded"}}, actor="me@here", cause="c")
    (row,) = await fleet.deployments.newest()
    assert (row["status"], row["target_nodes"], row["model_id"]) == ("finished", [node.id], "m1")
