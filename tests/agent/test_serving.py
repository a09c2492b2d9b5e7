"""The queue, the cache and the stand-ins, over models made of plain functions."""

import asyncio
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from app.agent.lane import Lane
from app.agent.serving import Server, Serving
from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Limit, Missing, OutpostError
from app.wire.tensors import pack, unpack

ROWS = pack({"x": np.ones((2, 3), np.float32)}, {})


class Models:
    """Answers with the name and the body; a model called `bad` fails; waits for `gate` while it is closed."""

    def __init__(self):
        self.batches, self.gate, self.artifact = [], threading.Event(), "sha256:1"
        self.gate.set()
        self.before, self.quick = False, False

    def is_quick(self, name, body_bytes):
        return self.quick

    def slots(self, name):
        return SimpleNamespace(active="a", manifest=SimpleNamespace(artifact=self.artifact))

    def infer_many(self, name, bodies):
        self.gate.wait(60)
        self.batches.append(len(bodies))
        if name == "gone":
            raise Missing("No version of it is active")
        return [BadInput("it fails") if name == "bad" else name.encode() + body for body in bodies]

    def infer(self, name, body):
        (told,) = self.infer_many(name, [body])
        if isinstance(told, OutpostError):
            raise told
        return told

    def infer_before(self, name, body):
        if not self.before:
            raise Missing("none before")
        return b"before"


@pytest.fixture
async def ground():
    lane, models = Lane("infer"), Models()
    server = Server(models, lane, SystemClock())
    yield server, models
    models.gate.set()
    await server.close()
    await lane.close()


async def queued(server, count):
    """Wait until `count` requests wait."""
    async with asyncio.timeout(60):
        while sum(map(len, server._queues.values())) < count:
            await asyncio.sleep(0)


async def test_what_waits_goes_together_and_each_gets_its_own_answer(ground):
    server, models = ground
    models.gate.clear()
    asked = [asyncio.create_task(server.infer("m", bytes([at]))) for at in range(6)]
    await queued(server, 5) if len(models.batches) else await asyncio.sleep(0)
    models.gate.set()
    assert await asyncio.gather(*asked) == [b"m" + bytes([at]) for at in range(6)]
    assert sum(models.batches) == 6
    assert max(models.batches) > 1
    told = server.metrics()
    assert (told["batched"], told["models"]["m"]["inference_count"]) == (6, 6)
    assert sum(told["models"]["m"]["latency_us"].values()) == 6
    assert server.metrics() == {}


async def test_a_request_alone_to_a_quick_model_is_answered_here_and_those_that_come_together_are_joined(ground):
    server, models = ground
    models.quick, threads, infer_many = True, [], models.infer_many

    def noted(name, bodies):
        threads.append(threading.current_thread().name)
        return infer_many(name, bodies)

    models.infer_many = noted
    assert await server.infer("m", b"1") == b"m1"
    assert await asyncio.gather(*(server.infer("m", bytes([at])) for at in range(4))) == [b"m" + bytes([at]) for at in range(4)]
    assert threads[0] == threading.current_thread().name
    assert (set(threads[1:]), sum(models.batches)) == ({"infer"}, 5)
    assert max(models.batches) > 1
    with pytest.raises(BadInput, match="it fails"):
        await server.infer("bad", ROWS)
    models.before = True
    assert await server.infer("bad", ROWS) == b"before"
    assert server.metrics()["models"]["m"]["inference_count"] == 5


async def test_no_batch_is_larger_than_allowed(ground):
    server, models = ground
    server.follow(Serving(max_batch=2, max_delay_s=0.01))
    await asyncio.gather(*(server.infer("m", bytes([at])) for at in range(7)))
    assert (sum(models.batches), max(models.batches)) == (7, 2)


@pytest.mark.parametrize(("policy", "refused"), [("refuse", 3), ("drop_oldest", 1)])
async def test_a_full_queue_refuses_the_newest_or_drops_the_oldest(ground, policy, refused):
    server, models = ground
    server.follow(Serving(max_batch=1, max_queue=2, policy=policy))
    models.gate.clear()
    asked = [asyncio.create_task(server.infer("m", b"0"))]
    async with asyncio.timeout(60):
        while server._told["batches"] < 1:
            await asyncio.sleep(0)
    asked += [asyncio.create_task(server.infer("m", bytes([at]))) for at in range(1, 4)]
    async with asyncio.timeout(60):
        while server._told["dropped"] < 1:
            await asyncio.sleep(0)
    models.gate.set()
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [at for at, answer in enumerate(told) if isinstance(answer, Limit)] == [refused]


async def test_a_repeated_input_is_answered_from_the_cache_until_the_version_changes(ground):
    server, models = ground
    server.follow(Serving(cache_bytes=10_000))
    for _ in range(3):
        assert await server.infer("m", b"same") == b"msame"
    assert models.batches == [1]
    models.artifact = "sha256:2"
    await server.infer("m", b"same")
    assert models.batches == [1, 1]
    told = server.metrics()
    assert (told["cache_hits"], told["cache_misses"]) == (2, 2)
    server.follow(Serving())
    assert len(server.cache) == 0


async def test_a_failing_model_has_its_stand_ins_in_order(ground):
    server, models = ground
    with pytest.raises(BadInput, match="it fails"):
        await server.infer("bad", ROWS)
    server.follow(Serving(fallback={"bad": {"models": ["bad", "gone", "tiny"], "rule": [0.0, 1.0]}}))
    assert (await server.infer("bad", ROWS)).startswith(b"tiny")
    server.follow(Serving(fallback={"bad": {"rule": [0.0, 1.0]}}))
    tensors, meta = unpack(await server.infer("bad", ROWS), most_bytes=1 << 20)
    np.testing.assert_array_equal(tensors["y"], [[0, 1], [0, 1]])
    assert meta["fallback"] == "rule"
    models.before = True
    assert await server.infer("bad", ROWS) == b"before"
    assert server.metrics()["fallbacks"] == 3
    models.before = False
    with pytest.raises(Missing):
        await server.infer("gone", ROWS)


@pytest.mark.parametrize(
    "document",
    [{"max_batch": 0}, {"max_batch": 5000}, {"max_delay_s": 9}, {"policy": "guess"}, {"cache_bytes": 1 << 40}, {"max_queue": 0},
     {"fallback": {"m": 3}}, {"fallback": {"m": {"models": [1]}}}, {"fallback": {"m": {"rule": ["x"]}}}],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(document):
    with pytest.raises(BadInput):
        Serving.of(document)


def test_nothing_asked_for_is_the_default():
    assert Serving.of({}) == Serving()
