import numpy as np
import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.fleet.health import Health
from app.engine.fleet.service import FleetService
from app.engine.flows import demo
from app.engine.link.service import Link
from app.engine.store import rows
from app.wire.tensors import pack
from tests.engine.fleet.ground import ground, until

FILES = {"data/digits.safetensors": pack({"x": np.zeros((2, 64)), "y": np.zeros(2)}, {})}


class Shards:
    """Stands where learning stands: a small file per node."""

    def shard_files(self, count, seed):
        return [FILES] * count


class Open:
    """A link and a fleet over one home, opened and closed like an engine's."""

    def __init__(self, base):
        self.base, self.link = base, Link(base)
        self.fleet = FleetService(base, self.link)

    async def __aenter__(self):
        await self.link.start()
        await self.fleet.start()
        return self

    async def __aexit__(self, *_what):
        await self.fleet.stop()
        await self.link.stop()

    async def demo(self, nodes):
        base = self.base
        return await demo.start(base.home, base.jobs, self.fleet, Shards(), nodes=nodes, actor="me@here")

    async def sequence(self, node):
        await self.fleet._flush()
        where = {"node_id": node.id}
        found = await self.base.store.read(lambda conn: rows.select(conn, "edge_telemetry", where=where, order="seq"))
        return [row["seq"] for row in found], {row["epoch"] for row in found}


async def test_real_agents_are_killed_found_offline_and_come_back_with_what_they_measured(tmp_path):
    async with ground(tmp_path, fleet__cadence_s=0.5, fleet__suspect_s=1.0, fleet__offline_s=2.0) as base:
        async with Open(base) as console:
            told = await console.demo(2)
            fleet = console.fleet
            first, second = (fleet.find(name) for name in ("node-01", "node-02"))
            assert [row["name"] for row in told["nodes"]] == ["node-01", "node-02"]
            assert (first.site, first.demo, first.state) == ("Narvik", True, Health.ONLINE)
            assert (tmp_path / "agents/node-01/data/digits.safetensors").read_bytes() == FILES["data/digits.safetensors"]
            await until(lambda: fleet.records.need(first.id).cpu_ratio is not None and fleet.records.need(first.id).seq >= 2)

            assert (await demo.kill(fleet, "node-01")).state is Health.SUSPECT
            with pytest.raises(Conflict, match="does not run"):
                await demo.kill(fleet, "node-01")
            await until(lambda: fleet.records.need(first.id).state is Health.OFFLINE)
            gone = fleet.records.need(first.id)
            assert (gone.cpu_ratio is not None, gone.last_heartbeat_us > 0) == (True, True)
            assert fleet.records.need(second.id).state is Health.ONLINE

            await demo.restart(fleet, "node-01", actor="me@here")
            await until(lambda: fleet.records.need(first.id).state is Health.ONLINE)
            await until(lambda: fleet.records.need(first.id).seq > gone.seq + 1)
            sequence, epochs = await console.sequence(first)
            assert sequence == list(range(1, sequence[-1] + 1))
            assert len(epochs) == 1
            agent = fleet.herd.get(tmp_path / "agents" / "node-01")
        assert not agent.alive

        async with Open(base) as console:
            again = await console.demo(2)
            fleet = console.fleet
            assert {row["id"] for row in again["nodes"]} == {first.id, second.id}
            before = fleet.records.need(first.id).seq
            await until(lambda: fleet.records.need(first.id).seq > before)
            sequence, epochs = await console.sequence(first)
            assert (sequence, len(epochs)) == (list(range(1, sequence[-1] + 1)), 1)
            assert (await console.demo(1))["nodes"][0]["id"] == first.id

            await fleet.drop(fleet.find("node-02"), actor="me@here")
            fresh = (await console.demo(2))["nodes"][1]
            assert fresh["name"] == "node-02"
            assert fresh["device_id"] != second.device_id

            await fleet.remove("node-02", actor="me@here")
            assert not (tmp_path / "agents" / "node-02").exists()


async def test_drills_are_for_demo_nodes_alone(tmp_path):
    class Fleet:
        def find(self, key):
            from app.engine.fleet.records import Node

            return Node("n1", "d" * 32, key, "10.0.0.1:1")

    with pytest.raises(BadInput, match="no demo node"):
        await demo.kill(Fleet(), "north")
    with pytest.raises(BadInput, match="no demo node"):
        await demo.restart(Fleet(), "north", actor="me@here")
