import pytest

from app.engine.base.errors import BadInput, Offline
from app.engine.link.pairing import checked_address, pair
from app.wire.identity import DeviceIdentity
from app.wire.pairing import new_code


@pytest.mark.parametrize("address", ["10.0.0.7:8443", "[::1]:8443", " node.local:1 "])
def test_host_and_port_are_taken(address):
    assert checked_address(address) == address.strip()


@pytest.mark.parametrize(
    "address", ["", "host", ":8443", "host:", "host:http", "host:70000", "a/b:1", "user@host:1", "h ost:1"]
)
def test_anything_else_is_bad_input_that_names_the_field(address):
    with pytest.raises(BadInput) as caught:
        checked_address(address)
    assert caught.value.field == "address"


async def test_a_malformed_code_is_told_before_anything_is_sent():
    with pytest.raises(BadInput) as caught:
        await pair(DeviceIdentity.generate("laptop"), "127.0.0.1:9", "not a code")
    assert caught.value.field == "code"


async def test_nobody_at_the_address_is_offline():
    with pytest.raises(Offline):
        await pair(DeviceIdentity.generate("laptop"), "127.0.0.1:1", new_code())
