"""One running agent: its parts by name, what it measures, and who may speak to it."""

import asyncio
import logging
import sqlite3
from typing import Any

from app import __version__
from app.agent import exchange
from app.agent.adapters.machine import Machine
from app.agent.artifacts import Intake
from app.agent.desk import Desk
from app.agent.lane import Lane
from app.agent.meter import Interval
from app.agent.models import Models
from app.agent.neighbours import Neighbours
from app.agent.options import Options
from app.agent.rounds import Rounds
from app.agent.serving import Server
from app.agent.shelf import Shelf
from app.agent.spool import Spool
from app.agent.state import State
from app.agent.twin import Wanted, wanted_of
from app.engine.base.clock import Clock
from app.engine.base.errors import Refused
from app.engine.base.platform import make_private
from app.wire import tls
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.signing import NonceCache, digest_of, verify
from app.wire.status import Status
from app.wire.telemetry import TelemetryPage

LOG = logging.getLogger(__name__)


class Node:
    """All of an agent but its network; lives on one loop, blocks only in its lanes."""

    def __init__(self, options: Options, clock: Clock) -> None:
        """Open or make the agent's folder; blocks, raises `BadInput` for a damaged identity."""
        folder = make_private(options.folder)
        self.options, self.clock, self.started_us = options, clock, clock.now_us()
        identity = DeviceIdentity.load(folder)
        if identity is None:
            identity = DeviceIdentity.generate(options.name)
            identity.save(folder)
        self.identity, self.device = identity, identity.public.device_id
        self.disk, self.files, self.compute, self.training = (Lane(n) for n in ("disk", "files", "infer", "train"))
        self.state = State(folder / "state.sqlite", clock)
        self.spool = Spool(folder / "spool.sqlite", clock, options.spool_bytes)
        self.machine = Machine(folder)
        self.shelf = Shelf(folder / "artifacts")
        self.models = Models(folder / "models", self.shelf)
        self.intake = Intake(self.shelf, self.models, self.pinned)
        self.rounds = Rounds(folder / "rounds", options.home / "data", self.training)
        self.serving = Server(self.models, self.compute, clock)
        self.neighbours = Neighbours(clock)
        self.tls = tls.server_context(identity)
        self.stopping = asyncio.Event()
        self.latest: dict[str, Any] = {}
        self.twin_version, self.desired = self.state.twin()
        self.wanted: Wanted = wanted_of(self.desired)
        self._follow()
        self._consoles: dict[bytes, PublicIdentity] = {}
        for console in self.state.pins():
            self._admit(console)
        floor_us, spent = self.state.nonces()
        self._nonces = NonceCache(floor_us=floor_us, spent=spent)
        self._news = asyncio.Event()
        self._pace = asyncio.Event()
        self._measuring: asyncio.Task[None] | None = None

    @property
    def cadence_s(self) -> float:
        """Return the time between two measurements."""
        return self.wanted.cadence_s or self.options.cadence_s

    @property
    def paired(self) -> bool:
        """Tell whether any console is paired."""
        return bool(self._consoles)

    def desk(self, show: Any) -> Desk:
        """Return the desk where consoles pair with this node; `show` is told each code."""
        return Desk(self.identity.public, self.clock, show, self._pin)

    def start(self) -> None:
        """Begin to measure."""
        self.neighbours.follow(self.wanted.peers)
        self._measuring = asyncio.create_task(self._measure())

    async def close(self) -> None:
        """End: no thread, task or open file is left."""
        self.stop()
        if self._measuring is not None:
            await self._measuring
        await self.neighbours.close()
        await self.serving.close()
        await self.rounds.close()
        for lane in (self.training, self.compute, self.files, self.disk):
            await lane.close()
        self.spool.close()
        self.state.close()

    def stop(self) -> None:
        """Let everything that waits come to its end."""
        self.stopping.set()
        self._tell_news()
        self._pace.set()

    # who may speak

    def console_of(self, shown: bytes | None) -> PublicIdentity:
        """Return the paired console whose certificate (DER) a connection showed; raise `Refused`."""
        console = self._consoles.get(shown) if shown else None
        if console is None:
            raise Refused("You are not paired with this node", hint="Pair with the code that the node shows.")
        return console

    def pinned(self, device: str) -> PublicIdentity | None:
        """Return the paired console with this device id; for any thread."""
        return next((known for known in self._consoles.values() if known.device_id == device), None)

    async def check_signature(self, console: PublicIdentity, header: str, method: str, target: str, body: bytes) -> str:
        """Return the body's digest; raise `Refused` unless `header` signs this by `console`; its nonce is spent for good."""

        def check() -> str:
            digest = digest_of(body)
            signed = verify(
                header, method=method, target=target, digest=digest, node=self.device,
                signer_of={console.device_id: console}.get, now_us=self.clock.now_us(), nonces=self._nonces,
            )  # fmt: skip
            self.state.spend(signed.nonce, signed.expiry_us, self._nonces.floor_us)
            return digest

        return await self.disk.do(check)

    async def _pin(self, console: PublicIdentity) -> None:
        await self.disk.do(self.state.pin, console, self.clock.now_us())
        self._admit(console)
        LOG.info("paired with %s (%s)", console.name, console.device_id)

    async def unpin(self, console: PublicIdentity) -> None:
        """Forget a console; its open connections are refused from the next request on."""
        await self.disk.do(self.state.unpin, console.device_id)
        self._consoles = {der: known for der, known in self._consoles.items() if known.device_id != console.device_id}

    def _admit(self, console: PublicIdentity) -> None:
        self._consoles = {der: known for der, known in self._consoles.items() if known.device_id != console.device_id}
        self._consoles[console.certificate_der] = console
        tls.pin(self.tls, console)

    # what it tells

    def status(self) -> Status:
        """Return how the node is now."""
        return Status(
            device=self.device,
            name=self.options.name,
            program_version=__version__,
            at_us=self.clock.now_us(),
            started_us=self.started_us,
            epoch=self.spool.epoch,
            last_seq=self.spool.last_seq,
            twin_version=self.twin_version,
            cadence_s=self.cadence_s,
            models=self.models.status(),
            cpu_ratio=self.latest.get("cpu_ratio"),
            mem_ratio=self.latest.get("mem_ratio"),
        )

    def twin(self) -> dict[str, Any]:
        """Return desired and reported state."""
        followed: dict[str, Any] = {key: self.desired[key] for key in ("infer", "spool", "peers") if key in self.desired}
        reported: dict[str, Any] = {
            **followed,
            "applied_version": self.twin_version, "cadence_s": self.cadence_s, "labels": self.wanted.labels,
            "providers": self.models.providers(), "ignored": list(self.wanted.ignored),
            "models": [model.to_json() for model in self.models.status()],
        }  # fmt: skip
        return {"schema": 1, "version": self.twin_version, "desired": self.desired, "reported": reported}

    async def set_desired(self, version: int, desired: dict[str, Any]) -> None:
        """Replace the desired state and follow it; raise `BadInput` before anything is changed."""
        wanted = wanted_of(desired)
        ack = {"metrics": {"ack": {"twin_version": version}}}

        def keep() -> None:
            self.state.set_twin(version, desired)
            self.spool.append(self.clock.now_us(), ack, keep=True)

        await self.disk.do(keep)
        self.twin_version, self.desired, self.wanted = version, desired, wanted
        self._follow()
        self._pace.set()

    def _follow(self) -> None:
        """Serve and keep as the desired state says."""
        self.serving.follow(self.wanted.infer)
        self.neighbours.follow(self.wanted.peers)
        self.spool.limit(self.wanted.spool_bytes or self.options.spool_bytes, self.wanted.spool_ttl_s)

    async def page(self, epoch: str, after: int, limit: int, wait_s: float) -> TelemetryPage:
        """Return measurements after a cursor; when there are none, wait for news up to `wait_s`."""
        deadline_s = self.clock.monotonic_s() + wait_s
        while True:
            news = self._news
            page = await self.disk.do(self.spool.page, epoch, after, limit)
            left_s = deadline_s - self.clock.monotonic_s()
            if page.items or page.lost or left_s <= 0 or self.stopping.is_set():
                return page
            try:
                await asyncio.wait_for(news.wait(), left_s)
            except TimeoutError:
                return page

    # what it measures

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while not self.stopping.is_set():
            try:
                peers = self.neighbours.told()
                told = {**self.serving.metrics(), **({"peers": peers} if peers else {})}
                await self.disk.do(self._measure_once, self.serving.meter.take(), told)
            except (sqlite3.Error, OSError) as error:
                LOG.warning("a measurement is lost: %s", error)
            else:
                self._tell_news()
            try:
                await exchange.serve_inbox(self)
            except (sqlite3.Error, OSError) as error:
                LOG.warning("a bundle is not answered: %s", error)
            due_s = max(due_s + self.cadence_s, loop.time())
            self._pace.clear()
            if self.stopping.is_set():
                return
            try:
                await asyncio.wait_for(self._pace.wait(), due_s - loop.time())
            except TimeoutError:
                continue
            due_s = loop.time()

    def _measure_once(self, seen: Interval, told: dict[str, Any]) -> None:
        measured = self.machine.read()
        self.latest = measured
        at_us = self.clock.now_us()
        self.spool.append(at_us, {**measured, **vars(seen), **({"metrics": told} if told else {})})

    def _tell_news(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
