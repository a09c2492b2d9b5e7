"""Homes that meet on this machine: engines opened in a test, served as a hub, joined to it, told to exchange."""

import asyncio
import contextlib

from app.commands.table import command_table
from app.engine.engine import Engine
from app.hub.main import Host


@contextlib.asynccontextmanager
async def opened(home, clock=None):
    """Open an engine; with the fixture `only_when_told` it exchanges only when told to."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.toml").write_text("[sync]\ncadence_s = 86400.0\n")
    engine = await Engine.open(home, command_table(), clock=clock)
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def served(engine, port=0):
    """Serve a home as a hub; gives what it announces."""
    told = asyncio.get_running_loop().create_future()
    host = Host(engine)
    serving = asyncio.create_task(host.serve("127.0.0.1", port, told.set_result))
    await asyncio.wait({told, serving}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            await serving  # tells why it is not served
        yield await told
        assert not serving.done(), "the hub was told to stop, by a signal to this process"
    finally:
        host.end()
        await serving


async def join(hub, *consoles):
    for console in consoles:
        told = await hub.run("hub.token")
        await console.run("sync.join", address=told["address"], code=told["code"])


async def now(*consoles):
    for console in consoles:
        await console.run("sync.now")
