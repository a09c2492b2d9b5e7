from types import SimpleNamespace

import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.flows.activate import Parts
from app.engine.flows.balance import balance


class Control:
    async def run(self, **asked):
        return asked


def parts_of(names):
    nodes = [SimpleNamespace(id=name) for name in names]
    model = SimpleNamespace(inputs={"inputs": [{"shape": [None, 3]}]}, lineage={})

    async def identity():
        return "us"

    link = SimpleNamespace(
        folder="/home/identity", identity=identity,
        client=lambda node_id: SimpleNamespace(peer=SimpleNamespace(to_json=lambda: {"id": node_id})),
    )  # fmt: skip
    return Parts(None, link, SimpleNamespace(find=lambda _name: model), SimpleNamespace(select=lambda _nodes: nodes))


async def test_the_nodes_chosen_their_peers_and_rows_of_the_model_are_handed_to_control():
    told = await balance(parts_of(["a", "b"]), Control(), nodes="all", model="digits", resource="balancer", seconds=1.0)
    assert told["resource"] == "balancer"
    agents = told["agents"]
    assert (agents["folder"], agents["model"], agents["peers"]) == ("/home/identity", "digits", [{"id": "a"}, {"id": "b"}])
    assert {len(row) for row in agents["rows"]} == {3}


async def test_no_node_and_another_resource_are_refused():
    with pytest.raises(Missing, match="no node to balance over"):
        await balance(parts_of([]), Control(), nodes="all", model="digits", resource="balancer")
    with pytest.raises(BadInput, match="Only a balancer"):
        await balance(parts_of(["a"]), Control(), nodes="all", model="digits", resource="queue")
