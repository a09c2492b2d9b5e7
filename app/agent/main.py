"""Run one agent: from its folder to its port, until a signal ends it."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.agent.options import Options, address_of, hosts_of, hub_of
from app.engine.base.clock import SystemClock
from app.engine.base.errors import Conflict
from app.engine.base.platform import give_memory_back, make_private, try_lock, unlock
from app.engine.base.text import tr

if TYPE_CHECKING:
    from app.agent.caller import Caller
    from app.agent.node import Node

LOG = logging.getLogger(__name__)
_KEPT_BYTES = 4 << 20  # of freed memory: an update of half a megabyte is copied some five times a round
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # read when numpy is first imported


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes an event loop: uvloop's where it exists."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    return new_event_loop


async def serve(options: Options) -> None:
    """Run an agent until SIGTERM or Ctrl+C; tells its address as one JSON line on stdout once it listens.

    Raises `Conflict` when another agent runs in the folder or the port is taken, `BadInput` for a damaged identity.
    """
    options.check()
    for variable in _ONE_THREAD:
        os.environ.setdefault(variable, "1")
    give_memory_back(_KEPT_BYTES)
    lock = try_lock(make_private(options.folder) / "agent.lock")
    if lock is None:
        raise Conflict("Another agent runs in {home}", home=options.home, hint="Stop it, or choose another --home.")
    try:
        await _serve(options)
    finally:
        unlock(lock)


async def _serve(options: Options) -> None:
    from app.agent.api import Api
    from app.agent.gate import Gate
    from app.agent.node import Node
    from app.agent.server import AgentServer, listen

    node = Node(options, SystemClock())
    try:
        desk = node.desk(_show_code)
        listener = listen(options.host, options.port)
        port = int(listener.getsockname()[1])
        if options.pair or not node.paired:
            desk.open()
        server = AgentServer(Gate(node, Api(node, desk).rules()), node.tls, node.stop)
        serving = asyncio.create_task(server.serve([listener]))
        announcer = await _announce(options, node.device, port)
        caller = _call(options, node, port)
        try:
            await _first(server.listening, serving)
            node.start()
            _tell(options, node.device, port, desk.code)
            await asyncio.shield(serving)
        finally:
            if announcer is not None:
                await announcer()
            if caller is not None:
                await caller.close()
            server.end()
            await serving
    finally:
        await node.close()


async def _first(listening: asyncio.Event, serving: "asyncio.Task[None]") -> None:
    """Wait until the server listens; raise what ended it before."""
    waiting = asyncio.create_task(listening.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if serving.done():
        serving.result()


async def _announce(options: Options, device: str, port: int) -> Callable[[], Awaitable[None]] | None:
    if not options.announced:
        return None
    from app.agent.adapters.announce import Announcer

    announcer = Announcer(device, options.name, hosts_of(options.host), port)
    await announcer.start()
    return announcer.stop


def _call(options: Options, node: "Node", port: int) -> "Caller | None":
    if not options.hub:
        return None
    from app.agent.caller import Caller

    return Caller(node.identity, node.clock, options.name, address_of(options.host, port), hub_of(options.hub))


def _tell(options: Options, device: str, port: int, code: str | None) -> None:
    line = {"address": address_of(options.host, port), "device": device, "code": code, "pid": os.getpid()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _show_code(code: str) -> None:
    sys.stderr.write(tr("Pairing code, for one console: {code}", code=code) + "\n")
    if sys.stderr.isatty():
        import segno

        segno.make(code).terminal(out=sys.stderr, compact=True)
    sys.stderr.flush()
