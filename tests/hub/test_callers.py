"""Whom a hub hears: each once per announcement, strangers never in the place of those that are known."""

import pytest

from app.engine.base.errors import Conflict, Limit, Refused
from app.hub import callers
from app.hub.callers import Callers
from app.wire.announcements import announce
from app.wire.identity import DeviceIdentity

HUB = "0" * 32
NOW_US = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def nodes():
    return [DeviceIdentity.generate(name) for name in ("pump", "valve", "motor")]


def told(node, at_us=NOW_US):
    return announce(node, name=node.public.name, address="10.0.0.5:7000", hub=HUB, at_us=at_us)


def test_a_node_is_heard_once_per_announcement_and_its_last_one_counts(nodes):
    heard = Callers(HUB, lambda _device: None)
    heard.take(told(nodes[0]), "192.0.2.1", NOW_US)
    with pytest.raises(Conflict, match="heard before"):
        heard.take(told(nodes[0]), "192.0.2.66", NOW_US)
    heard.take(told(nodes[0], NOW_US + 1), "192.0.2.2", NOW_US + 9)
    assert [(one["name"], one["seen_from"], one["heard_us"], one["known"]) for one in heard.told()] == [
        ("pump", "192.0.2.2", NOW_US + 9, False)
    ]


def test_one_with_another_identity_than_the_pinned_one_is_refused(nodes):
    pump, valve, _ = nodes
    heard = Callers(HUB, lambda _device: valve.public)
    with pytest.raises(Refused, match="pinned"):
        heard.take(told(pump), "", NOW_US)
    assert heard.told() == []


def test_strangers_take_no_place_of_those_that_are_known(nodes, monkeypatch):
    monkeypatch.setattr(callers, "MOST_UNKNOWN", 1)
    pump, valve, motor = nodes
    heard = Callers(HUB, lambda device: motor.public if device == motor.public.device_id else None)
    heard.take(told(pump), "", NOW_US)
    with pytest.raises(Limit, match="at most"):
        heard.take(told(valve), "", NOW_US)
    heard.take(told(motor), "", NOW_US)
    week_us = 8 * 86_400_000_000
    heard.take(told(valve, NOW_US + week_us), "", NOW_US + week_us)  # whoever has gone silent is let go of
    assert [one["name"] for one in heard.told()] == ["valve"]
