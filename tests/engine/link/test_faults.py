"""A console behind a network that fails in every way a network fails; nothing is lost, and nothing is told wrong."""

import random
from dataclasses import replace

import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Offline, Timeout
from app.engine.link.puller import Puller
from tests.engine.fleet.ground import until
from tests.engine.link.conftest import nodes_for
from tests.faults import FaultProxy


@pytest.mark.parametrize("mode", ["cut", "slow", "duplicate"])
async def test_what_was_measured_behind_a_bad_link_comes_whole_when_it_is_well(identity, client_of, mode):
    batches = []
    puller = Puller(client_of, batches.append, 0.05, SystemClock(), random.Random(0))
    async with nodes_for(identity, 1, 5, grow_s=0.02) as ((node,), (target,)), FaultProxy(node.address, 0.05) as proxy:
        puller.attach(replace(target, peer=replace(target.peer, address=proxy.address)))
        await until(lambda: any(batch.items for batch in batches))
        proxy.be(mode)
        worse = (lambda: any(b.problem for b in batches)) if mode == "cut" else (lambda: len(batches) > 5)
        await until(worse)
        proxy.be("")
        wanted = node.have + 5
        await until(lambda: batches[-1].seq >= wanted)
        await puller.stop()
    seen = [item.seq for batch in batches for item in batch.items]
    assert seen == list(range(1, seen[-1] + 1))


async def test_a_half_open_link_is_a_timeout_not_a_hang(identity, client_of):
    async with nodes_for(identity, 1, 5) as ((node,), (target,)), FaultProxy(node.address) as proxy:
        client = client_of(replace(target.peer, address=proxy.address))
        assert (await client.telemetry("", 0)).items
        proxy.be("half_open")
        with pytest.raises((Timeout, Offline)):
            await client._transport.send("GET", "/v1/status", limit_s=0.3)
        proxy.be("")
        assert (await client.telemetry("", 0)).items
        await client.close()
