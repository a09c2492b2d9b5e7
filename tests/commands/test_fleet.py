import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.commands.fleet import ROWS
from app.engine.base.clock import ManualClock
from app.engine.base.command import CommandTable, Danger, Role
from app.engine.base.errors import BadInput
from app.engine.base.records import Records
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.flows import demo
from app.engine.link.discover import Found

NORTH = Node("n1", "d" * 32, "north", "10.0.0.1:1", site="Narvik")


class Fleet:
    """Notes what it was asked."""

    def __init__(self):
        self.records, self.asked = Records(lambda node: node.id, "node"), []
        self.records.put(NORTH)
        self.offered, self.roster = [], self
        self.herd = SimpleNamespace(leashed=True)

    async def offer(self, found, source):
        self.offered.append((list(found), source))

    async def show(self, key):
        return {"name": key}

    async def pair(self, address, code, **given):
        self.asked.append((address, code, given))
        return NORTH

    async def remove(self, key, **given):
        self.asked.append((key, given))
        return NORTH


class Link:
    async def find(self, seconds):
        return [Found("north", "10.0.0.1:1", "d" * 32), Found("new", "10.0.0.2:1", "e" * 32)]


@pytest.fixture
def call(tmp_path):
    engine = SimpleNamespace(home=tmp_path, fleet=Fleet(), link=Link(), jobs=None, learning=None, clock=ManualClock())
    return SimpleNamespace(engine=engine, actor="me@here", cause="c1")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_fleet_list_tells_state_and_age_and_no_more_than_a_table_holds(call):
    (row,) = (await ask(call, "fleet.list"))["nodes"]
    assert (row["name"], row["state"], row["site"], row["as_of_us"]) == ("north", "offline", "Narvik", 0)
    assert "hardware" not in row
    assert (await ask(call, "fleet.show", node="north")) == {"name": "north"}


async def test_a_single_command_hears_the_nodes_before_it_tells_their_state(call):
    fleet, clock = call.engine.fleet, call.engine.clock
    fleet.herd.leashed = False
    listing = asyncio.create_task(ask(call, "fleet.list"))
    await asyncio.sleep(0)
    fleet.records.put(replace(NORTH, state=Health.ONLINE, last_heartbeat_us=clock.now_us()))
    assert [row["state"] for row in (await listing)["nodes"]] == ["online"]
    fleet.records.put(replace(NORTH, trouble="No answer"))
    assert [row["state"] for row in (await ask(call, "fleet.list"))["nodes"]] == ["offline"]


async def test_fleet_pair_keeps_what_the_person_says_of_the_node(call):
    await ask(call, "fleet.pair", address="10.0.0.1:1", code="ABCD", site="Narvik")
    ((address, code, given),) = call.engine.fleet.asked
    assert (address, code, given) == ("10.0.0.1:1", "ABCD", {"about": {"site": "Narvik"}, "actor": "me@here", "cause": "c1"})
    row = CommandTable(ROWS).need("fleet.pair")
    assert next(arg for arg in row.args if arg.name == "code").secret


async def test_fleet_remove_is_destructive_and_tells_which(call):
    assert await ask(call, "fleet.remove", node="north") == {"id": "n1", "name": "north"}
    assert CommandTable(ROWS).need("fleet.remove").danger is Danger.DESTRUCTIVE


async def test_fleet_find_tells_which_are_paired_already(call):
    found = await ask(call, "fleet.find", seconds=0.5)
    assert [(row["name"], row["paired"]) for row in next(iter(found.values()))] == [("north", True), ("new", False)]


async def test_fleet_demo_kill_and_restart_go_to_the_demo_flow(call, monkeypatch):
    seen = []

    async def start(home, jobs, fleet, learning, **given):
        seen.append(("demo", given["nodes"], given["actor"]))
        return {"nodes": []}

    async def drill(fleet, key, **given):
        seen.append((key, given))
        return NORTH

    monkeypatch.setattr(demo, "start", start)
    monkeypatch.setattr(demo, "kill", drill)
    monkeypatch.setattr(demo, "restart", drill)
    await ask(call, "fleet.demo")
    assert (await ask(call, "fleet.kill", node="north"))["id"] == "n1"
    assert (await ask(call, "fleet.restart", node="north"))["id"] == "n1"
    assert seen == [("demo", 6, "me@here"), ("north", {}), ("north", {"actor": "me@here", "cause": "c1"})]
    with pytest.raises(BadInput, match="between"):
        await ask(call, "fleet.demo", nodes=0)


def test_only_looking_is_free_for_observers():
    free = {row.id for row in ROWS if row.role is Role.OBSERVER}
    assert free == {
        "fleet.list", "fleet.show", "fleet.find", "fleet.queue", "fleet.twin", "fleet.layers", "view.list",
    }  # fmt: skip
