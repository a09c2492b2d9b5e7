"""An announcement is heard by the hub it names, in its time, as it was signed; anything else is refused."""

import copy

import pytest

from app.engine.base.errors import BadInput, Conflict, Refused
from app.wire.announcements import SKEW_US, announce, read_announcement
from app.wire.identity import DeviceIdentity
from app.wire.manifests import seal

HUB = "0" * 32
NOW_US = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def pump():
    return DeviceIdentity.generate("pump")


def told(pump, **more):
    return announce(pump, **{"name": "pump", "address": "10.0.0.5:7000", "hub": HUB, "at_us": NOW_US, **more})


def test_it_is_read_as_it_was_said(pump):
    found = read_announcement(told(pump), HUB, NOW_US)
    assert (found.identity, found.name, found.address, found.at_us) == (pump.public, "pump", "10.0.0.5:7000", NOW_US)


def test_another_hubs_an_old_one_and_one_of_the_future_are_refused(pump):
    with pytest.raises(Refused, match="another hub"):
        read_announcement(told(pump), "1" * 32, NOW_US)
    for at_us in (NOW_US - SKEW_US - 1, NOW_US + SKEW_US + 1):
        with pytest.raises(Conflict, match="differs"):
            read_announcement(told(pump, at_us=at_us), HUB, NOW_US)


def test_a_changed_or_foreign_one_is_refused(pump):
    changed = copy.deepcopy(told(pump))
    changed["manifest"]["name"] = "valve"
    with pytest.raises(Refused, match="does not hold"):
        read_announcement(changed, HUB, NOW_US)
    with pytest.raises(Refused, match="not paired"):
        read_announcement({**told(pump), "signer": "2" * 32}, HUB, NOW_US)
    other = DeviceIdentity.generate("other")
    stolen = seal(other, told(pump)["manifest"])
    with pytest.raises(Refused):
        read_announcement({**stolen, "signer": pump.public.device_id}, HUB, NOW_US)
    with pytest.raises(BadInput):
        read_announcement({"manifest": {}}, HUB, NOW_US)
