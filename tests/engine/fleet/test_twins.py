import asyncio

import pytest

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.fleet.twin import Layer
from app.engine.link.records import Batch
from app.wire.status import Status
from tests.engine.fleet.ground import until

ME = {"actor": "me@here"}


async def one(fleet, code="north", **about):
    return await fleet.pair("10.0.0.1:1", code, about={"name": code, **about}, **ME)


def answer(node, clock, version):
    status = Status(node.device_id, node.name, "1", clock.now_us(), 0, "e", 0, version, 1.0)
    return Batch(node.id, clock.now_us(), "e", 0, status=status)


async def settled(fleet):
    await until(lambda: not fleet.twins._running)


async def test_a_wish_reaches_the_node_and_what_it_reports_is_kept(fleet, link, opened):
    node = await one(fleet)
    assert fleet.twins.document(node)["in_sync"]
    await fleet.twins.change(node, {"cadence_s": 2, "odd": 1}, **ME)
    await settled(fleet)
    told = fleet.twins.document(node)
    assert (told["desired"], told["reported"]["cadence_s"], told["in_sync"]) == ({"cadence_s": 2, "odd": 1}, 2, True)
    assert [(each["path"], each["ignored"]) for each in told["delta"]] == [("odd", True)]
    await fleet.twins.change(node, {"odd": None}, told["version"], **ME)
    await settled(fleet)
    assert link.client(node.id).desired == {"cadence_s": 2}
    async with opened() as again:
        assert again.twins.document(again.find("north"))["desired"] == {"cadence_s": 2}


async def test_a_node_that_was_away_gets_the_latest_only_and_nothing_twice(fleet, link, clock):
    node = await one(fleet)
    client = link.client(node.id)
    client.away = True
    for cadence_s in (2, 3, 4):
        await fleet.twins.change(node, {"cadence_s": cadence_s}, **ME)
        await settled(fleet)
    assert not fleet.twins.document(node)["in_sync"]
    client.away = False
    link.bring(answer(node, clock, 0))
    await settled(fleet)
    assert client.patches == [{"cadence_s": 4}]
    link.bring(answer(node, clock, client.version))
    await settled(fleet)
    assert (client.patches, fleet.twins.document(node)["in_sync"]) == ([{"cadence_s": 4}], True)


async def test_a_wish_made_while_the_node_is_told_an_older_one_is_not_lost(fleet, link):
    node, gate = await one(fleet), asyncio.Event()
    client = link.client(node.id)
    patch = client.patch_twin

    async def slow(changes, version):
        await gate.wait()
        return await patch(changes, version)

    client.patch_twin = slow
    await fleet.twins.change(node, {"cadence_s": 2}, **ME)
    await fleet.twins.change(node, {"cadence_s": 3}, **ME)
    gate.set()
    await settled(fleet)
    assert fleet.twins.desired(node) == client.desired == {"cadence_s": 3}


async def test_a_write_on_an_old_version_is_refused_with_what_changed_meanwhile(fleet):
    node = await one(fleet)
    first = await fleet.twins.change(node, {"cadence_s": 2}, 0, **ME)
    await settled(fleet)
    await fleet.twins.change(node, {"cadence_s": 3}, first.version, **ME)
    await settled(fleet)
    with pytest.raises(Conflict, match="cadence_s: 2 → 3, not 5"):
        await fleet.twins.change(node, {"cadence_s": 5}, first.version, **ME)
    assert fleet.twins.document(node)["desired"] == {"cadence_s": 3}


async def test_keys_of_another_console_are_taken_over_and_a_clash_waits_for_a_person(fleet, link, clock):
    node = await one(fleet)
    client = link.client(node.id)
    await fleet.twins.change(node, {"cadence_s": 2}, **ME)
    await settled(fleet)
    await client.patch_twin({"labels": {"rack": "b"}}, client.version)
    link.bring(answer(node, clock, client.version))
    await settled(fleet)
    assert fleet.twins.document(node)["desired"] == {"cadence_s": 2, "labels": {"rack": "b"}}

    client.away = True
    await fleet.twins.change(node, {"cadence_s": 7}, **ME)
    await settled(fleet)
    client.away = False
    await client.patch_twin({"cadence_s": 9}, client.version)
    link.bring(answer(node, clock, client.version))
    await settled(fleet)
    (clash,) = fleet.twins.document(node)["conflict"]
    assert (clash["path"], clash["base"], clash["theirs"], clash["mine"]) == ("cadence_s", 2, 9, 7)
    assert client.desired["cadence_s"] == 9
    await fleet.twins.resolve(node, "mine", **ME)
    await settled(fleet)
    assert (client.desired["cadence_s"], fleet.twins.document(node)["conflict"]) == (7, [])
    with pytest.raises(Conflict, match="no conflict"):
        await fleet.twins.resolve(node, "theirs", **ME)


async def test_layers_hold_for_the_nodes_their_query_finds(fleet, link, clock):
    north, south = await one(fleet, "north", site="n"), await one(fleet, "south", site="s")
    await fleet.twins.set_layer(Layer("", "base", document={"cadence_s": 5}), **ME)
    await fleet.twins.set_layer(Layer("", "far", 'site == "s"', 10, {"cadence_s": 60}), **ME)
    for node in (north, south):
        link.bring(answer(node, clock, 0))
    await settled(fleet)
    assert [link.client(node.id).desired for node in (north, south)] == [{"cadence_s": 5}, {"cadence_s": 60}]
    assert fleet.twins.document(south)["provenance"] == [
        {"path": "cadence_s", "value": 60, "layer": "far", "over": [["base", 5]]}
    ]
    await fleet.twins.drop_layer("far", **ME)
    link.bring(answer(south, clock, 1))
    await settled(fleet)
    assert link.client(south.id).desired == {"cadence_s": 5}
    with pytest.raises(Missing):
        await fleet.twins.drop_layer("far", **ME)
    with pytest.raises(BadInput, match="no field"):
        await fleet.twins.set_layer(Layer("", "bad", "wher == 1"), **ME)
