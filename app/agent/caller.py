"""The caller: a node behind a router that nobody comes through tells its hub now and then that it is there.

The connection goes out from the node, so a firewall lets it; the hub's certificate must be of the hub's own key, and what is
said is signed by the node. Nothing comes back but whether it was heard.
"""

import asyncio
import logging
from typing import Final

from app.engine.base.clock import Clock
from app.engine.base.errors import Offline, OutpostError, Refused
from app.wire.announcements import announce
from app.wire.documents import to_bytes
from app.wire.identity import DeviceIdentity, device_of
from app.wire.tls import pairing_context, peer_der

LOG = logging.getLogger(__name__)
EVERY_S: Final = 30.0
_LIMIT_S: Final = 20.0
_MOST_BYTES: Final = 16 << 10


class Caller:
    """Calls one hub every half minute; lives on the loop."""

    def __init__(self, identity: DeviceIdentity, clock: Clock, name: str, address: str, hub: tuple[str, str]) -> None:
        self._identity, self._clock, self._name, self._address, self._hub = identity, clock, name, address, hub
        self._said = ""
        self._task = asyncio.get_running_loop().create_task(self._call(), name="caller")

    async def close(self) -> None:
        """Call no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _call(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_LIMIT_S):
                    await self._once()
                said = "the hub has heard of us"
            except (OSError, TimeoutError, OutpostError) as error:
                said = f"the hub was not told: {error or type(error).__name__}"
            if said != self._said:
                LOG.info("%s", said)
            self._said = said
            await asyncio.sleep(EVERY_S)

    async def _once(self) -> None:
        address, device = self._hub
        told = announce(
            self._identity, name=self._name, address=self._address, hub=device, at_us=self._clock.now_us()
        )  # fmt: skip
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=pairing_context())
        try:
            if _device_behind(writer) != device:
                raise Refused("{name} showed another certificate than the one pinned at pairing", name=address)
            body = to_bytes(told)
            lines = ("POST /sync/announce HTTP/1.1", f"Host: {address}", f"Content-Length: {len(body)}", "Connection: close")
            writer.write("\r\n".join((*lines, "", "")).encode("ascii") + body)
            await writer.drain()
            answer = await reader.read(_MOST_BYTES)
        finally:
            writer.transport.abort()
        status = answer.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise Offline("The hub answered: {answer}", answer=answer[-300:].decode("utf-8", "replace").strip() or "nothing")


def _device_behind(writer: asyncio.StreamWriter) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    shown = peer_der(writer.get_extra_info("ssl_object"))
    key = x509.load_der_x509_certificate(shown).public_key() if shown else None
    return device_of(key.public_bytes_raw()) if isinstance(key, Ed25519PublicKey) else ""
