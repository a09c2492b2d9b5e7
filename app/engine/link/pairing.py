"""The console's part of pairing with a node: two steps over TLS, bound to the node's certificate by its one-use code."""

from typing import Any

from app.engine.base.errors import BadInput
from app.engine.link.records import Paired
from app.engine.link.transport import ask_unpaired
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.pairing import ConsoleSide


async def pair(identity: DeviceIdentity, address: str, code: str) -> Paired:
    """Pair with the node at `address` (host:port) that shows `code`; both sides pin each other.

    Raises `BadInput` for a malformed code or address, `Refused` when the code is wrong or someone stands in between.
    """
    address = checked_address(address)
    side = ConsoleSide(identity.public, code)
    known: list[PublicIdentity] = []
    steps = 0

    def step(reply: dict[str, Any], shown_der: bytes | None) -> dict[str, Any] | None:
        nonlocal steps
        steps += 1
        if steps == 1:
            return side.prove(reply, shown_der)
        known.append(side.accept(reply))
        return None

    await ask_unpaired(address, step, side.hello())
    return Paired(address, known[0])


def checked_address(address: str) -> str:
    """Return `address` when it reads host:port; raise `BadInput`."""
    host, _, port = address.strip().rpartition(":")
    if not host or any(letter in host for letter in "/@ ?#") or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise BadInput(
            "{address} is not an address", address=repr(address), field="address", hint="Write host:port, as in 10.0.0.7:8443.",
        )  # fmt: skip
    return address.strip()
