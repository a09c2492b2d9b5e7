import asyncio

import pytest
from zeroconf import IPVersion, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from app.agent.adapters import announce
from app.agent.adapters.announce import SERVICE, Announcer


async def test_a_node_is_found_by_mdns_with_its_address():
    announcer, seen = Announcer("ab" * 16, "north-1", ["127.0.0.1"], 4711), asyncio.Event()
    names = []

    def changed(zeroconf, service_type, name, state_change):
        if state_change is ServiceStateChange.Added:
            names.append(name)
            seen.set()

    try:
        browsing = AsyncZeroconf(ip_version=IPVersion.V4Only)
    except OSError:
        pytest.skip("no multicast here")
    browser = AsyncServiceBrowser(browsing.zeroconf, SERVICE, handlers=[changed])
    await announcer.start()
    try:
        async with asyncio.timeout(20):
            await seen.wait()
        info = AsyncServiceInfo(SERVICE, names[0])
        assert await info.async_request(browsing.zeroconf, 10_000)
        assert info.parsed_addresses() == ["127.0.0.1"]
        assert info.port == 4711
        assert info.properties[b"device"] == b"ab" * 16
    except TimeoutError:
        pytest.skip("no multicast here")
    finally:
        await announcer.stop()
        await browser.async_cancel()
        await browsing.async_close()


async def test_a_network_without_multicast_stops_nothing(monkeypatch, caplog):
    def refuse(**_):
        raise OSError("no multicast")

    monkeypatch.setattr(announce, "AsyncZeroconf", refuse)
    announcer = Announcer("ab" * 16, "north-1", ["127.0.0.1"], 4711)
    await announcer.start()
    await announcer.stop()
    assert "mDNS is not available here" in caplog.text
