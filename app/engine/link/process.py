"""The link process: above some number of nodes the very same puller runs in a child, and the engine takes batches only.

Messages are JSON over a pipe, each with its length before it (`Connection.send_bytes`); never pickle. The key that opens
the console's identity goes over the pipe, not over the command line. The child ends when its pipe closes.
"""

import asyncio
import json
import multiprocessing
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from app.engine.base.clock import SystemClock
from app.engine.base.platform import ignore_interrupt
from app.engine.link.client import NodeClient
from app.engine.link.identity import own_identity
from app.engine.link.puller import Hand, Puller
from app.engine.link.records import Batch, Peer, Target
from app.engine.store.threads import in_thread
from app.wire.identity import DeviceIdentity

_SEND_EVERY_S: Final = 0.2
_MOST_BATCHES: Final = 40
_MOST_ITEMS: Final = 400  # in one message, which is one callback of the engine's loop
_RESTARTS_S: Final = 1.0


class LinkProcess:
    """Looks like a `Puller` to the engine; keeps the targets, so that a child that dies is replaced without a gap."""

    def __init__(self, folder: Path, key: bytes, hand: Hand, cadence_s: float) -> None:
        self._start = {"folder": str(folder), "key": key.hex(), "cadence_s": cadence_s}
        self._hand = hand
        self._targets: dict[str, Target] = {}
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._again: asyncio.TimerHandle | None = None
        self._spawn()

    @property
    def pid(self) -> int:
        """Return the process id of the child."""
        return self._process.pid or 0

    def attach(self, target: Target) -> None:
        """Pull from `target` from now on."""
        self._targets[target.peer.id] = target
        self._tell({"do": "attach", "target": target.to_json()})

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer."""
        if self._targets.pop(node_id, None) is not None:
            self._tell({"do": "detach", "id": node_id})

    def poke(self, node_id: str) -> None:
        """Pull from a node now."""
        self._tell({"do": "poke", "id": node_id})

    def pace(self, node_id: str, every_s: float) -> None:
        """Have a node asked for a page every `every_s` from now on; 0 for the cadence of all."""
        if node_id in self._targets:
            self._targets[node_id] = replace(self._targets[node_id], every_s=every_s)
            self._tell({"do": "pace", "id": node_id, "every_s": every_s})

    async def stop(self) -> None:
        """End the child and wait until it is gone."""
        self._stopping = True
        if self._again is not None:
            self._again.cancel()
        self._tell({"do": "stop"})
        await in_thread(self._end, "link-end")

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=child_main, args=(theirs,), name="outpost-link", daemon=True)
        self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._read, args=(self._pipe,), name="link-reader", daemon=True)
        self._reader.start()
        self._tell({"do": "start", **self._start})
        for target in self._targets.values():
            self._tell({"do": "attach", "target": target.to_json()})

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._pipe.send_bytes(json.dumps(message).encode())
        except OSError:
            return  # The child is gone; the reader has seen it too, and starts another.

    def _read(self, pipe: Connection) -> None:
        """Run in a thread: hand what the child sends to the loop."""
        while True:
            try:
                batches = [Batch.from_json(document) for document in json.loads(pipe.recv_bytes())]
            except (EOFError, OSError):
                self._on_loop(self._lost)
                return
            self._on_loop(partial(self._took, batches))

    def _on_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # The loop is closed: nobody is left to be told.

    def _took(self, batches: list[Batch]) -> None:
        for batch in batches:
            target = self._targets.get(batch.node_id)
            if target is not None:
                self._targets[batch.node_id] = replace(target, epoch=batch.epoch, seq=batch.seq)
                self._hand(batch)

    def _lost(self) -> None:
        if not self._stopping:
            self._again = self._loop.call_later(_RESTARTS_S, self._respawn)

    def _respawn(self) -> None:
        self._again = None
        self._end()
        self._spawn()

    def _end(self) -> None:
        self._process.join(3.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(3.0)
        self._pipe.close()
        if self._reader is not threading.current_thread():
            self._reader.join(3.0)
        self._process.close()


def child_main(pipe: Connection) -> None:
    """The child's entry: pull what the pipe says until it closes."""
    ignore_interrupt()
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(_Child(pipe).run())


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    return new_event_loop


class _Child:
    """The child's side of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._inbox: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._outbox: list[Batch] = []

    async def run(self) -> None:
        """Serve until told to stop or the pipe closes."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="link-inbox", daemon=True).start()
        start = await self._inbox.get()
        if start is None:
            return
        identity = await asyncio.to_thread(own_identity, Path(start["folder"]), "", bytes.fromhex(start["key"]))
        clock, draw = SystemClock(), random.Random()

        async def own() -> DeviceIdentity:
            return identity

        def client_of(peer: Peer) -> NodeClient:
            return NodeClient(peer, own, clock, draw)

        puller = Puller(client_of, self._outbox.append, start["cadence_s"], clock, draw)
        sender = loop.create_task(self._send())
        try:
            while (message := await self._inbox.get()) is not None and message["do"] != "stop":
                _obey(puller, message)
        finally:
            sender.cancel()
            await puller.stop()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run in a thread: what the engine says, then None when it is gone."""
        message: dict[str, Any] | None = {}
        while message is not None:
            try:
                message = json.loads(self._pipe.recv_bytes())
            except (EOFError, OSError):
                message = None
            try:
                loop.call_soon_threadsafe(self._inbox.put_nowait, message)
            except RuntimeError:
                return

    async def _send(self) -> None:
        while True:
            await asyncio.sleep(_SEND_EVERY_S)
            while self._outbox:
                batches = self._outbox[: parcel(self._outbox)]
                del self._outbox[: len(batches)]
                data = json.dumps([batch.to_json() for batch in batches]).encode()
                await asyncio.to_thread(self._pipe.send_bytes, data)


def parcel(outbox: Sequence[Batch]) -> int:
    """Return how many of the waiting batches go into one message: at least one, and few enough not to hold up a window."""
    items = 0
    for count, batch in enumerate(outbox[:_MOST_BATCHES]):
        items += len(batch.items)
        if count and items > _MOST_ITEMS:
            return count
    return min(len(outbox), _MOST_BATCHES)


def _obey(puller: Puller, message: dict[str, Any]) -> None:
    match message["do"]:
        case "attach":
            puller.attach(Target.from_json(message["target"]))
        case "detach":
            puller.detach(message["id"])
        case "poke":
            puller.poke(message["id"])
        case "pace":
            puller.pace(message["id"], message["every_s"])
