import socket
from types import SimpleNamespace

import pytest

from app.engine.base.errors import Offline
from app.engine.link import discover
from app.engine.link.discover import SERVICE, Found, find


def info(**given):
    plain = {"name": f"north-1.{SERVICE}", "port": 8443, "properties": {b"device": b"d" * 32, b"name": b"north"}}
    addresses = given.pop("addresses", ["10.0.0.7"])
    return SimpleNamespace(**{**plain, **given}, parsed_addresses=lambda: addresses)


def test_an_announcement_is_read_and_one_that_says_less_too():
    assert discover._found(info()) == Found("north", "10.0.0.7:8443", "d" * 32)
    assert discover._found(info(properties={b"name": None}, addresses=["fe80::1"])) == Found("north-1", "[fe80::1]:8443", "")


async def test_a_service_announced_on_this_machine_is_found():
    zeroconf = pytest.importorskip("zeroconf")
    from zeroconf.asyncio import AsyncZeroconf

    try:
        network = AsyncZeroconf(interfaces=["127.0.0.1"])
    except OSError:
        pytest.skip("no multicast here")
    service = zeroconf.ServiceInfo(
        SERVICE, f"drill.{SERVICE}", addresses=[socket.inet_aton("127.0.0.1")], port=4711, properties={"device": "e" * 32},
        server="drill.local.",
    )  # fmt: skip
    try:
        await (await network.async_register_service(service))
        found = await find(1.5)
    except (Offline, OSError):
        pytest.skip("no multicast here")
    finally:
        await network.async_close()
    if not found:
        pytest.skip("multicast does not come back here")
    assert Found("drill", "127.0.0.1:4711", "e" * 32) in found


async def test_without_a_network_it_says_so(monkeypatch):
    import zeroconf.asyncio

    def none():
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(zeroconf.asyncio, "AsyncZeroconf", none)
    with pytest.raises(Offline, match="unreachable"):
        await find(0.1)
