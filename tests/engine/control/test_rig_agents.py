"""A controller over live agents: real TCP, mutual TLS and the wire's own tensors; the agents are virtual."""

import asyncio
import threading

import numpy as np
import pytest

from app.agent.virtual import VirtualNode
from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput, Offline
from app.engine.control.rig_agents import Agents
from app.engine.control.work import run
from app.engine.link.identity import own_identity, seal_key
from app.engine.link.records import Peer
from app.wire import tensors


class Serving(VirtualNode):
    """A virtual node that answers inference: y = x, after a moment."""

    busy = most = served = 0

    async def _talk(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        x, _ = tensors.unpack(await reader.readexactly(length), most_bytes=1 << 20)
        assert head.startswith(b"POST /v1/infer/digits ")
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0.01)
        self.busy -= 1
        self.served += 1
        body = tensors.pack({"y": np.asarray(x["x"], np.float32)}, {})
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()


@pytest.fixture
def told(tmp_path):
    """Three agents on a loop of their own, as the process of a job would meet them."""
    folder = tmp_path / "identity"
    folder.mkdir()
    identity = own_identity(folder, "laptop", seal_key(folder))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def on_loop(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    nodes = [Serving(f"v{index}", identity.public) for index in range(3)]
    for node in nodes:
        on_loop(node.start())
    peers = [Peer(f"id{at}", node.address, node.identity.public).to_json() for at, node in enumerate(nodes)]
    yield {"folder": str(folder), "model": "digits", "rows": [[0.1, 0.2], [0.3, 0.4]], "peers": peers}, nodes, on_loop
    for node in nodes:
        on_loop(node.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("policy", ["round_robin", "weighted"])
def test_requests_are_spread_over_live_agents_and_each_is_answered_once(told, policy):
    agents, nodes, _ = told
    spec = {"resource": "balancer", "seconds": 1.0, "low": 2, "high": 3, "rate_hz": 40.0, "agents": agents, "policy": policy}
    result = run(spec, 1, silent, never)
    assert (result["unit"], result["bounds_violations"], result["shed"]) == ("backends", 0, 0)
    assert result["tasks"] + result["unserved"] == result["submitted"] > 0
    assert result["service_time"]["kind"] == "measured"
    assert {one["name"] for one in result["backends"]} == {"v0", "v1", "v2"}
    assert sum(one["done"] for one in result["backends"]) == result["tasks"]
    assert sum(node.served for node in nodes) == result["tasks"] + 1  # one knock before the start
    assert min(node.served for node in nodes[:2]) > 0


def test_an_agent_that_is_cut_off_is_ejected_and_the_others_answer(told):
    agents, nodes, on_loop = told

    async def cut():
        nodes[0].suffer(frozenset({"cut"}))

    on_loop(cut())
    spec = {"resource": "balancer", "seconds": 1.0, "low": 3, "high": 3, "rate_hz": 40.0, "agents": agents, "law": "static"}
    result = run(spec, 1, silent, never)
    assert result["tasks"] > 0.9 * result["submitted"]
    assert nodes[0].served == 0
    assert {one["name"]: one["failed"] == one["done"] for one in result["backends"]}["v0"]


def test_agents_that_cannot_be_reached_are_told_and_nothing_stays_open(told):
    agents, nodes, on_loop = told
    for node in nodes:
        on_loop(node.stop())
    before = threading.active_count()
    with pytest.raises(Offline):
        run({"resource": "balancer", "seconds": 1.0, "low": 1, "high": 3, "agents": agents}, 1, silent, never)
    assert threading.active_count() == before
    with pytest.raises(BadInput, match="needs agents and rows"):
        Agents({**agents, "peers": []})
