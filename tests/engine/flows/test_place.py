import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.flows.place import node_lines, with_fleet
from app.engine.qubo.problems import registry

MADE_OF = {"cpu_count": 4, "mem_bytes": 8 * 2**30}
WORK = "workload,cpu,memory\nw,500,256\n"


def node(name, state=Health.ONLINE, **more):
    return Node(id=name, device_id=name, name=name, address="", state=state, hardware=MADE_OF, round_trip_s=0.012, **more)


def test_a_node_offers_what_its_load_leaves_free():
    lines = node_lines([node("b 2", cpu_ratio=0.5, mem_ratio=0.25), node("a", Health.OFFLINE), node("c")])
    assert lines == ["node = b-2 2000 6144 12.0", "node = c 4000 8192 12.0"]


def test_workloads_and_the_live_fleet_make_a_placement(tmp_path):
    fleet = [node("c"), node("d")]
    file = tmp_path / "w.csv"
    file.write_text("node = old 1 1 1\n" + WORK)
    problem = registry.read(with_fleet(fleet, file, ""), "w")
    assert [host.name for host in problem.hosts] == ["c", "d"]
    assert registry.read(with_fleet(fleet, None, WORK), "w").workloads == (("w", 500, 256, 1.0),)


def test_without_a_node_online_there_is_no_placement():
    fleet = []
    with pytest.raises(Missing, match="No node is online"):
        with_fleet(fleet, None, WORK)
    with pytest.raises(BadInput):
        with_fleet(fleet, None, "")
