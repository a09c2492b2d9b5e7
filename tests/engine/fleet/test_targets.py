from types import SimpleNamespace

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.records import Records
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.saved import SavedView
from app.engine.fleet.targets import Targets, has_version

NODES = [
    Node("1", "1" * 32, "a", "x:1", site="north", models=("digits:3", "other"), labels={"gpu": "yes"}),
    Node("2", "2" * 32, "b", "x:1", site="south"),
    Node("3", "3" * 32, "c", "x:1", site="north", state=Health.MAINTENANCE),
]


def find_view(name):
    if name != "up north":
        raise Missing("There is no view {name}", name=name)
    return SavedView("v", name, filter='site == "north"')


@pytest.fixture
def targets():
    nodes = Records(lambda node: node.id, "node")
    nodes.put(*NODES)
    return Targets(nodes, SimpleNamespace(find=find_view), ManualClock())


def names(found):
    return [node.name for node in found]


def test_all_names_and_queries_mean_nodes(targets):
    assert names(targets.select("all")) == ["a", "b"]
    assert names(targets.select("all", held=True)) == names(targets.select("", held=True)) == ["a", "b", "c"]
    assert names(targets.select("a, b,a")) == ["a", "b"]
    assert names(targets.select('site == "north"')) == ["a", "c"]
    assert names(targets.select("label.gpu")) == ["a"]
    with pytest.raises(Missing):
        targets.select("nobody")
    with pytest.raises(BadInput):
        targets.select("site == (")
    with pytest.raises(BadInput, match="No node is named"):
        targets.select(" , ")


def test_a_saved_view_means_what_it_finds_now(targets):
    assert names(targets.select("view:up north")) == ["a", "c"]
    with pytest.raises(Missing, match="There is no view other"):
        targets.select("view:other")


def test_a_name_that_two_have_is_told(targets):
    targets._nodes.put(Node("4", "4" * 32, "a", "x:1"))
    with pytest.raises(Conflict, match="2 nodes are called a"):
        targets.find("a")


def test_the_version_a_node_has_is_read_from_what_it_told():
    assert [has_version(NODES[0], name) for name in ("digits", "other", "third")] == [3, 0, 0]
