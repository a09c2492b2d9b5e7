"""The verbs of the link: who we are, pair with a node, pull from it, talk to it; in this process or in one of its own."""

import asyncio
import platform
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from app.engine.base.errors import Missing, OutpostError
from app.engine.jobs.base import Base
from app.engine.link.discover import Found, find
from app.engine.link.identity import own_identity, public_device_id, seal_key
from app.engine.link.machine import is_elsewhere, note
from app.engine.link.records import Batch, Paired, Peer, Target
from app.engine.store.threads import in_thread
from app.wire.identity import DeviceIdentity

if TYPE_CHECKING:
    from app.engine.link.client import NodeClient
    from app.engine.link.process import LinkProcess
    from app.engine.link.signer import Signer
    from app.engine.link.transport import Transport

_FOLDER: Final = "identity"

Sink = Callable[[Batch], None]


class Pulling(Protocol):
    """What pulls: a `Puller` here, or one in the link process."""

    def attach(self, target: Target) -> None:
        """Pull from `target` from now on."""

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer."""

    def poke(self, node_id: str) -> None:
        """Pull from a node now."""

    def pace(self, node_id: str, every_s: float) -> None:
        """Have a node asked for a page every `every_s`."""

    async def stop(self) -> None:
        """Pull from nobody."""


class Link:
    """All links of one console to its nodes."""

    def __init__(self, base: Base, draw: random.Random | None = None) -> None:
        self._base = base
        self._folder = base.home / _FOLDER
        self._draw = draw or random.Random()
        self._device_id = ""
        self._key = b""
        self._identity: DeviceIdentity | None = None
        self.elsewhere = False  # told once the identity is unlocked: its keys were made on another machine
        self._unlocking = asyncio.Lock()
        self._targets: dict[str, Target] = {}
        self._clients: dict[str, NodeClient] = {}
        self._signer: Signer | None = None
        self._sinks: list[Sink] = []
        self._pulling: Pulling | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._process: LinkProcess | None = None
        self._moving: asyncio.Task[None] | None = None
        self._beginning: asyncio.Task[None] | None = None

    @property
    def device_id(self) -> str:
        """Return this console's device id, known from `start` on."""
        return self._device_id

    @property
    def folder(self) -> Path:
        """Return where this console's identity is kept."""
        return self._folder

    @property
    def process(self) -> "LinkProcess | None":
        """Return the link process while the links live in one."""
        return self._process

    async def start(self) -> None:
        """Know who we are: read from a plain file, or made at the very first start."""
        self._device_id = await in_thread(partial(public_device_id, self._folder), "identity")
        if not self._device_id:
            await self.identity()

    async def stop(self) -> None:
        """Pull from nobody and close every connection."""
        for under_way in (self._beginning, self._moving):
            if under_way is not None:
                await under_way
        pulling, self._pulling, self._process, self._beginning = self._pulling, None, None, None
        if pulling is not None:
            await pulling.stop()
        for node_id in tuple(self._targets):
            self.detach(node_id)
        await asyncio.gather(*self._tasks)

    async def identity(self) -> DeviceIdentity:
        """Return this console's identity, unlocked on first use; raise `Refused` or `Timeout` when its key is out of reach."""
        async with self._unlocking:
            if self._identity is None:
                name = f"{self._base.settings['user.name']} on {platform.node() or 'this machine'}"
                self._key = await in_thread(partial(seal_key, self._folder), "identity")
                self._identity = await in_thread(partial(own_identity, self._folder, name, self._key), "identity")
                self._device_id = self._identity.public.device_id
                self.elsewhere = await in_thread(partial(is_elsewhere, self._folder, self._device_id), "identity")
            return self._identity

    async def settle(self) -> None:
        """Take this machine for the one that our keys belong to, as a person says."""
        device = (await self.identity()).public.device_id
        await in_thread(partial(note, self._folder, device, anew=True), "identity")
        self.elsewhere = False

    async def pair(self, address: str, code: str) -> Paired:
        """Pair with the node at `address` that shows `code`; raise `BadInput`, `Refused`, `Offline` or `Timeout`."""
        from app.engine.link import pairing

        return await pairing.pair(await self.identity(), address, code)

    async def find(self, seconds: float) -> list[Found]:
        """Return the nodes that announce themselves on the local network within `seconds`."""
        return await find(seconds)

    def on_batch(self, sink: Sink) -> Callable[[], None]:
        """Hand every batch pulled to `sink`, on the loop; the function returned ends that."""
        self._sinks.append(sink)

        def undo() -> None:
            if sink in self._sinks:
                self._sinks.remove(sink)

        return undo

    def attach(self, target: Target) -> None:
        """Pull from `target` from now on, in place of what was pulled under its id before."""
        self.detach(target.peer.id)
        self._targets[target.peer.id] = target
        if self._pulling is not None:
            self._pulling.attach(target)
        elif self._beginning is None:
            self._beginning = asyncio.get_running_loop().create_task(self._begin(), name="link-begin")
        self._move_when_many()

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer and close its connections; unknown ids are ignored."""
        self._targets.pop(node_id, None)
        if self._pulling is not None:
            self._pulling.detach(node_id)
        client = self._clients.pop(node_id, None)
        if client is not None:
            closing = asyncio.get_running_loop().create_task(client.close(), name="link-close")
            self._tasks.add(closing)
            closing.add_done_callback(self._tasks.discard)

    def poke(self, node_id: str) -> None:
        """Pull from a node now, its status included."""
        if self._pulling is not None:
            self._pulling.poke(node_id)

    def pace(self, node_id: str, every_s: float) -> None:
        """Have a node asked for a page every `every_s` from now on; 0 for the cadence of all."""
        target = self._targets.get(node_id)
        if target is not None:
            self._targets[node_id] = replace(target, every_s=every_s)
            if self._pulling is not None:
                self._pulling.pace(node_id, every_s)

    def client(self, node_id: str) -> "NodeClient":
        """Return the client of an attached node; raise `Missing`."""
        if node_id not in self._targets:
            raise Missing("There is no node {node}", node=node_id)
        client = self._clients.get(node_id)
        if client is None:
            client = self._clients[node_id] = self._make_client(self._targets[node_id].peer)
        return client

    def transport(self, peer: Peer) -> "Transport":
        """Return requests to a paired peer that is no node, such as a hub; whoever asks closes them."""
        from app.engine.link.transport import Transport

        return Transport(peer, self.identity)

    def _make_client(self, peer: Peer) -> "NodeClient":
        from app.engine.link.client import NodeClient
        from app.engine.link.signer import Signer

        self._signer = self._signer or Signer(self.identity)
        return NodeClient(peer, self.identity, self._base.clock, self._draw, self._signer)

    def _took(self, batch: Batch) -> None:
        target = self._targets.get(batch.node_id)
        if target is None:
            return
        self._targets[batch.node_id] = replace(target, epoch=batch.epoch, seq=batch.seq)
        for sink in tuple(self._sinks):
            sink(batch)

    async def _begin(self) -> None:
        """Begin to pull; the HTTP client is loaded beside the loop, so that a window can be painted meanwhile."""
        from importlib import import_module

        await in_thread(partial(import_module, "app.engine.link.puller"), "link-load")
        from app.engine.link.puller import Puller

        cadence_s = self._base.settings["fleet.cadence_s"]
        self._pulling = Puller(self._make_client, self._took, cadence_s, self._base.clock, self._draw)
        for target in self._targets.values():
            self._pulling.attach(target)
        self._move_when_many()

    def _move_when_many(self) -> None:
        many = len(self._targets) > self._base.settings["fleet.link_process_nodes"]
        if many and self._pulling is not None and self._process is None and self._moving is None:
            self._moving = asyncio.get_running_loop().create_task(self._move(), name="link-move")

    async def _move(self) -> None:
        """Move every link into the link process, going on at the same cursors."""
        from app.engine.link.process import LinkProcess

        try:
            await self.identity()
        except OutpostError:
            self._moving = None
            return  # Every pull tells the same trouble, so it is not told twice here.
        here, process = self._pulling, LinkProcess(self._folder, self._key, self._took, self._base.settings["fleet.cadence_s"])
        self._pulling = self._process = process
        for target in self._targets.values():
            process.attach(target)
        if here is not None:
            await here.stop()
        self._moving = None
