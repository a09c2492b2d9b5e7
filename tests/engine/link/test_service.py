from dataclasses import replace

import numpy as np
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Missing, Refused
from app.engine.fleet.adapters.processes import AgentHerd
from app.engine.link.records import Peer, Target
from app.engine.link.service import Link
from app.wire.identity import DeviceIdentity
from app.wire.pairing import new_code
from tests.engine.fleet.ground import ground, until
from tests.engine.link.conftest import nodes_for
from tests.engine.link.virtual import measurement


@pytest.fixture
async def link(base):
    link = Link(base)
    await link.start()
    yield link
    await link.stop()


@pytest.fixture
async def agent(tmp_path):
    herd = AgentHerd()
    yield await herd.launch(tmp_path / "agent", "north-1")
    await herd.end_all()


async def test_the_device_id_is_known_from_the_start_and_stays(base):
    link = Link(base)
    await link.start()
    assert (await link.identity()).public.device_id == link.device_id
    again = Link(base)
    await again.start()
    assert again.device_id == link.device_id != ""


async def test_batches_reach_every_sink_until_it_ends(link):
    batches, others = [], []
    undo = link.on_batch(batches.append)
    link.on_batch(others.append)
    async with nodes_for(await link.identity(), 1, 3) as (_, (target,)):
        link.attach(target)
        await until(lambda: batches and others)
        undo()
        count = len(batches)
        link.poke(target.peer.id)
        await until(lambda: len(others) > count)
        assert len(batches) == count
        link.detach(target.peer.id)
        with pytest.raises(Missing):
            link.client(target.peer.id)


class SkewedClock(SystemClock):
    """A console's clock that is wrong by a day."""

    def __init__(self, off_s):
        self.off_us = off_s * 1_000_000

    def now_us(self):
        return super().now_us() + self.off_us


@pytest.mark.parametrize("off_s", [-86_400, 86_400])
async def test_a_clock_wrong_by_a_day_harms_neither_orders_nor_telemetry(tmp_path, agent, off_s):
    async with ground(tmp_path / "console", SkewedClock(off_s)) as base:
        link = Link(base)
        await link.start()
        paired = await link.pair(agent.address, agent.code)
        batches = []
        link.on_batch(batches.append)
        link.attach(Target(Peer("n", paired.address, paired.identity)))
        told = await link.client("n").patch_twin({"cadence_s": 0.2}, 0)  # signed: it lives a minute on the node's own clock
        assert told["reported"]["cadence_s"] == 0.2
        await until(lambda: sum(len(batch.items) for batch in batches) > 2)
        assert all(batch.problem is None and not batch.lost for batch in batches)
        off = abs(batches[-1].at_us - batches[-1].items[-1].at_us - base.clock.off_us) / 1e6 if batches[-1].items else 0.0
        assert off < 60  # each time is told by the clock it was read from
        await link.stop()


async def test_above_the_limit_the_links_move_to_a_process_without_a_gap(tmp_path):
    batches = []
    async with ground(tmp_path, fleet__cadence_s=0.5, fleet__link_process_nodes=1) as base:
        link = Link(base)
        await link.start()
        link.on_batch(batches.append)
        async with nodes_for(await link.identity(), 2, 40, grow_s=0.05) as (_, targets):
            link.attach(targets[0])
            assert link.process is None
            await until(lambda: batches)
            link.attach(targets[1])
            await until(lambda: link.process is not None)
            before = len(batches)
            await until(lambda: len(batches) > before + 6)
            await link.stop()
        assert [batch.problem for batch in batches if batch.problem] == []
        for target in targets:
            found = {item.seq: item for batch in batches if batch.node_id == target.peer.id for item in batch.items}
            assert found == {seq: measurement(seq) for seq in range(1, max(found) + 1)}


async def test_a_real_agent_is_paired_once_and_serves_this_console_alone(link, agent):
    with pytest.raises(Refused, match="code"):
        await link.pair(agent.address, new_code())
    paired = await link.pair(agent.address, agent.code)
    assert paired.identity.device_id == agent.device_id
    with pytest.raises(Refused):
        await link.pair(agent.address, agent.code)

    peer = Peer("n1", agent.address, paired.identity)
    link.attach(Target(peer))
    client = link.client("n1")
    status = await client.status()
    assert (status.device, status.name) == (agent.device_id, "north-1")
    assert (await client.inventory()).cpu_count >= 1

    twin = await client.twin()
    await client.patch_twin({"labels": {"site": "north"}}, 0)
    assert (await client.twin())["version"] != twin["version"]
    with pytest.raises(Missing):
        await client.infer("digits", np.zeros((1, 64), np.float32))

    stranger = DeviceIdentity.generate("stranger")
    client._own = client._transport._own = lambda: _given(stranger)
    await client.close()
    with pytest.raises(Refused):
        await client.status()
    link.attach(Target(replace(peer, identity=stranger.public)))
    with pytest.raises(Refused, match="not the node that was paired"):
        await link.client("n1").status()


async def _given(identity):
    return identity
