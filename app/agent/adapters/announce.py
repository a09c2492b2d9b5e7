"""mDNS: the agent makes itself known on the local network (RFC 6762, RFC 6763); imported only when asked for."""

import logging
import socket

from zeroconf import Error, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

LOG = logging.getLogger(__name__)
SERVICE = "_outpost._tcp.local."


class Announcer:
    """One announcement; a network without multicast is no reason to stop, so failures are logged only."""

    def __init__(self, device: str, name: str, addresses: list[str], port: int) -> None:
        self._info = AsyncServiceInfo(
            SERVICE,
            f"outpost-{device}.{SERVICE}",
            port=port,
            addresses=[socket.inet_aton(address) for address in addresses],
            properties={"device": device, "name": name, "schema": "1"},
            server=f"outpost-{device}.local.",
        )
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self) -> None:
        """Begin to answer questions for the service."""
        try:
            self._zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only)
            await self._zeroconf.async_register_service(self._info, allow_name_change=False)
        except (OSError, Error) as error:
            LOG.warning("mDNS is not available here: %s", error)

    async def stop(self) -> None:
        """Say goodbye and close the sockets."""
        if self._zeroconf is not None:
            await self._zeroconf.async_close()
