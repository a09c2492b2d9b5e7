"""Settings tried over live nodes by successive halving (`tune`): each is a session of its own, a stage some rounds of each.

They are sessions as any other (`live`): the same rules, waits and refusals, the same bits. But they stand in a store and a
folder of their own, which are gone afterwards: what stays of a tuning is what it found. One that broke off, for want of nodes
or with the engine, leaves them, and goes on from there: climbing the ladder again, it takes the rounds that it finds. Of the
test data here, half judges; the other half is looked at once, for the best. A setting with which the nodes, or the model they
make, cease to be finite is worst.
"""

import asyncio
import dataclasses
import math
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.engine.base.contracts import Report, silent
from app.engine.base.errors import BadInput, Conflict
from app.engine.base.events import Bus
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.learning import nets, sessions, tune
from app.engine.learning.clients import memory_widths
from app.engine.learning.course import Course, Reins, halves, model_of, strategy_of
from app.engine.learning.datasets import load
from app.engine.learning.federation import Member
from app.engine.learning.live import Live
from app.engine.learning.nets import count_of, head_of
from app.engine.learning.records import SESSIONS_KEPT, LocalSpec
from app.engine.learning.sessions import Session
from app.engine.learning.versions import Versions
from app.engine.store import artifacts, rows
from app.engine.store.store import Store
from app.engine.store.threads import in_thread

STORE_FILE: Final = "outpost.db"
_FOLDER: Final = "tunings"
_LEFT_MOST: Final = 3
_MOST: Final = SESSIONS_KEPT // 2  # the other half is for sessions that were paused


@dataclass
class Tried(tune.Trial):
    """One setting, and the session in which it is tried; `over` once a round of it made a model that is not finite.

    `known` are accuracy, loss and bytes of rounds that were held before the tuning broke off.
    """

    session: Session = field(default_factory=lambda: Session("", "", "", (), {}))
    bytes: int = 0
    over: bool = False
    known: list[tuple[float, float, int]] = field(default_factory=list)

    async def climb(self, base: Base, members: tuple[Member, ...], far: int, report: Report) -> None:
        """Hold rounds over the nodes until there are `far` of them."""
        if self.over or len(self.told) >= far:
            return
        if len(self.known) >= far:
            self.told = [(accuracy, loss) for accuracy, loss, _ in self.known[:far]]
            self.bytes = sum(moved for _, _, moved in self.known[:far])
            return
        spec = {**self.session.spec, "rounds": far}
        session = self.session = dataclasses.replace(self.session, spec=spec, status=sessions.RUNNING)
        versions = Versions(None, session.id, "", each=False, actor="", cause="")
        course = Course(session, strategy_of(spec, len(members), session.id), members, "", "", versions)
        try:
            result = await Live(base, course, Reins(), self._keep).hold(report)
        except Conflict:
            self.over = True
            self.told += [(0.0, math.inf)] * (self.session.round + 1 - len(self.told))
            return
        self.told = [(row["accuracy"], row["loss"]) for row in result["rounds"]]
        self.bytes = sum(row["bytes"] for row in result["rounds"])

    def _keep(self, session: Session) -> None:
        self.session = session


class Tuning:
    """The tuning `run` over nodes: `told` is the spec of a session, with `choices` to combine, of which one in `keep` goes on.

    When it ends with the engine, which `closing` tells, or for want of nodes, what it held stays, for another one of that run.
    Raises `BadInput` before any node is asked when settings do not fit each other, or the nodes could not remember all of them.
    """

    def __init__(
        self, base: Base, run: str, members: tuple[Member, ...], told: Mapping[str, Any], closing: Callable[[], bool]
    ) -> None:
        spec = {name: value for name, value in told.items() if name not in ("choices", "keep", "nodes")}
        self._base, self._members, self._rounds = base, members, int(spec["rounds"])
        self._home, self._closing = folder_of(base.home, run), closing
        tune.check_judged(str(spec.get("algorithm", "")))
        nodes = tuple((member.id, member.name) for member in members)
        settings, self._trials = tune.settings_of(told["choices"]), list[Tried]()
        for at, setting in enumerate(settings):
            asked = {**spec, **setting, "halved": True}
            _check_memory(strategy_of(asked, len(members)).base, len(settings))
            self._trials.append(Tried(setting, session=Session(new_id(), str(at), model_of(asked), nodes, asked)))
        keep = int(told["keep"])
        self._halving = tune.Halving(self._trials, self._rounds, keep)
        self._spec = dict(spec)

    async def hold(self, report: Report) -> dict[str, Any]:
        """Try all and return what `work.tune` does, and `bytes` and `nodes`; raises `Offline` as a session does."""
        home, over = self._home, False
        await in_thread(lambda: home.mkdir(parents=True, exist_ok=True), "tuning")
        store = await Store.open(home / STORE_FILE, self._base.clock)
        try:
            base = dataclasses.replace(self._base, home=home, store=store, bus=Bus(silent))
            await self._recall(store)
            for trial, far in self._halving.steps():
                await trial.climb(base, self._members, far, self._teller(trial, report))
            result, over = await self._result(home), True
        except (Conflict, asyncio.CancelledError):
            over = not self._closing()
            raise
        finally:
            await store.close()
            if over:
                await in_thread(lambda: shutil.rmtree(home, ignore_errors=True), "tuning")
        return result

    async def _recall(self, store: Store) -> None:
        """Know again the sessions of a tuning that broke off, and their rounds; of one that begins, write them down."""
        by: dict[str, Any] = {"actor": "", "cause": "", "now_us": self._base.clock.now_us()}

        def begin(conn: rows.Conn) -> tuple[list[rows.Row], list[rows.Row]]:
            if not rows.count(conn, sessions.SESSIONS):
                for trial in self._trials:
                    rows.put(conn, sessions.SESSIONS, trial.session.row(), **by)
            return rows.select(conn, sessions.SESSIONS), rows.select(conn, sessions.ROUNDS, order="round")

        kept, held = await store.write(begin)
        for session in map(Session.of, kept):
            trial = self._trials[int(session.name)]
            trial.session = session
            mine = (row for row in held if row["run_id"] == session.id)
            trial.known = [(row["accuracy"], row["loss"], row["details"]["bytes"]) for row in mine]

    def _teller(self, trial: Tried, report: Report) -> Report:
        """Return the report of a trial's session: how far the whole tuning is, and of the nodes what the session tells."""
        others = self._halving.held - len(trial.told)

        def tell(done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:  # noqa: ARG001
            shown = {key: (partial or {}).get(key) for key in ("nodes", "waits", "updates")}
            told = {**shown, "tries": dict(trial.setting), "bytes": sum(one.bytes for one in self._trials)}
            best = self._halving.stages[-1]["best"] if self._halving.stages else {}
            report(others + done, self._halving.total, "rounds", partial={**told, "best": best})

        return tell

    async def _result(self, home: Path) -> dict[str, Any]:
        ranked = self._halving.ranked
        best = ranked[0]
        if best.over:
            raise Conflict("None of the settings makes a model that is finite", hint="Try smaller step sizes.")
        dataset = str(self._spec.get("dataset", ""))
        split = await in_thread(lambda: load(dataset), "learning-data")
        data = await in_thread(lambda: artifacts.load(home, best.session.checkpoint["model"]), "checkpoint")
        params, (_, unseen) = sessions.unpack(data).params, halves(split.test_x, split.test_y)
        accuracy = await in_thread(lambda: nets.accuracy(best.session.model, params, *unseen), "judge")
        return {
            "best": dict(best.setting), "trials": [trial.to_json() for trial in ranked], "stages": self._halving.stages,
            "rounds_held": self._halving.held, "rounds_whole": self._rounds * len(self._trials), "final_accuracy": accuracy,
            "bytes": sum(trial.bytes for trial in self._trials), "nodes": [member.name for member in self._members],
        }  # fmt: skip


def _check_memory(local: LocalSpec, settings: int) -> None:
    """Raise `BadInput` when nodes would forget the first sessions before they have their next stage."""
    remembers = sum(memory_widths(local, count_of(local.model), head_of(local.model)))
    if remembers and settings > _MOST:
        raise BadInput(
            "{settings} settings: with {algorithm} nodes remember something of each, and do so for {most}",
            settings=settings, most=_MOST, algorithm=local.algorithm, field="lrs",
        )  # fmt: skip


def folder_of(home: Path, run: str) -> Path:
    """Return where the store and the files of a tuning over nodes are while it is under way, or has broken off."""
    return home / _FOLDER / run


def has_left(home: Path, run: str) -> bool:
    """Tell whether something of a tuning over nodes is there that it can go on with; one small look at the disk."""
    return (folder_of(home, run) / STORE_FILE).exists()


async def left(base: Base, run: str) -> tuple[tuple[str, str], ...]:
    """Return the nodes (id, name) of a tuning that broke off and can go on; none where nothing is left of it."""
    if not await in_thread(lambda: has_left(base.home, run), "tuning"):
        return ()
    store = await Store.open(folder_of(base.home, run) / STORE_FILE, base.clock)
    try:
        kept = await store.read(lambda conn: rows.select(conn, sessions.SESSIONS, limit=1))
    finally:
        await store.close()
    return Session.of(kept[0]).nodes if kept else ()


def prune(home: Path, known: Collection[str]) -> None:
    """Let go of what tunings left that broke off, but of the newest few of the `known` runs; blocking, and none may run."""
    folder = home / _FOLDER
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    stay = [name for name in there if name in known][-_LEFT_MOST:]
    for name in set(there) - set(stay):
        shutil.rmtree(folder / name, ignore_errors=True)
