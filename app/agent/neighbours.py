"""The neighbours that a node looks after: it knocks at their doors and tells how long ago each was there.

A console that reaches this node but not its neighbour so learns that the link is down, not the neighbour (OpenYurt's relayed
heartbeat). A knock is a TLS handshake: the certificate shown must be of the device's own key; nothing is said.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput
from app.wire.identity import device_of, is_device_id
from app.wire.tls import pairing_context, peer_der

EVERY_S: Final = 2.0
MOST: Final = 16
_LIMIT_S: Final = 2.0


def peers_in(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the neighbours in {device id: host:port}; raise `BadInput`."""
    for device, address in document.items():
        host, _, port = str(address).rpartition(":")
        if not is_device_id(device) or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise BadInput("A neighbour is a device id with host:port", field="peers")
    if len(document) > MOST:
        raise BadInput("A node looks after {most} neighbours at most", most=MOST, field="peers")
    return {device: str(address) for device, address in document.items()}


class Neighbours:
    """Knocks at every neighbour's door every two seconds; lives on the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peers: dict[str, str] = {}
        self._seen_s: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, peers: Mapping[str, str]) -> None:
        """Look after `peers`, as device id and address, from now on."""
        self._peers = dict(peers)
        self._seen_s = {device: at_s for device, at_s in self._seen_s.items() if device in peers}
        if self._peers and self._task is None:
            with contextlib.suppress(RuntimeError):  # before the loop runs; `start` comes again
                self._task = asyncio.get_running_loop().create_task(self._watch(), name="neighbours")

    def told(self) -> dict[str, float]:
        """Return the seconds since each neighbour was last there; those never seen are left out."""
        now_s = self._clock.monotonic_s()
        return {device: round(now_s - at_s, 3) for device, at_s in self._seen_s.items()}

    async def close(self) -> None:
        """Look after nobody."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while self._peers:
            await asyncio.gather(*(self._look(device, address) for device, address in self._peers.items()))
            await asyncio.sleep(EVERY_S)
        self._task = None

    async def _look(self, device: str, address: str) -> None:
        if await knock(address, _LIMIT_S) == device and device in self._peers:
            self._seen_s[device] = self._clock.monotonic_s()


async def knock(address: str, limit_s: float) -> str:
    """Return the device id of who answers at `address` with its own key; empty when nobody does."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=pairing_context())
    except (OSError, TimeoutError):
        return ""
    shown = peer_der(writer.get_extra_info("ssl_object"))
    writer.transport.abort()
    key = x509.load_der_x509_certificate(shown).public_key() if shown else None
    return device_of(key.public_bytes_raw()) if isinstance(key, Ed25519PublicKey) else ""
