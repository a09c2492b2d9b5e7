import pytest

from app.agent.virtual import Fault, VirtualNode, faults_of
from app.engine.base.errors import BadInput
from app.wire.identity import DeviceIdentity
from app.wire.telemetry import TelemetryPage


@pytest.mark.parametrize(
    "script",
    [3, [3], [{"do": "explode", "at_s": 0, "for_s": 1}], [{"do": "cut", "at_s": -1, "for_s": 1}], [{"do": "cut", "at_s": 0}],
     [{"do": "cut", "at_s": 0, "for_s": 1, "first": 5, "last": 10}], [{"do": "cut", "at_s": "x", "for_s": 1}]],
)  # fmt: skip
def test_a_script_that_is_none_is_refused(script):
    with pytest.raises(BadInput):
        faults_of(script, 10)


def test_a_fault_holds_for_all_nodes_unless_some_are_named():
    assert faults_of([{"do": "cut", "at_s": 1, "for_s": 2}], 4) == [Fault("cut", 1.0, 2.0, 0, 3)]


def test_pages_go_on_at_the_cursor_and_tell_again_only_under_that_fault():
    import json

    node = VirtualNode("v", DeviceIdentity.generate("c").public, 30)
    node.first = 5

    def asked(after, limit=10):
        target = f"/v1/telemetry?epoch={node.epoch}&after={after}&limit={limit}"
        return TelemetryPage.from_json(json.loads(node._answer(target)))

    page = asked(0)
    assert ([item.seq for item in page.items], page.lost) == (list(range(5, 15)), ((1, 4),))
    assert [item.seq for item in asked(25).items] == [26, 27, 28, 29, 30]
    node.suffer(frozenset({"duplicate"}))
    assert [item.seq for item in asked(28).items] == [24, 25, 26, 27, 28, 29, 30]
    assert node._answer("/v1/nothing") == b""
    for path in ("status", "inventory", "twin"):
        assert json.loads(node._answer(f"/v1/{path}"))["schema"] == 1
