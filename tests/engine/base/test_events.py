import pytest

from app.engine.base import events
from app.engine.base.errors import BadInput

PAIRED = events.NodePaired(at_us=5, actor="a@d", node_id="n", name="north")


def test_names_are_noun_dot_past_tense():
    assert "node.state_changed" in events.NAMES
    assert all(name.count(".") == 1 and name == name.lower() for name in events.NAMES)


def test_an_event_survives_json_and_unknown_fields_are_dropped():
    assert events.from_json({**events.to_json(PAIRED), "later": 1}) == PAIRED


def test_an_unknown_event_is_refused_by_name():
    with pytest.raises(BadInput, match=r"node\.exploded"):
        events.from_json({"event": "node.exploded"})


def test_a_failing_listener_is_reported_and_silences_no_other():
    failed, heard = [], []
    bus = events.Bus(failed.append)
    bus.subscribe(lambda _event: 1 / 0)
    undo = bus.subscribe(heard.append, events.NodePaired)
    bus.subscribe(heard.append, events.NodeRemoved)
    bus.publish(PAIRED)
    undo()
    undo()
    bus.publish(PAIRED)
    assert heard == [PAIRED]
    assert [type(error) for error in failed] == [ZeroDivisionError] * 2
