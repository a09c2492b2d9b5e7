"""Federated learning over real agent processes: paired, over TLS, signed, on data that stays in their homes."""

import asyncio
import itertools
import time
from pathlib import Path

import numpy as np
import pytest

from app.commands.table import command_table
from app.engine.base.events import RoundFinished
from app.engine.engine import Engine
from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.records import LocalSpec
from app.engine.learning.service import SHARD_FILE
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy
from app.engine.store import artifacts
from app.wire import tensors

NODES = 3


@pytest.fixture
async def engine(tmp_path):
    opened = await Engine.open(tmp_path / "home", command_table())
    await opened.run("fleet.demo", nodes=NODES)
    yield opened
    await opened.close()


def examples_of(engine):
    """Return the inputs and labels that lie in the agents' own homes, in the order of their names."""
    for node in sorted(engine.fleet.records, key=lambda node: node.name):
        held, _ = tensors.unpack((Path(node.home) / SHARD_FILE).read_bytes(), most_bytes=1 << 22)
        yield held["x"], held["y"].astype(np.int64)


async def test_real_agents_and_a_simulation_come_to_the_same_model(engine):
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
    *_, third = itertools.islice(steps, 3)
    params, _ = tensors.unpack(artifacts.load(engine.home, told["model"]), most_bytes=1 << 22)
    assert all(np.array_equal(params[name], third.params[name]) for name in params)
    assert [row["accuracy"] for row in told["rounds"]][-1] == third.round.accuracy


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
