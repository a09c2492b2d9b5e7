"""Signs what this console asks: requests that come up in the same turn of the loop share one pair of signatures."""

import asyncio

from app.engine.link.transport import Own
from app.wire.identity import DeviceIdentity
from app.wire.signing import Draft, sign_all


class Signer:
    """One console's hand, shared by the clients of all its nodes; lives on one loop."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self._waiting: list[tuple[Draft, asyncio.Future[str]]] = []

    async def sign(self, draft: Draft) -> str:
        """Return the header value for a request; raise what keeps the identity out of reach."""
        identity, loop = await self._own(), asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush, identity)
        self._waiting.append((draft, future))
        return await future

    def _flush(self, identity: DeviceIdentity) -> None:
        waiting = [one for one in self._waiting if not one[1].done()]
        self._waiting = []
        if waiting:
            try:
                headers = sign_all(identity, [draft for draft, _ in waiting])
            except Exception as error:  # noqa: BLE001 - told to each that waits
                for _, future in waiting:
                    future.set_exception(error)
                return
            for (_, future), header in zip(waiting, headers, strict=True):
                future.set_result(header)
