"""The rows over a real fleet whose link is quiet: roster, twins and views, each by its id."""

from types import SimpleNamespace

import pytest

from app.commands.fleet import ROWS
from app.engine.base.command import CommandTable, Danger
from app.engine.base.errors import BadInput
from app.engine.fleet.service import FleetService
from tests.engine.fleet.conftest import QuietLink
from tests.engine.fleet.ground import ground, until

TABLE = CommandTable(ROWS)


@pytest.fixture
async def call(tmp_path):
    async with ground(tmp_path) as base:
        fleet = FleetService(base, QuietLink())
        await fleet.start()
        await fleet.pair("10.0.0.1:1", "north", about={"name": "north", "site": "n"}, actor="me@here")
        yield SimpleNamespace(engine=SimpleNamespace(fleet=fleet), actor="me@here", cause="c1")
        await fleet.stop()


async def ask(call, command, /, **given):
    row = TABLE.need(command)
    return await row.run(call, **row.take(given))


async def test_nodes_are_imported_queued_accepted_and_turned_away(call, tmp_path):
    file = tmp_path / "nodes.csv"
    file.write_text("address,name\n10.0.0.8:1,eight\n10.0.0.9:1,nine\n")
    assert (await ask(call, "fleet.import", file=file))["counts"] == {"queued": 2}
    assert [row["name"] for row in (await ask(call, "fleet.queue"))["nodes"]] == ["eight", "nine"]
    assert (await ask(call, "fleet.accept", node="eight", code="code"))["name"] == "eight"
    assert (await ask(call, "fleet.reject", node="nine"))["state"] == "rejected"
    assert TABLE.need("fleet.accept").args[1].secret


async def test_nodes_are_labelled_placed_held_and_found_again(call):
    assert (await ask(call, "fleet.label", nodes="all", add="gpu"))["changed_count"] == 1
    assert (await ask(call, "fleet.place", nodes="label.gpu", site="s", lat=3, tier="cloud"))["changed_count"] == 1
    found = await ask(call, "fleet.find", query='site == "s" and lat == 3')
    assert [row["name"] for row in found["nodes"]] == ["north"]
    assert (await ask(call, "fleet.maintenance", nodes="north"))["changed_count"] == 1
    await ask(call, "view.save", name="held", query="state == maintenance", columns="name, state")
    assert len((await ask(call, "fleet.find", view="held"))["nodes"]) == 1
    assert (await ask(call, "view.list"))["views"][0]["columns"] == ["name", "state"]
    await ask(call, "view.remove", view="held")
    assert (await ask(call, "fleet.decommission", nodes="north"))["changed_count"] == 1
    assert (await ask(call, "fleet.decommission", nodes="north", undo=True))["changed_count"] == 1
    assert (await ask(call, "fleet.maintenance", nodes="all", off=True))["skipped_count"] == 1
    assert TABLE.need("fleet.decommission").danger is Danger.DESTRUCTIVE


async def test_a_twin_is_changed_shown_and_layered(call):
    twins = call.engine.fleet.twins
    await ask(call, "fleet.layer", name="base", document='{"cadence_s": 5}')
    await ask(call, "fleet.desire", node="north", changes='{"labels": {"a": "1"}}', if_match=0)
    await until(lambda: not twins._running)
    told = await ask(call, "fleet.twin", node="north")
    assert (told["desired"], told["in_sync"]) == ({"cadence_s": 5, "labels": {"a": "1"}}, True)
    assert (await ask(call, "fleet.layers"))["layers"][0]["name"] == "base"
    assert (await ask(call, "fleet.layer", name="base", remove=True))["removed"]
    with pytest.raises(BadInput, match="not JSON"):
        await ask(call, "fleet.desire", node="north", changes="{")
    with pytest.raises(BadInput, match="JSON object"):
        await ask(call, "fleet.desire", node="north", changes="[]")


async def test_a_clash_is_ended_by_saying_whose_keys_hold(call):
    fleet = call.engine.fleet
    node = fleet.find("north")
    client = fleet._link.client(node.id)
    await ask(call, "fleet.desire", node="north", changes='{"cadence_s": 2}')
    await until(lambda: not fleet.twins._running)
    client.away = True
    await ask(call, "fleet.desire", node="north", changes='{"cadence_s": 3}')
    await until(lambda: not fleet.twins._running)
    client.away = False
    await client.patch_twin({"cadence_s": 4}, client.version)
    await fleet.twins.reconcile(node.id)
    told = await ask(call, "fleet.resolve", node="north", keep="theirs")
    assert told["desired"] == {"cadence_s": 4}


async def test_nodes_of_a_site_look_after_each_other(call):
    fleet = call.engine.fleet
    south = await fleet.pair("10.0.0.2:1", "south", about={"name": "south", "site": "n"}, actor="me@here")
    told = await ask(call, "fleet.neighbours", nodes="all")
    assert (told["changed_count"], [row["neighbours"] for row in told["nodes"]]) == (2, [1, 1])
    north = fleet.find("north")
    assert fleet.twins.desired(north)["peers"] == {south.device_id: "10.0.0.2:1"}
    assert (await ask(call, "fleet.neighbours", nodes="all"))["skipped_count"] == 2
    await until(lambda: not fleet.twins._running)
    assert (await ask(call, "fleet.neighbours", nodes="all", count=0))["changed_count"] == 2
    await until(lambda: not fleet.twins._running)
    assert not fleet.twins.desired(north).get("peers")
