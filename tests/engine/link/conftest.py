"""Virtual nodes and the ground of a link."""

import random
from contextlib import asynccontextmanager

import pytest

from app.engine.base.clock import SystemClock
from app.engine.link.client import NodeClient
from app.engine.link.identity import own_identity, seal_key
from app.engine.link.records import Peer, Target
from tests.engine.fleet.ground import ground
from tests.engine.link.virtual import VirtualNode


@asynccontextmanager
async def nodes_for(identity, count, have, grow_s=0.0):
    """Yield (nodes, targets) of `count` virtual nodes that know the console `identity`."""
    nodes = [await VirtualNode(f"v{index}", identity.public, have, grow_s).start() for index in range(count)]
    try:
        yield nodes, [Target(Peer(f"id{at}", node.address, node.identity.public)) for at, node in enumerate(nodes)]
    finally:
        for node in nodes:
            await node.stop()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "identity"


@pytest.fixture
def key(folder):
    folder.mkdir()
    return seal_key(folder)


@pytest.fixture
def identity(folder, key):
    return own_identity(folder, "laptop", key)


@pytest.fixture
def client_of(identity):
    async def own():
        return identity

    return lambda peer: NodeClient(peer, own, SystemClock(), random.Random(0))


@pytest.fixture
async def base(tmp_path):
    async with ground(tmp_path, fleet__cadence_s=0.5) as base:
        yield base
