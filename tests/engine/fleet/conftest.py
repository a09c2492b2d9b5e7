"""A fleet over a link that only remembers what it was asked, and a clock that moves when told."""

from contextlib import asynccontextmanager

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import Conflict, Missing, Offline
from app.engine.fleet.service import FleetService
from app.engine.fleet.twins import merge_patch
from app.engine.link.records import Paired
from app.wire.identity import DeviceIdentity
from app.wire.status import Inventory
from tests.engine.fleet.ground import ground


class QuietClient:
    """Stands where the client of a node stands: tells an inventory, remembers that it was unpaired."""

    def __init__(self, device, away):
        self.device, self.away, self.unpaired = device, away, False
        self.version, self.desired, self.patches = 0, {}, []

    def _twin(self):
        reported = {"applied_version": self.version, **self.desired, "ignored": [k for k in self.desired if k == "odd"]}
        reported.pop("odd", None)
        return {"schema": 1, "version": self.version, "desired": dict(self.desired), "reported": reported}

    async def twin(self):
        if self.away:
            raise Offline("{node} is away", node="it")
        return self._twin()

    async def patch_twin(self, changes, version):
        if version != self.version:
            raise Conflict("version {version}", version=self.version)
        self.patches.append(changes)
        self.version, self.desired = self.version + 1, merge_patch(self.desired, changes)
        return self._twin()

    async def inventory(self):
        if self.away:
            raise Offline("{node} is away", node="it")
        return Inventory(self.device, "n", "host", "Linux", "x86_64", 4, 8 << 30, 64 << 30, "3.11", "1")

    async def unpair(self):
        self.unpaired = True


class QuietLink:
    """Stands where the link stands: pairs with nodes made up on the spot, and pulls nothing by itself."""

    def __init__(self):
        self.targets, self.clients, self.sinks, self.poked, self.paced = {}, {}, [], [], {}
        self.away = False
        self.identities = {}

    async def pair(self, address, code):
        return Paired(address, self.identities.setdefault(code, DeviceIdentity.generate(code).public))

    def attach(self, target):
        self.targets[target.peer.id] = target

    def detach(self, node_id):
        self.targets.pop(node_id, None)

    def pace(self, node_id, every_s):
        self.paced[node_id] = every_s

    def poke(self, node_id):
        self.poked.append(node_id)

    def client(self, node_id):
        if node_id not in self.targets:
            raise Missing("There is no node {node}", node=node_id)
        device = self.targets[node_id].peer.identity.device_id
        return self.clients.setdefault(node_id, QuietClient(device, self.away))

    def on_batch(self, sink):
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    def bring(self, batch):
        for sink in tuple(self.sinks):
            sink(batch)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def link():
    return QuietLink()


@pytest.fixture
async def base(tmp_path, clock):
    async with ground(tmp_path, clock) as base:
        yield base


@pytest.fixture
def opened(base, link):
    """Open a fleet over the same store, as often as the test likes."""

    @asynccontextmanager
    async def open_fleet():
        fleet = FleetService(base, link)
        await fleet.start()
        try:
            yield fleet
        finally:
            await fleet.stop()

    return open_fleet


@pytest.fixture
async def fleet(opened):
    async with opened() as fleet:
        yield fleet
