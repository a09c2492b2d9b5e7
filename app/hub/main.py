"""Serve one engine as a hub until it is told to stop: TLS 1.3, consoles pinned at pairing, backups on a timer."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.agent.gate import Gate
from app.agent.options import address_of
from app.agent.server import AgentServer, listen
from app.engine.base.clock import iso_of
from app.engine.base.errors import Conflict
from app.engine.base.platform import make_private
from app.engine.base.text import tr
from app.engine.base.units import time_text
from app.engine.engine import Engine
from app.engine.store.care import spare
from app.engine.store.shelf import Shelf
from app.engine.sync.again import tried
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.records import HUB, Caller
from app.hub.api import Api
from app.hub.desk import Door, HubDesk
from app.hub.metrics import exposition

log = logging.getLogger(__name__)
_CARE_S: Final = 60.0
_KEPT: Final = 7
_TAKEN: Final = "Consoles know this hub by that port. Free it, or give another with --port and join them again."
_PORT: Final = "hub.port"  # in `meta`: where it listened last
_AGAIN_US: Final = 600_000_000  # after a backup that failed
_CALLER: Final = ("name", "address", "seen_from", "known", "heard_us")
_TOMBSTONE_S: Final = 30 * 86400.0


class Host:
    """A hub while it is served; the engine's sync knows it as `host`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.address = ""
        self._server: AgentServer | None = None
        self._desk: HubDesk | None = None
        self._door: Door | None = None
        self._api: Api | None = None
        self._backed_us = 0
        self._due_us = 0

    def check(self) -> None:
        """Raise `Conflict` where no hub may be served: one is already, or this home has joined another."""
        engine = self._engine
        if engine.sync.host is not None:
            raise Conflict("This home is served as a hub already, at {address}", address=engine.sync.host.address)
        if joined := next((peer for peer in engine.sync.peers if peer.kind == HUB), None):
            raise Conflict(
                "This home has joined the hub {name}: what it took from there it would hand on to nobody", name=joined.name,
                hint="Serve from another home: outpost --home DIR hub serve",
            )  # fmt: skip

    async def serve(self, host: str, port: int | None, ready: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Serve until a signal or `end`; `ready` is told {address, code, code_ends_us, device, pid} once it listens.

        Without a `port` it is the one of the last start, for consoles know this hub by it; 0 lets the system choose.
        """
        self.check()
        engine = self._engine
        identity = await engine.link.identity()
        door = self._door = Door(engine, identity)
        await door.load()
        self._desk = HubDesk(identity.public, engine.clock, self._show, door.pin)
        api = self._api = Api(engine, self._desk, lambda: exposition(self.status()))
        api.callers.load(engine.sync.calling.of(engine.link.device_id), engine.clock.now_us())
        listener = await self._listen(host, port)
        self.address = address_of(host, listener.getsockname()[1])
        server = self._server = AgentServer(Gate(door, api.rules()), door.tls, lambda: None)
        engine.sync.host = self
        serving = asyncio.create_task(server.serve([listener]), name="hub")
        caring = asyncio.create_task(self._care(), name="hub-care")
        try:
            await api.lead()
            await api.at_hub(lambda hub: hub.absorb())
            await server.listening.wait()
            api.ready = True
            ready({**self.token(), "device": identity.public.device_id, "pid": os.getpid()})
            await asyncio.shield(serving)
        finally:
            self._keep_callers()
            engine.sync.host, api.ready = None, False
            caring.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await caring
            server.end()
            await serving
        return {"address": self.address, **api.counts}

    async def _listen(self, host: str, port: int | None) -> socket.socket:
        """Return a socket that listens, and keep its port for the next start."""
        store = self._engine.store
        kept = await store.read(lambda conn: Shelf(conn).get("meta", _PORT))
        last = int(kept["value"]["port"]) if kept else 0
        try:
            listener = listen(host, last if port is None else port)
        except Conflict as error:
            if port is None and last:
                error.hint_source = _TAKEN
            raise
        row = {"id": _PORT, "value": {"port": int(listener.getsockname()[1])}}
        await store.write(lambda conn: Shelf(conn).put("meta", row))
        return listener

    @property
    def term(self) -> int | None:
        """Return the token by which this hub leads its store; None before it does."""
        return self._api.term if self._api is not None else None

    def end(self) -> None:
        """Serve no longer."""
        if self._server is not None:
            self._server.end()

    def token(self) -> dict[str, Any]:
        """Return a fresh one-use code for one console with the time it ends at; an earlier one is void."""
        if self._desk is None:
            raise Conflict("No hub is served here", hint="outpost hub serve")
        return {"address": self.address, "code": self._desk.open(), "code_ends_us": self._code_ends_us()}

    def _code_ends_us(self) -> int:
        """Return until when a code lets a console in; 0 where none does."""
        left_s = self._desk.left_s if self._desk is not None else None
        return self._engine.clock.now_us() + round(left_s * 1e6) if left_s else 0

    def _show(self, code: str) -> None:
        told = tr("Pairing code, for one console, until {time}: {code}", code=code, time=time_text(self._code_ends_us()))
        sys.stderr.write(told + "\n")
        sys.stderr.flush()

    def status(self) -> dict[str, Any]:
        """Return what this hub has done and how it stands."""
        counts = self._api.counts if self._api is not None else {}
        consoles = self._door.count if self._door is not None else 0
        ahead_s = self._api.ahead_us / 1e6 if self._api is not None and self._api.ahead_us > DRIFT_US else 0.0
        told = {"address": self.address, "consoles_count": consoles, "backed_up_us": self._backed_us, "ahead_s": ahead_s}
        return {**told, "code_ends_us": self._code_ends_us(), **counts}

    def callers(self) -> list[dict[str, Any]]:
        """Return the nodes that called this hub."""
        hub, told = self._engine.link.device_id, self._api.callers.told() if self._api is not None else []
        return [{"id": one["device"], "hub": hub, **{k: one[k] for k in _CALLER}} for one in told]

    def _keep_callers(self) -> None:
        """Have who called be kept in the store, and shown in this hub's window."""
        self._engine.sync.calling.take(self._engine.link.device_id, [Caller(**one) for one in self.callers()])

    async def backup(self, target: Path | None = None, *, replace: bool = False) -> dict[str, Any]:
        """Write a backup, try it, and only then tell devices that they may let go of what it holds.

        Raises `Conflict` for one that cannot be restored (devices then keep what they have), and for a file that exists, unless
        it is to be replaced.
        """
        api, engine = self._need(), self._engine
        own = target is None
        if target is not None:
            spare(target, engine.place.store, replace=replace)
        now_us = engine.clock.now_us()
        if target is None:
            folder = make_private(engine.home / "backups")
            target = folder / f"hub-{iso_of(now_us).replace(':', '').replace('.', '')}.db"
        acked = await api.at_hub(lambda hub: hub.acked())
        size = await engine.store.backup(target)
        tried = await engine.sync.backups.drill(target)
        if tried["problem"]:
            if own:
                target.unlink(missing_ok=True)  # the next one is to take the place of none that is sound
            raise Conflict(
                "The backup cannot be restored: {reason}", reason=tried["problem"],
                hint="Nothing was let go of. Look at the disk, and back up again: outpost hub backup",
            )  # fmt: skip
        await api.at_hub(lambda hub: hub.backed_up(acked))
        self._backed_us = now_us
        return {"file": str(target), "size_bytes": size, "replicas_count": len(acked)}

    async def compact(self) -> dict[str, int]:
        """Drop what every console has seen and is old enough."""
        settings = self._engine.settings
        keep, expire = int(settings["hub.keep_s"] * 1e6), int(settings["hub.expire_s"] * 1e6)
        tombstone_us = int(max(_TOMBSTONE_S * 1e6, keep))
        return await self._need().at_hub(lambda hub: hub.compact(keep_us=keep, expire_us=expire, tombstone_us=tombstone_us))

    def _need(self) -> Api:
        if self._api is None:
            raise Conflict("No hub is served here", hint="outpost hub serve")
        return self._api

    async def _care(self) -> None:
        while True:
            await asyncio.sleep(_CARE_S)
            self._keep_callers()
            await tried(log, "compaction", self.compact)
            if self._engine.clock.now_us() >= self._due_us:
                every_us = int(self._engine.settings["hub.backup_s"] * 1e6)
                self._due_us = self._engine.clock.now_us() + min(every_us, _AGAIN_US)
                if await tried(log, "backup", self.backup):
                    self._due_us = self._backed_us + every_us
                    self._thin_out()

    def _thin_out(self) -> None:
        kept = sorted((self._engine.home / "backups").glob("hub-*.db"))
        for old in kept[:-_KEPT]:
            old.unlink(missing_ok=True)


def announce(line: dict[str, Any]) -> None:
    """Print what a script needs to find the hub, as one line of JSON."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
