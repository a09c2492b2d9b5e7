from types import SimpleNamespace

import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.targets import has_version, select_nodes

NODES = [
    Node("1", "1" * 32, "a", "x:1", site="north", models=("digits:3", "other")),
    Node("2", "2" * 32, "b", "x:1", site="south"),
    Node("3", "3" * 32, "c", "x:1", site="north", state=Health.MAINTENANCE),
]


def select(words):
    found = [node for node in NODES if node.name in words.split(",")]
    if not found:
        raise Missing("There is no node {name}", name=words)
    return found


FLEET = SimpleNamespace(records=NODES, select=select)


def test_all_names_and_queries_mean_nodes():
    assert select_nodes(FLEET, "all", 0) == NODES
    assert select_nodes(FLEET, "a,b", 0) == NODES[:2]
    assert select_nodes(FLEET, 'site == "north"', 0) == NODES[:1]
    with pytest.raises(Missing):
        select_nodes(FLEET, "nobody", 0)
    with pytest.raises(BadInput):
        select_nodes(FLEET, "site == (", 0)


def test_the_version_a_node_has_is_read_from_what_it_told():
    assert [has_version(NODES[0], name) for name in ("digits", "other", "third")] == [3, 0, 0]
