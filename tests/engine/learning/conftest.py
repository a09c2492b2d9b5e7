import asyncio
import json

import numpy as np
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.learning.batched import Population
from app.engine.learning.local import train
from app.engine.learning.service import SHARD_FILE, LearningService
from app.engine.store.store import Store
from app.wire import tensors


class InProcessClient:
    """Stands where the link to a node stands: trains in this process on the files a node would hold."""

    def __init__(self, files):
        held, _ = tensors.unpack(files[SHARD_FILE], most_bytes=1 << 22)
        self.x, self.y = held["x"], held["y"]
        self.specs, self.since, self.answers, self.kept = [], [], {}, {}
        self.change = lambda update, meta: (update, meta)
        self.fail = self.memory = None
        self.gate = None

    async def train(self, round_id, order, client, since=None, wait_s=0.0):
        if self.fail is not None:
            raise self.fail
        document = json.loads(json.dumps({**order.spec, "client": client}))
        self.specs.append(document)
        self.since.append(since)
        kept = self.kept.setdefault(document["session"], {0: None})
        told = train(order.params, self.x, self.y, document, kept.get(since, self.memory))
        self.memory = kept[document["round"]] = told.memory
        meta = {"examples": str(told.examples), "loss": repr(told.loss), "cpu_s": "0.001", "steps": str(told.steps)}
        meta["round"] = str(document["round"])
        self.answers[round_id] = self.change(told.update if told.sent is None else told.sent, meta)

    async def update(self, round_id, wait_s):
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if round_id not in self.answers:
            raise Missing("There is no round {id} here", id=round_id)
        return self.answers[round_id]


class InProcessLinks:
    """Stands where the link stands: one in-process client per node id."""

    def __init__(self, files):
        self.clients = {f"id{place}": InProcessClient(some) for place, some in enumerate(files)}
        self.nodes = [(node_id, f"node{place}") for place, node_id in enumerate(self.clients)]

    def client(self, node_id):
        if node_id not in self.clients:
            raise Missing("There is no node {node}", node=node_id)
        return self.clients[node_id]

    def people(self):
        """Return the nodes' data as a simulation's clients have it, in the nodes' order."""
        clients = list(self.clients.values())
        ends = np.cumsum([len(client.y) for client in clients])
        x, y = np.concatenate([client.x for client in clients]), np.concatenate([client.y for client in clients])
        return Population.of(x, y.astype(np.int64), np.split(np.arange(ends[-1]), ends[:-1]))


def fail(error, *_where):
    raise error


@pytest.fixture
async def base(tmp_path):
    clock, bus, samples = SystemClock(), Bus(fail), Samples()
    settings = Settings(tmp_path / "settings.toml", str)
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    yield Base(tmp_path, clock, settings, bus, samples, store, jobs)
    await jobs.stop()
    await store.close()


@pytest.fixture
def links(base):
    return InProcessLinks(LearningService(base, None).shard_files(6, 0))


@pytest.fixture
async def learning(base, links):
    service = LearningService(base, links)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def same():
    def check(left, right):
        assert set(left) == set(right)
        return all(np.array_equal(left[name], right[name]) for name in left)

    return check
