"""The engine: its parts by name, start, stop, and the one door `run`; no logic of its own."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import __version__
from app.engine.base.clock import Clock, SystemClock
from app.engine.base.command import Command, CommandTable, Danger, Place, Role
from app.engine.base.errors import BadInput, Conflict, OutpostError, Refused
from app.engine.base.events import AnyEvent, Bus, CommandFinished, EngineStarted, StoreTroubled
from app.engine.base.funnel import Funnel, Notice, as_outpost_error
from app.engine.base.ids import new_id
from app.engine.base.intent import meaning
from app.engine.base.settings import Settings
from app.engine.base.text import use_language
from app.engine.base.units import use_zone
from app.engine.home import Home
from app.engine.observe.traces import Span, Traces

if TYPE_CHECKING:
    from app.engine.base.rings import Samples
    from app.engine.circuits.service import CircuitsService
    from app.engine.control.service import ControlService
    from app.engine.fleet.rollouts import RolloutService
    from app.engine.fleet.service import FleetService
    from app.engine.jobs.service import Jobs
    from app.engine.learning.service import LearningService
    from app.engine.link.service import Link
    from app.engine.models.service import ModelsService
    from app.engine.observe.journal import Journal
    from app.engine.qubo.service import QuboService
    from app.engine.store.store import Store
    from app.engine.sync.service import SyncService

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """What a command's handler is given beside its arguments."""

    engine: "Engine"
    actor: str
    cause: str


class Engine:
    """One engine over one home folder; used from the loop it was opened on, and from nowhere else."""

    settings: Settings
    table: CommandTable
    samples: "Samples"
    store: "Store"
    journal: "Journal"
    jobs: "Jobs"
    link: "Link"
    models: "ModelsService"
    fleet: "FleetService"
    rollouts: "RolloutService"
    qubo: "QuboService"
    circuits: "CircuitsService"
    learning: "LearningService"
    control: "ControlService"
    sync: "SyncService"

    def __init__(self, home: Path, clock: Clock, show: Callable[[Notice], None]) -> None:
        self.place = Home(home)
        self.home, self.clock = home, clock
        self.funnel = Funnel(show, f"Outpost {__version__}")
        self.bus = Bus(self._failed)
        self.traces = Traces()
        self._parts: list[Any] = []
        self._rescued: dict[Path, Path | None] = {}

    @classmethod
    async def open(
        cls, home: Path, table: CommandTable, *, clock: Clock | None = None,
        show: Callable[[Notice], None] | None = None, backup: Path | None = None,
    ) -> "Engine":  # fmt: skip
        """Own `home`, open its store and start every part; raises `Conflict` when another engine owns it.

        A store that cannot be opened gives way to `backup`, which is about to be restored.
        """
        engine = cls.at(home, clock=clock, show=show)
        await engine.start(table, backup=backup)
        return engine

    @classmethod
    def at(
        cls, home: Path, *, clock: Clock | None = None, show: Callable[[Notice], None] | None = None, place: Home | None = None
    ) -> "Engine":
        """Own `home` and read its settings, no more: a window can stand before the store is open. `place`: taken already."""
        engine = cls(home, clock or SystemClock(), show or _log_notice)
        engine.place = place or engine.place
        engine.place.need()
        try:
            import_settings(engine)
        except BaseException:
            engine.place.release()
            raise
        return engine

    async def start(self, table: CommandTable, *, backup: Path | None = None) -> None:
        """Open the store and start every part, or let the home go; see `open`."""
        self.table = table
        try:
            try:
                await self._start()
            except Conflict:
                if backup is None:
                    raise
                self._allow(table.need("store.restore"))  # what takes the place of the store asks for the same role
                self._rescued[backup] = await self.restore(backup)
        except BaseException:
            await self.close()
            raise

    async def _start(self) -> None:
        from app.engine.base.rings import Samples
        from app.engine.start import build

        self.samples = Samples()
        import_settings(self)
        await build(self)
        self.publish(EngineStarted(at_us=self.clock.now_us(), actor=self.actor, unclean=self.store.unclean))

    async def close(self) -> None:
        """Stop every part in the opposite order and let the home go."""
        await self._stop()
        self.place.release()

    async def _stop(self) -> None:
        for part in reversed(self._parts):
            try:
                await part.stop()
            except Exception as error:  # noqa: BLE001 - the parts below must still be stopped
                self.funnel.take(error, "stop")
        self._parts.clear()
        if hasattr(self, "store"):
            await self.store.close()

    async def restore(self, file: Path) -> Path | None:
        """Put the store of a backup in place of the present one and start anew; returns where the old one is kept.

        What others have to be told of it (a hub's new epoch) is owed by the store from the moment it is in place.
        """
        from app.engine.store.store import Store

        if file in self._rescued:  # done already, for without it the engine could not open
            return self._rescued.pop(file)
        if hasattr(self, "sync") and self.sync.host is not None:
            raise Conflict("The hub is being served", hint="Stop it, restore, and serve it again.")
        await asyncio.to_thread(Store.validate_file, file)
        await self._stop()
        try:
            return await Store.swap(self.place.store, file, self.clock.now_us(), database=self.place.database, back=True)
        finally:
            await self._start()

    async def renew(self, *, keep: bool = False) -> None:
        """Make this home, a copy of another, a device of its own, and start anew; raise `Conflict` for a hub.

        `keep` its keys where it was moved, and takes this machine for its own.
        """
        await self.sync.renew(keep=keep)
        if keep:
            return
        await self._stop()
        await self._start()

    async def move(self, database: str) -> None:
        """Keep the store in the PostgreSQL database at an address from now on; what stands here moves into a fresh one.

        One that holds a store is taken over as it is by a home that has nothing of its own; raises `Conflict` for any other.
        What is left behind owes its consoles a new epoch should anybody use it again: it knows nothing of what came since.
        """
        from app.engine.store import rows
        from app.engine.store.shelf import holds_anything
        from app.engine.store.store import Store

        if database == self.place.database:
            return
        before, copy = self.place.database, self.home / "outpost-moving.db"
        await self.store.backup(copy)
        try:
            there = await Store.open(self.place.store, self.clock, database=database)  # it answers, and is of our schema
            fresh = not await there.read(lambda conn: rows.count(conn, "audit") or rows.count(conn, "sync_replicas"))
            name = there.path
            await there.close()
            if not fresh and await self.store.read(holds_anything):
                raise Conflict(
                    "The database {database} holds a store already, and this home another", database=name, field="database",
                    hint="Give this home an empty database, or serve that one from a fresh home: outpost --home DIR hub serve",
                )  # fmt: skip
            await self._stop()
            try:
                if fresh:
                    await Store.swap(self.place.store, copy, self.clock.now_us(), database=database)
                await Store.leave(self.place.store, database=before)
                self.place.keep_database(database)
            except BaseException:
                self.place.keep_database(before)
                raise
            finally:
                await self._start()
        finally:
            await asyncio.to_thread(copy.unlink, missing_ok=True)

    async def salvage(self, file: Path | None, backup: Path | None) -> dict[str, Any]:
        """Put what can be read of a damaged store, filled up from a backup, in its place; return what came of it."""
        from app.engine.store import rows
        from app.engine.store.salvage import MARK, SALVAGED, prepare

        fresh = self.place.store.with_name(SALVAGED)
        if fresh not in self._rescued:
            await asyncio.to_thread(prepare, self.place.store, file, backup)
        kept = await self.restore(fresh)
        await asyncio.to_thread(fresh.unlink, missing_ok=True)
        told = await self.store.read(lambda conn: rows.need(conn, "meta", MARK))
        return {**told["value"], "kept": str(kept) if kept else ""}

    def add(self, part: Any) -> None:
        """Remember a started part, to be stopped in the opposite order."""
        self._parts.append(part)

    @property
    def actor(self) -> str:
        """Return who acts on this console, as `user@device`."""
        device = self.link.device_id[:8] if hasattr(self, "link") else "local"
        return f"{self.settings['user.name']}@{device}"

    @property
    def role(self) -> Role:
        """Return what the person at this console may do."""
        return Role[self.settings["user.role"].upper()]

    def publish(self, event: AnyEvent) -> None:
        """Tell the bus."""
        self.bus.publish(event)

    def _failed(self, error: BaseException) -> None:
        self.funnel.take(error, "event")

    def troubled(self, error: Exception) -> None:
        """Tell that the store could not write, or is damaged."""
        told = as_outpost_error(error)
        self.publish(StoreTroubled(at_us=self.clock.now_us(), actor="engine", detail=str(told), hint=told.hint))

    async def run(self, command: str, /, *, acting: str = "", cause: str = "", **given: Any) -> Any:
        """The one door: check the arguments and the role, record, trace, and only then call; returns plain JSON."""
        row = self.table.need(command)
        actor, cause = acting or self.actor, cause or new_id()
        started_s = self.clock.monotonic_s()
        recorded = row.danger is not Danger.READ
        outcome, detail = "ok", ""
        try:
            args = row.take(given)
            if row.place is not Place.ENGINE:
                raise BadInput("{title} runs on the command line only: outpost {words}", title=row.title, words=row.id)
            self._allow(row)
            if recorded:
                await self._record(row, given, actor=actor, cause=cause, outcome="started")
            with meaning(row.id):
                return await row.run(Call(self, actor, cause), **args)
        except BaseException as error:
            told = as_outpost_error(error)
            outcome, detail = told.slug, str(told)
            raise
        finally:
            spent_s = self.clock.monotonic_s() - started_s
            self.traces.add(Span(row.id, actor, cause, outcome, self.clock.now_us(), spent_s))
            if recorded:
                ended = {"actor": actor, "cause": cause, "outcome": outcome, "detail": detail, "duration_s": spent_s}
                await self._record_end(row, given, ended)
            self.publish(CommandFinished(at_us=self.clock.now_us(), actor=actor, cause=cause, command=row.id, outcome=outcome))

    async def _record(self, row: Command, given: dict[str, Any], **how: Any) -> None:
        from app.engine.store import audit

        secret = {arg.name for arg in row.args if arg.secret}
        known = {arg.name for arg in row.args}
        args = {name: value for name, value in given.items() if name in known}
        now_us = self.clock.now_us()
        await self.store.write(lambda conn: audit.record(conn, at_us=now_us, command=row.id, args=args, secret=secret, **how))

    async def _record_end(self, row: Command, given: dict[str, Any], ended: dict[str, Any]) -> None:
        """Write how a command ended; a store that cannot take it is told, and hides no other error."""
        try:
            await asyncio.shield(self._record(row, given, **ended))
        except OutpostError as error:
            self.funnel.take(error, row.id)

    def _allow(self, row: Command) -> None:
        if self.role < row.role:
            raise Refused(
                "{title} needs the role {need}; you are {have}",
                title=row.title, need=row.role.name.lower(), have=self.role.name.lower(),
                hint="Ask an admin, or change user.role in the settings.",
            )  # fmt: skip


def import_settings(engine: Engine) -> None:
    """Read the settings of the engine's home, and speak as they say; raises `BadInput` that names file, line and reason."""
    import tomli_w

    engine.settings = Settings(engine.place.settings, tomli_w.dumps)
    use_language(str(engine.settings["view.language"]))
    use_zone(str(engine.settings["view.time"]))


def _log_notice(notice: Notice) -> None:
    log.warning("%s %s", notice.text, notice.hint)
    if notice.report:
        log.error("%s", notice.report)
