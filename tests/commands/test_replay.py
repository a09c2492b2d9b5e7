"""Traffic for gates: who keeps requests, and rows played as requests, over nodes that note what they are asked."""

from types import SimpleNamespace

import numpy as np
import pytest

from app.commands.replay import ROWS
from app.engine.base.clock import SystemClock
from app.engine.base.command import CommandTable
from app.engine.base.errors import BadInput, Missing, Offline
from app.engine.fleet.records import Node
from app.wire.tensors import pack
from tests.engine.fleet.ground import ground


class Client:
    def __init__(self, away=False):
        self.away, self.kept, self.asked = away, None, []

    async def record(self, name, most_bytes):
        if self.away:
            raise Offline("It is away")
        self.kept = (name, most_bytes)

    async def infer(self, name, x):
        if self.away:
            raise Offline("It is away")
        self.asked.append(x.tolist())
        return x


@pytest.fixture
async def call(tmp_path):
    clients = {"a": Client(), "b": Client(away=True)}
    nodes = [Node(name, name * 32, name, "x:1") for name in clients]
    model = SimpleNamespace(lineage={}, inputs={"inputs": [{"shape": [None, 3]}]})
    engine = SimpleNamespace(
        clock=SystemClock(), link=SimpleNamespace(client=clients.__getitem__), models=SimpleNamespace(find=lambda _key: model),
        fleet=SimpleNamespace(select=lambda words: [node for node in nodes if words in ("all", node.name)]),
    )  # fmt: skip
    async with ground(tmp_path / "home") as base:
        engine.jobs = base.jobs
        yield SimpleNamespace(engine=engine, actor="me@here", cause="", clients=clients, file=tmp_path / "rows")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_model_record_says_of_each_node_what_it_keeps(call):
    told = await ask(call, "model.record", model="digits", most_bytes=1000)
    assert [(row["name"], row["keeps_bytes"], row["error"]) for row in told["nodes"]] == [
        ("a", 1000, ""), ("b", None, "It is away"),
    ]  # fmt: skip
    assert call.clients["a"].kept == ("digits", 1000)
    with pytest.raises(Missing):
        await ask(call, "model.record", model="digits", nodes="nobody")


async def test_model_replay_plays_the_rows_of_a_file_again_and_again_as_one_item(call):
    call.file.write_bytes(pack({"x": np.arange(6, dtype=np.float32).reshape(2, 3)}, {}))
    told = await ask(call, "model.replay", model="digits", data=call.file, requests=3, per_second=1000)
    assert call.clients["a"].asked == [[[0, 1, 2]], [[3, 4, 5]], [[0, 1, 2]]]
    assert [(row["answered"], row["failed"], row["error"]) for row in told["nodes"]] == [(3, 0, ""), (0, 3, "It is away")]
    assert told["nodes"][1]["round_trip_p50_s"] is None
    (job,) = call.engine.jobs.records
    assert (job.title, job.done, job.total, job.unit) == ("Replay to digits", 6, 6, "requests")


async def test_without_a_file_the_rows_are_those_the_model_takes_and_a_file_without_rows_is_told(call):
    await ask(call, "model.replay", model="digits", nodes="a", requests=2, per_second=1000)
    assert [np.shape(x) for x in call.clients["a"].asked] == [(1, 3), (1, 3)]
    call.file.write_bytes(pack({"z": np.zeros((1, 3), np.float32)}, {}))
    with pytest.raises(BadInput, match="holds no rows x"):
        await ask(call, "model.replay", model="digits", data=call.file)
    with pytest.raises(Missing, match="cannot be read"):
        await ask(call, "model.replay", model="digits", data=call.file.with_name("none"))
