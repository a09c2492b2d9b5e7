"""The verbs of learning: share out data, train over live nodes, simulate, look back, export."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Missing, OutpostError
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.jobs.records import INTERRUPTED, LIVE
from app.engine.jobs.runs import Run, RunBook
from app.engine.learning import compare, federation, forecast, nets, sessions, trials
from app.engine.learning.course import COURSE, Course, Reins, check_defence, check_drill, model_of, ordered_nodes, strategy_of
from app.engine.learning.data import shards
from app.engine.learning.datasets import load
from app.engine.learning.drill import LiveDrill, planned
from app.engine.learning.exports import as_onnx, round_of
from app.engine.learning.live import Live
from app.engine.learning.partition import FEWEST
from app.engine.learning.sessions import Session
from app.engine.learning.versions import EACH, Registrar, Versions, needed
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread

KIND: Final = "learning"
SHARD_FILE: Final = "data/digits.safetensors"
_SELF: Final = "engine"
_RUNS, _ROUNDS = "learning_runs", "learning_rounds"
_LIVE, _SIMULATED, _TUNED = "live nodes", "simulation", "tuning"
_DIGITS: Final = 1437
log = logging.getLogger(__name__)


class LearningService:
    """Federated learning over the nodes of the fleet, and simulations of it; `records` are the runs, newest last.

    `registrar` makes versions of models, `is_away` tells which nodes are known to be offline; both are given before `start`.
    """

    def __init__(self, base: Base, link: federation.Links) -> None:
        self._base, self._link = base, link
        self._book = RunBook(base, _RUNS, best_so_far=True)
        self.sessions: Records[Session] = Records(lambda session: session.id, "session")
        self._reins: dict[str, Reins] = {}
        self._resumed: dict[str, asyncio.Task[dict[str, Any] | None]] = {}
        self.registrar: Registrar | None = None
        self.is_away: Callable[[str], bool] = lambda _node: False
        self._closing = False

    @property
    def records(self) -> Records[Run]:
        """Return the runs kept in the store."""
        return self._book.records

    async def start(self) -> None:
        """Load the runs of earlier days, and go on with sessions that a gone process left under way."""
        await self._book.load()
        await self._load_sessions()
        await in_thread(lambda: trials.prune(self._base.home, [run.id for run in self.records]), "tuning")
        for session in self.sessions:
            under_way = session.status in sessions.UNDER_WAY and session.id in self.records
            if under_way and await self._book.is_ours(session.id):
                self._resumed[session.id] = asyncio.create_task(self._again(session))

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()
        await self._load_sessions()

    async def _load_sessions(self) -> None:
        stored = await self._base.store.read(lambda conn: rows.select(conn, sessions.SESSIONS, order="created_us"))
        self.sessions.replace_all(Session.of(row) for row in stored)

    async def stop(self) -> None:
        """Let sessions under way be: they stand in the store as running, and go on when the engine is back."""
        self._closing = True
        for reins in self._reins.values():
            reins.closing = True
        tasks = tuple(self._resumed.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, session: Session) -> dict[str, Any] | None:
        """Go on with a session that a gone process left; return its result, or None when that was not possible."""
        try:
            return await self._drive(session, _SELF, "")
        except asyncio.CancelledError:
            await self._book.mark(session.id, INTERRUPTED, actor=_SELF, cause="")
            raise
        except Exception as error:
            log.warning("session %s did not go on: %s", session.name, error, exc_info=not isinstance(error, OutpostError))
            await self._let_be(session.id, error)
        finally:
            self._resumed.pop(session.id, None)
        return None

    async def _let_be(self, session_id: str, error: Exception) -> None:
        """Have a session that cannot go on stand as paused, with the reason, rather than as under way."""
        session = self.sessions.get(session_id)
        if session is not None and session.status in sessions.UNDER_WAY:
            await self._keep_session(dataclasses.replace(session, status=sessions.PAUSED, reason=str(error)), _SELF, "")
            await self._book.mark(session_id, sessions.PAUSED, actor=_SELF, cause="")

    def shard_files(self, count: int, seed: int) -> list[dict[str, bytes]]:
        """Return, for each of `count` nodes, the files of its own data: a skewed part of the digits to train with."""
        return [{SHARD_FILE: shard} for shard in shards(count, seed)]

    async def simulate(
        self, *, clients: int = 100, rounds: int = 20, seed: int = 0, actor: str, cause: str = "", **asked: Any
    ) -> dict[str, Any]:
        """Simulate a federation in a worker, `asked` as `work.plan_of` says.

        The result holds run_id, rounds, final_accuracy, clients, spread, served and model.
        """
        spec = {"clients": clients, "rounds": rounds, **asked}
        check_drill(spec)
        run_id = new_id()
        result = await self._book.execute(
            KIND, "app.engine.learning.work:simulate", spec, title=f"Simulate {clients} clients", source=_SIMULATED,
            seed=seed, actor=actor, cause=cause, keep=compare.kept, run_id=run_id, aside={"home": str(self._base.home)},
        )  # fmt: skip
        return {"run_id": run_id, **compare.kept(result)}

    async def tune(
        self, choices: Mapping[str, Sequence[Any]], *, clients: int = 100, rounds: int = 27, seed: int = 0, actor: str,
        cause: str = "", **asked: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Try every combination of `choices` by successive halving over simulated clients; return what `work.tune` does."""
        run_id = new_id()
        spec = {"clients": clients, "rounds": rounds, "choices": _listed(choices), **asked}
        result = await self._book.execute(
            KIND, "app.engine.learning.work:tune", spec, title=f"Tune over {clients} clients", source=_TUNED,
            seed=seed, actor=actor, cause=cause, keep=compare.found, run_id=run_id,
        )  # fmt: skip
        return {"run_id": run_id, **result}

    async def tune_over(
        self, nodes: Sequence[tuple[str, str]], choices: Mapping[str, Sequence[Any]], *, rounds: int = 27, keep: int = 3,
        seed: int = 0, actor: str, cause: str = "", **asked: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Try every combination of `choices` over live `nodes` (id, name), as `trials` says; return what `Tuning.hold` does.

        Raises `Conflict` without nodes, `BadInput` when settings do not fit each other, `Offline` as `train`.
        """
        members = self._members(ordered_nodes(nodes))
        spec = await self._settled({**COURSE, **asked, "rounds": rounds, "seed": seed, "name": ""}, members)
        return await self._tune(new_id(), members, {**spec, "choices": _listed(choices), "keep": keep}, actor, cause)

    async def _tune(
        self, run_id: str, members: tuple[federation.Member, ...], told: dict[str, Any], actor: str, cause: str
    ) -> dict[str, Any]:
        """Hold a tuning over nodes, or go on with it."""
        told = {**told, "nodes": [member.name for member in members]}
        tuning = trials.Tuning(self._base, run_id, members, told, lambda: self._closing)
        result = await self._book.execute_local(
            KIND, tuning.hold, told, title=f"Tune over {len(members)} nodes", source=_TUNED,
            seed=int(told["seed"]), actor=actor, cause=cause, run_id=run_id,
        )  # fmt: skip
        return {"run_id": run_id, **result}

    async def forecast(self, clients: int, *, live: bool, **asked: Any) -> dict[str, Any]:
        """Return what a run over `clients` will take, see `forecast.forecast`; nothing is begun."""
        split = await in_thread(lambda: load(str(asked.get("dataset") or "")), "learning-data")
        spec = {**(COURSE if live else {}), **asked}
        spec["model"] = nets.named(str(spec.get("model") or "mlp"), split.shape, split.classes)
        examples = max(float(FEWEST), len(split.train_y) / max(clients, 1))
        source = _LIVE if live else _SIMULATED
        runs = [run for run in reversed(list(self.records)) if run.source == source and not run.spec.get("dataset")]
        kind = "live" if live else "simulation"
        past = forecast.seen(kind, [({**(COURSE if live else {}), **run.spec}, run.result or {}) for run in runs], _DIGITS)
        return {**forecast.forecast(kind, spec, clients, examples, past), "clients": clients}

    async def train(
        self, nodes: Sequence[tuple[str, str]], *, rounds: int = 15, seed: int = 0, actor: str, cause: str = "", **asked: Any
    ) -> dict[str, Any]:
        """Train the digits over live `nodes` (id, name); every finished round is stored before the next begins.

        `asked` is as `COURSE` has it, and what `LocalSpec` takes. The result holds run_id, rounds, final_accuracy, nodes,
        architecture, model (the artifact of the parameters), state and, where there is a `name`, the newest version made of it.
        Raises `Conflict` without nodes or in a round whose model is not finite, `Offline` when too few answer a round for
        `patience_s`.
        """
        ordered = ordered_nodes(nodes)
        spec = await self._settled({**COURSE, **asked, "rounds": rounds, "seed": seed}, ordered)
        strategy_of(spec, len(ordered))
        if spec["name"] and self.registrar is not None:
            self.registrar.check(spec["name"])
        title = str(spec.pop("title", "")) or f"Train on {len(ordered)} nodes"
        session = Session(
            new_id(), title, model_of(spec), ordered, spec, started_us=self._base.clock.now_us(),
        )  # fmt: skip
        return await self._drive(session, actor, cause)

    async def _settled(self, spec: dict[str, Any], nodes: Sequence[object]) -> dict[str, Any]:
        """Return what a session over `nodes` is asked, its model named in full."""
        if not nodes:
            raise Conflict("There are no nodes to train on", field="nodes", hint="Start some: outpost fleet demo")
        check_defence(spec)
        split = await in_thread(lambda: load(spec["dataset"]), "learning-data")
        return {**spec, "model": nets.named(spec["model"], split.shape, split.classes)}

    def _members(self, nodes: Sequence[tuple[str, str]]) -> tuple[federation.Member, ...]:
        return tuple(
            federation.Member(place, key, name, federation.Way(self._link, key), partial(self.is_away, key))
            for place, (key, name) in enumerate(nodes)
        )

    async def resume(self, key: str, *, take_over: bool = False, actor: str, cause: str = "") -> dict[str, Any]:
        """Go on with a session after its last committed round; return what `train` does. Raises `Conflict`, `Missing`.

        A tuning over nodes that broke off goes on, too, and returns what `tune_over` does.
        One that went on by itself when the engine started is waited for. One that another console has under way is left to it,
        unless that is gone and it is to `take_over`.
        """
        run = self.find(key)
        if run.source == _TUNED and run.state not in LIVE and (nodes := await trials.left(self._base, run.id)):
            return await self._tune(run.id, self._members(nodes), run.spec, actor, cause)
        session = self._session(key)
        if session.id in self._resumed:
            result = await asyncio.shield(self._resumed[session.id])
            if result is not None:
                return result
            session = self._session(key)
        if await self._elsewhere(session):
            if not take_over:
                raise Conflict(
                    "{title} is under way at another console", title=session.name, field="run",
                    hint="Pause it there first. If that console is gone for good: --take-over",
                )  # fmt: skip
            if session.checkpoint and not artifacts.path_of(self._base.home, session.checkpoint["state"]).exists():
                raise Conflict(
                    "The model of {title} is not on this machine, so it cannot go on here", title=session.name, field="run",
                    hint="End it with: outpost learning stop --take-over",
                )  # fmt: skip
        if session.id in self._reins:
            raise Conflict("{title} is under way", title=session.name, field="run")
        if session.status == sessions.DONE:
            raise Conflict("{title} is done", title=session.name, field="run")
        return await self._drive(dataclasses.replace(session, status=sessions.RUNNING, reason=""), actor, cause)

    def pause(self, key: str, wish: str = "pause") -> Session:
        """Have a session pause, or stop for good, after the round under way; at once where it waits. Raises `Conflict`."""
        session, reins = self._held(key)
        reins.pull(wish)
        return session

    async def close(self, key: str, *, actor: str, cause: str = "") -> Session:
        """Take a session that a console which is gone left under way to be stopped; raise `Conflict` for any other."""
        session = self._session(key)
        if not await self._elsewhere(session):
            raise Conflict("{title} is not under way at another console", title=session.name, field="run")
        session = dataclasses.replace(session, status=sessions.STOPPED, reason="")
        await self._keep_session(session, actor, cause)
        await self._book.mark(session.id, sessions.STOPPED, actor=actor, cause=cause)
        return session

    async def _elsewhere(self, session: Session) -> bool:
        """Tell whether another console has a session under way, or had when it was last heard of."""
        under_way = session.status in sessions.UNDER_WAY and session.id in self.records
        return under_way and not await self._book.is_ours(session.id)

    def drill(self, key: str, attack: str, nodes: Collection[str], rounds: int) -> tuple[Session, LiveDrill | None]:
        """Begin a drill of a session under way, see `drill.planned`, in place of one there is; attack "none" ends that at once.

        Raises `Conflict` when it is not under way, `BadInput` when a chosen node is not in it.
        """
        session, reins = self._held(key)
        reins.drill = None if attack == "none" else planned(session.nodes, attack, nodes, rounds)
        reins.pulled.set()
        return session, reins.drill

    def _held(self, key: str) -> tuple[Session, Reins]:
        session = self._session(key)
        reins = self._reins.get(session.id)
        if reins is None:
            raise Conflict("{title} is not under way", title=session.name, field="run")
        return session, reins

    def reins(self, session_id: str) -> Reins:
        """Return the reins of a session under way."""
        return self._reins[session_id]

    async def _drive(self, session: Session, actor: str, cause: str) -> dict[str, Any]:
        members = self._members(session.nodes)
        name, each = str(session.spec.get("name", "")), session.spec.get("versions") == EACH
        now_s = self._base.clock.monotonic_s
        versions = Versions(self.registrar, session.id, name, each=each, actor=actor, cause=cause, now_s=now_s)
        course = Course(session, strategy_of(session.spec, len(members), session.id), members, actor, cause, versions)
        reins = self._reins[session.id] = Reins()
        live = Live(self._base, course, reins, self.sessions.put)
        told = {**session.spec, "model": session.model, "nodes": [member.name for member in members]}
        try:
            await self._keep_session(session, actor, cause)
            result = await self._book.execute_local(
                KIND, live.hold, told, title=session.name, source=_LIVE, seed=int(session.spec["seed"]),
                actor=actor, cause=cause, run_id=session.id,
            )  # fmt: skip
        finally:
            del self._reins[session.id]
            if session.id not in self.records:  # what could not be begun was no session
                await self._forget_session(session.id, actor, cause)
        if result["state"] != sessions.DONE:
            await self._book.mark(session.id, result["state"], actor=actor, cause=cause)
        if self.registrar is not None:
            await self.registrar.tidy()
        return result

    async def _keep_session(self, session: Session, actor: str, cause: str) -> None:
        now_us = self._base.clock.now_us()
        await self._base.store.write(
            lambda conn: rows.put(conn, sessions.SESSIONS, session.row(), actor=actor, cause=cause, now_us=now_us)
        )
        self.sessions.put(session)

    async def _forget_session(self, session_id: str, actor: str, cause: str) -> None:
        now_us = self._base.clock.now_us()
        await self._base.store.write(
            lambda conn: rows.delete(conn, sessions.SESSIONS, session_id, actor=actor, cause=cause, now_us=now_us)
        )
        self.sessions.discard(session_id)

    def _session(self, key: str) -> Session:
        if key == "latest" and len(self.sessions):
            return list(self.sessions)[-1]
        run = self.find(key)
        session = self.sessions.get(run.id)
        if session is None:
            raise Conflict(
                "{title} does not train over nodes", title=run.title, field="run",
                hint="Only sessions over nodes pause and go on. End it with: outpost job cancel",
            )  # fmt: skip
        return session

    async def needed(self, held: Callable[[str, str], Collection[int]]) -> set[str]:
        """Return content that sessions may go on with or make versions of, and models of simulations; see `versions.needed`."""
        return await needed(self._base.store, self.sessions, [run.result or {} for run in self.records], held)

    # Looking back.

    def find(self, key: str) -> Run:
        """Return the run with the id `key`, or the newest for "latest"; raise `Missing`."""
        if key in self.records:
            return self.records.need(key)
        newest = list(self.records)[-1:]
        if key != "latest" or not newest:
            raise Missing("There is no training run {key}", key=key, field="run", hint="See: outpost learning list")
        return newest[0]

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs for a table, newest first."""
        return [self._line(run) for run in reversed(list(self.records))]

    def _line(self, run: Run) -> dict[str, Any]:
        told, session = compare.line(run), self.sessions.get(run.id)
        if session is None:
            return told
        state = session.status if session.status == sessions.PAUSED else run.state
        return {**told, "state": state, "rounds": session.round, "final_accuracy": session.accuracy}

    async def show(self, key: str) -> dict[str, Any]:
        """Return one run with its rounds; live ones with every node's part, the model of each round included."""
        run = self.find(key)
        if run.source != _LIVE:
            return {**compare.line(run), "spec": run.spec, "rounds": (run.result or {}).get("rounds", [])}
        stored = await self._base.store.read(lambda conn: rows.select(conn, _ROUNDS, where={"run_id": run.id}, order="round"))
        told = [compare.told(row) for row in stored]
        last = told[-1]["accuracy"] if told else None
        session = self.sessions.get(run.id)
        more = {"status": session.status, "reason": session.reason} if session else {}
        return {**compare.line(run), **more, "final_accuracy": last, "spec": run.spec, "rounds": told}

    async def compare(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return what sets runs apart and how they went, side by side; see `compare.compare`. Raises `BadInput` without any."""
        if not keys:
            raise BadInput("Name the runs to compare, parted by commas", field="runs", hint="See: outpost learning list")
        return compare.compare([await self.show(key) for key in keys])

    async def export(
        self, key: str, *, name: str = "digits", number: int = 0, actor: str, cause: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """Write the model of a run after round `number`, or its newest for 0, as ONNX in a worker.

        Returns {onnx: bytes, metrics, lineage, self_test, name}; raises `Conflict` when no round was finished, `Missing` when
        that round kept no model.
        """
        run = self.find(key)
        last = await round_of(self._base.store, run, number, live=run.source == _LIVE)
        session = self.sessions.get(run.id)
        drilled = 0 if session is None else int(session.checkpoint.get("drilled", 0))
        kind = "federated" if run.source == _LIVE else "simulated"
        return await as_onnx(self._base, run, last, name, kind=kind, drilled=drilled, actor=actor, cause=cause)


def _listed(choices: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: list(some) for name, some in choices.items()}
