"""A stick to a real agent and back: while it runs, and while it does not."""

import asyncio

import pytest

from app.agent.exchange import exchange
from app.agent.options import Options
from app.engine.base.errors import Missing, Refused
from app.engine.fleet.health import Health
from app.engine.fleet.service import FleetService
from app.engine.flows.bundles import export, take
from app.engine.link.service import Link
from app.engine.store import rows
from tests.engine.fleet.ground import ground, until

ME = {"actor": "me@here"}


@pytest.fixture
async def console(tmp_path):
    """A fleet with one node whose agent really runs."""
    async with ground(tmp_path / "home", fleet__cadence_s=0.5) as base:
        link = Link(base)
        await link.start()
        fleet = FleetService(base, link)
        await fleet.start()
        agent = await fleet.herd.launch(tmp_path / "node", "north")
        await fleet.pair(agent.address, agent.code, about={"name": "north"}, **ME)
        yield base, link, fleet
        await fleet.stop()
        await link.stop()


async def test_a_stick_brings_updates_out_and_every_measurement_back_once(console, tmp_path):
    base, link, fleet = console
    node = fleet.find("north")
    out, back, options = tmp_path / "out.bundle", tmp_path / "back.bundle", Options(home=tmp_path / "node", name="north")
    await until(lambda: fleet.records.need(node.id).seq >= 1)
    fleet.detach(node.id)
    await fleet.twins.change(node, {"labels": {"by": "stick"}}, **ME)
    await until(lambda: not fleet.twins._running)

    async def stick():
        now_us = base.clock.now_us()
        await export(fleet, None, link, out, nodes="north", model_keys=(), now_us=now_us)
        told = await exchange(options, out, back)
        return told, await take(fleet, back, now_us=base.clock.now_us())

    told, first = await stick()
    assert told["by"] == "the running agent"
    assert (first["twin"], first["in_sync"], first["lost"]) == ("applied", True, 0)
    assert first["measurements"] > 0
    assert fleet.records.need(node.id).as_of_us > node.as_of_us

    again = await take(fleet, back, now_us=base.clock.now_us())
    assert again["measurements"] == 0
    with pytest.raises(Refused, match="not newer"):
        await exchange(options, out, back)

    await fleet.herd.end(tmp_path / "node")
    told, second = await stick()
    assert (told["twin"], second["twin"]) == ("unchanged", "unchanged")
    await fleet._flush()
    stored = await base.store.read(lambda conn: rows.select(conn, "edge_telemetry", order="seq"))
    assert [row["seq"] for row in stored] == list(range(1, len(stored) + 1))
    assert fleet.records.need(node.id).state is not Health.MAINTENANCE
    with pytest.raises(Missing):
        await exchange(Options(home=tmp_path / "nowhere", name="x"), out, back)
    assert not await asyncio.to_thread(lambda: list((tmp_path / "node" / "agent" / "inbox").glob("*")))
