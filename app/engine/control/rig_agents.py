"""A load balancer over the live agents of the fleet, as a rig: requests for inference over mutual TLS, nothing injected.

It runs in the process of its job, which opens this console's identity itself, from the same folder and the same place for
the key as the link does; what is handed to it names only public things. A wait is the whole time until the answer.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, OutpostError, Timeout
from app.engine.control.adapters.balancer import LoadBalancer, LoadBalancerResource
from app.engine.control.rig_balancer import EACH
from app.engine.control.rigs import ClientRig, Rig
from app.engine.link.client import NodeClient
from app.engine.link.identity import own_identity, seal_key
from app.engine.link.records import Peer

_TIMEOUT_S: Final = 15.0
_END_S: Final = 5.0


class Agents:
    """Asks agents for inference from any thread; the requests run on one loop in a thread of its own."""

    def __init__(self, told: dict[str, Any]) -> None:
        folder = Path(told["folder"])
        identity = own_identity(folder, "outpost", seal_key(folder))
        self._model, self._rows = str(told["model"]), np.asarray(told["rows"], np.float32)
        peers = [Peer.from_json(document) for document in told["peers"]]
        if not peers or not len(self._rows):
            raise BadInput("A balancer over agents needs agents and rows to ask them", field="nodes")

        async def own() -> Any:
            return identity

        self._clients = {
            peer.identity.name: NodeClient(peer, own, SystemClock(), random.Random(place)) for place, peer in enumerate(peers)
        }
        self._asked = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="control-agents", daemon=True)
        self._thread.start()

    @property
    def names(self) -> list[str]:
        """Return the agents by name."""
        return list(self._clients)

    def ask(self, name: str, _request: Any = None) -> Any:
        """Return an agent's answer to the next row; raises what the link raises."""
        self._asked += 1
        row = self._rows[self._asked % len(self._rows)][None]
        future = asyncio.run_coroutine_threadsafe(self._clients[name].infer(self._model, row), self._loop)
        try:
            return future.result(_TIMEOUT_S)
        except TimeoutError:
            future.cancel()
            raise Timeout("{name} did not answer within {seconds} s", name=name, seconds=round(_TIMEOUT_S)) from None

    def find_one(self) -> None:
        """Raise what the last agent said when none of them answers."""
        for left, name in zip(reversed(range(len(self.names))), self.names, strict=True):
            try:
                self.ask(name)
            except OutpostError:
                if not left:
                    raise
            else:
                return

    def close(self) -> None:
        """Close every connection and end the loop; a second call changes nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._closed(), self._loop).result(_END_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _closed(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in self._clients.values()))


def agents_rig(more: dict[str, Any], size: int, low: int, high: int) -> Rig:
    """Return clients of a balancer over `more["agents"]` ({folder, model, rows, peers}), `size` of them active."""
    agents = Agents(more["agents"])
    try:
        balancer = LoadBalancer(agents.ask, agents.names, active=size, limit=64, policy=str(more.get("policy", "two_choices")))
        resource = LoadBalancerResource(balancer, low, min(high, len(agents.names)), each=EACH)
        agents.find_one()
    except (OutpostError, OSError):
        agents.close()
        raise

    def serve(_service_s: float, began: Callable[..., None]) -> None:
        balancer.call(None)
        began()

    rig = ClientRig(resource, serve, agents.close)
    rig.backends = balancer.shares
    return rig
