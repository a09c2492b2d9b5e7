"""Finds nodes that announce themselves on the local network (multicast DNS, RFC 6762; service discovery, RFC 6763)."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import Offline

SERVICE: Final = "_outpost._tcp.local."


@dataclass(frozen=True)
class Found:
    """A node that announced itself: its name, where it listens, its device id (empty when it does not say)."""

    name: str
    address: str
    device_id: str


async def find(seconds: float) -> list[Found]:
    """Listen for `seconds` and return the nodes that announced themselves, by name; raise `Offline` without a network."""
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    names: set[str] = set()

    def heard(zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        del zeroconf, service_type
        if state_change is ServiceStateChange.Added:
            names.add(name)

    try:
        network = AsyncZeroconf()
    except OSError as error:
        raise Offline("The local network cannot be searched: {reason}", reason=error.strerror or str(error)) from None
    try:
        browser = AsyncServiceBrowser(network.zeroconf, SERVICE, handlers=[heard])
        await asyncio.sleep(seconds)
        await browser.async_cancel()
        infos = [AsyncServiceInfo(SERVICE, name) for name in sorted(names)]
        known = await asyncio.gather(*(info.async_request(network.zeroconf, 1000) for info in infos))
        return [_found(info) for info, there in zip(infos, known, strict=True) if there and info.parsed_addresses()]
    finally:
        await network.async_close()


def _found(info: Any) -> Found:
    host = str(info.parsed_addresses()[0])
    told = {key.decode(): (value or b"").decode("utf-8", "replace") for key, value in info.properties.items()}
    name = str(info.name).removesuffix("." + SERVICE)
    return Found(
        told.get("name") or name, f"[{host}]:{info.port}" if ":" in host else f"{host}:{info.port}", told.get("device", "")
    )
