"""Federated learning over real agent processes: paired, over TLS, signed, on data that stays in their homes."""

import asyncio
import itertools
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.commands.table import command_table
from app.engine.base.events import RoundFinished
from app.engine.engine import Engine
from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.nets import length_of
from app.engine.learning.records import LocalSpec
from app.engine.learning.service import SHARD_FILE
from app.engine.learning.sessions import digest_of
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy
from app.engine.link.client import NodeClient
from app.engine.store import artifacts, rows
from app.wire import tensors
from app.wire.rounds import Order
from tests.faults import FaultProxy

NODES = 4
WIDE = "mlp-64-1350-10"  # 405 KB


@pytest.fixture
async def engine(tmp_path, request):
    opened = await Engine.open(tmp_path / "home", command_table())
    await opened.run("fleet.demo", nodes=getattr(request, "param", NODES))
    yield opened
    await opened.close()


def examples_of(engine):
    """Return the inputs and labels that lie in the agents' own homes, in the order of their names."""
    for node in sorted(engine.fleet.records, key=lambda node: node.name):
        held, _ = tensors.unpack((Path(node.home) / SHARD_FILE).read_bytes(), most_bytes=1 << 22)
        yield held["x"], held["y"].astype(np.int64)


async def test_real_agents_send_the_bits_of_a_simulation_and_come_to_the_same_model(engine):
    told = await engine.run("learning.train", rounds=3, seed=5)
    parts = list(examples_of(engine))
    edges = np.cumsum([0, *(len(y) for _, y in parts)])
    people = Population.of(
        np.concatenate([x for x, _ in parts]),
        np.concatenate([y for _, y in parts]),
        [np.arange(start, end) for start, end in itertools.pairwise(edges)],
    )
    split = load_digits()
    strategy = Strategy(LocalSpec(seed=5, epochs=5, learning_rate=0.1))
    steps = rounds(nets.initial(nets.DIGITS_MODEL, 5), strategy, people, (split.test_x, split.test_y), time.process_time)
    sent, third = {}, None
    for third in itertools.islice(steps, 3):
        for client, row in zip(third.clients, third.updates.matrix, strict=True):
            update = nets.unflatten(row, nets.DIGITS_MODEL)
            sent[third.round.round, told["nodes"][client]] = (digest_of(update), length_of(row))
    names = {node.id: node.name for node in engine.fleet.records}
    stored = await engine.store.read(lambda conn: rows.select(conn, "federated_updates"))
    heard = {(row["round_number"], names[row["node_id"]]): row["model_update"] for row in stored}
    assert {key: (one["digest"], one["norm"]) for key, one in heard.items()} == sent
    assert len(sent) == 3 * NODES
    params, _ = tensors.unpack(artifacts.load(engine.home, told["model"]), most_bytes=1 << 22)
    assert all(np.array_equal(params[name], third.params[name]) for name in params)
    assert [row["accuracy"] for row in told["rounds"]][-1] == third.round.accuracy


def central(x, y, steps, rate):
    """Return plain gradient descent on softmax with cross-entropy over all examples, in float64, written out by hand."""
    w1, b1, w2, b2 = (value.astype(np.float64) for value in nets.initial(nets.DIGITS_MODEL, 5).values())
    for _ in range(steps):
        hidden = np.maximum(x @ w1 + b1, 0)
        scores = np.exp(hidden @ w2 + b2)
        slope = (scores / scores.sum(axis=1, keepdims=True) - np.eye(10)[y]) / len(y)
        below = (slope @ w2.T) * (hidden > 0)
        w2, b2 = w2 - rate * hidden.T @ slope, b2 - rate * slope.sum(axis=0)
        w1, b1 = w1 - rate * x.T @ below, b1 - rate * below.sum(axis=0)
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}


async def test_one_full_batch_step_on_real_agents_is_central_gradient_descent(engine):
    told = await engine.run("learning.train", rounds=3, seed=5, epochs=1, batch=0, lr=0.3)
    params, _ = tensors.unpack(artifacts.load(engine.home, told["model"]), most_bytes=1 << 22)
    parts = list(examples_of(engine))
    whole = central(np.concatenate([x for x, _ in parts]).astype(np.float64), np.concatenate([y for _, y in parts]), 3, 0.3)
    for name, value in whole.items():
        assert params[name] == pytest.approx(value, abs=2e-6)
        assert not np.allclose(params[name], nets.initial(nets.DIGITS_MODEL, 5)[name], atol=1e-4)


async def test_an_agent_killed_between_rounds_is_left_out_and_named(engine):
    running = asyncio.create_task(engine.run("learning.train", rounds=8, seed=1))
    finished = asyncio.Event()
    engine.bus.subscribe(lambda event: finished.set(), RoundFinished)
    async with asyncio.timeout(60):
        await finished.wait()
        victim = max(engine.fleet.records, key=lambda node: node.name)
        await engine.run("fleet.kill", node=victim.name)
        told = await running
    assert len(told["rounds"]) == 8
    shown = await engine.run("learning.show", run=told["run_id"])
    last = {part["name"]: part["state"] for part in shown["rounds"][-1]["parts"]}
    assert last.pop(victim.name) in ("offline", "late")
    assert set(last.values()) == {"done"}


@pytest.mark.parametrize("engine", [1], indirect=True)
async def test_an_update_that_breaks_off_on_its_way_goes_on_from_where_it_was(engine):
    (node,) = engine.fleet.records
    direct = engine.link.client(node.id)
    spec = LocalSpec(model=WIDE, seed=3, epochs=1, batch=0).to_json()
    order = Order(nets.initial(WIDE, 3), {name: value for name, value in spec.items() if name != "client"})
    async with FaultProxy(node.address) as proxy:
        client = NodeClient(replace(direct.peer, address=proxy.address), engine.link.identity, engine.clock, random.Random(0))
        await client.train("cut-1", order, 2)
        while await direct.update("cut-1", 10.0) is None:
            pass
        carried, proxy.cut_after = proxy.carried, 300_000
        found, meta = await client.update("cut-1", 10.0)
        assert proxy.cut_after == 0
        assert proxy.carried - carried < 600_000  # of 405,000 once, what was on its way at the cut, and a second handshake
        carried, proxy.cut_after = proxy.carried, 300_000  # of the answer to the order itself
        assert await client.train("cut-1", order, 2, wait_s=10.0) is None
        again, _ = await client.update("cut-1", 10.0)
        assert proxy.cut_after == 0
        assert proxy.carried - carried < 600_000
        await client.close()
    whole, same = await direct.update("cut-1", 10.0)
    assert meta["digest"] == same["digest"] == digest_of(whole)
    assert digest_of(found) == digest_of(again) == digest_of(whole)
