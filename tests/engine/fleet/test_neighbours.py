from app.engine.fleet.health import Health
from app.engine.fleet.neighbours import rings_of
from app.engine.fleet.records import Node


def node(name, site, state=Health.ONLINE):
    return Node(name, name * 32, name, f"{name}:1", state, site=site)


def test_each_looks_after_the_next_few_of_its_site():
    nodes = [node("c", "s"), node("a", "s"), node("b", "s"), node("d", "far"), node("e", "s", Health.DECOMMISSIONED)]
    assert {key: list(peers.values()) for key, peers in rings_of(nodes, 1).items()} == {
        "a": ["b:1"], "b": ["c:1"], "c": ["a:1"], "d": [],
    }  # fmt: skip
    assert list(rings_of(nodes, 5)["b"].values()) == ["c:1", "a:1"]
    assert set(map(len, rings_of(nodes, 0).values())) == {0}
